#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "keystore/dir.h"

DEFINE_AUTO(json_t, json_decref);

static const char *const kinds[] = {
	[CREDENTIAL_CERTIFICATE] = "certificate",
	[CREDENTIAL_PASSWORD] = "password",
	[CREDENTIAL_SYMMETRIC] = "symmetric",
};

const char *credential_kind_name(enum credential_kind kind)
{
	return kinds[kind];
}

/* A credential of the first format has no kind: all were certificates. */
static bool parse_kind(const json_t *kind, enum credential_kind *ret_kind)
{
	*ret_kind = CREDENTIAL_CERTIFICATE;
	if (!kind)
		return true;
	for (size_t i = 0; json_is_string(kind) && i < sizeof kinds / sizeof kinds[0]; i++) {
		*ret_kind = (enum credential_kind)i;
		if (strcmp(json_string_value(kind), kinds[i]) == 0)
			return true;
	}
	return false;
}

int meta_parse(struct slice text, struct meta *ret_meta, struct diagnosis *why)
{
	AUTO(json_t)
	root = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *imported = json_object_get(root, "imported");

	if (!json_is_integer(imported) ||
	    !parse_kind(json_object_get(root, "kind"), &ret_meta->kind)) {
		diagnosis_add(why, "detail", "meta.json is damaged");
		return -EBADMSG;
	}
	ret_meta->imported = json_integer_value(imported);
	return 0;
}

/* Without memory jansson now and then leaves a part out and says nothing: what would not be read
 * again is not written. */
static bool reads_back(const char *text, const struct meta *meta)
{
	struct diagnosis ignored = { 0 };
	struct meta again;

	return meta_parse(slice_str(text), &again, &ignored) == 0 &&
	       again.imported == meta->imported && again.kind == meta->kind;
}

int meta_build(const struct meta *meta, struct bytes *ret_text)
{
	AUTO(json_t)
	root = json_pack("{s:i, s:I, s:s}", "format", 1, "imported", (json_int_t)meta->imported,
			 "kind", kinds[meta->kind]);
	AUTO(char) text = root ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	return text && reads_back(text, meta) && bytes_set(ret_text, slice_str(text)) == OK
		       ? 0
		       : -ENOMEM;
}
