#include "eap/authenticator_parts.h"

/* ---- evidence ------------------------------------------------------------------------ */

static const char *where(const struct eap_authenticator *a, enum eap_authenticator_fault fault)
{
	if (a->method_begun)
		return a->asks ? "decision" : a->offer->method->stage(a->self);
	if (eap_type_is(a->currentMethod, EAP_TYPE_IDENTITY) && !a->identified)
		return "identity";
	if (fault == EAP_FAULT_NO_CHOICE || fault == EAP_FAULT_NO_METHOD)
		return "choice of a method";
	return a->choice && a->choice->passthrough ? "conversation with the server" : "beginning";
}

static void write_name(struct wr *w, const char *name)
{
	if (w->len > 0)
		wr_bytes(w, slice_str(", "));
	wr_bytes(w, slice_str(name));
}

static void add_offers(const struct eap_authenticator *a, struct diagnosis *d)
{
	char list[DIAGNOSIS_VALUE_MAX];
	struct wr w = wr_of(list, sizeof list);

	for (size_t i = 0; a->choice && i < a->choice->offer_count; i++)
		write_name(&w, a->choice->offers[i].method->name);
	if (w.len == 0)
		write_name(&w, "none");
	diagnosis_add(d, "offered", "%.*s", (int)w.len, list);
}

/* The types of the Nak at hand, in the peer's order; or that of a Response to what we did not ask.
 */
static void add_wanted(const struct eap_authenticator *a, struct diagnosis *d)
{
	char list[DIAGNOSIS_VALUE_MAX], name[48];
	struct wr w = wr_of(list, sizeof list);
	size_t at = 0;
	struct eap_type type = a->response.type;

	if (!a->naked && a->rxResp)
		write_name(&w, eap_type_name(type, name, sizeof name));
	while (a->naked && eap_nak_next(&a->response, &at, &type))
		write_name(&w,
			   eap_type_is(type, 0) ? "none" : eap_type_name(type, name, sizeof name));
	if (w.len > 0)
		diagnosis_add(d, "wanted", "%.*s", (int)w.len, list);
}

/* retransCount passes MaxRetrans without a repetition. */
static unsigned repetitions(const struct eap_authenticator *a)
{
	unsigned most = authenticator_max_retrans(a);

	return a->retransCount < most ? a->retransCount : most;
}

static void add_evidence(const struct eap_authenticator *a, enum eap_authenticator_fault fault,
			 struct diagnosis *d)
{
	char text[DIAGNOSIS_VALUE_MAX];

	if (a->identified)
		diagnosis_add(d, "identity", "%s",
			      printable(bytes_slice(&a->identity), text, sizeof text));
	diagnosis_add(d, "rounds", "%u", a->rounds);
	diagnosis_add(d, "state", "%s", where(a, fault));
	if (a->offer)
		diagnosis_add(d, "method", "%s", a->offer->method->name);
	if (fault == EAP_FAULT_SILENCE)
		diagnosis_add(d, "retransmissions", "%u", repetitions(a));
	if (fault == EAP_FAULT_NO_METHOD) {
		add_offers(a, d);
		add_wanted(a, d);
	}
}

/* ---- causes -------------------------------------------------------------------------- */

static enum diagnosis_id silence(const struct eap_authenticator *a)
{
	if (a->malformed)
		return DIAG_MALFORMED;
	if (eap_type_is(a->currentMethod, EAP_TYPE_IDENTITY) && !a->identified)
		return DIAG_PEER_IDENTITY_MISSING;
	return DIAG_PEER_SILENT;
}

static enum diagnosis_id cause(const struct eap_authenticator *a,
			       enum eap_authenticator_fault fault)
{
	switch (fault) {
	case EAP_FAULT_NONE:
	case EAP_FAULT_UNBUILDABLE:
		return DIAG_INTERNAL;
	case EAP_FAULT_SILENCE:
		return silence(a);
	case EAP_FAULT_IDENTITY:
		return DIAG_PEER_IDENTITY_TOO_LONG;
	case EAP_FAULT_NO_CHOICE:
		return DIAG_PEER_IDENTITY_UNKNOWN;
	case EAP_FAULT_NO_METHOD:
		return DIAG_PEER_REFUSED_METHODS;
	case EAP_FAULT_METHOD:
		return a->refused ? DIAG_PEER_NOT_ADMITTED : DIAG_INTERNAL;
	case EAP_FAULT_ROUNDS:
		return DIAG_PEER_TOO_MANY_ROUNDS;
	case EAP_FAULT_AAA_SILENCE:
		return DIAG_AAA_SILENT;
	case EAP_FAULT_AAA_REFUSED:
		return DIAG_AAA_REFUSED;
	case EAP_FAULT_AAA_REQUEST:
		return DIAG_AAA_REQUEST_UNUSABLE;
	}
	return DIAG_INTERNAL;
}

/* What only this cause has to say. */
static void add_detail(const struct eap_authenticator *a, enum eap_authenticator_fault fault,
		       struct diagnosis *d)
{
	if (d->id == DIAG_MALFORMED)
		diagnosis_add(d, "what", "EAP");
	if (d->id == DIAG_INTERNAL)
		diagnosis_add(d, "detail", "%s",
			      fault == EAP_FAULT_UNBUILDABLE ? "a request could not be built"
							     : "the method gave no reason");
	if (fault == EAP_FAULT_IDENTITY)
		diagnosis_add(d, "octets", "%zu", a->response.data.len);
	if (fault == EAP_FAULT_AAA_REQUEST) {
		diagnosis_add(d, "octets", "%zu", a->aaa->aaaEapReqData.len);
		diagnosis_add(d, "detail", "%s",
			      a->aaa->aaaEapReqData.len > a->lower->mtu
				      ? "it is larger than a frame here"
				      : "it is not an EAP Request");
	}
}

void authenticator_explain(const struct eap_authenticator *a, enum eap_authenticator_fault fault,
			   struct diagnosis *ret_diagnosis)
{
	const struct diagnosis *own = a->method_begun ? a->offer->method->diagnosis(a->self) : NULL;

	if (own && own->id != DIAG_NONE) {
		*ret_diagnosis = *own;
		return;
	}
	/* Who refused the peer has said why. */
	if (a->refused && a->diagnosis.id != DIAG_NONE) {
		*ret_diagnosis = a->diagnosis;
		return;
	}
	diagnosis_set(ret_diagnosis, cause(a, fault));
	add_evidence(a, fault, ret_diagnosis);
	add_detail(a, fault, ret_diagnosis);
}
