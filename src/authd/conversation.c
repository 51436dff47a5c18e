#include "authd/conversation.h"

#include <fnmatch.h>
#include <openssl/rand.h>
#include <string.h>
#include <strings.h>

#include "authd/accounts.h"
#include "authd/packet.h"
#include "authd/rules.h"
#include "eap/packet.h"
#include "tls/cert.h"

/* Nobody is let in by it: for identities of a realm that is not ours. */
static const struct eap_policy nobody = { .ask_identity = true };

static bool is_ours(const struct authd_settings *settings, const char *identity)
{
	const char *at = strrchr(identity, '@'), *realm = at ? at + 1 : "";

	for (size_t i = 0; i < settings->realms.count; i++) {
		if (fnmatch(settings->realms.word[i], realm, FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

/* Who it is shows in a tunnel at the earliest.  A machine that is proposed another method than it
 * has declines, and has lost a round. */
static const struct eap_policy *policy_for(const struct conversation *c)
{
	const struct arming *arming = c->arming;

	return arming->wished && wished_has(*arming->wished, c->where.calling_station)
		       ? &arming->renewing
		       : &arming->policy;
}

/* The identity is what the machine says itself.  A User-Name should be the same (RFC 3579, section
 * 2.1), but is what the NAS says, or somebody between, and may be missing. */
static void hear_identity(struct conversation *c, struct slice response)
{
	const struct authd_settings *settings = &c->arming->config->settings;
	struct eap_packet packet;

	if (c->eap.identified || eap_packet_parse(response, &packet) != OK ||
	    packet.code != EAP_RESPONSE || !eap_type_is(packet.type, EAP_TYPE_IDENTITY))
		return;
	printable(packet.data, c->where.identity, sizeof c->where.identity);
	c->eap.policy = settings->realms.count == 0 || is_ours(settings, c->where.identity)
				? policy_for(c)
				: &nobody;
}

static bool draw_random(struct conversation *c)
{
	struct {
		uint8_t session[OUTCOME_SESSION_SIZE / 2];
		__typeof__(c->number) number;
		__typeof__(c->lower.random) random;
	} drawn;

	if (RAND_bytes((uint8_t *)&drawn, sizeof drawn) != 1)
		return false;
	c->number = drawn.number;
	c->lower.random = drawn.random;
	cert_hex(slice_of(drawn.session, sizeof drawn.session), c->session, sizeof c->session);
	return true;
}

struct conversation *conversation_new(struct arming *arming, const struct aaa_where *where,
				      size_t mtu, struct moment now)
{
	struct conversation *c = calloc(1, sizeof *c);

	if (!c || !draw_random(c)) {
		free(c);
		return NULL;
	}
	list_init(&c->node);
	list_init(&c->age);
	c->arming = arming_ref(arming);
	c->where = *where;
	c->began = now;
	c->touched = now.mono;
	c->lower.portEnabled = true;
	c->lower.mtu = mtu < EAP_MTU_LEAST ? EAP_MTU_LEAST : mtu;
	eap_authenticator_init(&c->eap, EAP_BACKEND,
			       arming->config->settings.realms.count > 0 ? &nobody
									 : &arming->policy,
			       &c->lower, NULL);
	return c;
}

void conversation_free(struct conversation *c)
{
	if (!c)
		return;
	list_remove(&c->node);
	list_remove(&c->age);
	eap_authenticator_done(&c->eap);
	aaa_grant_done(&c->grant);
	arming_free(c->arming);
	packet_free(c->packet);
	bytes_done(&c->shown_octets);
	bytes_done(&c->given);
	free(c->refused);
	free(c->missed);
	free(c->mud_url);
	free(c);
}

/* ---- the claim ---- */

static void note_names(const struct tls_claim *claim, char *buffer, size_t size)
{
	static const char *const kinds[] = {
		[TLS_NAME_EMAIL] = "email", [TLS_NAME_DNS] = "DNS", [TLS_NAME_URI] = "URI",
		[TLS_NAME_IP] = "IP",	    [TLS_NAME_UPN] = "UPN",
	};
	struct tls_name name;
	size_t used = 0;

	for (size_t at = 0; tls_claim_name(claim, &at, &name) && used < size;) {
		char text[DIAGNOSIS_VALUE_MAX];

		if (name.kind == TLS_NAME_IP)
			cert_hex(name.value, text, sizeof text);
		else
			printable(name.value, text, sizeof text);
		used += (size_t)snprintf(buffer + used, size - used, "%s%s:%s",
					 used > 0 ? ", " : "", kinds[name.kind], text);
	}
}

static void append(struct bytes *to, struct slice *part)
{
	size_t at = to->len;

	if (bytes_append(to, *part, to->cap) == OK)
		*part = slice_of(to->p + at, part->len);
}

/* The claim is the method's, and may be gone when it is asked about again. */
static void keep_shown(struct conversation *c, const struct tls_claim *claim)
{
	c->shown = (struct tls_claim){ .subject = claim->subject,
				       .issuer_der = claim->issuer_der,
				       .serial = claim->serial,
				       .path = claim->path };
	bytes_clear(&c->shown_octets);
	if (bytes_reserve(&c->shown_octets, claim->subject.len + claim->issuer_der.len +
						    claim->serial.len + claim->path.len) != OK)
		return;
	append(&c->shown_octets, &c->shown.subject);
	append(&c->shown_octets, &c->shown.issuer_der);
	append(&c->shown_octets, &c->shown.serial);
	append(&c->shown_octets, &c->shown.path);
}

static void note_claim(struct conversation *c, const struct tls_claim *claim)
{
	struct outcome_claim *to = &c->claim;

	keep_shown(c, claim);
	printable(claim->subject, to->subject, sizeof to->subject);
	printable(claim->issuer, to->issuer, sizeof to->issuer);
	cert_hex(claim->serial, to->serial, sizeof to->serial);
	cert_hex(claim->fingerprint, to->fingerprint, sizeof to->fingerprint);
	note_names(claim, to->names, sizeof to->names);
	to->not_after = claim->not_after;
}

/* Who is let in with a certificate that it was just given is found by that, as when it has shown
 * it: it may never come with it. */
static bool note_given(struct conversation *c)
{
	const unsigned char *in = c->given.p;
	AUTO(X509) cert = c->given.len > 0 ? d2i_X509(NULL, &in, (long)c->given.len) : NULL;
	AUTO_VALUE(bytes) row = { 0 };
	struct tls_claim claim;

	if (c->given.len == 0)
		return true;
	if (!cert || tls_claim_build(cert, NULL, 0, &row) != OK ||
	    tls_claim_parse(bytes_slice(&row), &claim) != OK)
		return false;
	note_claim(c, &claim);
	return true;
}

/* The Class attribute by which accounting finds the session again. */
static bool name_session(struct conversation *c)
{
	char class[16 + OUTCOME_SESSION_SIZE];

	snprintf(class, sizeof class, "latchkey:%s", c->session);
	return bytes_set(&c->grant.class[0], slice_str(class)) == OK;
}

static bool is_named(const struct tls_claim *claim, struct slice identity)
{
	const struct slice host =
		slice_str("host/"); /* as Windows has it before a machine's name */
	struct tls_name name;

	if (identity.len > host.len && slice_eq(slice_of(identity.p, host.len), host))
		identity = slice_of(identity.p + host.len, identity.len - host.len);
	for (size_t at = 0; tls_claim_name(claim, &at, &name);) {
		if (name.kind != TLS_NAME_IP && identity.len > 0 && slice_eq(name.value, identity))
			return true;
	}
	return false;
}

/* The User-Name of an Accept, by which others account: the identity if the certificate has it as
 * well, or the account is it, since anybody may claim any.  Otherwise the certificate's
 * fingerprint, by which the registry knows it: who chose to be anonymous is not named to every
 * switch on the way.
 */
static void name_user(struct conversation *c, const struct rules_machine *machine)
{
	struct slice identity = bytes_slice(&c->eap.identity);

	c->grant.user_name[0] = '\0';
	if ((machine->claim && is_named(machine->claim, identity)) ||
	    (machine->identity.len > 0 && slice_eq(machine->identity, identity)))
		printable(identity, c->grant.user_name, sizeof c->grant.user_name);
	else if (machine->claim)
		snprintf(c->grant.user_name, sizeof c->grant.user_name, "sha256:%s",
			 c->claim.fingerprint);
}

/* ---- turns ---- */

static enum conversation_turn refuse(struct conversation *c, const struct diagnosis *why)
{
	struct wr w = wr_of(c->failure, sizeof c->failure);

	c->refused = malloc(sizeof *c->refused);
	if (c->refused)
		*c->refused = *why;
	eap_packet_build_result(&w, EAP_FAILURE, c->lower.eapReqData.p[1]);
	c->lower.eapReqData = wr_done(&w);
	return CONVERSATION_REJECTED;
}

/* The method is content.  What was shown may have been revoked since it was asked about. */
static enum conversation_turn let_in(struct conversation *c)
{
	bool kept = c->shown_octets.len > 0;
	struct diagnosis why;

	diagnosis_set(&why, DIAG_NONE);
	if (kept && arming_revoked(c->arming, &c->shown, &why))
		return refuse(c, &why);
	if (c->account_gone) {
		diagnosis_set(&why, DIAG_ACCOUNT_UNKNOWN);
		diagnosis_add(&why, "account", "%s", c->account);
		return refuse(c, &why);
	}
	if ((c->claim.fingerprint[0] && !kept) || !name_session(c)) {
		diagnosis_say(&why, DIAG_INTERNAL, "there is no memory to let it in");
		return refuse(c, &why);
	}
	return CONVERSATION_ACCEPTED;
}

static enum conversation_turn turn_of(struct conversation *c)
{
	struct eap_authenticator_lower *lower = &c->lower;
	bool success = lower->eapSuccess, failure = lower->eapFail, request = lower->eapReq;

	lower->eapSuccess = lower->eapFail = lower->eapReq = lower->eapNoReq = false;
	if (success)
		return let_in(c);
	if (failure)
		return CONVERSATION_REJECTED;
	if (!request)
		return CONVERSATION_NOTHING;
	c->rounds++;
	return CONVERSATION_REQUEST;
}

static bool has_to_be_asked(const struct conversation *c)
{
	return c->arming->config->settings.client_ocsp != CLIENT_OCSP_OFF;
}

/* ---- questions ---- */

/* What a question makes of it. */
enum answer { YES, NO, WAITS };

static enum answer judge(struct conversation *c, const struct rules_machine *machine,
			 struct diagnosis *ret_why)
{
	bool accept;

	if (machine->claim)
		note_claim(c, machine->claim);
	if (machine->identity.len > 0)
		printable(machine->identity, c->account, sizeof c->account);
	aaa_grant_done(&c->grant);
	accept = !(machine->claim && arming_revoked(c->arming, machine->claim, ret_why)) &&
		 rules_judge(c->arming->config, machine, &c->where, &c->grant, ret_why);
	name_user(c, machine);
	return accept ? YES : NO;
}

static const char *method_of(const struct conversation *c)
{
	return c->eap.offer ? c->eap.offer->method->name : NULL;
}

static enum answer judge_certificate(struct conversation *c, const struct eap_question *question,
				     struct diagnosis *ret_why)
{
	const struct tls_claim *claim = question->about.claim;
	const struct rules_machine machine = { .claim = claim,
					       .method = method_of(c),
					       .resumed = claim->resumed };

	/* In a tunnel it is one thing among others, and the rules are asked at the end. */
	if (question->tunnel) {
		note_claim(c, claim);
		if (arming_revoked(c->arming, claim, ret_why))
			return NO;
	} else if (judge(c, &machine, ret_why) == NO) {
		return NO;
	}
	return has_to_be_asked(c) ? WAITS : YES;
}

/* Who has just been given a certificate is to come back with it, or is let in right away.  Who has
 * renewed one has proved in the tunnel what EAP-TLS would have it prove, and stays in: its port is
 * not to close for that. */
static enum answer judge_enrolled(struct conversation *c, const struct rules_machine *machine,
				  struct diagnosis *ret_why)
{
	const struct authd_settings *s = &c->arming->config->settings;

	if (machine->claim && !enrolment_is_factory(c->arming->enrol.factory, machine->claim))
		return judge(c, machine, ret_why);
	if (machine->claim)
		note_claim(c, machine->claim);
	aaa_grant_done(&c->grant);
	if (s->enroll.after == AFTER_ENROLMENT_ACCEPT) {
		c->grant.vlan = (uint16_t)s->enroll.vlan;
		name_user(c, machine);
		if (note_given(c))
			return YES;
		diagnosis_say(ret_why, DIAG_INTERNAL, "there is no memory to let it in");
		return NO;
	}
	diagnosis_set(ret_why, DIAG_ENROLLED);
	return NO;
}

/* A factory's certificate is good for being enrolled, and lets nobody in. */
static bool is_of_factory(const struct conversation *c, const struct tls_claim *claim,
			  struct diagnosis *ret_why)
{
	char subject[DIAGNOSIS_VALUE_MAX];

	if (!claim || !enrolment_is_factory(c->arming->enrol.factory, claim))
		return false;
	diagnosis_set(ret_why, DIAG_PEER_DENIED);
	diagnosis_add(ret_why, "subject", "%s", printable(claim->subject, subject, sizeof subject));
	diagnosis_add(ret_why, "rule", "FactoryAnchors");
	diagnosis_add(ret_why, "reason", "a factory certificate is for enrolling alone");
	return true;
}

/* A tunnel that enrols is built without a certificate too.  Nobody else is let in by that. */
static bool lacks_certificate(const struct conversation *c,
			      const struct eap_admission_question *about, struct diagnosis *ret_why)
{
	char subject[DIAGNOSIS_VALUE_MAX];

	if (about->shown || c->arming->config->settings.tunnel.client != TLS_CLIENT_REQUIRED)
		return false;
	diagnosis_set(ret_why, DIAG_PEER_DENIED);
	diagnosis_add(ret_why, "subject", "%s",
		      printable(about->identity, subject, sizeof subject));
	diagnosis_add(ret_why, "rule", "ClientCertificate");
	diagnosis_add(ret_why, "reason", "no certificate was shown when the tunnel was built");
	return true;
}

static bool offers_tls(const struct conversation *c)
{
	const struct eap_policy_choice *choice = &c->arming->choice;

	for (size_t i = 0; i < choice->offer_count; i++) {
		if (choice->offers[i].method == &tls_server_method)
			return true;
	}
	return false;
}

/* By which a certificate alone opens a port here; NULL: by none. */
static const char *method_for_certificate(const struct conversation *c)
{
	if (offers_tls(c))
		return tls_server_method.name;
	return c->arming->tunnels.teap.certificate_suffices ? teap_server_method.name : NULL;
}

/* Who wanted to renew its certificate and could not has proved what EAP-TLS would have it prove,
 * and is let in as EAP-TLS would let it in: its port is not to close for that. */
static enum answer judge_missed(struct conversation *c, const struct eap_admission_question *about,
				struct diagnosis *ret_why)
{
	const struct rules_machine machine = { .claim = about->claim,
					       .method = method_for_certificate(c) };
	struct diagnosis missed = *about->missed;

	if (machine.method && about->claim && about->shown && !about->resumed &&
	    !is_of_factory(c, about->claim, ret_why) && judge(c, &machine, ret_why) == YES) {
		c->missed = malloc(sizeof *c->missed);
		if (c->missed)
			*c->missed = missed;
		return YES;
	}
	*ret_why = missed;
	return NO;
}

static enum answer judge_admission(struct conversation *c, const struct eap_question *question,
				   struct diagnosis *ret_why)
{
	const struct eap_admission_question *about = &question->about.admission;
	const struct rules_machine machine = { .claim = about->claim,
					       .identity = about->identity,
					       .method = method_of(c),
					       .inner = about->inner,
					       .resumed = about->resumed };

	if (about->missed)
		return judge_missed(c, about, ret_why);
	if (about->enrolled)
		return judge_enrolled(c, &machine, ret_why);
	if (lacks_certificate(c, about, ret_why) || is_of_factory(c, about->claim, ret_why) ||
	    judge(c, &machine, ret_why) == NO)
		return NO;
	/* A session does not outlive what becomes of its accounts. */
	c->other_good = about->other.len == 0;
	return about->resumed && about->identity.len > 0 ? WAITS : YES;
}

static enum answer decide(struct conversation *c, const struct eap_question *question,
			  struct diagnosis *ret_why)
{
	diagnosis_set(ret_why, DIAG_NONE);
	switch (question->kind) {
	case EAP_ASKS_CERTIFICATE:
		return judge_certificate(c, question, ret_why);
	case EAP_ASKS_PASSWORD:
		printable(question->about.account.name, c->account, sizeof c->account);
		return WAITS;
	case EAP_ASKS_ADMISSION:
		return judge_admission(c, question, ret_why);
	case EAP_ASKS_ENROLMENT:
		return WAITS;
	}
	return NO;
}

/* Whatever can be answered here is answered as soon as it is asked. */
static enum conversation_turn step(struct conversation *c, struct moment now)
{
	struct diagnosis why;

	for (;;) {
		const struct eap_question *question;
		enum answer answer;

		eap_authenticator_step(&c->eap, now);
		question = eap_authenticator_question(&c->eap);
		if (!question)
			return turn_of(c);
		answer = decide(c, question, &why);
		if (answer == WAITS) {
			c->waits_for = question;
			return CONVERSATION_WAITS;
		}

		const struct eap_reply reply = { .accept = answer == YES,
						 .why = answer == YES ? NULL : &why };

		eap_authenticator_answer(&c->eap, &reply);
	}
}

enum conversation_turn conversation_feed(struct conversation *c, struct slice eap,
					 struct moment now)
{
	c->touched = now.mono;
	if (c->waits_for)
		return CONVERSATION_NOTHING;
	hear_identity(c, eap);
	c->lower.eapResp = true;
	c->lower.eapRespData = eap;
	return step(c, now);
}

enum conversation_turn conversation_answered(struct conversation *c, const struct eap_reply *reply,
					     struct moment now)
{
	c->touched = now.mono;
	c->waits_for = NULL;
	eap_authenticator_answer(&c->eap, reply);
	/* The step takes the answer, so that what it points to need not outlive the call. */
	return step(c, now);
}

enum conversation_turn conversation_judged(struct conversation *c, bool accept,
					   const struct diagnosis *why, struct moment now)
{
	const struct eap_reply reply = { .accept = accept, .why = accept ? NULL : why };

	return conversation_answered(c, &reply, now);
}

struct slice conversation_account(const struct conversation *c)
{
	const struct eap_admission_question *about = &c->waits_for->about.admission;

	return c->other_good ? about->identity : about->other;
}

static enum conversation_turn admission_found(struct conversation *c, const struct account *account,
					      struct moment now)
{
	const struct eap_admission_question *about = &c->waits_for->about.admission;
	struct diagnosis why;
	bool good = account_goes_on(account, conversation_account(c), about->authenticated, &why);

	if (!good || c->other_good)
		return conversation_judged(c, good, &why, now);
	c->other_good = true;
	return CONVERSATION_WAITS;
}

enum conversation_turn conversation_found(struct conversation *c, const struct account *account,
					  struct moment now)
{
	struct eap_reply reply;
	struct diagnosis why;

	if (c->waits_for->kind == EAP_ASKS_ADMISSION)
		return admission_found(c, account, now);
	account_answer(account, &c->waits_for->about.account, &reply, &why);
	if (why.id == DIAG_ACCOUNT_GUESSED)
		diagnosis_add(&why, "station", "%s", c->where.calling_station);
	return conversation_answered(c, &reply, now);
}

void conversation_account_gone(struct conversation *c, const char *name)
{
	if (strcasecmp(c->account, name) == 0)
		c->account_gone = true;
}

/* ---- what is told of it ---- */

void conversation_diagnose(const struct conversation *c, struct diagnosis *ret_why)
{
	if (c->refused)
		*ret_why = *c->refused;
	else
		eap_authenticator_diagnose(&c->eap, ret_why);
}

bool conversation_enrols(const struct conversation *c)
{
	const struct eap_server_offer *offer = c->eap.offer;

	return offer &&
	       ((offer->method == &ttls_server_method && arming_enrols_in(c->arming, "ttls")) ||
		(offer->method == &teap_server_method && arming_enrols_in(c->arming, "teap")));
}

struct outcome *conversation_outcome(const struct conversation *c, bool accepted, unsigned worker,
				     struct moment now)
{
	const struct eap_server_method *method = NULL;
	struct outcome *o = calloc(1, sizeof *o);

	if (!o || aaa_grant_copy(&c->grant, &o->grant) < 0) {
		free(o);
		return NULL;
	}
	list_init(&o->node);
	o->asker = c->from;
	o->worker = worker;
	memcpy(o->session, c->session, sizeof o->session);
	o->where = c->where;
	o->accepted = accepted;
	(void)eap_authenticator_report(&c->eap, &o->report, &method);
	if (method)
		snprintf(o->method, sizeof o->method, "%s", method->name);
	o->claim = c->claim;
	memcpy(o->account, c->account, sizeof o->account);
	o->began = c->began;
	o->ended = now;
	o->rounds = c->rounds;
	if (!accepted)
		conversation_diagnose(c, &o->why);
	else if (c->missed)
		o->why = *c->missed;
	return o;
}

size_t conversation_memory(const struct conversation *c)
{
	return sizeof *c + c->eap.lastReqData.cap + c->eap.identity.cap + c->shown_octets.cap +
	       (c->packet ? sizeof *c->packet + c->packet->data.cap : 0);
}
