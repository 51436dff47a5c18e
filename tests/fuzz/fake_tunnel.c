#include "tests/fuzz/fake_tunnel.h"

#include "method/gtc_peer.h"
#include "method/mschapv2_peer.h"
#include "method/tls_keys.h"
#include "tests/legacy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 64

struct tunnel_peer {
	const struct tunnel_peer_inside *inside;
	void *self;
	bool resumed;
	size_t sent;
	struct eap_tunnel_binding binding;
	struct diagnosis why;
};

static const struct moment now = { .mono = 1 };

/* ---- what is inside ---- */

const struct inner_account *fake_account(void)
{
	static struct secret password;
	static struct inner_account account;

	if (!account.mschap) {
		if (secret_set(&password, slice_str("secret")) != OK)
			abort();
		account = (struct inner_account){ slice_str("user"), &password, test_mschap() };
	}
	return &account;
}

struct inner_peer *fake_inner(bool gtc)
{
	struct inner_peer_settings settings = { .identity = fake_account()->identity,
						.offer_count = gtc ? 2 : 1 };
	struct mschapv2_peer *mschapv2;
	struct gtc_peer *token = NULL;
	struct inner_peer *inner;

	if (mschapv2_peer_new(fake_account(), &mschapv2) != OK ||
	    (gtc && gtc_peer_new(fake_account(), &token) != OK))
		abort();
	settings.offers[0] = (struct eap_peer_offer){ &mschapv2_peer_method, mschapv2 };
	settings.offers[1] = (struct eap_peer_offer){ &gtc_peer_method, token };
	if (inner_peer_new(&settings, &inner) != OK)
		abort();
	return inner;
}

/* ---- in place of tunnel_peer.c and tls_keys.c ---- */

enum status tunnel_peer_new(struct tls_config *config, const struct tunnel_peer_options *options,
			    const struct tunnel_peer_inside *inside, void *self,
			    struct tunnel_peer **ret_tunnel)
{
	struct tunnel_peer *t = calloc(1, sizeof *t);

	(void)config;
	(void)options;
	if (!t)
		abort();
	t->inside = inside;
	t->self = self;
	*ret_tunnel = t;
	return OK;
}

void tunnel_peer_free(void *self)
{
	struct tunnel_peer *t = self;

	t->inside->free(t->self);
	free(t);
}

enum status tunnel_peer_send(struct tunnel_peer *t, struct slice data)
{
	t->sent += data.len;
	return OK;
}

enum status tunnel_peer_outer(struct tunnel_peer *t, struct slice outer)
{
	(void)t;
	(void)outer;
	return OK;
}

const struct tls_conn *tunnel_peer_conn(const struct tunnel_peer *t)
{
	(void)t;
	return NULL;
}

bool tunnel_peer_resumed(const struct tunnel_peer *t)
{
	return t->resumed;
}

bool tunnel_peer_trusted(const struct tunnel_peer *t)
{
	return t->binding.server_trusted;
}

const struct eap_tunnel_binding *tunnel_peer_binding(const struct tunnel_peer *t)
{
	return &t->binding;
}

struct diagnosis *tunnel_peer_why(struct tunnel_peer *t)
{
	return &t->why;
}

enum tunnel_progress tunnel_peer_malformed(struct tunnel_peer *t, const char *detail)
{
	diagnosis_say(&t->why, DIAG_MALFORMED, "%s", detail);
	return TUNNEL_GIVES_UP;
}

enum tunnel_progress tunnel_peer_internal(struct tunnel_peer *t, const char *detail)
{
	diagnosis_say(&t->why, DIAG_INTERNAL, "%s", detail);
	return TUNNEL_FAILED;
}

/* The tables of the methods name them; nobody calls them here. */
void tunnel_peer_start(void *self, struct moment when)
{
	(void)self;
	(void)when;
}

bool tunnel_peer_check(void *self, const struct eap_packet *request)
{
	(void)self;
	(void)request;
	return true;
}

