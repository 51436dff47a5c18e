#include "tests/cprom_duo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/params.h"

/* ---- the store ----------------------------------------------------------------------- */

struct duo_shelf *cduo_shelf(struct cprom_duo *d, const char *name)
{
	for (size_t i = 0; i < 4; i++) {
		struct duo_shelf *shelf = &d->shelves[i];

		if (!shelf->name[0])
			snprintf(shelf->name, sizeof shelf->name, "%s", name);
		if (strcmp(shelf->name, name) == 0)
			return shelf;
	}
	abort();
}

/* The test's own doings fail for no lack of memory. */
static void calm(struct cprom_duo *d, bool on)
{
	if (d->suspend)
		(on ? d->suspend : d->resume)();
}

static enum status stumble(struct cprom_duo *d, enum duo_step step, struct diagnosis *why)
{
	if (d->fail_step != step)
		return OK;
	diagnosis_say(why, DIAG_KEYSTORE, "the test says so");
	return d->fail_status;
}

static const char *key_type(const struct enrol_params *params)
{
	if (params->algorithm == CPROM_RSA)
		return "RSA-2048";
	return params->algorithm == CPROM_EDDSA ? "Ed25519" : "P-256";
}

static enum status new_key(void *self, const char *credential, const struct enrol_params *params,
			   EVP_PKEY **ret_key, struct diagnosis *why)
{
	struct cprom_duo *d = self;
	struct duo_shelf *shelf = cduo_shelf(d, credential);
	enum status status = stumble(d, DUO_NEW_KEY, why);

	if (status != OK)
		return status;
	calm(d, true);
	EVP_PKEY_free(shelf->pending_key);
	shelf->pending_key = d->known_key;
	if (!d->known_key)
		shelf->pending_key = pki_key(d->make_key ? d->make_key : key_type(params));
	EVP_PKEY_up_ref(shelf->pending_key);
	if (d->known_key)
		EVP_PKEY_up_ref(shelf->pending_key);
	calm(d, false);
	*ret_key = shelf->pending_key;
	return OK;
}

static void copy(char *to, size_t size, struct slice from)
{
	snprintf(to, size, "%.*s", (int)from.len, (const char *)from.p);
}

static enum status put(void *self, const char *credential, const struct enrol_result *result,
		       struct diagnosis *why)
{
	struct cprom_duo *d = self;
	struct duo_shelf *shelf = cduo_shelf(d, credential);
	enum status status = stumble(d, DUO_PUT, why);

	if (status != OK)
		return status;
	X509_free(shelf->pending);
	shelf->pending = result->cert;
	if (shelf->pending)
		X509_up_ref(shelf->pending);
	copy(shelf->pending_secret, sizeof shelf->pending_secret,
	     result->password.len > 0 ? result->password : result->secret);
	copy(shelf->username, sizeof shelf->username, result->username);
	shelf->anchors = (unsigned)(result->anchors ? sk_X509_num(result->anchors) : 0);
	shelf->put = true;
	return OK;
}

static enum status activate(void *self, const char *credential, struct diagnosis *why)
{
	struct cprom_duo *d = self;
	struct duo_shelf *shelf = cduo_shelf(d, credential);
	enum status status = stumble(d, DUO_ACTIVATE, why);

	if (status != OK)
		return status;
	assert(shelf->put);
	X509_free(shelf->current);
	EVP_PKEY_free(shelf->current_key);
	shelf->current = TAKE(shelf->pending);
	shelf->current_key = TAKE(shelf->pending_key);
	memcpy(shelf->secret, shelf->pending_secret, sizeof shelf->secret);
	shelf->put = false;
	return OK;
}

static enum status drop(void *self, const char *credential, struct diagnosis *why)
{
	struct cprom_duo *d = self;
	enum status status = stumble(d, DUO_REMOVE, why);

	if (status == OK)
		cduo_shelf(d, credential)->removed = true;
	return status;
}

static void abandon(void *self, const char *credential, bool refused)
{
	struct duo_shelf *shelf = cduo_shelf(self, credential);

	X509_free(TAKE(shelf->pending));
	EVP_PKEY_free(TAKE(shelf->pending_key));
	shelf->put = false;
	shelf->abandoned++;
	shelf->refused = refused;
}

const struct enrol_store cduo_store = { new_key, put, activate, drop, abandon };

static void shelf_done(struct duo_shelf *shelf)
{
	X509_free(shelf->pending);
	X509_free(shelf->current);
	EVP_PKEY_free(shelf->pending_key);
	EVP_PKEY_free(shelf->current_key);
	*shelf = (struct duo_shelf){ 0 };
}

/* ---- the registry -------------------------------------------------------------------- */

static void answer_issue(struct cprom_duo *d, const struct enrol_question *q,
			 struct enrol_reply *reply)
{
	struct pki_spec spec = d->issue;
	struct pki_cert made;

