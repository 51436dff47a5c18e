/* Ports as the service describes them, for the commands that show or control one. */
#ifndef CLI_PORTS_H
#define CLI_PORTS_H

#include "cli/client.h"

/* The port that the command line means: the one that it names, or the only one there is.  NULL
 * after having said why not. */
json_t *port_choose(const struct cli *cli, struct client *client, const char *doing,
		    enum exit_status *ret_status);

const char *port_text(const json_t *port, const char *property); /* "" without */
int64_t port_number(const json_t *port, const char *property);
bool port_flag(const json_t *port, const char *property);

/* The state in a word, in the colour that it deserves. */
void port_print_state(const struct cli *cli, const json_t *port);
/* "office (EAP-TLS)" and so on: all of it. */
void port_print(const struct cli *cli, const json_t *port);

#endif
