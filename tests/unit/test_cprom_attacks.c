/* CPROM with an end, or somebody in between, that is up to no good; and each of the errors. */
#include "enrol/proof.h"
#include "tests/cprom_duo.h"
#include "tests/test.h"
#include "tests/unit/cprom_check.h"

static struct cprom_duo duo;

static void meddle(struct cprom_duo *d, bool request, struct bytes *data)
{
	const struct change *change = d->tamper_context;

	(void)request;
	if (d->packet == change->packet)
		rewrite(data, change);
}

static void run_changed(struct cprom_duo *d, struct change change)
{
	d->tamper = meddle;
	d->tamper_context = &change;
	cduo_run(d);
	d->tamper = NULL;
}

/* The nth packet of a conversation with validation: 1 Init, 2 Init, 3 offer, 4 request, 5
 * certificate, 6 done, 7 challenge, 8 response. */
enum { INIT = 1, MY_INIT, OFFER, REQUEST, CERTIFICATE, DONE, CHALLENGE, RESPONSE, VERDICT, END };

/* ---- proofs -------------------------------------------------------------------------- */

TEST(a_proof_that_is_relayed_into_another_tunnel_is_worth_nothing)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->server_tunnel.exported[0] ^= 1;
	cduo_run(d);
	check_error(d, ENROL_ERROR_PROOF, false);
	CHECK_INT(d->questions[ENROL_ASKS_ISSUE], 0);
	cduo_done(d);
}

static uint8_t seen[PROOF_HASH_SIZE];

static void remember(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct slice proof =
		cprom_tlv_find(slice_of(data->p + 1, data->len - 1), CPROM_CHALLENGE_RESPONSE);

	(void)request;
	if (d->packet == MY_INIT)
		memcpy(seen, proof.p, sizeof seen);
}

TEST(a_proof_that_is_replayed_is_worth_nothing)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->tamper = remember;
	cduo_run(d);
	CHECK(cduo_good(d));
	cduo_done(d);
	cduo_init(d);
	run_changed(d, (struct change){ .packet = MY_INIT,
					.type = CPROM_CHALLENGE_RESPONSE,
					.value = slice_of(seen, sizeof seen) });
	check_error(d, ENROL_ERROR_PROOF, false);
	cduo_done(d);
}

TEST(a_token_without_proof_or_with_another_secret_is_refused)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ .packet = MY_INIT, .type = CPROM_CHALLENGE_RESPONSE });
	check_error(d, ENROL_ERROR_PROOF, false);
	d->token.secret[0] ^= 1;
	cduo_run(d);
	check_error(d, ENROL_ERROR_PROOF, false);
	cduo_done(d);
}

TEST(a_token_that_is_not_known_and_one_that_is_refused_look_alike)
{
	struct cprom_duo *d = &duo;
	char unknown[200], spent[200];

	cduo_init(d);
	d->token.id[0] ^= 1;
	cduo_run(d);
	check_error(d, ENROL_ERROR_TOKEN_REFUSED, false);
	diagnosis_sentence(cprom_peer_method.diagnosis(d->peer), unknown, sizeof unknown);
	d->token.id[0] ^= 1;
	d->refuse = 1u << ENROL_ASKS_AUTHORISE;
	diagnosis_say(&d->refusal, DIAG_REGISTRY, "spent yesterday");
	cduo_run(d);
	diagnosis_sentence(cprom_peer_method.diagnosis(d->peer), spent, sizeof spent);
	CHECK_STR(spent, unknown);
	CHECK_INT(cprom_server_method.diagnosis(d->server)->id, DIAG_REGISTRY);
	cduo_done(d);
}

/* What a TLS 1.3 server would have a client sign: RFC 8446, section 4.4.3. */
static struct slice certificate_verify(uint8_t out[200])
{
	struct wr w = wr_of(out, 200);

	wr_u8(&w, PROOF_BARE_SIGNATURE);
	for (int i = 0; i < 64; i++)
		wr_u8(&w, 0x20);
	wr_bytes(&w, slice_of("TLS 1.3, client CertificateVerify", 34));
	for (int i = 0; i < 32; i++)
		wr_u8(&w, (uint8_t)i);
	return wr_done(&w);
}

