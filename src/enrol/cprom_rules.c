#include "enrol/cprom_rules.h"

#define RULES_MAX 12

/* clang-format off */
static const struct {
	const char *name;
	struct cprom_rule rules[RULES_MAX]; /* the first with most 0 ends it */
} kinds[CPROM_KINDS] = {
	[CPROM_SERVER_INIT] = { "Init (server)", {
		{ CPROM_VERSION,			0, 8 },
		{ CPROM_CHALLENGE_DATA,			0, 1 } } },
	[CPROM_PEER_INIT] = { "Init (peer)", {
		{ CPROM_VERSION,			0, 1 },
		{ CPROM_PROTOCOL,			1, ENROL_PROTOCOLS_MAX },
		{ CPROM_CREDENTIALS_INFORMATION,	0, 16 },
		{ CPROM_SUPPORTED_ENCODING,		0, 16 },
		{ CPROM_SUPPORTED_FORMAT,		0, 16 },
		{ CPROM_STORAGE_INFO,			0, 1 },
		{ CPROM_NETWORK_USAGE,			0, 1 },
		{ CPROM_TOKEN_DATA,			0, 1 },
		{ CPROM_CHALLENGE_RESPONSE,		0, 1 },
		{ CPROM_PROFILE,			0, 16 } } },
	[CPROM_SERVER_OFFER] = { "Provisioning (server, first)", {
		{ CPROM_PROTOCOL,			1, 1 },
		{ CPROM_ACTION,				1, 1 },
		{ CPROM_CREDENTIALS_INFORMATION,	0, 1 },
		{ CPROM_PROVISIONING_PARAMS,		0, 1 },
		{ CPROM_PROFILE,			0, 1 },
		{ CPROM_PROVISIONING_DATA,		0, 1 },
		{ CPROM_PROVISIONING_HEADERS,		0, 1 } } },
	[CPROM_SERVER_SINGLE] = { "Provisioning (server, first and last)", {
		{ CPROM_PROTOCOL,			1, 1 },
		{ CPROM_ACTION,				1, 1 },
		{ CPROM_CREDENTIALS_INFORMATION,	1, 1 },
		{ CPROM_PROVISIONING_PARAMS,		0, 1 },
		{ CPROM_PROFILE,			0, 1 },
		{ CPROM_PROVISIONING_DATA,		0, 1 },
		{ CPROM_PROVISIONING_HEADERS,		0, 1 } } },
	[CPROM_SERVER_ROUND] = { "Provisioning (server)", {
		{ CPROM_PROVISIONING_DATA,		0, 1 },
		{ CPROM_PROVISIONING_HEADERS,		0, 1 } } },
	[CPROM_SERVER_LAST] = { "Provisioning (server, last)", {
		{ CPROM_CREDENTIALS_INFORMATION,	1, 1 },
		{ CPROM_PROVISIONING_DATA,		0, 1 },
		{ CPROM_PROVISIONING_HEADERS,		0, 1 } } },
	[CPROM_PEER_ROUND] = { "Provisioning (peer)", {
		{ CPROM_PROVISIONING_DATA,		0, 1 },
		{ CPROM_PROVISIONING_HEADERS,		0, 1 } } },
	[CPROM_SERVER_VALIDATE] = { "Validate (server)", {
		{ CPROM_CREDENTIALS_INFORMATION,	1, 1 },
		{ CPROM_CHALLENGE_DATA,			1, 1 } } },
	[CPROM_PEER_VALIDATE] = { "Validate (peer)", {
		{ CPROM_CHALLENGE_RESPONSE,		1, 1 } } },
	[CPROM_SERVER_VALIDATED] = { "Validate (server, last)", {
		{ CPROM_CREDENTIALS_INFORMATION,	1, 16 } } },
	[CPROM_FAULT] = { "Error", {
		{ CPROM_ERROR,				1, 1 },
		{ CPROM_PROVISIONING_DATA,		0, 1 },
		{ CPROM_PROVISIONING_HEADERS,		0, 1 } } },
	[CPROM_EMPTY] = { "acknowledgement", { { 0 } } },
	[CPROM_SPP_OFFER] = { "SPP (server, first)", {
		{ CPROM_CREDENTIALS_INFORMATION,	0, 1 },
		{ CPROM_CREDENTIALS_DATA,		0, 1 } } },
	[CPROM_SPP_REQUEST] = { "SPP (peer)", {
		{ CPROM_CERTIFICATE_REQUEST,		0, 1 },
		{ CPROM_CREDENTIALS_DATA,		0, 1 } } },
	[CPROM_SPP_ISSUE] = { "SPP (server, last)", {
		{ CPROM_CREDENTIALS_INFORMATION,	0, 1 },
		{ CPROM_CREDENTIALS_DATA,		0, 1 },
		{ CPROM_CERTIFICATE_DATA,		0, ENROL_CERTS_MAX } } },
};
/* clang-format on */

