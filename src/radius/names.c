/* What numbers are called, in logs and in diagnoses. */
#include "radius/dynauth.h"
#include "radius/packet.h"

/* clang-format off */
static const struct {
	const char *name, *sentence;
	enum diagnosis_id diagnosis;
} faults[RADIUS_FAULTS] = {
	[RADIUS_FINE] = { "fine", "nothing is wrong", DIAG_NONE },
	[RADIUS_TRUNCATED] = { "truncated", "the packet is shorter than its Length says",
		DIAG_MALFORMED },
	[RADIUS_BAD_LENGTH] = { "bad-length", "the Length is not between 20 and 4096", DIAG_MALFORMED },
	[RADIUS_BAD_ATTRIBUTE] = { "bad-attribute", "an attribute does not fit into the packet",
		DIAG_MALFORMED },
	[RADIUS_BAD_VALUE] = { "bad-value", "an attribute has a value that it cannot have",
		DIAG_MALFORMED },
	[RADIUS_WRONG_CODE] = { "wrong-code", "the Code has no business here", DIAG_MALFORMED },
	[RADIUS_UNSIGNED] = { "unsigned", "there is no Message-Authenticator", DIAG_RADIUS_UNSIGNED },
	[RADIUS_FORGED] = { "forged",
		"the Message-Authenticator is wrong: the shared secrets differ, most likely",
		DIAG_RADIUS_SECRET },
	[RADIUS_BAD_AUTHENTICATOR] = { "bad-authenticator",
		"the authenticator is wrong: the shared secrets differ, most likely",
		DIAG_RADIUS_SECRET },
	[RADIUS_BAD_EAP] = { "bad-eap", "the EAP-Message attributes make no EAP packet",
		DIAG_MALFORMED },
	[RADIUS_NO_EAP] = { "no-eap", "there is no EAP-Message", DIAG_RADIUS_NO_EAP },
	[RADIUS_BAD_KEYS] = { "bad-keys", "the MS-MPPE keys do not decrypt to 32 octets each",
		DIAG_MALFORMED },
	[RADIUS_UNMATCHED] = { "unmatched", "the response is to nothing that was asked",
		DIAG_MALFORMED },
	[RADIUS_STALE] = { "stale", "the Event-Timestamp is missing or too far from now",
		DIAG_RADIUS_STALE },
	[RADIUS_TOO_LONG] = { "too-long", "what was to be sent does not fit into a packet",
		DIAG_INTERNAL },
	[RADIUS_FULL] = { "full", "no identifier is free", DIAG_INTERNAL },
	[RADIUS_NO_MEMORY] = { "no-memory", "there is no memory", DIAG_INTERNAL },
	[RADIUS_NO_CRYPTO] = { "no-crypto", "the crypto library refused", DIAG_INTERNAL },
};

static const char *const codes[] = {
	[RADIUS_ACCESS_REQUEST] = "Access-Request",
	[RADIUS_ACCESS_ACCEPT] = "Access-Accept",
	[RADIUS_ACCESS_REJECT] = "Access-Reject",
	[RADIUS_ACCOUNTING_REQUEST] = "Accounting-Request",
	[RADIUS_ACCOUNTING_RESPONSE] = "Accounting-Response",
	[RADIUS_ACCESS_CHALLENGE] = "Access-Challenge",
	[RADIUS_STATUS_SERVER] = "Status-Server",
	[RADIUS_DISCONNECT_REQUEST] = "Disconnect-Request",
	[RADIUS_DISCONNECT_ACK] = "Disconnect-ACK",
	[RADIUS_DISCONNECT_NAK] = "Disconnect-NAK",
	[RADIUS_COA_REQUEST] = "CoA-Request",
	[RADIUS_COA_ACK] = "CoA-ACK",
	[RADIUS_COA_NAK] = "CoA-NAK",
};

