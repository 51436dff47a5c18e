/* The keystore without memory: the old state or the new one, and nothing that is half there. */
#include "keystore/keystore.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static struct pki_cert root, middle, leaves[2];
static struct bundle bundles[2];
static struct bytes exported;
static struct scratch dir;
static char path[80];
static struct keystore *keystore;
static struct diagnosis why;

static void fill(struct bundle *bundle, const struct pki_cert *leaf)
{
	struct bytes files[] = { pki_der(leaf->cert), pki_der(middle.cert), pki_der(root.cert),
				 pki_key_der(leaf->key) };
	bool encrypted;

	for (size_t i = 0; i < 4; i++) {
		if (bundle_add(bundle, bytes_slice(&files[i]), NULL, &encrypted, &why) != OK)
			abort();
		bytes_done(&files[i]);
	}
	if (bundle_finish(bundle, &why) != OK)
		abort();
}

static void set_up(void)
{
	unsigned number;

	root = pki_ca("Root");
	middle = pki_intermediate("Middle", &root);
	for (int i = 0; i < 2; i++) {
		leaves[i] = pki_client("machine", &middle);
		fill(&bundles[i], &leaves[i]);
	}
	dir = scratch_make_fast();
	snprintf(path, sizeof path, "%s/keystore", dir.path);
	if (keystore_open(path, true, &keystore, &why) < 0 ||
	    keystore_put(keystore, "machine", &bundles[0], NULL, &number, &why) < 0 ||
	    keystore_export(keystore, "machine", &exported, &why) < 0)
		abort();
}

static void clear_away(void)
{
	keystore_free(keystore);
	scratch_done(&dir);
	bytes_done(&exported);
	for (int i = 0; i < 2; i++) {
		bundle_done(&bundles[i]);
		pki_cert_done(&leaves[i]);
	}
	pki_cert_done(&middle);
	pki_cert_done(&root);
}

/* What failed says why, and did because of the fault. */
static bool excused(int r)
{
	return r < 0 && fault_happened() && why.id != DIAG_NONE;
}

static bool is_whole(const struct credential *c, int which)
{
	return X509_cmp(c->cert, leaves[which].cert) == 0 &&
	       EVP_PKEY_eq(c->key, leaves[which].key) == 1 && sk_X509_num(c->chain) == 1 &&
	       sk_X509_num(c->anchors) == 1;
}

static bool stored(const char *name, unsigned generation, int which)
{
	AUTO_STRUCT(credential) c = NULL;

	return keystore_get(keystore, name, &c, &why) == 0 && c->generation == generation &&
	       is_whole(c, which);
}

static bool opened(void)
{
	AUTO_STRUCT(keystore) another = NULL;

	diagnosis_set(&why, DIAG_NONE);

	int r = keystore_open(path, false, &another, &why);

	return r == 0 ? another != NULL : excused(r) && !another;
}

static bool got(void)
{
	AUTO_STRUCT(credential) c = NULL;

	diagnosis_set(&why, DIAG_NONE);

	int r = keystore_get(keystore, "machine", &c, &why);

	fault_suspend();

	bool right = r == 0 ? is_whole(c, 0) : excused(r) && !c;

	fault_resume();
	return right;
}

struct listing {
	int found;
	bool whole;
};

static void see(void *context, const struct credential_info *info)
{
	struct listing *listing = context;

	listing->found++;
	listing->whole =
		strcmp(info->name, "machine") == 0 &&
		(info->problem.id != DIAG_NONE ||
		 (info->generation == 1 && info->generations == 1 && info->imported > 0 &&
		  info->chain_length == 1 && info->anchor_count == 1 && info->cert.not_after > 0));
	if (info->problem.id != DIAG_NONE && !fault_happened())
		listing->whole = false;
}

/* One that cannot be read is listed with the reason. */
static bool listed(void)
{
	struct listing listing = { 0 };
	int r = keystore_list(keystore, see, &listing);

	return r == 0 ? listing.found == 1 && listing.whole : fault_happened();
}

static bool exports(void)
{
	AUTO_VALUE(bytes) pem = { 0 };

	diagnosis_set(&why, DIAG_NONE);

	int r = keystore_export(keystore, "machine", &pem, &why);

	return r == 0 ? slice_eq(bytes_slice(&pem), bytes_slice(&exported)) : excused(r);
}

static bool put_first(void)
{
	struct credential_info info;
	unsigned number = 0;
	bool right;

	diagnosis_set(&why, DIAG_NONE);

	int r = keystore_put(keystore, "new", &bundles[0], NULL, &number, &why);

	fault_suspend();
	if (r == 0)
		right = number == 1 && stored("new", 1, 0) &&
			keystore_remove(keystore, "new", &why) == 0;
	else
		right = excused(r) && keystore_show(keystore, "new", &info, &why) == -ENODEV;
	fault_resume();
	return right;
}

static bool put_next(void)
{
	unsigned first = 0, number = 0;
	bool right;

	fault_suspend();
	right = keystore_put(keystore, "again", &bundles[0], NULL, &first, &why) == 0;
	diagnosis_set(&why, DIAG_NONE);
	fault_resume();

	int r = keystore_put(keystore, "again", &bundles[1], NULL, &number, &why);

	fault_suspend();
	if (r == 0)
		right = right && number == first + 1 && stored("again", number, 1);
	else
		right = right && excused(r) && stored("again", first, 0);
	right = keystore_remove(keystore, "again", &why) == 0 && right;
	fault_resume();
	return right;
}

int main(void)
{
	fault_init();
	json_set_alloc_funcs(malloc, free);
	set_up();
	fault_each("keystore: open", opened);
	fault_each("keystore: get", got);
	fault_each("keystore: list", listed);
	fault_each("keystore: export", exports);
	fault_each("keystore: the first generation", put_first);
	fault_each("keystore: the next generation", put_next);
	clear_away();
	return fault_end();
}