TEST(a_challenge_made_as_a_certificate_verify_is_not_signed)
{
	struct cprom_duo *d = &duo;
	uint8_t out[200];

	cduo_init(d);
	run_changed(d, (struct change){ .packet = CHALLENGE,
					.type = CPROM_CHALLENGE_DATA,
					.value = certificate_verify(out) });
	check_error(d, ENROL_ERROR_PARAMETERS, true);
	d->peer_settings.bare_challenges = true; /* nor where such challenges are taken */
	run_changed(d, (struct change){ .packet = CHALLENGE,
					.type = CPROM_CHALLENGE_DATA,
					.value = certificate_verify(out) });
	check_error(d, ENROL_ERROR_VALIDATION, true);
	out[0] = PROOF_SIGNATURE;
	run_changed(d, (struct change){ .packet = CHALLENGE,
					.type = CPROM_CHALLENGE_DATA,
					.value = slice_of(out, 131) });
	check_error(d, ENROL_ERROR_VALIDATION, true);
	cduo_done(d);
}

TEST(a_validation_that_fails_leaves_nothing)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ .packet = RESPONSE,
					.type = CPROM_CHALLENGE_RESPONSE,
					.value = slice_of(seen, sizeof seen) });
	check_error(d, ENROL_ERROR_VALIDATION, false);
	CHECK(!d->confirmed);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 1);
	CHECK(cduo_shelf(d, "net")->refused);
	cduo_done(d);
}

/* Who has shown its certificate may be let in after an error, with that certificate and no other.
 */
TEST(success_after_an_error_installs_nothing)
{
	struct cprom_duo *d = &duo;

	for (unsigned i = 0; i < 6; i++) {
		AUTO_VALUE(bytes) row = { 0 };
		bool shown = i & 1, registers = i >= 4;
		struct tls_claim claim;

		cduo_init(d);
		d->let_in = true;
		d->peer_tunnel.shown = shown;
		if (!registers) {
			d->credentials[0].cert = d->old.cert;
			d->credentials[0].key = d->old.key;
			d->credentials[0].action = ENROL_RENEW;
		}
		d->peer_settings.token.kind = CPROM_NO_TOKEN;
		cduo_claim(d, &d->old, &claim, &row);
		if (i & 2) {
			d->fail_step = DUO_PUT;
			d->fail_status = UNEXPECTED;
		}
		run_changed(d, (struct change){ .packet = RESPONSE,
						.type = CPROM_CHALLENGE_RESPONSE,
						.value = slice_of(seen, sizeof seen) });
		CHECK_INT(d->end, METHOD_FAILED);
		CHECK_INT(d->verdict.decision, shown && !registers ? COND_SUCC : FAIL);
		CHECK_INT(cprom_peer_error(d->peer),
			  i & 2 ? ENROL_ERROR_STORAGE : ENROL_ERROR_VALIDATION);
		CHECK(!cduo_shelf(d, "net")->current && !cduo_shelf(d, "net")->pending);
		CHECK(!d->confirmed);
		cduo_done(d);
	}
}

/* ---- certificates -------------------------------------------------------------------- */

TEST(a_certificate_for_another_key_does_not_leave_the_server)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->issue_for = d->old.key;
	cduo_run(d);
	check_error(d, ENROL_ERROR_INTERNAL, false);
	cduo_done(d);
}

/* Certificate-Data of whatever certificate, in place of what the server sent. */
static void swap(struct cprom_duo *d, bool request, struct bytes *data)
{
	static uint8_t spp[20000];
	struct bytes der;
	struct cprom_certificate leaf = { .encoding = CPROM_DER };
	struct wr w = wr_of(spp, sizeof spp);
	struct change change = { .packet = CERTIFICATE, .type = CPROM_PROVISIONING_DATA };

	(void)request;
	if (d->packet != CERTIFICATE)
		return;
	for (int i = 0; i < 3; i++) {
		static const uint8_t flags[] = { CPROM_CERT_LEAF, CPROM_CERT_CHAIN,
						 CPROM_CERT_ANCHOR };
		const struct pki_cert *certs[] = { &d->old, &d->issuing, &d->root };

		der = pki_der(certs[i]->cert);
		leaf.flags = flags[i];
		leaf.data = bytes_slice(&der);
		cprom_certificate_build(&w, &leaf);
		bytes_done(&der);
	}
	change.value = wr_done(&w);
	rewrite(data, &change);
}

TEST(a_certificate_for_another_key_is_not_installed)
{
	struct cprom_duo *d = &duo;
	char events[256];

	cduo_init(d);
	d->tamper = swap;
	cduo_run(d);
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
	CHECK(strstr(cduo_events(d, events, sizeof events), "checked") == NULL);
	cduo_done(d);
}

