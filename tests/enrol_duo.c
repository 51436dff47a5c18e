#include "tests/enrol_duo.h"

#include <assert.h>
#include <string.h>

#define MESSAGES_MAX 200

static const char secret[] = "0123456789abcdef", reference[] = "token-7",
		  binding[] = "0123456789abcdef0123456789abcdef";

void enrol_duo_init(struct enrol_duo *duo, const struct enrol_peer_protocol *peer,
		    const struct enrol_server_protocol *server)
{
	struct pki_spec issuing = { .cn = "Issuing CA",
				    .basic = "critical,CA:TRUE,pathlen:0",
				    .key_usage = "critical,digitalSignature,keyCertSign,cRLSign" };
	struct pki_spec device = { .cn = "serial 4711", .key_usage = "critical,digitalSignature" };
	struct pki_spec machine = { .cn = "m.example.org",
				    .sans = "DNS:m.example.org",
				    .key_usage = "critical,digitalSignature" };

	*duo = (struct enrol_duo){ .peer = peer, .server = server };
	duo->now = (struct moment){ .mono = 1, .wall = PKI_NOW };
	duo->root = pki_ca("Root");
	duo->issuer = pki_make(&issuing, &duo->root);
	duo->factory = pki_make(&device, &duo->root);
	duo->old = pki_make(&machine, &duo->issuer);
	duo->key = pki_key("P-256");
	duo->authority = (struct enrol_authority){
		.issuer = duo->issuer.cert,
		.key = duo->issuer.key,
		.chain = pki_chain(duo->issuer.cert, NULL),
		.anchors = pki_chain(duo->root.cert, NULL),
	};
	duo->peer_job = (struct enrol_peer_job){
		.action = ENROL_REGISTER,
		.type = ENROL_X509,
		.key = duo->key,
		.binding = slice_of(binding, 32),
		.anchors = duo->authority.anchors,
	};
	strcpy(duo->peer_job.names.common_name, "m.example.org");
	duo->peer_job.names.count = 1;
	duo->peer_job.names.alternative[0].kind = ENROL_NAME_DNS;
	strcpy(duo->peer_job.names.alternative[0].text, "m.example.org");
	duo->server_job = (struct enrol_server_job){
		.action = ENROL_REGISTER,
		.type = ENROL_X509,
		.authority = &duo->authority,
		.binding = slice_of(binding, 32),
	};
}

void enrol_duo_by_token(struct enrol_duo *duo)
{
	duo->peer_job.reference = duo->server_job.reference = slice_str(reference);
	duo->peer_job.secret = duo->server_job.secret = slice_str(secret);
}

static void prove(struct enrol_duo *duo, const struct pki_cert *cert)
{
	bytes_done(&duo->kept);
	duo->kept = pki_der(cert->cert);
	duo->peer_job.old_cert = cert->cert;
	duo->peer_job.old_key = cert->key;
	duo->server_job.proved = bytes_slice(&duo->kept);
}

void enrol_duo_by_factory(struct enrol_duo *duo)
{
	prove(duo, &duo->factory);
}

void enrol_duo_renews(struct enrol_duo *duo, enum enrol_action action)
{
	prove(duo, &duo->old);
	duo->peer_job.old_chain = duo->authority.chain;
	duo->peer_job.action = duo->server_job.action = action;
	if (action == ENROL_REMOVE)
		duo->peer_job.key = NULL;
}

static void issue(struct enrol_duo *duo, const struct enrol_question *question,
		  struct enrol_reply *reply)
{
	struct pki_spec spec = { .cn = question->names->common_name,
				 .key = question->key,
				 .key_usage = "critical,digitalSignature",
				 .eku = "clientAuth" };
	struct pki_cert made;

	if (duo->refusal.error) {
		*reply = duo->refusal;
		return;
	}
	made = pki_make(&spec, &duo->issuer);
	bytes_done(&duo->issued);
	duo->issued = pki_der(made.cert);
	pki_cert_done(&made);
	*reply = (struct enrol_reply){ .accept = true, .certificate = bytes_slice(&duo->issued) };
}

