/* What strangers send to the authority: an OCSP request, names of a certificate, and names asked
 * for. The first octet says which.  An answer is always an OCSP response; names that are read can
 * be written, and what is given was asked for or granted. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/ca.h"
#include "enrol/names.h"
#include "tests/pki.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct enrol_authority authority;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct pki_cert ca = pki_ca("CA");

	(void)argc;
	(void)argv;
	authority.issuer = ca.cert;
	authority.key = ca.key;
	return 0;
}

static enum ca_state look(void *context, struct slice serial, struct ca_revoked *ret)
{
	(void)context;
	if (serial.len == 0 || serial.p[0] & 1)
		return CA_GOOD;
	*ret = (struct ca_revoked){ serial, PKI_NOW, serial.p[0] };
	return CA_REVOKED;
}

static void ask(struct slice in)
{
	const struct ca_status status = { look, NULL };
	AUTO_VALUE(bytes) der = { 0 };
	const uint8_t *at;

	assert(ca_ocsp(&authority, in, &status, PKI_NOW, 3600, &der) == OK);
	at = der.p;

	AUTO(OCSP_RESPONSE) response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);

	assert(response && at == der.p + der.len);
	if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		assert(ca_ocsp_is_for(&authority, in));
}

static void check_writable(const struct enrol_names *names)
{
	GENERAL_NAMES *alternative = NULL;
	X509_NAME *subject = NULL;

	assert(names_subject(names, &subject) == OK);
	assert(names_alternative(names, &alternative) == OK);
	X509_NAME_free(subject);
	GENERAL_NAMES_free(alternative);
}

static void cut(const struct enrol_names *wanted)
{
	static const char *const any[] = { "*" };
	const struct ca_profile profile = { .name = "p",
					    .common_name = "%{cn}",
					    .dns = any,
					    .dns_count = 1,
					    .uri = any,
					    .uri_count = 1 };
	const struct enrol_grant grant = { 0 };
	struct enrol_names got;
	struct diagnosis why = { 0 };
	enum status status = ca_names(&profile, &grant, wanted, &got, &why);

	assert(status == OK || (status == UNTRUSTED && why.id == DIAG_NAME_REFUSED));
	if (status == OK) {
		assert(got.count <= wanted->count);
		check_writable(&got);
	}
}

static void read_names(struct slice in)
{
	const uint8_t *at = in.p;
	AUTO(X509) cert = d2i_X509(NULL, &at, (long)in.len);
	struct enrol_names names;
	struct diagnosis why = { 0 };

	if (!cert || names_of_cert(cert, &names, &why) != OK)
		return;
	check_writable(&names);
	cut(&names);
}

/* Kind and text, one after the other, each with its length before it. */
static void type_names(struct slice in)
{
	struct enrol_names wanted = { 0 };
	struct rd r = rd_of(in);
	struct slice text = rd_bytes(&r, rd_u8(&r) % ENROL_NAME_MAX);

	if (text.len > 0)
		memcpy(wanted.common_name, text.p, text.len);
	while (r.left > 0 && wanted.count < ENROL_NAMES_MAX) {
		wanted.alternative[wanted.count].kind = rd_u8(&r) % (ENROL_NAME_IP + 1);
		text = rd_bytes(&r, rd_u8(&r) % ENROL_NAME_MAX);
		if (text.len > 0)
			memcpy(wanted.alternative[wanted.count].text, text.p, text.len);
		wanted.count++;
	}
	cut(&wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(struct slice) = { ask, read_names, type_names };

	if (size > 0)
		what[data[0] % 3](slice_of(data + 1, size - 1));
	return 0;
}
