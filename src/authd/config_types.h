/* The types of values that only the tables of latchkey-authd have. */
#ifndef AUTHD_CONFIG_TYPES_H
#define AUTHD_CONFIG_TYPES_H

#include "authd/config.h"

/* clang-format off */
extern const struct ini_type
	config_globs,	   /* struct words: patterns as the shell's */
	config_credential, /* char *: a name in the keystore */
	config_addresses,  /* struct addresses */
	config_prefixes,   /* struct words, each of which prefix_parse takes */
	config_database,   /* char *; NULL for "off" */
	config_secret_text,/* char *: wiped, and never printed */
	config_attributes, /* struct words: "CN=pattern", one on a line */
	config_key_types,  /* struct words: "P-256", "RSA-3072" */
	config_url,	   /* char *: http:// */
	config_service_url,/* char *: https://, or http:// on this machine */
	config_choices,	   /* struct words: of the key's words; their values do not count */
	config_usages;	   /* struct words: dotted, "clientAuth" becomes one */
/* clang-format on */

#endif