static enum enrol_state answer(struct enrol_duo *duo, struct enrol_output *out)
{
	const struct enrol_question *question = duo->server->question(duo->server_self);
	struct enrol_reply reply = { .accept = true };

	assert(question);
	duo->questions[question->kind]++;
	if (duo->on_question)
		duo->on_question(duo, question, &reply);
	else if (question->kind == ENROL_ASKS_ISSUE)
		issue(duo, question, &reply);
	return duo->server->answer(duo->server_self, &reply, out, duo->now);
}

static void way(struct enrol_duo *duo, struct enrol_output *message)
{
	duo->messages++;
	if (duo->on_way)
		duo->on_way(duo, duo->messages, message);
}

static void to_server(struct enrol_duo *duo, const struct enrol_output *in,
		      struct enrol_output *out)
{
	struct enrol_message message = { bytes_slice(&in->headers), bytes_slice(&in->data) };

	duo->server_state = duo->server->process(duo->server_self, &message, out, duo->now);
	while (duo->server_state == ENROL_ASKS)
		duo->server_state = answer(duo, out);
}

static void to_peer(struct enrol_duo *duo, const struct enrol_output *in, struct enrol_output *out)
{
	struct enrol_message message = { bytes_slice(&in->headers), bytes_slice(&in->data) };

	duo->peer_state = duo->peer->process(duo->peer_self, &message, out, duo->now);
	if (duo->peer_state == ENROL_GOT)
		duo->peer_state =
			duo->peer->accept(duo->peer_self, duo->peer_refuses, out, duo->now);
}

static bool empty(const struct enrol_output *out)
{
	return out->data.len == 0 && out->headers.len == 0;
}

static bool has_certificate(struct enrol_duo *duo)
{
	struct enrol_result result;

	if (duo->peer_job.action == ENROL_REMOVE)
		return true;
	duo->peer->result(duo->peer_self, &result);
	return result.cert && EVP_PKEY_eq(X509_get0_pubkey(result.cert), duo->key) == 1;
}

static void converse(struct enrol_duo *duo, struct enrol_output *there, struct enrol_output *back)
{
	to_peer(duo, back, there);
	while (duo->messages < MESSAGES_MAX && !empty(there)) {
		way(duo, there);
		to_server(duo, there, back);
		if (empty(back) || duo->peer_state == ENROL_FAILED)
			break;
		way(duo, back);
		to_peer(duo, back, there);
	}
}

bool enrol_duo_run(struct enrol_duo *duo)
{
	struct enrol_output there = { 0 }, back = { 0 };

	duo->peer_state = duo->server_state = ENROL_FAILED;
	if (duo->peer->init(&duo->peer_job, &duo->peer_self) == OK &&
	    duo->server->init(&duo->server_job, &back, &duo->server_self) == OK) {
		converse(duo, &there, &back);
		duo->peer_fault = *duo->peer->fault(duo->peer_self);
		duo->server_fault = *duo->server->fault(duo->server_self);
	}
	enrol_output_done(&there);
	enrol_output_done(&back);
	return duo->peer_state == ENROL_DONE && duo->server_state == ENROL_DONE &&
	       has_certificate(duo);
}

void enrol_duo_done(struct enrol_duo *duo)
{
	if (duo->peer_self)
		duo->peer->free(duo->peer_self);
	if (duo->server_self)
		duo->server->free(duo->server_self);
	x509_stack_free(duo->authority.chain);
	x509_stack_free(duo->authority.anchors);
	pki_cert_done(&duo->root);
	pki_cert_done(&duo->issuer);
	pki_cert_done(&duo->factory);
	pki_cert_done(&duo->old);
	EVP_PKEY_free(duo->key);
	bytes_done(&duo->issued);
	bytes_done(&duo->kept);
}