struct eap_verdict tunnel_peer_process(void *self, const struct eap_packet *request,
				       struct moment when)
{
	(void)self;
	(void)request;
	(void)when;
	return (struct eap_verdict){ METHOD_DONE, FAIL, false };
}

void tunnel_peer_build(void *self, struct wr *w)
{
	(void)self;
	(void)w;
}

bool tunnel_peer_take_keys(void *self, struct eap_keys *ret_keys)
{
	(void)self;
	(void)ret_keys;
	return false;
}

const struct diagnosis *tunnel_peer_diagnosis(const void *self)
{
	const struct tunnel_peer *t = self;

	return &t->why;
}

bool tunnel_peer_refusal(const void *self, struct diagnosis *ret_why)
{
	(void)self;
	(void)ret_why;
	return false;
}

bool tunnel_peer_report(const void *self, struct eap_report *ret_report)
{
	(void)self;
	(void)ret_report;
	return false;
}

const char *tunnel_peer_stage(const void *self)
{
	(void)self;
	return "";
}

bool tunnel_peer_repeats(const void *self)
{
	(void)self;
	return false;
}

void tunnel_peer_succeeded(void *self)
{
	(void)self;
}

void tunnel_peer_stop(void *self)
{
	(void)self;
}

enum status tls_key_material(const struct tls_conn *conn, uint8_t type,
			     uint8_t material[TLS_KEY_MATERIAL_SIZE])
{
	(void)conn;
	memset(material, type, TLS_KEY_MATERIAL_SIZE);
	return OK;
}

enum status tls_implicit_challenge(const struct tls_conn *conn, uint8_t *challenge, size_t len)
{
	(void)conn;
	memset(challenge, 7, len);
	return OK;
}

/* ---- a conversation ---- */

static bool goes_on(enum tunnel_progress progress)
{
	return progress == TUNNEL_GOES_ON || progress == TUNNEL_SERVER_DECIDES;
}

static void look(struct tunnel_peer *t, enum tunnel_progress progress)
{
	struct eap_keys keys = { 0 };
	struct eap_report report = { 0 };
	struct diagnosis why = { 0 };

	if (progress == TUNNEL_FAILED || progress == TUNNEL_GIVES_UP) {
		assert(t->why.id != DIAG_NONE);
		return;
	}
	assert(strlen(t->inside->stage(t->self)) > 0);
	t->inside->refusal(t->self, &why);
	if (progress == TUNNEL_GOES_ON)
		return;
	if (t->inside->keys)
		assert(t->inside->keys(t->self, t, &keys) == OK);
	t->inside->report(t->self, &report);
	eap_keys_done(&keys);
}

enum tunnel_progress fake_tunnel_run(struct tunnel_peer *t, bool resumed, bool trusted,
				     struct rd *in)
{
	enum tunnel_progress progress = TUNNEL_GOES_ON, best = TUNNEL_GOES_ON;

	t->resumed = resumed;
	t->binding.unique = true;
	t->binding.server_trusted = t->binding.server_named = trusted;
	t->inside->start(t->self, now);
	for (int n = 0; goes_on(progress) && in->left > 0 && n < MESSAGES; n++) {
		size_t len = rd_u16(in);

		diagnosis_set(&t->why, DIAG_NONE);
		progress = t->inside->advance(t->self, t,
					      rd_bytes(in, len < in->left ? len : in->left), now);
		look(t, progress);
		if (progress == TUNNEL_SERVER_DECIDES || progress == TUNNEL_ADMITTED)
			best = progress;
	}
	if (progress == TUNNEL_SERVER_DECIDES || progress == TUNNEL_ADMITTED)
		t->inside->succeeded(t->self);
	t->inside->stop(t->self);
	return best;
}

size_t fake_tunnel_sent(const struct tunnel_peer *t)
{
	return t->sent;
}