TEST(a_certificate_for_another_name_is_not_installed)
{
	static const char *const allowed[] = { "*.example.org" };
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->issue_cn = "boss";
	cduo_run(d);
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
	d->issue_cn = NULL;
	d->issue.sans = "DNS:boss.example.org";
	cduo_run(d);
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
	d->credentials[0].allowed = allowed;
	d->credentials[0].allowed_count = 1;
	cduo_run(d);
	CHECK(cduo_good(d));
	cduo_done(d);
}

static void check_unacceptable(struct cprom_duo *d)
{
	cduo_run(d);
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
}

TEST(a_certificate_that_would_not_open_a_port_is_not_installed)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->issue.eku = "serverAuth";
	check_unacceptable(d);
	d->issue.eku = NULL;
	d->issue.key_usage = "critical,keyEncipherment";
	check_unacceptable(d);
	d->issue.key_usage = NULL;
	d->issue.from = PKI_NOW - 2 * PKI_DAY;
	d->issue.until = PKI_NOW - PKI_DAY;
	check_unacceptable(d);
	d->issue.from = PKI_NOW + PKI_DAY;
	d->issue.until = PKI_NOW + 2 * PKI_DAY;
	check_unacceptable(d);
	d->issue.from = d->issue.until = 0;
	d->issue_by = &d->other_root;
	check_unacceptable(d);
	cduo_done(d);
}

TEST(a_tunnel_that_another_can_look_like_is_refused_by_either)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_tunnel.unique = false;
	cduo_run(d);
	check_error(d, ENROL_ERROR_ACTION_REFUSED, true);
	d->peer_tunnel.unique = true;
	d->server_tunnel.unique = false;
	cduo_run(d);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_ACTION_REFUSED);
	CHECK_INT(d->questions[ENROL_ASKS_AUTHORISE], 0);
	cduo_done(d);
}

TEST(anchors_that_the_tunnel_did_not_authorise_are_none)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_tunnel.server_trusted = false; /* whoever the server is */
	cduo_run(d);
	check_error(d, ENROL_ERROR_ACTION_REFUSED, true);
	d->peer_tunnel.server_trusted = true;
	d->issue_by = &d->other_root; /* a chain is not an anchor */
	x509_stack_free(d->authority.chain);
	d->authority.chain = pki_chain(d->other_root.cert, NULL);
	check_unacceptable(d);
	x509_stack_free(d->authority.anchors); /* nor is a leaf */
	d->authority.anchors = pki_chain(d->old.cert, NULL);
	cduo_run(d);
	check_error(d, ENROL_ERROR_MALFORMED, true);
	cduo_done(d);
}

TEST(what_the_server_says_that_it_gave_is_what_came)
{
	struct cprom_info info = { .type = ENROL_X509, .id = slice_of(seen, sizeof seen) };
	struct cprom_duo *d = &duo;
	uint8_t out[200];
	struct wr w = wr_of(out, sizeof out);

	cprom_info_build(&w, &info);
	cduo_init(d);
	run_changed(d, (struct change){ .packet = CERTIFICATE,
					.type = CPROM_CREDENTIALS_INFORMATION,
					.value = slice_of(out + 4, w.len - 4) });
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
	run_changed(d, (struct change){ .packet = CHALLENGE,
					.type = CPROM_CREDENTIALS_INFORMATION,
					.value = slice_of(out + 4, w.len - 4) });
	check_error(d, ENROL_ERROR_UNKNOWN_CREDENTIAL, true);
	cduo_done(d);
}

/* ---- phases, versions, protocols ----------------------------------------------------- */

struct flags_row {
	unsigned packet;
	uint8_t set, clear;
	bool peer_found;
};

TEST(phases_come_in_their_order_and_are_marked)
{
	static const struct flags_row rows[] = {
		{ INIT, 0, CPROM_START, true },	       /* no beginning */
		{ INIT, 0x02, 0x01, true },	       /* not with phase two */
		{ INIT, CPROM_LAST, 0, true },	       /* with D */
		{ OFFER, 0, CPROM_START, true },       /* a phase without S */
		{ OFFER, 0x01, 0x02, true },	       /* back to phase three of one */
		{ OFFER, 0x01, 0x02 | 0x40, true },    /* a second Init */
		{ CERTIFICATE, CPROM_START, 0, true }, /* S in the middle */
		{ CERTIFICATE, 0x41, 0x02, true },     /* back */
		{ CERTIFICATE, 0x43, 0x02, true },     /* forward in the middle of a round */
		{ CHALLENGE, 0x02, 0x01, true },       /* back after phase two */
		{ VERDICT, CPROM_START, 0, true },
		{ VERDICT, 0x02, 0x01, true },
		{ MY_INIT, 0x02, 0x01, false },
		{ MY_INIT, CPROM_LAST, 0, false },
		{ REQUEST, 0x01, 0, false },
		{ REQUEST, CPROM_LAST, 0, false },
		{ DONE, 0, CPROM_LAST, false },
		{ DONE, 0x01, 0x02, false },
		{ RESPONSE, 0, 0x01, false },
	};
	struct cprom_duo *d = &duo;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cduo_init(d);
		run_changed(d, (struct change){ .packet = rows[i].packet,
						.set = rows[i].set,
						.clear = rows[i].clear });
		if (cprom_server_error(d->server) != ENROL_ERROR_UNEXPECTED)
			test_note("row %zu", i);
		check_error(d, ENROL_ERROR_UNEXPECTED, rows[i].peer_found);
		cduo_done(d);
	}
}

