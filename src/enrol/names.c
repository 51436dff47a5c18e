#include "enrol/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- what a text can be ---- */

/* UTF-8 that people can see: what printable() would leave as it is. */
static bool is_plain(const char *text)
{
	char shown[ENROL_NAME_MAX + 1];

	return *text && strlen(text) <= ENROL_NAME_MAX &&
	       strcmp(printable(slice_str(text), shown, sizeof shown), text) == 0;
}

static bool is_graphic_ascii(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

bool common_name_valid(const char *text)
{
	size_t characters = 0;

	for (const char *c = text; *c; c++)
		characters += (*c & 0xc0) != 0x80;
	return is_plain(text) && characters <= ENROL_COMMON_NAME_MAX && text[0] != ' ' &&
	       text[strlen(text) - 1] != ' ';
}

bool common_name_is_plain(const char *text)
{
	char before = '.';

	for (const char *c = text; *c; before = *c++) {
		if (isalnum((unsigned char)*c))
			continue;
		if (!strchr(".-_@", *c) || c == text || (*c == '.' && before == '.'))
			return false;
	}
	return isalnum((unsigned char)before) && common_name_valid(text);
}

/* RFC 1123, section 2.1, and RFC 5280, section 4.2.1.6: letters, digits and hyphens.  A wildcard is
 * not a machine's name. */
static bool is_host(const char *text)
{
	size_t label = 0;

	for (const char *c = text;; c++) {
		if (*c == '.' || !*c) {
			if (label == 0 || label > 63 || c[-1] == '-')
				return false;
			label = 0;
			if (!*c)
				return true;
		} else if (isalnum((unsigned char)*c) || (*c == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
}

/* One '@' with something on both sides; behind it a host. */
static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at && at > text && is_host(at + 1);
}

/* RFC 3986, section 3.1: absolute, with a scheme. */
static bool is_uri(const char *text)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789+.-");

	return isalpha((unsigned char)text[0]) && text[scheme] == ':' && text[scheme + 1] &&
	       is_graphic_ascii(text) && !strpbrk(text, "\"<>\\^`{|}");
}

static size_t ip_octets(const char *text, uint8_t out[16])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

bool name_valid(int kind, const char *text)
{
	uint8_t ip[16];

	if (!is_plain(text))
		return false;
	switch (kind) {
	case ENROL_NAME_DNS:
		return is_host(text);
	case ENROL_NAME_EMAIL:
		return is_graphic_ascii(text) && is_address(text);
	case ENROL_NAME_URI:
		return is_uri(text);
	case ENROL_NAME_UPN:
		return is_address(text);
	case ENROL_NAME_IP:
		return ip_octets(text, ip) > 0;
	}
	return false;
}

const char *name_kind_text(int kind)
{
	static const char *const texts[] = {
		[ENROL_NAME_DNS] = "DNS", [ENROL_NAME_EMAIL] = "email", [ENROL_NAME_URI] = "URI",
		[ENROL_NAME_UPN] = "UPN", [ENROL_NAME_IP] = "IP",
	};

	return kind >= 0 && (size_t)kind < sizeof texts / sizeof texts[0] ? texts[kind] : "name";
}

/* ---- reading ---- */

static enum status wrong(struct diagnosis *why, const char *detail)
{
	ERR_clear_error();
	diagnosis_say(why, DIAG_REQUEST_MALFORMED, "%s", detail);
	return MALFORMED;
}

/* A NUL in it would make two names of one. */
static bool take_text(struct slice from, char to[ENROL_NAME_MAX + 1])
{
	if (from.len == 0 || from.len > ENROL_NAME_MAX || memchr(from.p, '\0', from.len))
		return false;
	memcpy(to, from.p, from.len);
	to[from.len] = '\0';
	return true;
}

static bool take_utf8(const ASN1_STRING *string, char to[ENROL_NAME_MAX + 1])
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, string);
	bool taken = len > 0 && take_text(slice_of(utf8, (size_t)len), to);

	OPENSSL_free(utf8);
	return taken;
}

static bool take_ip(const ASN1_OCTET_STRING *string, char to[ENROL_NAME_MAX + 1])
{
	int len = ASN1_STRING_length(string);

	return (len == 4 || len == 16) &&
	       inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(string), to,
			 ENROL_NAME_MAX + 1);
}

static bool take_ia5(const ASN1_IA5STRING *string, char to[ENROL_NAME_MAX + 1])
{
	return take_text(
		slice_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)), to);
}

/* false: of a kind that we do not have; *ret_right: whether it is well formed. */
static bool take_name(const GENERAL_NAME *from, struct enrol_names *names, bool *ret_right)
{
	__typeof__(names->alternative[0]) *to = &names->alternative[names->count];
	bool right;

	if (from->type == GEN_DNS) {
		to->kind = ENROL_NAME_DNS;
		right = take_ia5(from->d.dNSName, to->text);
	} else if (from->type == GEN_EMAIL) {
		to->kind = ENROL_NAME_EMAIL;
		right = take_ia5(from->d.rfc822Name, to->text);
	} else if (from->type == GEN_URI) {
		to->kind = ENROL_NAME_URI;
		right = take_ia5(from->d.uniformResourceIdentifier, to->text);
	} else if (from->type == GEN_IPADD) {
		to->kind = ENROL_NAME_IP;
		right = take_ip(from->d.iPAddress, to->text);
	} else if (from->type == GEN_OTHERNAME &&
		   OBJ_obj2nid(from->d.otherName->type_id) == NID_ms_upn) {
		to->kind = ENROL_NAME_UPN;
		right = from->d.otherName->value->type == V_ASN1_UTF8STRING &&
			take_utf8(from->d.otherName->value->value.utf8string, to->text);
	} else {
		return false;
	}
	*ret_right = right && name_valid((int)to->kind, to->text);
	return true;
}

