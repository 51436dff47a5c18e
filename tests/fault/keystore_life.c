/* The life of a credential, for keystore_powercut.py: `live` leads it in an empty directory and
 *tells of each step; `look` tells what is left of it in others.
 *
 *	keystore_life live DIRECTORY	"done GENERATION": what is current from now on, 0: nothing
 *	keystore_life look DIRECTORY…	a line for each: the current generation after recovery, or
 *					what is wrong
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keystore/keystore.h"
#include "tests/pki.h"

static struct pki_cert root;
static struct diagnosis why;

static void need(bool right, const char *what)
{
	const char *detail = diagnosis_evidence(&why, "detail");

	if (right)
		return;
	fprintf(stderr, "%s: %s\n", what, detail ? detail : "no detail");
	exit(1);
}

static void tell(unsigned generation)
{
	printf("done %u\n", generation);
	fflush(stdout);
}

static void import(struct keystore *keystore)
{
	struct pki_cert made = pki_client("machine.example", &root);
	struct bundle bundle = { .key = made.key,
				 .cert = made.cert,
				 .chain = sk_X509_new_null(),
				 .anchors = pki_chain(root.cert, NULL) };
	unsigned number;

	need(keystore_put(keystore, "machine", &bundle, NULL, &number, &why) == 0, "put");
	pki_cert_done(&made);
	x509_stack_free(bundle.chain);
	x509_stack_free(bundle.anchors);
}

/* before and after: what is current until, and from, the end of it. */
static unsigned enrol(struct keystore *keystore, unsigned before, bool adopted)
{
	struct pki_cert made = pki_client("machine.example", &root);
	STACK_OF(X509) *anchors = pki_chain(root.cert, NULL);
	const struct keystore_parts parts = { .cert = made.cert, .anchors = anchors };
	unsigned number;

	need(keystore_begin(keystore, "machine", made.key, NULL, &why) == 0, "begin");
	tell(before);
	need(keystore_finish(keystore, "machine", &parts, &number, &why) == 0, "finish");
	tell(adopted ? number : before);
	x509_stack_free(anchors);
	pki_cert_done(&made);
	return number;
}

static unsigned replace(struct keystore *keystore, unsigned before)
{
	unsigned number = enrol(keystore, before, before == 0);

	need(keystore_try(keystore, "machine", number, &why) == 0, "try");
	tell(number);
	return number;
}

static void live(const char *path)
{
	struct keystore *keystore;
	struct pki_cert made;
	unsigned imported = 1, renewed, back;

	root = pki_ca("Root");
	need(keystore_open(path, true, &keystore, &why) == 0, "open");
	tell(0);
	import(keystore);
	tell(imported);
	renewed = replace(keystore, imported);
	need(keystore_settle(keystore, "machine", renewed, &why) == 0, "settle");
	tell(renewed);
	(void)replace(keystore, renewed);
	need(keystore_fall_back(keystore, "machine", &back, &why) == 0 && back == renewed, "back");
	tell(renewed);
	need(keystore_select(keystore, "machine", imported, &why) == 0, "select");
	tell(imported);
	made = pki_client("machine.example", &root);
	need(keystore_begin(keystore, "machine", made.key, NULL, &why) == 0, "begin");
	tell(imported);
	need(keystore_abandon(keystore, "machine", &why) == 0, "abandon");
	tell(imported);
	need(keystore_discard(keystore, "machine", enrol(keystore, imported, false), &why) == 0,
	     "discard");
	tell(imported);
	need(keystore_remove(keystore, "machine", &why) == 0, "remove");
	tell(0);
	/* The first of a machine that has none: what is finished is taken into use by recovery. */
	renewed = replace(keystore, 0);
	need(keystore_settle(keystore, "machine", renewed, &why) == 0, "settle");
	tell(renewed);
	pki_cert_done(&made);
	pki_cert_done(&root);
	keystore_free(keystore);
}

static int wrong(int error)
{
	const char *detail = diagnosis_evidence(&why, "detail");

	printf("wrong: %s: %s\n", strerror(-error), detail ? detail : "no detail");
	return 1;
}

static int look(const char *path)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_STRUCT(credential) got = NULL;
	int r = keystore_open(path, true, &keystore, &why);

	if (r == 0)
		r = keystore_recover(keystore, &why);
	if (r < 0)
		return wrong(r);
	r = keystore_get(keystore, "machine", &got, &why);
	if (r < 0 && r != -ENODEV)
		return wrong(r);
	if (got && sk_X509_num(got->anchors) != 1)
		return wrong(-EBADMSG);
	printf("%u\n", got ? got->generation : 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "live") == 0) {
		live(argv[2]);
		return 0;
	}
	for (int i = 2; i < argc && strcmp(argv[1], "look") == 0; i++)
		(void)look(argv[i]);
	return argc < 3;
}
