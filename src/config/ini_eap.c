/* The type of an EAP method as a setting: as a number, or expanded (RFC 3748, section 5.7). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "eap/packet.h"

bool ini_eap_type_of(const char *text, struct eap_type *ret_type)
{
	unsigned long vendor = 0, type;
	const char *colon = strchr(text, ':');
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	type = strtoul(text, &end, 10);
	if (colon) {
		vendor = type;
		if (end != colon || vendor == 0 || vendor > 0xffffff ||
		    !isdigit((unsigned char)colon[1]))
			return false;
		type = strtoul(colon + 1, &end, 10);
	}
	if (*end || type > UINT32_MAX || (vendor == 0 && (type < 4 || type == 254 || type > 255)))
		return false;
	*ret_type = (struct eap_type){ .vendor = (uint32_t)vendor, .type = (uint32_t)type };
	return true;
}

static bool parse_eap_type(const struct ini_key *key, const char *text, void *field)
{
	struct eap_type type;

	(void)key;
	return ini_eap_type_of(text, &type) && ini_keep_text(text, field);
}

const struct ini_type ini_eap_type = {
	.shown = "type",
	.expected = "an EAP type from 4 to 255, or VENDOR:TYPE",
	.parse = parse_eap_type,
	.print = ini_print_text,
	.clear = ini_clear_text,
};