	spec.cn = d->issue_cn ? d->issue_cn : q->names->common_name;
	if (!spec.cn[0])
		spec.cn = "machine";
	spec.key = d->issue_for ? d->issue_for : q->key;
	if (!spec.eku)
		spec.eku = "clientAuth";
	made = pki_make(&spec, d->issue_by ? d->issue_by : &d->issuing);
	bytes_done(&d->issued);
	d->issued = pki_der(made.cert);
	pki_cert_done(&made);
	reply->certificate = bytes_slice(&d->issued);
}

void cduo_answer_question(struct cprom_duo *d, const struct enrol_question *q,
			  struct enrol_reply *reply)
{
	static const char kept_as[] = "m-0001";

	switch (q->kind) {
	case ENROL_ASKS_AUTHORISE:
		d->by = q->by;
		copy(d->mud_url, sizeof d->mud_url, q->mud_url);
		copy(d->profile_wanted, sizeof d->profile_wanted, q->profile_wanted);
		reply->grant = d->grant;
		if (q->by == ENROL_BY_CERTIFICATE && d->registered) {
			bytes_done(&d->issued);
			d->issued = pki_der(d->registered->cert);
			reply->certificate = bytes_slice(&d->issued);
		}
		if (q->by == ENROL_BY_TOKEN) {
			reply->secret = slice_of(d->token.secret, sizeof d->token.secret);
			reply->accept =
				reply->accept &&
				slice_eq(q->token, slice_of(d->token.id, sizeof d->token.id));
		}
		break;
	case ENROL_ASKS_ISSUE:
		answer_issue(d, q, reply);
		break;
	case ENROL_ASKS_KEEP:
		copy(d->kept, sizeof d->kept, q->secret);
		reply->username = slice_str(d->username ? d->username : kept_as);
		break;
	case ENROL_ASKS_CONFIRM:
		d->confirmed = true;
		break;
	case ENROL_ASKS_REVOKE:
	case ENROL_ASKS_FORWARD:
		break;
	}
}

enum eap_server_state cduo_answer(struct cprom_duo *d, enum eap_server_state state)
{
	while (state == METHOD_ASKS) {
		const struct eap_question *asked = cprom_server_method.question(d->server);
		const struct enrol_question *q = asked->about.enrolment;
		struct enrol_reply reply = { .accept = !(d->refuse & 1u << q->kind),
					     .error = d->refuse_error };
		struct eap_reply outer = { .accept = reply.accept };

		assert(asked->kind == EAP_ASKS_ENROLMENT);
		d->questions[q->kind]++;
		if (d->refusal.id != DIAG_NONE)
			reply.why = &d->refusal;
		calm(d, true);
		cduo_answer_question(d, q, &reply);
		calm(d, false);
		outer.accept = reply.accept;
		outer.with.enrolment = &reply;
		state = cprom_server_method.answer(d->server, &outer, d->now);
	}
	return state;
}

/* ---- the conversation ---------------------------------------------------------------- */

static void log_packet(struct cprom_duo *d, bool request, struct slice data)
{
	char text[4];

	assert(bytes_append(&d->log, slice_str(request ? "> " : "< "), SIZE_MAX / 2) == OK);
	for (size_t i = 0; i < data.len; i++) {
		snprintf(text, sizeof text, "%02x", data.p[i]);
		assert(bytes_append(&d->log, slice_str(text), SIZE_MAX / 2) == OK);
	}
	assert(bytes_append(&d->log, slice_str("\n"), SIZE_MAX / 2) == OK);
}

/* One packet: built by one end, changed on the way, as the other sees it. */
static struct eap_packet carry(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct eap_packet packet = { .code = request ? EAP_REQUEST : EAP_RESPONSE,
				     .type = cprom_peer_method.type };
	struct wr w;

	calm(d, true);
	bytes_clear(data);
	assert(bytes_reserve(data, d->mtu) == OK);
	calm(d, false);
	w = wr_of(data->p, d->mtu);
	if (request)
		cprom_server_method.build(d->server, &w);
	else
		cprom_peer_method.build(d->peer, &w);
	assert(wr_ok(&w));
	data->len = w.len;
	d->packets++;
	d->packet++;
	if (d->logging)
		log_packet(d, request, bytes_slice(data));
	if (d->tamper)
		d->tamper(d, request, data);
	packet.data = bytes_slice(data);
	d->now.mono += d->pause;
	return packet;
}

static void drop_ends(struct cprom_duo *d)
{
	if (d->server)
		cprom_server_method.free(d->server);
	if (d->peer)
		cprom_peer_method.free(d->peer);
	d->server = NULL;
	d->peer = NULL;
}

static bool begin(struct cprom_duo *d)
{
	struct eap_server_about about = { .now = d->now, .tunnel = &d->server_tunnel };

	drop_ends(d);
	d->packets = d->packet = 0;
	d->confirmed = false;
	memset(d->questions, 0, sizeof d->questions);
	d->verdict = (struct eap_verdict){ METHOD_MAY_CONT, FAIL, true };
	d->peer_settings.store = (struct enrol_store_ref){ &cduo_store, d };
	if (cprom_peer_new(&d->peer_settings, &d->peer) != OK ||
	    cprom_server_method.init(&d->context, &about, &d->server) != OK) {
		assert(d->suspend);
		return false;
	}
	cprom_peer_method.enter(d->peer, &d->peer_tunnel);
	cprom_peer_method.start(d->peer, d->now);
	return true;
}

