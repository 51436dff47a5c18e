#include <openssl/evp.h>

#include "method/teap_keys.h"
#include "tests/talk/script.h"
#include "tests/test.h"

/* ---- TLVs ---- */

static const struct {
	const char *name;
	enum teap_place place;
} places[] = {
	{ "outer-request", TEAP_OUTER_REQUEST },
	{ "outer-response", TEAP_OUTER_RESPONSE },
	{ "request", TEAP_IN_REQUEST },
	{ "response", TEAP_IN_RESPONSE },
};

struct told {
	char text[256];
	size_t len;
	bool any;
};

__attribute__((format(printf, 2, 3))) static void tell(struct told *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->len += (size_t)vsnprintf(t->text + t->len, sizeof t->text - t->len, format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void found(struct told *t, const char *format, ...)
{
	va_list args;

	tell(t, "%s ", t->any ? "," : ":");
	t->any = true;
	va_start(args, format);
	t->len += (size_t)vsnprintf(t->text + t->len, sizeof t->text - t->len, format, args);
	va_end(args);
}

static void tell_rest(struct told *t, const struct teap_message *m)
{
	if (teap_has(m, TEAP_CHANNEL_BINDING))
		found(t, "channel");
	if (teap_has(m, TEAP_PKCS7))
		found(t, "pkcs7 %zu", m->pkcs7.len);
	if (teap_has(m, TEAP_PKCS10))
		found(t, "pkcs10 %zu", m->pkcs10.len);
	if (teap_has(m, TEAP_TRUSTED_ROOT))
		found(t, "root %zu", m->root.len);
	if (teap_has(m, TEAP_CSR_ATTRIBUTES))
		found(t, "csrattrs %zu", m->csr_attributes.len);
	if (teap_has(m, TEAP_IDENTITY_HINT))
		found(t, "hint");
}

static void tell_message(struct told *t, const struct teap_message *m)
{
	const struct teap_crypto_binding *b = &m->binding;

	if (m->discarded > 0)
		tell(t, ", %u discarded", m->discarded);
	if (teap_has(m, TEAP_AUTHORITY_ID))
		found(t, "authority \"%s\"", m->authority_id.p[0] == 0xaa ? "\\xaa" : "home");
	if (teap_has(m, TEAP_IDENTITY_TYPE))
		found(t, "identity %u", m->identity_type);
	if (m->result)
		found(t, "result %d", m->result);
	if (m->intermediate)
		found(t, "intermediate %d", m->intermediate);
	if (teap_has(m, TEAP_CRYPTO_BINDING))
		found(t, "binding %u/%u %u/%u", b->version, b->received_version, b->flags,
		      b->sub_type);
	if (teap_has(m, TEAP_EAP_PAYLOAD))
		found(t, "eap %zu", m->eap.len);
	if (teap_has(m, TEAP_PASSWORD_REQUEST))
		found(t, "prompt %zu", m->prompt.len);
	if (teap_has(m, TEAP_PASSWORD_RESPONSE))
		found(t, "password \"%.*s\" %zu", (int)m->name.len, (const char *)m->name.p,
		      m->password.len);
	if (teap_has(m, TEAP_NAK))
		found(t, "nak %u/%u", m->nak.vendor, m->nak.type);
	for (unsigned i = 0; i < m->action_count; i++) {
		found(t, "action %d/%u", m->actions[i].status, m->actions[i].action);
		if (m->actions[i].tlvs.len > 0)
			tell(t, " %zu", m->actions[i].tlvs.len);
	}
	if (m->error)
		found(t, "error %u", m->error);
	tell_rest(t, m);
}

static void check_tlvs(const struct script_line *line, struct slice bytes, const char *meaning)
{
	static const char *const names[] = { [OK] = "ok",
					     [MALFORMED] = "malformed",
					     [UNEXPECTED] = "unexpected",
					     [UNSUPPORTED] = "unsupported" };
	struct told t = { .len = 0 };
	struct teap_message m;
	char word[32];
	const char *rest = meaning;
	size_t p = 0;

	REQUIRE(script_word(&rest, word, sizeof word));
	while (strcmp(places[p].name, word) != 0)
		p++;

	enum status status = teap_message_read(bytes, places[p].place, &m);

	tell(&t, "%s %s", word, names[status]);
	if (status == UNSUPPORTED) {
		tell(&t, " %u/%u", m.unsupported.vendor, m.unsupported.type);
		if (teap_has(&m, TEAP_AUTHORITY_ID))
			found(&t, "authority \"\\xaa\"");
		if (m.result)
			found(&t, "result %d", m.result);
	} else if (status == OK) {
		tell_message(&t, &m);
	}
	if (strcmp(t.text, meaning) != 0)
		test_note("line %u", line->number);
	CHECK_STR(t.text, meaning);
}

TEST(messages_mean_what_the_vectors_say)
{
	CHECK(script_vectors("teap_tlv.txt", check_tlvs));
}

/* Section 4.3, laid beside the table: Request, Response, Success, Failure. */
TEST(the_table_is_that_of_the_standard)
{
	static const struct {
		enum teap_tlv_type type;
		const char *counts;
	} inner[] = {
		{ TEAP_IDENTITY_TYPE, "??00" },
		{ TEAP_RESULT, "??11" },
		{ TEAP_NAK, "**00" },
		{ TEAP_ERROR, "****" },
		{ TEAP_CHANNEL_BINDING, "??00" },
		{ TEAP_VENDOR_SPECIFIC, "****" },
		{ TEAP_REQUEST_ACTION, "****" },
		{ TEAP_EAP_PAYLOAD, "??00" },
		{ TEAP_INTERMEDIATE_RESULT, "????" },
		{ TEAP_CRYPTO_BINDING, "????" },
		{ TEAP_PASSWORD_REQUEST, "?000" },
		{ TEAP_PASSWORD_RESPONSE, "0?00" },
		{ TEAP_PKCS7, "?0?0" },
		{ TEAP_PKCS10, "0?00" },
		{ TEAP_TRUSTED_ROOT, "???0" },
		{ TEAP_CSR_ATTRIBUTES, "?000" },
		{ TEAP_IDENTITY_HINT, "0*00" },
		{ TEAP_PAC, "0000" },
		{ TEAP_AUTHORITY_ID, "0000" },
	};
	static const char letters[] = { [TEAP_NEVER] = '0',
					[TEAP_AT_MOST_ONE] = '?',
					[TEAP_EXACTLY_ONE] = '1',
					[TEAP_ANY_NUMBER] = '*' };

	CHECK_INT(sizeof inner / sizeof inner[0], TEAP_TYPES - 1);
	for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
		for (unsigned c = 0; c < 4; c++)
			CHECK_INT(letters[teap_tlv_count(inner[i].type, TEAP_IN_REQUEST + c)],
				  inner[i].counts[c]);
	}
	for (unsigned type = 1; type < TEAP_TYPES; type++) {
		bool vendor = type == TEAP_VENDOR_SPECIFIC, identity = type == TEAP_IDENTITY_TYPE;
		bool authority = type == TEAP_AUTHORITY_ID;

		CHECK_INT(teap_tlv_count(type, TEAP_OUTER_REQUEST),
			  vendor ? TEAP_ANY_NUMBER
				 : (identity || authority ? TEAP_AT_MOST_ONE : TEAP_NEVER));
		CHECK_INT(teap_tlv_count(type, TEAP_OUTER_RESPONSE),
			  vendor ? TEAP_ANY_NUMBER : (identity ? TEAP_AT_MOST_ONE : TEAP_NEVER));
	}
}

TEST(a_message_has_a_ceiling)
{
	uint8_t many[4 * (TEAP_TLVS_MAX + 1)] = { 0 };
	struct teap_message m;

	CHECK_INT(teap_message_read(slice_of(many, 4 * TEAP_TLVS_MAX), TEAP_IN_REQUEST, &m), OK);
	CHECK_INT(teap_message_read(slice_of(many, sizeof many), TEAP_IN_REQUEST, &m), MALFORMED);
}

TEST(what_is_written_is_read_again)
{
	static const struct teap_unsupported nak = { 311, TEAP_VENDOR_SPECIFIC };
	uint8_t out[256];
	struct wr w = wr_of(out, sizeof out);
	struct teap_message m;

	teap_write_status(&w, TEAP_INTERMEDIATE_RESULT, TEAP_SUCCESS);
	teap_write_identity_type(&w, TEAP_MACHINE);
	teap_write_password(&w, slice_str("bob"), slice_str("secret"));
	teap_write_error(&w, TEAP_ERROR_INNER_METHOD);
	teap_write_nak(&w, &nak);
	teap_write_action(&w, TEAP_FAILURE, TEAP_NEGOTIATE_EAP, slice_of(NULL, 0));
	teap_tlv_write(&w, TEAP_IDENTITY_HINT, slice_str("host/a"));
	REQUIRE(wr_ok(&w));
	REQUIRE(teap_message_read(wr_done(&w), TEAP_IN_RESPONSE, &m) == OK);
	CHECK_INT(m.discarded, 0);
	CHECK_INT(m.intermediate, TEAP_SUCCESS);
	CHECK_INT(m.identity_type, TEAP_MACHINE);
	CHECK(slice_eq(m.name, slice_str("bob")) && slice_eq(m.password, slice_str("secret")));
	CHECK_INT(m.error, TEAP_ERROR_INNER_METHOD);
	CHECK(m.nak.vendor == 311 && m.nak.type == TEAP_VENDOR_SPECIFIC);
	CHECK_INT(m.action_count, 1);
	CHECK(teap_has(&m, TEAP_IDENTITY_HINT));
}

TEST(errors_have_names)
{
	CHECK_STR(teap_error_name(2001), "Tunnel Compromise Error");
	CHECK(teap_error_name(1000) == NULL && teap_error_name(2010) == NULL);
	for (uint32_t code = 2001; code <= 2009; code++)
		CHECK(teap_error_name(code) != NULL);
	for (uint32_t code = 1001; code <= 1032; code++)
		CHECK(teap_error_name(code) != NULL);
}

/* ---- keys ---- */

static struct given {
	struct teap_keys keys;
	struct eap_keys inner;
	uint8_t server[64], peer[64], tlv[TEAP_BINDING_SIZE];
	struct teap_outer outer;
	struct slice binding;
	struct tls_hashes hashes;
	char prf[16], mac[16];
	unsigned checked;
} given;

static void keep(struct slice in, uint8_t *to, struct slice *ret)
{
	if (in.len > 0)
		memcpy(to, in.p, in.len);
	*ret = slice_of(to, in.len);
}

static const struct teap_chain *chain_of(const char *name)
{
	return strcmp(name, "EMSK") == 0 ? &given.keys.emsk : &given.keys.msk;
}

static bool give(struct slice bytes, const char *what)
{
	if (sscanf(what, "seed %15s %15s", given.prf, given.mac) == 2) {
		given.hashes = (struct tls_hashes){ given.prf, given.mac };
		CHECK_INT(teap_keys_seed(&given.keys, &given.hashes, bytes.p), OK);
	} else if (strcmp(what, "msk") == 0) {
		CHECK_INT(secret_set(&given.inner.msk, bytes), OK);
	} else if (strcmp(what, "emsk") == 0) {
		CHECK_INT(secret_set(&given.inner.emsk, bytes), OK);
	} else if (strcmp(what, "method") == 0) {
		CHECK_INT(teap_keys_add(&given.keys, eap_type(bytes.p[0]), &given.inner), OK);
	} else if (strcmp(what, "server's outer") == 0) {
		keep(bytes, given.server, &given.outer.server);
	} else if (strcmp(what, "peer's outer") == 0) {
		keep(bytes, given.peer, &given.outer.peer);
	} else if (strcmp(what, "binding") == 0) {
		keep(bytes, given.tlv, &given.binding);
	} else {
		return false;
	}
	return true;
}

static void check_keys(const struct script_line *line, struct slice bytes, const char *what)
{
	AUTO_VALUE(eap_keys) out = { 0 };
	uint8_t mac[TEAP_MAC_SIZE] = { 0 };
	struct slice got = { 0 };
	char chain[8];

	if (give(bytes, what))
		return;
	if (sscanf(what, "S-IMCK of %7s", chain) == 1) {
		got = slice_of(chain_of(chain)->s_imck, TEAP_SIMCK_SIZE);
	} else if (sscanf(what, "CMK of %7s", chain) == 1) {
		got = slice_of(chain_of(chain)->cmk, TEAP_CMK_SIZE);
	} else if (sscanf(what, "MAC of %7s", chain) == 1) {
		CHECK_INT(teap_compound_mac(&given.keys, chain_of(chain), &given.outer,
					    given.binding, mac),
			  OK);
		got = slice_of(mac, sizeof mac);
	} else if (sscanf(what, "MSK by %7s", chain) == 1 ||
		   sscanf(what, "EMSK by %7s", chain) == 1) {
		given.keys.from_emsk = strcmp(chain, "EMSK") == 0;
		CHECK_INT(teap_keys_derive(&given.keys, &out), OK);
		got = secret_slice(what[0] == 'M' ? &out.msk : &out.emsk);
	}
	CHECK(slice_eq(got, bytes));
	if (!slice_eq(got, bytes))
		test_note("line %u: %s", line->number, what);
	given.checked++;
}

TEST(keys_are_those_of_the_vectors)
{
	CHECK(script_vectors("teap_keys.txt", check_keys));
	CHECK(given.checked > 40);
	eap_keys_done(&given.inner);
	teap_keys_done(&given.keys);
}

/* ---- Crypto-Binding ---- */

static const uint8_t seed[TEAP_SIMCK_SIZE] = { 1, 2, 3 };
static const struct tls_hashes sha256 = { "SHA256", "SHA256" };

/* Both ends after an inner method with these keys. */
struct ends {
	struct teap_keys server, peer;
	enum teap_emsk_policy server_policy, peer_policy;
	struct teap_outer outer;
};

static void make_ends(struct ends *e, bool msk, bool emsk)
{
	AUTO_VALUE(eap_keys) inner = { 0 };
	uint8_t key[EAP_MSK_SIZE] = { 7 };

	e->outer = (struct teap_outer){ slice_str("server"), slice_str("peer") };
	if (msk)
		REQUIRE(secret_set(&inner.msk, slice_of(key, sizeof key)) == OK);
	key[0]++;
	if (emsk)
		REQUIRE(secret_set(&inner.emsk, slice_of(key, sizeof key)) == OK);
	REQUIRE(teap_keys_seed(&e->server, &sha256, seed) == OK);
	REQUIRE(teap_keys_add(&e->server, eap_type(EAP_TYPE_TLS), &inner) == OK);
	e->peer = e->server;
}

struct exchange {
	enum teap_error request, response;
	unsigned request_flags, response_flags;
};

static struct exchange exchange(struct ends *e)
{
	uint8_t out[2 * TEAP_BINDING_SIZE], nonce[TEAP_NONCE_SIZE];
	struct wr w = wr_of(out, TEAP_BINDING_SIZE), w2 = wr_of(out + w.cap, w.cap);
	struct exchange x = { .response = TEAP_ERROR_BINDING };
	struct teap_message m;

	REQUIRE(teap_binding_request(&e->server, e->server_policy, &e->outer, &w, nonce) == OK);
	REQUIRE(teap_message_read(wr_done(&w), TEAP_IN_REQUEST, &m) == OK);
	x.request_flags = m.binding.flags;
	CHECK_INT(nonce[TEAP_NONCE_SIZE - 1] & 1, 0);
	x.request = teap_binding_check_request(&e->peer, e->peer_policy, &e->outer, &m.binding);
	if (x.request != TEAP_NO_ERROR)
		return x;
	REQUIRE(teap_binding_response(&e->peer, e->peer_policy, &e->outer, &m.binding, &w2) == OK);
	REQUIRE(teap_message_read(wr_done(&w2), TEAP_IN_RESPONSE, &m) == OK);
	x.response_flags = m.binding.flags;
	x.response = teap_binding_check_response(&e->server, e->server_policy, &e->outer,
						 &m.binding, nonce);
	return x;
}

static bool same_keys(const struct ends *e)
{
	AUTO_VALUE(eap_keys) one = { 0 };
	AUTO_VALUE(eap_keys) other = { 0 };

	return teap_keys_derive(&e->server, &one) == OK &&
	       teap_keys_derive(&e->peer, &other) == OK &&
	       slice_eq(secret_slice(&one.msk), secret_slice(&other.msk)) &&
	       slice_eq(secret_slice(&one.emsk), secret_slice(&other.emsk)) &&
	       !slice_eq(secret_slice(&one.msk), secret_slice(&one.emsk));
}

/* Section 6.2.4, all policies against each other, with and without an EMSK. */
TEST(policies_meet)
{
	static const struct {
		enum teap_emsk_policy server, peer;
		bool emsk;
		enum teap_error request, response;
		unsigned request_flags, response_flags;
	} rows[] = {
		{ TEAP_EMSK_IGNORED, TEAP_EMSK_IGNORED, true, 0, 0, 2, 2 },
		{ TEAP_EMSK_IGNORED, TEAP_EMSK_ALLOWED, true, 0, 0, 2, 3 },
		{ TEAP_EMSK_IGNORED, TEAP_EMSK_REQUIRED, true, TEAP_ERROR_EMSK_MAC_MISSING, 0, 2,
		  0 },
		{ TEAP_EMSK_ALLOWED, TEAP_EMSK_IGNORED, true, 0, 0, 3, 2 },
		{ TEAP_EMSK_ALLOWED, TEAP_EMSK_ALLOWED, true, 0, 0, 3, 3 },
		{ TEAP_EMSK_ALLOWED, TEAP_EMSK_REQUIRED, true, 0, 0, 3, 3 },
		{ TEAP_EMSK_REQUIRED, TEAP_EMSK_IGNORED, true, 0, TEAP_ERROR_EMSK_MAC_MISSING, 3,
		  2 },
		{ TEAP_EMSK_REQUIRED, TEAP_EMSK_REQUIRED, true, 0, 0, 3, 3 },
		{ TEAP_EMSK_IGNORED, TEAP_EMSK_ALLOWED, false, 0, 0, 2, 2 },
		{ TEAP_EMSK_ALLOWED, TEAP_EMSK_ALLOWED, false, 0, 0, 2, 2 },
		{ TEAP_EMSK_ALLOWED, TEAP_EMSK_REQUIRED, false, TEAP_ERROR_FIRST_NO_EMSK, 0, 2, 0 },
		{ TEAP_EMSK_REQUIRED, TEAP_EMSK_ALLOWED, false, 0, TEAP_ERROR_FIRST_NO_EMSK, 2, 2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ends e = { .server_policy = rows[i].server, .peer_policy = rows[i].peer };
		struct exchange x;

		make_ends(&e, true, rows[i].emsk);
		x = exchange(&e);
		CHECK_INT(x.request, rows[i].request);
		CHECK_INT(x.request_flags, rows[i].request_flags);
		if (x.request != TEAP_NO_ERROR)
			continue;
		CHECK_INT(x.response, rows[i].response);
		CHECK_INT(x.response_flags, rows[i].response_flags);
		CHECK_INT(e.peer.from_emsk, (rows[i].response_flags & 1) != 0);
		if (x.response == TEAP_NO_ERROR)
			CHECK(same_keys(&e));
	}
}

TEST(an_emsk_of_one_end_alone_does_no_harm_where_it_is_ignored)
{
	struct ends e = { 0 };

	make_ends(&e, true, true);
	e.peer.emsk.cmk[0] ^= 1;
	e.peer.emsk.s_imck[0] ^= 1;
	CHECK_INT(exchange(&e).response, TEAP_NO_ERROR);
	CHECK(same_keys(&e));
	e.server_policy = e.peer_policy = TEAP_EMSK_ALLOWED;
	CHECK_INT(exchange(&e).request, TEAP_ERROR_EMSK_MAC);
}

TEST(only_an_emsk_mac_is_not_enough_where_it_is_ignored)
{
	struct ends e = { 0 };
	uint8_t out[TEAP_BINDING_SIZE], nonce[TEAP_NONCE_SIZE];
	struct wr w = wr_of(out, sizeof out);
	struct teap_message m;

	make_ends(&e, true, true);
	REQUIRE(teap_binding_request(&e.server, TEAP_EMSK_ALLOWED, &e.outer, &w, nonce) == OK);
	out[7] = 0x10;
	REQUIRE(teap_message_read(wr_done(&w), TEAP_IN_REQUEST, &m) == OK);
	CHECK_INT(teap_binding_check_request(&e.peer, TEAP_EMSK_IGNORED, &e.outer, &m.binding),
		  TEAP_ERROR_MSK_MAC_MISSING);
	CHECK_INT(teap_binding_check_request(&e.peer, TEAP_EMSK_ALLOWED, &e.outer, &m.binding),
		  TEAP_ERROR_EMSK_MAC);
	make_ends(&e, true, false);
	CHECK_INT(teap_binding_check_request(&e.peer, TEAP_EMSK_ALLOWED, &e.outer, &m.binding),
		  TEAP_ERROR_NO_EMSK);
}

/* All but the MACs that the flags do not announce. */
TEST(no_octet_of_a_binding_can_be_changed)
{
	struct ends e = { .server_policy = TEAP_EMSK_ALLOWED, .peer_policy = TEAP_EMSK_ALLOWED };
	uint8_t out[TEAP_BINDING_SIZE], answer[TEAP_BINDING_SIZE], nonce[TEAP_NONCE_SIZE];
	struct wr w = wr_of(out, sizeof out), w2 = wr_of(answer, sizeof answer);
	struct teap_message m;

	make_ends(&e, true, true);
	REQUIRE(teap_binding_request(&e.server, e.server_policy, &e.outer, &w, nonce) == OK);
	REQUIRE(teap_message_read(wr_done(&w), TEAP_IN_REQUEST, &m) == OK);
	REQUIRE(teap_binding_check_request(&e.peer, e.peer_policy, &e.outer, &m.binding) ==
		TEAP_NO_ERROR);
	REQUIRE(teap_binding_response(&e.peer, e.peer_policy, &e.outer, &m.binding, &w2) == OK);
	for (size_t at = 0; at < TEAP_BINDING_SIZE; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			out[at] ^= (uint8_t)(1 << bit);
			answer[at] ^= (uint8_t)(1 << bit);
			if (teap_message_read(wr_done(&w), TEAP_IN_REQUEST, &m) == OK &&
			    teap_has(&m, TEAP_CRYPTO_BINDING))
				CHECK(teap_binding_check_request(&e.peer, e.peer_policy, &e.outer,
								 &m.binding) != TEAP_NO_ERROR);
			if (teap_message_read(wr_done(&w2), TEAP_IN_RESPONSE, &m) == OK &&
			    teap_has(&m, TEAP_CRYPTO_BINDING))
				CHECK(teap_binding_check_response(&e.server, e.server_policy,
								  &e.outer, &m.binding,
								  nonce) != TEAP_NO_ERROR);
			out[at] ^= (uint8_t)(1 << bit);
			answer[at] ^= (uint8_t)(1 << bit);
		}
	}
}

TEST(a_binding_is_of_its_outer_tlvs_its_direction_and_its_nonce)
{
	struct ends e = { 0 };
	struct teap_outer moved = { slice_str("serverp"), slice_str("eer") };
	struct teap_outer changed = { slice_str("server"), slice_str("peeR") };
	uint8_t out[TEAP_BINDING_SIZE], nonce[TEAP_NONCE_SIZE], other[TEAP_NONCE_SIZE] = { 0 };
	struct wr w = wr_of(out, sizeof out);
	struct teap_message m;

	make_ends(&e, true, false);
	REQUIRE(teap_binding_request(&e.server, TEAP_EMSK_IGNORED, &e.outer, &w, nonce) == OK);
	REQUIRE(teap_message_read(wr_done(&w), TEAP_IN_REQUEST, &m) == OK);
	CHECK_INT(teap_binding_check_request(&e.peer, TEAP_EMSK_IGNORED, &changed, &m.binding),
		  TEAP_ERROR_MSK_MAC);
	/* "there is no boundary marker": the standard's own weakness, harmless as it says */
	CHECK_INT(teap_binding_check_request(&e.peer, TEAP_EMSK_IGNORED, &moved, &m.binding),
		  TEAP_NO_ERROR);
	/* a request thrown back at who sent it */
	CHECK_INT(teap_binding_check_response(&e.server, TEAP_EMSK_IGNORED, &e.outer, &m.binding,
					      nonce),
		  TEAP_ERROR_BINDING);
	w = wr_of(out, sizeof out);
	REQUIRE(teap_binding_response(&e.peer, TEAP_EMSK_IGNORED, &e.outer, &m.binding, &w) == OK);
	REQUIRE(teap_message_read(wr_done(&w), TEAP_IN_RESPONSE, &m) == OK);
	CHECK_INT(teap_binding_check_response(&e.server, TEAP_EMSK_IGNORED, &e.outer, &m.binding,
					      other),
		  TEAP_ERROR_BINDING);
	CHECK_INT(teap_binding_check_response(&e.server, TEAP_EMSK_IGNORED, &e.outer, &m.binding,
					      nonce),
		  TEAP_NO_ERROR);
}