TEST(what_was_not_proved_is_not_found_good)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ .packet = CHALLENGE,
					.type = CPROM_CHALLENGE_DATA,
					.set = CPROM_LAST });
	check_error(d, ENROL_ERROR_UNKNOWN_CREDENTIAL, true);
	run_changed(d, (struct change){ .packet = VERDICT, .clear = CPROM_LAST });
	check_error(d, ENROL_ERROR_MALFORMED, true);
	cduo_done(d);
}

TEST(an_end_that_is_none_is_noticed)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ .packet = END, .clear = CPROM_LAST });
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_UNEXPECTED);
	CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_UNEXPECTED);
	cduo_done(d);
}

static enum eap_decision decisions[END + 1];

static void note_decision(struct cprom_duo *d, bool request, struct bytes *data)
{
	(void)data;
	if (!request && d->packet <= END)
		decisions[d->packet] = d->verdict.decision;
}

/* EAP-Success is not protected in every tunnel. */
TEST(success_in_the_middle_of_something_is_none)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->tamper = note_decision;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_INT(decisions[MY_INIT], FAIL);
	CHECK_INT(decisions[REQUEST], FAIL);
	CHECK_INT(decisions[DONE], COND_SUCC);
	CHECK_INT(decisions[RESPONSE], FAIL);
	CHECK_INT(decisions[END], COND_SUCC);
	cduo_done(d);
}

TEST(a_keystore_that_does_not_activate_is_told_to_the_server)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->fail_step = DUO_ACTIVATE;
	d->fail_status = UNEXPECTED;
	cduo_run(d);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_STORAGE);
	CHECK_INT(cprom_peer_method.diagnosis(d->peer)->id, DIAG_KEYSTORE);
	CHECK(!cduo_shelf(d, "net")->current);
	cduo_done(d);
}

TEST(the_server_ignores_an_s_of_the_peer)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ .packet = REQUEST, .set = CPROM_START });
	CHECK(cduo_good(d));
	cduo_done(d);
}

TEST(there_is_no_downgrade_of_the_version)
{
	static const uint8_t two = 2, any = 0;
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ INIT, CPROM_VERSION, slice_of(&two, 1), 0, 0, 0 });
	check_error(d, ENROL_ERROR_VERSION, true);
	run_changed(d, (struct change){ MY_INIT, CPROM_VERSION, slice_of(&two, 1), 0, 0, 0 });
	check_error(d, ENROL_ERROR_VERSION, false);
	run_changed(d, (struct change){ MY_INIT, 0, slice_of(&any, 1), 0, 0, CPROM_VERSION });
	check_error(d, ENROL_ERROR_MALFORMED, false);
	run_changed(d, (struct change){ INIT, 0, slice_of(&two, 1), 0, 0, CPROM_VERSION });
	CHECK(cduo_good(d));
	run_changed(d, (struct change){ .packet = INIT, .type = CPROM_VERSION });
	CHECK(cduo_good(d));
	cduo_done(d);
}

TEST(there_is_no_downgrade_of_the_protocol)
{
	static const uint8_t cmp[] = { 0, ENROL_CMP, 0, 0 }, old[] = { 0, ENROL_SPP, 0, 7 };
	struct cprom_duo *d = &duo;

	cduo_init(d);
	run_changed(d, (struct change){ OFFER, CPROM_PROTOCOL, slice_of(cmp, 4), 0, 0, 0 });
	check_error(d, ENROL_ERROR_NO_PROTOCOL, true);
	run_changed(d, (struct change){ OFFER, CPROM_PROTOCOL, slice_of(old, 4), 0, 0, 0 });
	check_error(d, ENROL_ERROR_NO_PROTOCOL, true);
	run_changed(d, (struct change){ MY_INIT, CPROM_PROTOCOL, slice_of(cmp, 4), 0, 0, 0 });
	check_error(d, ENROL_ERROR_NO_PROTOCOL, false);
	cduo_done(d);
}