void cduo_run(struct cprom_duo *d)
{
	AUTO_VALUE(bytes) data = { 0 };
	struct eap_packet packet;

	d->end = METHOD_FAILED;
	if (!begin(d))
		return;
	d->end = METHOD_GOES_ON;
	while (d->end == METHOD_GOES_ON && d->packets < 2000) {
		packet = carry(d, true, &data);
		d->verdict = cprom_peer_method.process(d->peer, &packet, d->now);
		if (d->verdict.methodState == METHOD_DONE)
			break;
		packet = carry(d, false, &data);
		d->end = cduo_answer(d, cprom_server_method.process(d->server, &packet, d->now));
	}
	if ((d->end == METHOD_SUCCEEDED || d->let_in) && d->verdict.decision != FAIL &&
	    !d->tunnel_fails)
		cprom_peer_method.succeeded(d->peer);
	cprom_peer_method.stop(d->peer);
}

bool cduo_good(const struct cprom_duo *d)
{
	return d->end == METHOD_SUCCEEDED && d->verdict.decision != FAIL &&
	       cprom_peer_method.diagnosis(d->peer)->id == DIAG_NONE &&
	       cprom_server_method.diagnosis(d->server)->id == DIAG_NONE;
}

const char *cduo_events(struct cprom_duo *d, char *text, size_t size)
{
	struct cprom_event event;
	size_t len = 0;

	text[0] = 0;
	while (cprom_peer_event(d->peer, &event) && len < size)
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? " " : "",
					cprom_step_name(event.step));
	return text;
}

void cduo_claim(struct cprom_duo *d, const struct pki_cert *cert, struct tls_claim *claim,
		struct bytes *row)
{
	assert(tls_claim_build(cert->cert, NULL, PKI_NOW, row) == OK);
	assert(tls_claim_parse(bytes_slice(row), claim) == OK);
	d->server_tunnel.claim = claim;
}

/* ---- the cast ------------------------------------------------------------------------ */

void cduo_init(struct cprom_duo *d)
{
	*d = (struct cprom_duo){ .mtu = 65000, .now = { 1000, PKI_NOW } };
	d->root = pki_ca("Root");
	d->other_root = pki_ca("Other Root");
	d->issuing = pki_intermediate("Issuing", &d->root);
	d->factory_ca = pki_ca("Factory");
	d->factory = pki_client("device", &d->factory_ca);
	d->old = pki_client("machine", &d->issuing);
	d->authority = (struct enrol_authority){ .issuer = d->issuing.cert,
						 .key = d->issuing.key,
						 .chain = pki_chain(d->issuing.cert, NULL),
						 .anchors = pki_chain(d->root.cert, NULL) };
	for (size_t i = 0; i < EAP_TUNNEL_BINDING_SIZE; i++)
		d->peer_tunnel.exported[i] = (uint8_t)(0xe0 + i);
	d->peer_tunnel.unique = true;
	d->peer_tunnel.server_trusted = d->peer_tunnel.server_named = true;
	d->server_tunnel = d->peer_tunnel;
	for (size_t i = 0; i < sizeof d->token.id; i++)
		d->token.id[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < sizeof d->token.secret; i++)
		d->token.secret[i] = (uint8_t)(0x40 + i);

	d->credentials[0] = (struct cprom_credential){ .name = "net",
						       .type = ENROL_X509,
						       .actions = 7,
						       .wanted = true,
						       .action = ENROL_REGISTER };
	snprintf(d->credentials[0].names.common_name, sizeof d->credentials[0].names.common_name,
		 "machine");
	d->peer_protocols[0] = &spp_peer;
	d->peer_settings = (struct cprom_peer_settings){
		.credentials = d->credentials,
		.credential_count = 1,
		.token = { .kind = CPROM_TOKEN, .value = d->token },
		.protocols = d->peer_protocols,
		.protocol_count = 1,
		.accept_anchors = true,
	};
	d->server_protocols[0] = &spp_server;
	d->policy = (struct cprom_server_policy){ .authorisations = 0x1f,
						  .actions = 7,
						  .validate = true,
						  .protocols = d->server_protocols,
						  .protocol_count = 1 };
	d->context = (struct cprom_server_context){ &d->policy, &d->authority };
}

void cduo_done(struct cprom_duo *d)
{
	drop_ends(d);
	for (size_t i = 0; i < 4; i++)
		shelf_done(&d->shelves[i]);
	pki_cert_done(&d->root);
	pki_cert_done(&d->other_root);
	pki_cert_done(&d->issuing);
	pki_cert_done(&d->factory_ca);
	pki_cert_done(&d->factory);
	pki_cert_done(&d->old);
	x509_stack_free(d->authority.chain);
	x509_stack_free(d->authority.anchors);
	bytes_done(&d->issued);
	bytes_done(&d->log);
}
