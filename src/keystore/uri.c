#include "keystore/uri.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What key.uri can hold, with its NUL. */
#define URI_MAX 256

#define URI_OBJECTS_MAX 16

DEFINE_AUTO(OSSL_STORE_CTX, OSSL_STORE_close);
DEFINE_AUTO(OSSL_STORE_INFO, OSSL_STORE_INFO_free);

static bool refuse(struct diagnosis *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(struct diagnosis *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diagnosis_vsay(why, DIAG_KEY_UNREADABLE, format, args);
	va_end(args);
	return false;
}

static bool has_scheme(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncasecmp(text, scheme, len) == 0 && text[len] == ':';
}

/* RFC 3986, section 3.1; two characters at least, so that C:\key is none. */
static size_t scheme_length(const char *text)
{
	size_t len = 0;

	if (!isalpha((unsigned char)text[0]))
		return 0;
	while (isalnum((unsigned char)text[len]) || (text[len] && strchr("+-.", text[len])))
		len++;
	return len > 1 && text[len] == ':' ? len : 0;
}

/* ---- pkcs11: ---- */

/* RFC 7512, section 2.3: what stands before the question mark, and what behind it. */
static const char *const path_attributes[] = { "token",
					       "manufacturer",
					       "serial",
					       "model",
					       "library-manufacturer",
					       "library-version",
					       "library-description",
					       "object",
					       "type",
					       "id",
					       "slot-manufacturer",
					       "slot-description",
					       "slot-id",
					       NULL };
static const char *const query_attributes[] = { "pin-source", "pin-value", "module-name",
						"module-path", NULL };

static bool named(struct slice name, const char *text)
{
	return slice_eq(name, slice_str(text));
}

static bool is_known(struct slice name, const char *const *known)
{
	for (; *known; known++) {
		if (named(name, *known))
			return true;
	}
	return false;
}

static bool percent_encoding_valid(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] != '%')
			continue;
		if (value.len - i < 3 || !isxdigit(value.p[i + 1]) || !isxdigit(value.p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

static bool attribute_valid(struct slice name, struct slice value, struct diagnosis *why)
{
	if (!percent_encoding_valid(value))
		return refuse(why, "in its URI %.*s has a wrong percent-encoding", (int)name.len,
			      (const char *)name.p);
	if (named(name, "pin-value"))
		return refuse(why,
			      "its URI holds the PIN itself, which would be readable in listings; "
			      "put it into a file and write pin-source=file:/path");
	if (named(name, "pin-source") && (value.len < 6 || memcmp(value.p, "file:", 5) != 0))
		return refuse(why, "in its URI pin-source must be file: and a path");
	if (named(name, "type") && !named(value, "private"))
		return refuse(why, "in its URI type must be private");
	return true;
}

/* attributes: name=value, separated by one character; each name once. */
static bool attributes_valid(struct slice attributes, char separator, const char *const *known,
			     struct diagnosis *why)
{
	uint32_t seen = 0;

	while (attributes.len > 0) {
		const uint8_t *end = memchr(attributes.p, separator, attributes.len);
		size_t len = end ? (size_t)(end - attributes.p) : attributes.len;
		const uint8_t *equals = memchr(attributes.p, '=', len);

		if (!equals || equals == attributes.p)
			return refuse(why, "its URI has an attribute without a name or value");

		struct slice name = slice_of(attributes.p, (size_t)(equals - attributes.p));
		struct slice value = slice_of(equals + 1, len - name.len - 1);

		if (!is_known(name, known))
			return refuse(why, "its URI has an unknown attribute, %.*s", (int)name.len,
				      (const char *)name.p);
		for (size_t i = 0; known[i]; i++) {
			if (!named(name, known[i]))
				continue;
			if (seen & 1u << i)
				return refuse(why, "its URI has %s twice", known[i]);
			seen |= 1u << i;
		}
		if (!attribute_valid(name, value, why))
			return false;
		len += end ? 1 : 0;
		attributes = slice_of(attributes.p + len, attributes.len - len);
	}
	return true;
}

static bool pkcs11_valid(const char *attributes, struct diagnosis *why)
{
	size_t path = strcspn(attributes, "?");
	const char *query = attributes[path] ? attributes + path + 1 : attributes + path;

	if (path == 0)
		return refuse(why, "its URI does not say which key; name at least object= or id=");
	return attributes_valid(slice_of(attributes, path), ';', path_attributes, why) &&
	       attributes_valid(slice_str(query), '&', query_attributes, why);
}

bool key_uri_valid(const char *text, struct diagnosis *why)
{
	size_t scheme = scheme_length(text);

	if (scheme == 0)
		return refuse(why, "it is not a URI, which begins with a scheme such as pkcs11:");
	if (strlen(text) >= URI_MAX)
		return refuse(why, "its URI is longer than %d characters", URI_MAX - 1);
	for (const char *c = text; *c; c++) {
		if (!isgraph((unsigned char)*c))
			return refuse(why, "its URI has a blank or a character that is not ASCII");
	}
	if (text[scheme + 1] == '\0')
		return refuse(why, "its URI ends after the scheme");
	if (has_scheme(text, "pkcs11"))
		return pkcs11_valid(text + scheme + 1, why);
	return true;
}

/* ---- opening ---- */

/* The provider stays loaded: keys refer to it. */
static bool pkcs11_provider(void)
{
	bool there = OSSL_PROVIDER_available(NULL, "pkcs11") ||
		     OSSL_PROVIDER_try_load(NULL, "pkcs11", 1) != NULL;

	ERR_clear_error();
	return there;
}

/* A key in a file outside of the keystore is as private as one inside. */
static int check_file(const char *uri, struct diagnosis *why)
{
	const char *path = uri + strlen("file:");
	struct stat st;

	if (strncmp(path, "//", 2) == 0)
		path = strchr(path + 2, '/');
	if (!path || stat(path, &st) < 0) {
		int error = path ? errno : ENOENT;

		refuse(why, "%s: %s", uri, strerror(error));
		return -ENXIO;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) == 0)
		return 0;
	refuse(why, "others can reach %s (mode %04o); chmod 600 it", path,
	       (unsigned)st.st_mode & 07777);
	return -EACCES;
}

static int load_key(OSSL_STORE_CTX *store, EVP_PKEY **ret_key)
{
	for (int i = 0; i < URI_OBJECTS_MAX && !OSSL_STORE_eof(store); i++) {
		AUTO(OSSL_STORE_INFO) info = OSSL_STORE_load(store);

		if (!info || OSSL_STORE_INFO_get_type(info) != OSSL_STORE_INFO_PKEY)
			continue;
		*ret_key = OSSL_STORE_INFO_get1_PKEY(info);
		return *ret_key ? 0 : -ENOMEM;
	}
	return -ENXIO;
}

static bool no_such_scheme(void)
{
	unsigned long e = ERR_peek_last_error();
	int reason = ERR_GET_REASON(e);

	return reason == ERR_R_UNSUPPORTED || (ERR_GET_LIB(e) == ERR_LIB_OSSL_STORE &&
					       (reason == OSSL_STORE_R_UNREGISTERED_SCHEME ||
						reason == OSSL_STORE_R_UNSUPPORTED_OPERATION));
}

static int open_store(const char *uri, EVP_PKEY **ret_key, struct diagnosis *why)
{
	char text[160];

	ERR_clear_error();

	/* UI_null: nobody sits in front of a service. */
	AUTO(OSSL_STORE_CTX)
	store = OSSL_STORE_open_ex(uri, NULL, NULL, UI_null(), NULL, NULL, NULL, NULL);
	if (!store && no_such_scheme()) {
		ERR_clear_error();
		refuse(why,
		       "no OpenSSL provider for %.*s: is loaded; install it and activate it in "
		       "openssl.cnf",
		       (int)scheme_length(uri), uri);
		return -ENOTSUP;
	}

	int r = store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1
			? load_key(store, ret_key)
			: -EIO;

	if (r < 0) {
		unsigned long e = ERR_peek_last_error();

		ERR_error_string_n(e, text, sizeof text);
		refuse(why, "the provider finds no private key there (%s)",
		       e ? text : "no object matches, or it wants a PIN: pin-source=file:");
	}
	ERR_clear_error();
	return r;
}

int key_uri_open(const char *uri, EVP_PKEY **ret_key, struct diagnosis *why)
{
	int r = 0;

	if (!key_uri_valid(uri, why))
		return -EINVAL;
	if (has_scheme(uri, "pkcs11") && !pkcs11_provider()) {
		refuse(why, "no OpenSSL provider for pkcs11: URIs is installed; install "
			    "pkcs11-provider (Debian 13 and Fedora have it; Debian 12 does not)");
		return -ENOTSUP;
	}
	if (has_scheme(uri, "file"))
		r = check_file(uri, why);
	if (r == 0)
		r = open_store(uri, ret_key, why);
	return r;
}
