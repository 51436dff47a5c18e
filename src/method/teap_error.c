/* What the codes of TEAP's Error TLV say: RFC 9930, section 4.2.6. */
#include "method/teap_tlv.h"

const char *teap_error_name(uint32_t code)
{
	static const struct {
		uint32_t code;
		const char *name;
	} names[] = {
		{ 1, "User account expires soon" },
		{ 2, "User account credential expires soon" },
		{ 3, "User account authorizations change soon" },
		{ 4, "Clock skew detected" },
		{ 5, "Contact administrator" },
		{ 6, "User account credentials change required" },
		{ 1001, "Inner Method Error" },
		{ 1002, "Unspecified authentication infrastructure problem" },
		{ 1003, "Unspecified authentication failure" },
		{ 1004, "Unspecified authorization failure" },
		{ 1005, "User account credentials unavailable" },
		{ 1006, "User account expired" },
		{ 1007, "User account locked: try again later" },
		{ 1008, "User account locked: admin intervention required" },
		{ 1009, "Authentication infrastructure unavailable" },
		{ 1010, "Authentication infrastructure not trusted" },
		{ 1011, "Clock skew too great" },
		{ 1012, "Invalid inner realm" },
		{ 1013, "Token out of sync: administrator intervention required" },
		{ 1014, "Token out of sync: PIN change required" },
		{ 1015, "Token revoked" },
		{ 1016, "Tokens exhausted" },
		{ 1017, "Challenge expired" },
		{ 1018, "Challenge algorithm mismatch" },
		{ 1019, "Client certificate not supplied" },
		{ 1020, "Client certificate rejected" },
		{ 1021, "Realm mismatch between inner and outer identity" },
		{ 1022, "Unsupported Algorithm In Certificate Signing Request" },
		{ 1023, "Unsupported Extension In Certificate Signing Request" },
		{ 1024, "Bad Identity In Certificate Signing Request" },
		{ 1025, "Bad Certificate Signing Request" },
		{ 1026, "Internal CA Error" },
		{ 1027, "General PKI Error" },
		{ 1028, "Inner method's channel-binding data required but not supplied" },
		{ 1029, "Inner method's channel-binding data did not include required "
			"information" },
		{ 1030, "Inner method's channel binding failed" },
		{ 1031, "User account credentials incorrect" },
		{ 1032, "Inner method not supported" },
		{ 2001, "Tunnel Compromise Error" },
		{ 2002, "Unexpected TLVs Exchanged" },
		{ 2003, "The Crypto-Binding TLV is invalid" },
		{ 2004, "The first inner method did not derive EMSK" },
		{ 2005, "The Crypto-Binding TLV did not include a required MSK Compound-MAC" },
		{ 2006, "The MSK Compound-MAC fails verification" },
		{ 2007, "The Crypto-Binding TLV did not include a required EMSK Compound-MAC" },
		{ 2008, "The EMSK Compound-MAC fails verification" },
		{ 2009, "The EMSK Compound-MAC exists, but the inner method did not derive EMSK" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i].code == code)
			return names[i].name;
	}
	return NULL;
}
