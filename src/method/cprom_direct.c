#include "method/cprom_direct.h"

#include "method/cprom_peer_parts.h"

static enum status failed(struct cprom_peer *p)
{
	p->failed = true;
	enrol_fault_explain(&p->fault, ENROL_US, &p->why, &p->why);
	return UNEXPECTED;
}

enum enrol_action cprom_direct_action(const struct cprom_peer *p)
{
	return p->settings.credentials[0].action;
}

bool cprom_direct_wants_roots(const struct cprom_peer *p)
{
	return p->settings.accept_anchors;
}

enum status cprom_direct_check(struct cprom_peer *p)
{
	enum status status = cprom_peer_check_tunnel(p);

	return status == OK ? OK : failed(p);
}

static enum status exchange(struct cprom_peer *p, const struct enrol_message *in,
			    struct enrol_output *out, struct moment now)
{
	return cprom_peer_exchange(p, in, out, now) == OK ? OK : failed(p);
}

enum status cprom_direct_request(struct cprom_peer *p, struct slice attributes, struct slice link,
				 struct moment now, struct bytes *ret_pkcs10)
{
	const struct cprom_credential *credential = &p->settings.credentials[0];
	const struct enrol_message in = { .headers = attributes };
	AUTO_VALUE(enrol_output) out = { 0 };

	p->stage = "certificate";
	cprom_peer_tell(p, CPROM_TUNNEL, NULL, "");
	if (cprom_peer_prepare(p, credential, p->settings.protocols[0], link) != OK)
		return failed(p);
	if (exchange(p, &in, &out, now) != OK)
		return UNEXPECTED;
	cprom_peer_tell(p, CPROM_REQUESTED, credential, "");
	if (bytes_set(ret_pkcs10, bytes_slice(&out.data)) == OK)
		return OK;
	cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "no memory");
	return failed(p);
}

enum status cprom_direct_install(struct cprom_peer *p, struct slice pkcs7, struct slice roots,
				 struct moment now)
{
	const struct enrol_message in = { .headers = roots, .data = pkcs7 };
	AUTO_VALUE(enrol_output) out = { 0 };

	if (exchange(p, &in, &out, now) != OK)
		return UNEXPECTED;
	cprom_peer_round_done(p);
	return OK;
}

enum status cprom_direct_settle(struct cprom_peer *p)
{
	cprom_peer_settle(p);
	if (p->fault.error != ENROL_ERROR_NONE)
		return failed(p);
	p->closed = true;
	return OK;
}

void cprom_direct_refused(struct cprom_peer *p, enum enrol_error error, uint32_t code,
			  const char *name)
{
	if (p->fault.error != ENROL_ERROR_NONE)
		return;
	p->failed = true;
	enrol_fault_set(&p->fault, error, "%s", name ? name : "it has ignored the request");
	p->fault.secondary = (uint16_t)code;
	enrol_fault_explain(&p->fault, ENROL_THEM, NULL, &p->why);
}
