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

/* A buffer that notices what does not fit. */
struct text {
	char *p;
	size_t size, used;
	bool over;
};

static void put(struct text *text, const char *from, size_t len)
{
	if (text->over || len >= text->size - text->used) {
		text->over = true;
		return;
	}
	memcpy(text->p + text->used, from, len);
	text->used += len;
	text->p[text->used] = '\0';
}

/* Says in *ret_missing what it would take; NULL: all was there. */
static bool expand(const char *template, const char *const values[4], char *buffer, size_t size,
		   const char **ret_missing)
{
	struct text text = { .p = buffer, .size = size };
	size_t which, len;

	buffer[0] = '\0';
	*ret_missing = NULL;
	for (const char *at = template; *at; at += len) {
		len = *at == '%' ? variable_at(at, &which) : 1;
		if (len == 0)
			return false;
		if (*at != '%' || which == SIZE_MAX)
			put(&text, at, 1); /* of "%%" the first */
		else if (!values[which][0])
			*ret_missing = variable_names[which];
		else
			put(&text, values[which], strlen(values[which]));
	}
	return !text.over && !*ret_missing;
}

/* ---- what may be asked for ---- */

static enum status refuse(struct diagnosis *why, const struct ca_profile *profile, const char *kind,
			  const char *name, const char *detail)
{
	diagnosis_set(why, DIAG_NAME_REFUSED);
	diagnosis_add(why, "name", "%s%s%s", kind, *kind ? ":" : "", name);
	diagnosis_add(why, "detail", "%s", detail);
	diagnosis_add(why, "profile", "%s", profile->name);
	return UNTRUSTED;
}

static bool matches(const char *text, const char *const *globs, size_t count, int flags)
{
	for (size_t i = 0; i < count; i++) {
		if (fnmatch(globs[i], text, flags) == 0)
			return true;
	}
	return false;
}

bool ca_common_name_allowed(const struct ca_profile *p, const char *name)
{
	return p->common_name_count > 0
		       ? matches(name, p->common_names, p->common_name_count, FNM_CASEFOLD)
		       : common_name_is_plain(name);
}

static bool is_nocase(int kind)
{
	return kind == ENROL_NAME_DNS || kind == ENROL_NAME_EMAIL || kind == ENROL_NAME_UPN;
}

static bool profile_allows(const struct ca_profile *p, int kind, const char *text)
{
	const struct {
		const char *const *globs;
		size_t count;
	} of[] = {
		[ENROL_NAME_DNS] = { p->dns, p->dns_count },
		[ENROL_NAME_EMAIL] = { p->email, p->email_count },
		[ENROL_NAME_URI] = { p->uri, p->uri_count },
		[ENROL_NAME_UPN] = { p->upn, p->upn_count },
		[ENROL_NAME_IP] = { p->ip, p->ip_count },
	};

	return matches(text, of[kind].globs, of[kind].count, is_nocase(kind) ? FNM_CASEFOLD : 0);
}

static bool is_same(int kind, const char *a, const char *b)
{
	return is_nocase(kind) ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static bool grant_has(const struct enrol_names *granted, int kind, const char *text)
{
	for (size_t i = 0; i < granted->count; i++) {
		if ((int)granted->alternative[i].kind == kind &&
		    is_same(kind, granted->alternative[i].text, text))
			return true;
	}
	return false;
}

static bool is_empty(const struct enrol_names *names)
{
	return !names->common_name[0] && names->count == 0;
}

/* ---- the common name ---- */

/* %{cn}: what the grant says, whatever is asked for (a machine that has no name in mind asks for
 * that of its host); or what is asked for, if it may be. */
static enum status choose_cn(const struct ca_profile *profile, const struct enrol_grant *grant,
			     const struct enrol_names *wanted, const char **ret_cn,
			     struct diagnosis *why)
{
	const char *cn = wanted->common_name, *granted = grant->names.common_name;

	*ret_cn = *granted ? granted : cn;
	if (**ret_cn && !*granted && !is_empty(&grant->names) &&
	    !grant_has(&grant->names, ENROL_NAME_DNS, cn))
		return refuse(why, profile, "CN", cn, "it is not among the names it was granted");
	if (!*granted && *cn && !ca_common_name_allowed(profile, cn))
		return refuse(why, profile, "CN", cn, "the profile does not allow it");
	return OK;
}

static enum status make_common_name(const struct ca_profile *profile,
				    const struct enrol_grant *grant,
				    const struct enrol_names *wanted, struct enrol_names *names,
				    struct diagnosis *why)
{
	const char *template = profile->common_name ? profile->common_name : "%{cn}";
	const char *values[] = { "", grant->serial, grant->mac, grant->token }, *missing;
	enum status status = OK;

	if (strstr(template, "%{cn}"))
		status = choose_cn(profile, grant, wanted, &values[0], why);
	if (status != OK)
		return status;
	/* A machine may do without one that it does not ask for, if it has other names. */
	if (strcmp(template, "%{cn}") == 0 && !*values[0])
		return OK;
	if (!expand(template, values, names->common_name, sizeof names->common_name, &missing)) {
		char detail[64];

		snprintf(detail, sizeof detail, "%%{%s} is not known of it",
			 missing ? missing : "");
		return refuse(why, profile, "CN", template,
			      missing ? detail : "it would be too long");
	}
	if (names->common_name[0] && !common_name_valid(names->common_name))
		return refuse(why, profile, "CN", names->common_name,
			      "a common name has 64 characters at most, and no strange ones");
	return OK;
}

/* ---- the others ---- */

static enum status take_one(const struct ca_profile *profile, const struct enrol_grant *grant,
			    int kind, const char *text, struct diagnosis *why)
{
	if (!name_valid(kind, text))
		return refuse(why, profile, name_kind_text(kind), text, "it is not well formed");
	if (grant->names.count > 0 ? grant_has(&grant->names, kind, text)
				   : profile_allows(profile, kind, text))
		return OK;
	return refuse(why, profile, name_kind_text(kind), text,
		      grant->names.count > 0 ? "it is not among the names it was granted"
					     : "the profile does not allow it");
}

static enum status take_alternative(const struct ca_profile *profile,
				    const struct enrol_grant *grant,
				    const struct enrol_names *wanted, struct enrol_names *names,
				    struct diagnosis *why)
{
	const struct enrol_names *from = wanted->count > 0 ? wanted : &grant->names;

	for (size_t i = 0; i < from->count; i++) {
		int kind = (int)from->alternative[i].kind;
		const char *text = from->alternative[i].text;
		enum status status = take_one(profile, grant, kind, text, why);

		if (status != OK)
			return status;
		if (!grant_has(names, kind, text))
			names->alternative[names->count++] = from->alternative[i];
	}
	return OK;
}

enum status ca_names(const struct ca_profile *profile, const struct enrol_grant *grant,
		     const struct enrol_names *wanted, struct enrol_names *ret_names,
		     struct diagnosis *why)
{
	struct enrol_names names = { 0 };
	enum status status = make_common_name(profile, grant, wanted, &names, why);

	if (status == OK)
		status = take_alternative(profile, grant, wanted, &names, why);
	if (status != OK)
		return status;
	if (is_empty(&names))
		return refuse(why, profile, "", "(none)", "a certificate has to have some name");
	*ret_names = names;
	return OK;
}
