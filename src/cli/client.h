/* The service, as a program sees it: blocking calls, and everything it answers as JSON.
 *
 * What comes over the bus is turned into JSON values once, here; commands print these or pick what
 * they need from them. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <dbus/dbus.h>

#include "cli/cli.h"
#include "dbus/bus.h"

#define IFACE_MANAGER	 BUS_NAME ".Manager"
#define IFACE_PORT	 BUS_NAME ".Port"
#define IFACE_PROFILE	 BUS_NAME ".Profile"
#define IFACE_CREDENTIAL BUS_NAME ".Credential"

/* What went wrong with a call. */
struct client_error {
	enum exit_status status;
	char name[128]; /* without its prefix: "NoSuchPort" */
	char message[512];
};

struct client;

/* DONE, or NO_SERVICE when there is no bus. */
enum exit_status client_open(struct client **ret_client, struct client_error *error);
void client_free(struct client *client);
DEFINE_AUTO_STRUCT(client);

/* Whether somebody holds the name of the service. */
bool client_service_runs(struct client *client);

/* All arguments of the reply as an array; NULL with *error.  argument: a string, or NULL for none.
 */
json_t *client_call(struct client *client, const char *path, const char *interface,
		    const char *member, const char *argument, struct client_error *error);
/* Port.Enroll: the token goes through a pipe, where nobody who listens to the bus sees it. options:
 * pairs of key and value, of which those with a value are sent; ends with a NULL key. */
enum exit_status client_enroll(struct client *client, const char *path, struct slice token,
			       const char *const options[][2], struct client_error *error);
/* Sets a property that is a string. */
enum exit_status client_set(struct client *client, const char *path, const char *interface,
			    const char *property, const char *value, struct client_error *error);

/* Properties of one object; NULL with *error. */
json_t *client_properties(struct client *client, const char *path, const char *interface,
			  struct client_error *error);
/* All objects of a kind: an array of their properties, to which ObjectPath is added. */
json_t *client_objects(struct client *client, const char *interface, struct client_error *error);

/* From now on signals of the service, and its coming and going, are kept for client_next. */
void client_listen(struct client *client);
/* The next one: {Member, Path, Args}.  NULL when none comes within the time; *ret_lost when the bus
 * is gone. */
json_t *client_next(struct client *client, int timeout_ms, bool *ret_lost);

/* "cannot connect eth0", from an error of the service. */
enum exit_status client_fail(const struct cli *cli, const char *what,
			     const struct client_error *error);

/* The values of a message or of a container, as JSON. */
json_t *client_json(DBusMessageIter *it);

#endif
