#include <errno.h>
#include <jansson.h>

#include "keystore/dir.h"

DEFINE_AUTO(json_t, json_decref);

int meta_parse(struct slice text, struct meta *ret_meta, struct diagnosis *why)
{
	AUTO(json_t)
	root = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *imported = json_object_get(root, "imported");

	if (!json_is_integer(imported)) {
		diagnosis_add(why, "detail", "meta.json is damaged");
		return -EBADMSG;
	}
	ret_meta->imported = json_integer_value(imported);
	return 0;
}

int meta_build(const struct meta *meta, struct bytes *ret_text)
{
	AUTO(json_t)
	root = json_pack("{s:i, s:I}", "format", 1, "imported", (json_int_t)meta->imported);
	AUTO(char) text = root ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	return text && bytes_set(ret_text, slice_str(text)) == OK ? 0 : -ENOMEM;
}
