/* Our CPROM peer and our CPROM server, one against the other, without a tunnel: E is a value.  With
 * a store and a registry of a test's own, in which everything can fail. */
#ifndef TESTS_CPROM_DUO_H
#define TESTS_CPROM_DUO_H

#include "enrol/cprom_frame.h"
#include "enrol/cprom_rules.h"
#include "method/cprom_peer.h"
#include "method/cprom_server.h"
#include "tests/pki.h"
#include "tls/claim.h"

enum duo_step { DUO_NEW_KEY = 1, DUO_PUT, DUO_ACTIVATE, DUO_REMOVE };

/* What the store holds of one credential. */
struct duo_shelf {
	char name[32];
	EVP_PKEY *pending_key, *current_key;
	X509 *pending, *current;
	char pending_secret[128], secret[128], username[64];
	unsigned anchors;
	bool put, removed;
	unsigned abandoned;
	bool refused; /* the last time */
};

struct cprom_duo {
	/* the cast */
	struct pki_cert root, other_root, issuing, factory_ca, factory, old;
	struct enrol_authority authority;

	/* both ends, as a test wants them: set before duo_run */
	struct eap_tunnel_binding peer_tunnel, server_tunnel;
	struct cprom_credential credentials[4];
	struct cprom_peer_settings peer_settings;
	const struct enrol_peer_protocol *peer_protocols[4];
	struct cprom_server_policy policy;
	const struct enrol_server_protocol *server_protocols[4];
	struct cprom_server_context context;
	size_t mtu; /* of the type-data */
	struct moment now;
	msec pause;	   /* between two packets */
	bool tunnel_fails; /* after all that went well */
	bool let_in;	   /* whatever went wrong */

	/* the registry */
	struct token token;
	struct enrol_grant grant;
	const struct pki_cert *registered; /* to a certificate that is shown; NULL: nothing */
	unsigned refuse;		   /* bits of 1 << enrol_question_kind */
	unsigned refuse_error;		   /* 0: as the kind has it */
	EVP_PKEY *issue_for;		   /* another key than was asked for */
	const char *issue_cn;		   /* another name */
	const struct pki_cert *issue_by;   /* another authority */
	struct pki_spec issue;		   /* what else the certificate says */
	const char *username;		   /* under which secrets are kept */
	bool anchors_wrong;		   /* other anchors are told than those that it chains to */

	/* the store */
	struct duo_shelf shelves[4];
	enum duo_step fail_step;
	enum status fail_status;
	const char *make_key; /* NULL: what the parameters say, or P-256 */
	EVP_PKEY *known_key;  /* this one instead */

	/* Changes what is under way: type-data of one packet. */
	void (*tamper)(struct cprom_duo *d, bool request, struct bytes *data);
	unsigned packet; /* of which this is the nth, from 1, both ways counted */
	void *tamper_context;

	/* Around what is not to be short of memory; NULL: nothing ever is. */
	void (*suspend)(void), (*resume)(void);

	/* how it went */
	struct cprom_peer *peer;
	void *server;
	enum eap_server_state end;
	struct eap_verdict verdict;
	unsigned questions[8]; /* by kind */
	unsigned packets;
	enum enrol_authorisation by; /* of the last AUTHORISE */
	struct bytes issued;	     /* DER of the last certificate */
	char kept[128];		     /* the secret */
	char mud_url[64], profile_wanted[64];
	bool confirmed;
	struct diagnosis refusal; /* given with refusals */
	struct bytes log;	  /* all packets, as lines of hex: "> 41..." */
	bool logging;
};

void cduo_init(struct cprom_duo *d);
void cduo_done(struct cprom_duo *d);
/* A conversation to its end; the ends stay for questions until the next, or done. */
void cduo_run(struct cprom_duo *d);
/* It went well at both ends. */
bool cduo_good(const struct cprom_duo *d);
struct duo_shelf *cduo_shelf(struct cprom_duo *d, const char *name);
/* The events up to now as a row of names: "tunnel authorized". */
const char *cduo_events(struct cprom_duo *d, char *text, size_t size);
/* The tunnel's claim of a certificate, as if the peer had proved it. */
void cduo_claim(struct cprom_duo *d, const struct pki_cert *cert, struct tls_claim *claim,
		struct bytes *row);
/* Answers what the server asks; for those who drive it by themselves. */
enum eap_server_state cduo_answer(struct cprom_duo *d, enum eap_server_state state);
/* What the registry has to say to one of them; reply->accept is set before. */
void cduo_answer_question(struct cprom_duo *d, const struct enrol_question *q,
			  struct enrol_reply *reply);
extern const struct enrol_store cduo_store;

#endif
