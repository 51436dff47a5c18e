/* An enrolment by CMP or EST without memory: all or nothing, and a reason.
 *
 * Not the basic form of CMP: OpenSSL 3.0 frees what it has not got when the message for a p10cr
 * cannot be allocated. */
#include "tests/enrol_duo.h"
#include "tests/fault/fault.h"

static struct enrol_duo world;

static bool has_reason(const struct enrol_fault *fault, const struct diagnosis *why)
{
	return fault->error != ENROL_ERROR_NONE && why->id != DIAG_NONE;
}

/* Either end: done with a certificate for our key, or failed with a reason. */
static bool settled(struct enrol_duo *duo)
{
	struct enrol_result result = { 0 };

	if (duo->peer_self && duo->peer_state == ENROL_DONE && duo->peer_job.key) {
		duo->peer->result(duo->peer_self, &result);
		if (!result.cert || EVP_PKEY_eq(X509_get0_pubkey(result.cert), duo->key) != 1)
			return false;
	}
	if (duo->peer_self && duo->peer_state == ENROL_FAILED && duo->messages > 0 &&
	    duo->server_state != ENROL_FAILED &&
	    !has_reason(&duo->peer_fault, duo->peer->diagnosis(duo->peer_self)))
		return false;
	return !duo->server_self || duo->server_state != ENROL_FAILED ||
	       has_reason(&duo->server_fault, duo->server->diagnosis(duo->server_self)) ||
	       duo->messages == 0;
}

/* The certificate itself is somebody else's work. */
static void issue(struct enrol_duo *duo, const struct enrol_question *question,
		  struct enrol_reply *reply)
{
	struct pki_spec spec = { .cn = "m.example.org", .key = question->key };
	struct pki_cert made;

	if (question->kind != ENROL_ASKS_ISSUE)
		return;
	fault_suspend();
	made = pki_make(&spec, &duo->issuer);
	bytes_done(&duo->issued);
	duo->issued = pki_der(made.cert);
	pki_cert_done(&made);
	reply->certificate = bytes_slice(&duo->issued);
	fault_resume();
}

static bool scene(const struct enrol_peer_protocol *peer,
		  const struct enrol_server_protocol *server, bool renews, bool confirm)
{
	struct enrol_duo duo = world;
	bool granted, good;

	fault_suspend();
	duo.peer = peer;
	duo.server = server;
	duo.server_job.authority = &duo.authority;
	duo.server_job.confirm = confirm;
	duo.on_question = issue;
	if (renews)
		enrol_duo_renews(&duo, ENROL_RENEW);
	else
		enrol_duo_by_token(&duo);
	fault_resume();
	granted = enrol_duo_run(&duo);
	fault_suspend();
	good = settled(&duo) && (granted || fault_happened());
	fault_resume();
	if (duo.peer_self)
		peer->free(duo.peer_self);
	if (duo.server_self)
		server->free(duo.server_self);
	bytes_done(&duo.kept);
	bytes_done(&duo.issued);
	return good;
}

static bool cmp_registers(void)
{
	return scene(&cmp_peer, &cmp_server, false, true);
}

static bool cmp_renews(void)
{
	return scene(&cmp_peer, &cmp_server, true, false);
}

static bool est_registers(void)
{
	return scene(&est_peer, &est_server, false, false);
}

int main(void)
{
	fault_init();
	enrol_duo_init(&world, &cmp_peer, &cmp_server);
	fault_each("a registration by CMP", cmp_registers);
	fault_each("a renewal by CMP", cmp_renews);
	fault_each("a registration by EST", est_registers);
	world.peer_self = world.server_self = NULL;
	enrol_duo_done(&world);
	return fault_end();
}