static const char *const types[] = {
	[RADIUS_USER_NAME] = "User-Name",
	[RADIUS_USER_PASSWORD] = "User-Password",
	[3] = "CHAP-Password",
	[RADIUS_NAS_IP_ADDRESS] = "NAS-IP-Address",
	[RADIUS_NAS_PORT] = "NAS-Port",
	[RADIUS_SERVICE_TYPE] = "Service-Type",
	[7] = "Framed-Protocol",
	[8] = "Framed-IP-Address",
	[11] = "Filter-Id",
	[RADIUS_FRAMED_MTU] = "Framed-MTU",
	[RADIUS_REPLY_MESSAGE] = "Reply-Message",
	[RADIUS_STATE] = "State",
	[RADIUS_CLASS] = "Class",
	[RADIUS_VENDOR_SPECIFIC] = "Vendor-Specific",
	[RADIUS_SESSION_TIMEOUT] = "Session-Timeout",
	[RADIUS_IDLE_TIMEOUT] = "Idle-Timeout",
	[RADIUS_TERMINATION_ACTION] = "Termination-Action",
	[RADIUS_CALLED_STATION_ID] = "Called-Station-Id",
	[RADIUS_CALLING_STATION_ID] = "Calling-Station-Id",
	[RADIUS_NAS_IDENTIFIER] = "NAS-Identifier",
	[RADIUS_PROXY_STATE] = "Proxy-State",
	[RADIUS_ACCT_STATUS_TYPE] = "Acct-Status-Type",
	[RADIUS_ACCT_DELAY_TIME] = "Acct-Delay-Time",
	[RADIUS_ACCT_INPUT_OCTETS] = "Acct-Input-Octets",
	[RADIUS_ACCT_OUTPUT_OCTETS] = "Acct-Output-Octets",
	[RADIUS_ACCT_SESSION_ID] = "Acct-Session-Id",
	[RADIUS_ACCT_AUTHENTIC] = "Acct-Authentic",
	[RADIUS_ACCT_SESSION_TIME] = "Acct-Session-Time",
	[RADIUS_ACCT_INPUT_PACKETS] = "Acct-Input-Packets",
	[RADIUS_ACCT_OUTPUT_PACKETS] = "Acct-Output-Packets",
	[RADIUS_ACCT_TERMINATE_CAUSE] = "Acct-Terminate-Cause",
	[RADIUS_ACCT_MULTI_SESSION_ID] = "Acct-Multi-Session-Id",
	[RADIUS_ACCT_INPUT_GIGAWORDS] = "Acct-Input-Gigawords",
	[RADIUS_ACCT_OUTPUT_GIGAWORDS] = "Acct-Output-Gigawords",
	[RADIUS_EVENT_TIMESTAMP] = "Event-Timestamp",
	[RADIUS_NAS_PORT_TYPE] = "NAS-Port-Type",
	[RADIUS_TUNNEL_TYPE] = "Tunnel-Type",
	[RADIUS_TUNNEL_MEDIUM_TYPE] = "Tunnel-Medium-Type",
	[RADIUS_CONNECT_INFO] = "Connect-Info",
	[RADIUS_EAP_MESSAGE] = "EAP-Message",
	[RADIUS_MESSAGE_AUTHENTICATOR] = "Message-Authenticator",
	[RADIUS_TUNNEL_PRIVATE_GROUP_ID] = "Tunnel-Private-Group-ID",
	[RADIUS_ACCT_INTERIM_INTERVAL] = "Acct-Interim-Interval",
	[RADIUS_NAS_PORT_ID] = "NAS-Port-Id",
	[RADIUS_CHARGEABLE_USER_IDENTITY] = "Chargeable-User-Identity",
	[RADIUS_NAS_IPV6_ADDRESS] = "NAS-IPv6-Address",
	[RADIUS_ERROR_CAUSE] = "Error-Cause",
	[RADIUS_EAP_KEY_NAME] = "EAP-Key-Name",
};

static const struct {
	enum radius_error_cause cause;
	const char *name;
} causes[] = {
	{ RADIUS_CAUSE_NONE, "none" },
	{ RADIUS_CAUSE_RESIDUAL_CONTEXT_REMOVED, "Residual Session Context Removed" },
	{ RADIUS_CAUSE_UNSUPPORTED_ATTRIBUTE, "Unsupported Attribute" },
	{ RADIUS_CAUSE_MISSING_ATTRIBUTE, "Missing Attribute" },
	{ RADIUS_CAUSE_NAS_MISMATCH, "NAS Identification Mismatch" },
	{ RADIUS_CAUSE_INVALID_REQUEST, "Invalid Request" },
	{ RADIUS_CAUSE_UNSUPPORTED_SERVICE, "Unsupported Service" },
	{ RADIUS_CAUSE_UNSUPPORTED_EXTENSION, "Unsupported Extension" },
	{ RADIUS_CAUSE_INVALID_VALUE, "Invalid Attribute Value" },
	{ RADIUS_CAUSE_PROHIBITED, "Administratively Prohibited" },
	{ RADIUS_CAUSE_NOT_ROUTABLE, "Request Not Routable (Proxy)" },
	{ RADIUS_CAUSE_NOT_FOUND, "Session Context Not Found" },
	{ RADIUS_CAUSE_NOT_REMOVABLE, "Session Context Not Removable" },
	{ RADIUS_CAUSE_OTHER_PROXY, "Other Proxy Processing Error" },
	{ RADIUS_CAUSE_RESOURCES, "Resources Unavailable" },
	{ RADIUS_CAUSE_INITIATED, "Request Initiated" },
	{ RADIUS_CAUSE_MULTIPLE_SESSIONS, "Multiple Session Selection Unsupported" },
};
/* clang-format on */

const char *radius_fault_name(enum radius_fault fault)
{
	return faults[fault].name;
}

const char *radius_fault_sentence(enum radius_fault fault)
{
	return faults[fault].sentence;
}

enum diagnosis_id radius_fault_diagnosis(enum radius_fault fault)
{
	return faults[fault].diagnosis;
}

const char *radius_code_name(uint8_t code)
{
	const char *name = code < sizeof codes / sizeof codes[0] ? codes[code] : NULL;

	return name ? name : "Code";
}

const char *radius_type_name(uint8_t type)
{
	const char *name = type < sizeof types / sizeof types[0] ? types[type] : NULL;

	return name ? name : "Attribute";
}

const char *radius_error_cause_name(uint32_t cause)
{
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
		if ((uint32_t)causes[i].cause == cause)
			return causes[i].name;
	}
	return "unknown";
}