const struct cprom_rule *cprom_rules(enum cprom_kind kind, size_t *ret_count)
{
	size_t count = 0;

	while (count < RULES_MAX && kinds[kind].rules[count].most > 0)
		count++;
	*ret_count = count;
	return kinds[kind].rules;
}

const char *cprom_kind_name(enum cprom_kind kind)
{
	return kinds[kind].name;
}

static enum status broken(struct enrol_fault *fault, enum enrol_error error, enum cprom_kind kind,
			  const char *what, unsigned type)
{
	const char *name = cprom_tlv_name(type);

	if (name)
		enrol_fault_set(fault, error, "%s: %s TLV %s", kinds[kind].name, name, what);
	else
		enrol_fault_set(fault, error, "%s: TLV of type %u %s", kinds[kind].name, type,
				what);
	return MALFORMED;
}

static enum status check_counts(enum cprom_kind kind, const unsigned counts[CPROM_TLVS],
				struct enrol_fault *fault)
{
	unsigned allowed[CPROM_TLVS] = { 0 };
	size_t count;
	const struct cprom_rule *rule = cprom_rules(kind, &count);

	for (; count > 0; count--, rule++) {
		unsigned got = counts[rule->type];

		allowed[rule->type] = rule->most;
		if (got < rule->least)
			return broken(fault, ENROL_ERROR_MALFORMED, kind, "is missing", rule->type);
		if (got > rule->most)
			return broken(fault,
				      rule->most > 1 ? ENROL_ERROR_LIMIT : ENROL_ERROR_MALFORMED,
				      kind, "comes too often", rule->type);
	}
	for (unsigned type = 1; type < CPROM_TLVS; type++) {
		if (counts[type] > 0 && allowed[type] == 0)
			return broken(fault, ENROL_ERROR_MALFORMED, kind, "must not be there",
				      type);
	}
	return OK;
}

enum status cprom_check(enum cprom_kind kind, struct slice message, struct enrol_fault *fault)
{
	unsigned counts[CPROM_TLVS] = { 0 }, all = 0;
	struct rd r = rd_of(message);
	struct slice value;
	uint8_t type;

	while (cprom_tlv_next(&r, &type, &value)) {
		if (++all > CPROM_TLVS_MAX) {
			enrol_fault_set(fault, ENROL_ERROR_LIMIT, "more than %u TLVs",
					CPROM_TLVS_MAX);
			return MALFORMED;
		}
		if (type >= CPROM_TLV_OPTIONAL)
			continue;
		if (type == 0 || type >= CPROM_TLVS)
			return broken(fault, ENROL_ERROR_MALFORMED, kind, "is not known", type);
		if (!cprom_tlv_valid((enum cprom_tlv)type, value))
			return broken(fault, ENROL_ERROR_MALFORMED, kind, "has a wrong layout",
				      type);
		counts[type]++;
	}
	if (!rd_done(&r)) {
		enrol_fault_set(fault, ENROL_ERROR_MALFORMED, "%s: a TLV is cut short",
				kinds[kind].name);
		return MALFORMED;
	}
	return check_counts(kind, counts, fault);
}
