#include "authd/revocation.h"

#include <errno.h>

struct revocation {
	struct ocsp *ocsp;
	struct pool *pool;
	struct list pending;
};

struct pending {
	struct list node;
	struct revocation *revocation;
	struct pool_ask ask;
	enum client_ocsp policy;
	struct ocsp_call *call;
};

int revocation_new(struct ocsp *ocsp, struct pool *pool, struct revocation **ret_revocation)
{
	struct revocation *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	r->ocsp = ocsp;
	r->pool = pool;
	list_init(&r->pending);
	*ret_revocation = r;
	return 0;
}

void revocation_free(struct revocation *r)
{
	if (!r)
		return;
	list_each (node, &r->pending) {
		struct pending *p = list_item(node, struct pending, node);

		if (p->call)
			ocsp_cancel(p->call);
		free(p);
	}
	free(r);
}

static bool lets_in(enum ocsp_state state, enum client_ocsp policy)
{
	switch (state) {
	case OCSP_GOOD:
		return true;
	case OCSP_REVOKED:
		return false;
	case OCSP_UNAVAILABLE:
		return policy != CLIENT_OCSP_REQUIRE;
	}
	return false;
}

static void told(void *context, const struct ocsp_finding *finding)
{
	struct pending *p = context;

	pool_judged(p->revocation->pool, &p->ask, lets_in(finding->state, p->policy),
		    &finding->why);
	list_remove(&p->node);
	free(p);
}

static void refuse(struct revocation *r, const struct pool_ask *ask, const char *detail)
{
	struct diagnosis why;

	diagnosis_say(&why, DIAG_INTERNAL, "%s", detail);
	pool_judged(r->pool, ask, false, &why);
}

static void ask_responder(struct revocation *r, const struct message_asks *asks,
			  const struct pool_ask *ask, enum client_ocsp policy)
{
	struct pending *p = calloc(1, sizeof *p);
	struct ocsp_question question = {
		.certificate = bytes_slice(&asks->certificate),
		.issuer = bytes_slice(&asks->issuer),
		.url = asks->url[0] ? asks->url : NULL,
		.told = told,
		.context = p,
	};
	struct ocsp_call *call = NULL;

	if (!p) {
		refuse(r, ask, "there is no memory left");
		return;
	}
	*p = (struct pending){ .revocation = r, .ask = *ask, .policy = policy };
	list_init(&p->node);
	list_append(&r->pending, &p->node);
	if (ocsp_ask(r->ocsp, &question, &call) < 0) {
		refuse(r, ask, "there is no memory left");
		list_remove(&p->node);
		free(p);
	} else if (call) {
		p->call = call; /* told has not been called, so that p is still there */
	}
}

void revocation_ask(struct revocation *r, const struct message_asks *asks, enum client_ocsp policy)
{
	const struct pool_ask ask = { asks->worker, asks->asker, asks->conversation };
	struct ocsp_finding finding;

	if (!asks->resumed)
		ask_responder(r, asks, &ask, policy);
	else if (ocsp_known(r->ocsp, asks->fingerprint, &finding) && finding.state == OCSP_REVOKED)
		pool_judged(r->pool, &ask, false, &finding.why);
	else
		pool_judged(r->pool, &ask, true, NULL);
}