TEST(an_action_that_is_not_allowed_is_refused_by_either)
{
	static const uint8_t wild[] = { 0, 9 }, removal[] = { 0, ENROL_REMOVE };
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->policy.actions = 1 << ENROL_RENEW;
	cduo_run(d);
	check_error(d, ENROL_ERROR_ACTION_REFUSED, false);
	d->policy.actions = 7;
	d->credentials[0].actions = 1 << ENROL_RENEW;
	cduo_run(d);
	check_error(d, ENROL_ERROR_ACTION_REFUSED, true);
	d->credentials[0].actions = 7;
	run_changed(d, (struct change){ OFFER, CPROM_ACTION, slice_of(wild, 2), 0, 0, 0 });
	check_error(d, ENROL_ERROR_ACTION_REFUSED, true);
	run_changed(d, (struct change){ OFFER, CPROM_ACTION, slice_of(removal, 2), 0, 0, 0 });
	check_error(d, ENROL_ERROR_UNKNOWN_CREDENTIAL, true);
	cduo_done(d);
}

TEST(a_credential_that_the_machine_has_not_shown_is_not_renewed)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->credentials[0].cert = d->old.cert;
	d->credentials[0].key = d->old.key;
	d->credentials[0].action = ENROL_RENEW;
	cduo_run(d);
	check_error(d, ENROL_ERROR_UNKNOWN_CREDENTIAL, false);
	cduo_done(d);
}

TEST(nothing_shown_is_nothing_authorised)
{
	struct cprom_duo *d = &duo;
	uint8_t kerberos[] = { CPROM_TOKEN_TYPE_KERBEROS, 0, 1 };

	cduo_init(d);
	d->peer_settings.token.kind = CPROM_NO_TOKEN;
	cduo_run(d);
	check_error(d, ENROL_ERROR_TOKEN_MISSING, false);
	d->peer_settings.token.kind = CPROM_TOKEN;
	run_changed(d,
		    (struct change){ MY_INIT, CPROM_TOKEN_DATA, slice_of(kerberos, 3), 0, 0, 0 });
	check_error(d, ENROL_ERROR_PARAMETERS, false);
	kerberos[0] = CPROM_TOKEN_TYPE_JWT;
	d->policy.authorisations = 1 << ENROL_BY_TOKEN;
	run_changed(d,
		    (struct change){ MY_INIT, CPROM_TOKEN_DATA, slice_of(kerberos, 3), 0, 0, 0 });
	check_error(d, ENROL_ERROR_TOKEN_REFUSED, false);
	cduo_done(d);
}

/* ---- keys, CA, storage --------------------------------------------------------------- */

TEST(a_key_that_cannot_be_made_or_is_another_is_an_error)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->fail_step = DUO_NEW_KEY;
	d->fail_status = CRYPTO;
	cduo_run(d);
	check_error(d, ENROL_ERROR_KEY_GENERATION, true);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 1);
	d->fail_step = 0;
	d->make_key = "P-384";
	d->policy.x509.algorithm = CPROM_RSA;
	cduo_run(d);
	check_error(d, ENROL_ERROR_KEY_GENERATION, true);
	d->policy.x509 = (struct enrol_params){ .flags = ENROL_SERVER_GENERATES };
	cduo_run(d);
	check_error(d, ENROL_ERROR_PARAMETERS, true);
	cduo_done(d);
}

TEST(a_refusal_of_the_ca_comes_through_with_its_code)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->refuse = 1u << ENROL_ASKS_ISSUE;
	cduo_run(d);
	check_error(d, ENROL_ERROR_CA_REFUSED, false);
	d->refuse_error = ENROL_ERROR_TOKEN_REFUSED; /* spent by somebody else meanwhile */
	cduo_run(d);
	check_error(d, ENROL_ERROR_TOKEN_REFUSED, false);
	cduo_done(d);
}

TEST(a_keystore_that_refuses_ends_it)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->fail_step = DUO_NEW_KEY;
	d->fail_status = UNEXPECTED;
	cduo_run(d);
	check_error(d, ENROL_ERROR_STORAGE, true);
	d->fail_step = DUO_PUT;
	cduo_run(d);
	check_error(d, ENROL_ERROR_STORAGE, true);
	/* the key waits until there is room for the rest */
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 0);
	CHECK(cduo_shelf(d, "net")->pending_key != NULL);
	CHECK(!d->confirmed);
	cduo_done(d);
}
