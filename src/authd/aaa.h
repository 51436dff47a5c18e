/* Between those who ask whether a machine is let in, and those who answer: the AAA interface of RFC
 * 4137, section 7.1, as values that can be handed from one thread to another.
 *
 * A port of ours asks; a RADIUS client of ours, whose Access-Requests the RADIUS server has
 * decoded, asks.  The EAP server in one of our workers answers, or a foreign RADIUS server to which
 * we are the client.  Neither side knows which the other is.  Each value owns all that it holds, so
 * that it may wait in a queue; a request and its answer are matched by the number the asker gave.
 */
#ifndef AUTHD_AAA_H
#define AUTHD_AAA_H

#include "base/bytes.h"
#include "base/diagnosis.h"
#include "base/moment.h"
#include "eap/method.h"

#define AAA_TEXT_MAX  253  /* of a RADIUS attribute: RFC 2865, section 5 */
#define AAA_EAP_MAX   4096 /* an EAP packet on this interface: RFC 2865, section 3 */
#define AAA_CLASS_MAX 4	   /* Class attributes that are kept and given back */

/* Who wants to come in, and where.  Texts are as RADIUS has them: octets, empty when unknown. */
struct aaa_where {
	char identity[AAA_TEXT_MAX + 1]; /* of EAP, before it is known the User-Name; printable */
	char calling_station[AAA_TEXT_MAX + 1]; /* "02-00-00-00-00-01": RFC 3580, section 3.21 */
	char called_station[AAA_TEXT_MAX + 1];
	char nas_identifier[AAA_TEXT_MAX + 1];
	char nas_address[46];		    /* NAS-IP(v6)-Address, else where it came from */
	char nas_port_id[AAA_TEXT_MAX + 1]; /* or the interface's name */
	char client[65];		  /* the RADIUS client's name in our files; "" for a port */
	uint32_t nas_port, nas_port_type; /* RFC 2865, 5.41; 15 is Ethernet */
	char session_id[AAA_TEXT_MAX + 1]; /* Acct-Session-Id */
	uint32_t framed_mtu;		   /* 0: unknown */
};

/* What a machine that is let in may do. */
struct aaa_grant {
	char rule[65];		  /* the rule of ours that decided; "" when somebody else did */
	uint16_t vlan;		  /* 1 to 4094; 0: none.  RFC 3580, section 3.31 */
	uint32_t session_timeout; /* seconds; 0: none */
	bool reauthenticate;	  /* Termination-Action RADIUS-Request: RFC 2865, 5.29 */
	uint32_t interim;	  /* seconds between interim updates, at least 60; 0: none */
	struct bytes class[AAA_CLASS_MAX];
	char user_name[AAA_TEXT_MAX + 1]; /* the name to use in accounting; "" for the identity's */
};

enum aaa_verdict {
	AAA_CHALLENGE, /* eap is the next Request */
	AAA_ACCEPT,    /* eap is the Success; keys and grant are there */
	AAA_REJECT,    /* eap is the Failure, or empty; why says so */
	AAA_DISCARD,   /* nothing comes of this Response: aaaEapNoReq */
	AAA_TIMEOUT,   /* nobody answered: aaaTimeout; why says so */
};

struct aaa_asker;

struct aaa_request {
	struct aaa_asker *asker; /* who is to be answered; outlives every conversation */
	uint64_t number;	 /* of the conversation; the asker's, never used twice */
	bool first;		 /* begins the conversation */
	bool last; /* the asker has given up: free the conversation; nothing is answered */
	struct aaa_where where; /* as known; of the first request it counts */
	struct bytes eap;	/* a Response; empty: the server is to begin (RFC 3579, 2.1) */
};

struct aaa_answer {
	struct aaa_asker *asker; /* as in the request */
	uint64_t number;
	enum aaa_verdict verdict;
	struct bytes eap;
	msec method_timeout;  /* of a Challenge; 0: none */
	struct eap_keys keys; /* of an Accept */
	struct aaa_grant grant;
	struct eap_report report; /* of an Accept or Reject by us; zeros otherwise */
	struct diagnosis why;	  /* of a Reject or Timeout */
	bool enrolling;		  /* of a Reject by us: it came of a tunnel in which we enrol */
};

/* Who asks.  Called in the main thread, never from within ask; everything in *taken is the asker's
 * from then on, and is left empty. */
struct aaa_asker {
	void (*answered)(struct aaa_asker *asker, struct aaa_answer *taken);
};

/* Who answers: embedded first in whoever does (the workers, the RADIUS client).  Takes all that is
 * in *taken, which is left empty, whatever comes of it.  0; or -errno, and the request is not
 * answered: -EAGAIN when there are too many already, -ENOMEM.  Main thread. */
struct aaa_server {
	int (*ask)(struct aaa_server *server, struct aaa_request *taken);
};

void aaa_request_done(struct aaa_request *request);
void aaa_answer_done(struct aaa_answer *answer); /* wipes */
void aaa_grant_done(struct aaa_grant *grant);
/* 0 or -ENOMEM; ret is then empty. */
int aaa_grant_copy(const struct aaa_grant *from, struct aaa_grant *ret);

#endif