static enum status read_alternative(const GENERAL_NAMES *from, struct enrol_names *names,
				    size_t *ignored, struct diagnosis *why)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(from); i++) {
		bool right;

		if (names->count == ENROL_NAMES_MAX)
			return wrong(why, "there are more names in subjectAltName than anybody "
					  "needs");
		if (!take_name(sk_GENERAL_NAME_value(from, i), names, &right))
			++*ignored;
		else if (!right)
			return wrong(why, "a name in subjectAltName is not one");
		else
			names->count++;
	}
	return OK;
}

static enum status read_subject(const X509_NAME *subject, struct enrol_names *names,
				struct diagnosis *why)
{
	int at = -1, last = -1;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return OK;
	if (!take_utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)),
		       names->common_name) ||
	    !common_name_valid(names->common_name))
		return wrong(why, "the common name is not one");
	return OK;
}

static enum status read_both(const X509_NAME *subject, const GENERAL_NAMES *alternative,
			     struct enrol_names *ret_names, size_t *ret_ignored,
			     struct diagnosis *why)
{
	struct enrol_names names = { 0 };
	size_t ignored = 0;
	enum status status = subject ? read_subject(subject, &names, why) : OK;

	if (status == OK && alternative)
		status = read_alternative(alternative, &names, &ignored, why);
	if (status != OK)
		return status;
	*ret_names = names;
	if (ret_ignored)
		*ret_ignored = ignored;
	return OK;
}

enum status names_read(const X509_NAME *subject, const STACK_OF(X509_EXTENSION) * extensions,
		       struct enrol_names *ret_names, size_t *ret_ignored, struct diagnosis *why)
{
	int how = -1;
	AUTO(GENERAL_NAMES)
	alternative =
		extensions ? X509V3_get_d2i(extensions, NID_subject_alt_name, &how, NULL) : NULL;

	if (extensions && !alternative && how != -1)
		return wrong(why, "its subjectAltName does not parse");
	return read_both(subject, alternative, ret_names, ret_ignored, why);
}

enum status names_of_cert(const X509 *cert, struct enrol_names *ret_names, struct diagnosis *why)
{
	return names_read(X509_get_subject_name(cert), X509_get0_extensions(cert), ret_names, NULL,
			  why);
}

/* ---- writing ---- */

enum status names_subject(const struct enrol_names *names, X509_NAME **ret_subject)
{
	AUTO(X509_NAME) subject = X509_NAME_new();

	if (!subject)
		return NO_MEMORY;
	if (names->common_name[0] &&
	    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)names->common_name, -1, -1, 0) != 1) {
		ERR_clear_error();
		return MALFORMED;
	}
	*ret_subject = TAKE(subject);
	return OK;
}

static ASN1_STRING *string_of(int type, const void *octets, size_t len)
{
	ASN1_STRING *string = ASN1_STRING_type_new(type);

	if (string && ASN1_STRING_set(string, octets, (int)len))
		return string;
	ASN1_STRING_free(string);
	return NULL;
}

/* What it is set to is the name's. */
static bool set_ia5(GENERAL_NAME *to, int type, const char *text)
{
	ASN1_STRING *string = string_of(V_ASN1_IA5STRING, text, strlen(text));

	if (string)
		GENERAL_NAME_set0_value(to, type, string);
	return string;
}

static bool set_ip(GENERAL_NAME *to, const char *text)
{
	uint8_t octets[16];
	size_t len = ip_octets(text, octets);
	ASN1_STRING *string = len > 0 ? string_of(V_ASN1_OCTET_STRING, octets, len) : NULL;

	if (string)
		GENERAL_NAME_set0_value(to, GEN_IPADD, string);
	return string;
}

static bool set_upn(GENERAL_NAME *to, const char *text)
{
	ASN1_STRING *string = string_of(V_ASN1_UTF8STRING, text, strlen(text));
	ASN1_TYPE *value = ASN1_TYPE_new();

	if (string && value) {
		ASN1_TYPE_set(value, V_ASN1_UTF8STRING, TAKE(string));
		if (GENERAL_NAME_set0_othername(to, OBJ_nid2obj(NID_ms_upn), value))
			return true;
	}
	ASN1_STRING_free(string);
	ASN1_TYPE_free(value);
	return false;
}

static bool set_name(GENERAL_NAME *to, int kind, const char *text)
{
	if (!name_valid(kind, text))
		return false;
	switch (kind) {
	case ENROL_NAME_DNS:
		return set_ia5(to, GEN_DNS, text);
	case ENROL_NAME_EMAIL:
		return set_ia5(to, GEN_EMAIL, text);
	case ENROL_NAME_URI:
		return set_ia5(to, GEN_URI, text);
	case ENROL_NAME_UPN:
		return set_upn(to, text);
	case ENROL_NAME_IP:
		return set_ip(to, text);
	}
	return false;
}

enum status names_alternative(const struct enrol_names *names, GENERAL_NAMES **ret_names)
{
	AUTO(GENERAL_NAMES) all = NULL;

	*ret_names = NULL;
	if (names->count == 0)
		return OK;
	all = GENERAL_NAMES_new();
	if (!all)
		return NO_MEMORY;
	for (size_t i = 0; i < names->count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();

		if (!name || !sk_GENERAL_NAME_push(all, name)) {
			GENERAL_NAME_free(name);
			return NO_MEMORY;
		}
		if (!set_name(name, (int)names->alternative[i].kind, names->alternative[i].text)) {
			ERR_clear_error();
			return MALFORMED;
		}
	}
	*ret_names = TAKE(all);
	return OK;
}
