/* Which names a machine gets. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "enrol/ca.h"
#include "enrol/names.h"

/* ---- the template of the common name ---- */

struct variables {
	const char *cn, *serial, *mac, *token;
};

static const char *const variable_names[] = { "cn", "serial", "mac", "token" };

/* What stands at a '%': the length of "%{cn}" or "%%", and which; 0: nothing that we know. */
static size_t variable_at(const char *at, size_t *ret_which)
{
	*ret_which = SIZE_MAX;
	if (at[1] == '%')
		return 2;
	for (size_t i = 0; i < sizeof variable_names / sizeof variable_names[0]; i++) {
		size_t len = strlen(variable_names[i]);

		if (at[1] == '{' && strncmp(at + 2, variable_names[i], len) == 0 &&
		    at[2 + len] == '}') {
			*ret_which = i;
			return len + 3;
		}
	}
	return 0;
}

bool ca_template_valid(const char *text)
{
	size_t which, len;

	for (; *text; text += len) {
		len = *text == '%' ? variable_at(text, &which) : 1;
		if (len == 0)
			return false;
	}
	return true;
}
