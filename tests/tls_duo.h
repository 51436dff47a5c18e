/* Our EAP-TLS peer and our EAP-TLS server, one against the other, for the tests of the server. */
#ifndef TESTS_TLS_DUO_H
#define TESTS_TLS_DUO_H

#include "method/tls_server.h"
#include "tests/tls_cast.h"

extern const enum tls_version duo_versions[2];
#define EACH_VERSION(v) (size_t v = 0; v < 2; v++)
extern const struct tls_ticket_key duo_key;

struct duo {
	struct cast c; /* the peer and the certificates */

	/* the server, as a test wants it */
	struct trust_settings trust; /* its anchors are cast.ca unless said otherwise */
	const struct pki_cert *anchor;
	struct tls_server_settings settings;
	struct tls_server_context context;
	const struct eap_tunnel_binding *tunnel; /* NULL: there is none around it */
	bool refuse;
	struct diagnosis refusal; /* DIAG_NONE: none is given */

	/* how the last conversation went */
	enum eap_server_state end;
	unsigned asked, rounds;
	bool resumed;
	size_t largest;				 /* type-data of a Request */
	size_t sent;				 /* octets of the server */
	struct bytes facts, certificate, issuer; /* of the claim */
	struct diagnosis why;
	struct eap_report report;
	bool reported;
	struct eap_keys keys;
};

void duo_init(struct duo *d);
void duo_init_keys(struct duo *d, const char *server_key, const char *client_key);
/* Makes what is made from the settings; what there was before is dropped. */
void duo_load(struct duo *d);
void duo_load_server(struct duo *d);
void duo_done(struct duo *d);

/* A configuration of the server as duo_load makes it. */
struct tls_server_config *duo_config(struct duo *d);

void duo_converse(struct duo *d);
bool duo_accepted(const struct duo *d);
/* A conversation that succeeds, with everything that belongs to it. */
void duo_check_success(struct duo *d, bool resumed);
/* One that fails, with what both ends say of it. */
void duo_check_failure(struct duo *d, enum diagnosis_id server, enum diagnosis_id peer);

#endif
