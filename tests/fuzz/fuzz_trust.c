/* A server that sends what it likes for a chain: certificates one after the other, in DER, and a
 * stapled response.  Nobody whom the policies do not know may be trusted, and nothing may crash.
 *
 * The first octet says what else there is: certificates of a real PKI around those of the input, so
 * that a path may be halfway good; an early clock; a response, after its length. */
#include <assert.h>
#include <openssl/err.h>

#include "tests/pki.h"
#include "tls/cert.h"
#include "tls/trust.h"

#define SENT_MAX 32
#define NAME	 "radius.example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum cast_bits { STRANGER = 1, KNOWN_ISSUER = 2, EARLY = 4, STAPLED = 8, ISSUED = 16, PINNED = 32 };

static struct {
	struct trust *anchored, *pinned;
	struct pki_cert root, middle, stranger;
} cast;

static struct trust *policy(const struct slice *anchor, const char *pin)
{
	static const char *const names[] = { ".org" };
	struct trust_settings settings = { .anchors = anchor,
					   .anchor_count = anchor ? 1 : 0,
					   .pins = &pin,
					   .pin_count = pin ? 1 : 0,
					   .names = names,
					   .name_count = 1,
					   .ocsp = OCSP_REQUIRE,
					   .clock = CLOCK_IGNORE_DATES,
					   .built = PKI_NOW };
	struct trust *trust = NULL;
	struct diagnosis why;
	enum status status = trust_new(&settings, &trust, &why);

	assert(status == OK);
	return trust;
}

static void make_cast(void)
{
	struct cert_info info;

	cast.root = pki_ca("root");
	cast.middle = pki_intermediate("middle", &cast.root);
	cast.stranger = pki_server(NAME, NULL);
	cert_info_of(cast.root.cert, &info);

	struct bytes pem = pki_pem(cast.root.cert);
	struct slice anchor = bytes_slice(&pem);

	cast.anchored = policy(&anchor, NULL);
	cast.pinned = policy(NULL, info.spki);
	bytes_done(&pem);
}

static void push(STACK_OF(X509) * chain, X509 *cert)
{
	int pushed = X509_add_cert(chain, cert, X509_ADD_FLAG_UP_REF);

	assert(pushed == 1);
}

/* A certificate of the authority we trust, with whatever the input wants to be in it. */
static void issue(X509 *cert)
{
	int key_id = X509_get_ext_by_NID(cert, NID_authority_key_identifier, -1);

	if (key_id >= 0)
		X509_EXTENSION_free(X509_delete_ext(cert, key_id));
	if (X509_set_issuer_name(cert, X509_get_subject_name(cast.middle.cert)) != 1 ||
	    X509_sign(cert, cast.middle.key, EVP_sha256()) == 0)
		ERR_clear_error();
}

static STACK_OF(X509) * chain_of(struct slice in, uint8_t cast_bits)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (cast_bits & STRANGER)
		push(chain, cast.stranger.cert);
	while (sk_X509_num(chain) < SENT_MAX && in.len > 0) {
		const unsigned char *p = in.p;
		AUTO(X509) cert = d2i_X509(NULL, &p, (long)in.len);

		if (!cert)
			break;
		in = slice_of(p, in.len - (size_t)(p - in.p));
		if ((cast_bits & ISSUED) && sk_X509_num(chain) == 0)
			issue(cert);
		push(chain, cert);
	}
	if (cast_bits & KNOWN_ISSUER) {
		push(chain, cast.middle.cert);
		push(chain, cast.root.cert);
	}
	return chain;
}

/* The root and the middle have no name of a server, and nobody else has a key of theirs. */
static void judge(const struct trust *trust, STACK_OF(X509) * chain, struct slice response,
		  int64_t now, bool issued)
{
	struct diagnosis why;
	char text[1024];
	enum status status = trust_check(trust, chain, now, &why);

	assert(status != OK ||
	       (issued && X509_check_host(sk_X509_value(chain, 0), ".org", 4, 0, NULL) == 1));
	assert((status == OK) == (why.id == DIAG_NONE || diagnosis_text(why.id)->reduced));
	diagnosis_sentence(&why, text, sizeof text);

	status = trust_check_ocsp(trust, chain, response, now, &why);
	assert(status != OK);
	if (sk_X509_num(chain) > 0) {
		(void)cert_realm(sk_X509_value(chain, 0), text, sizeof text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size));
	uint8_t bits = rd_u8(&r);
	struct slice response = slice_of(NULL, 0);

	if (!cast.anchored)
		make_cast();
	if (bits & STAPLED)
		response = rd_bytes(&r, rd_u16(&r));

	AUTO(X509_STACK) chain = chain_of(rd_rest(&r), bits);
	int64_t now = bits & EARLY ? 0 : PKI_NOW;

	judge(bits & PINNED ? cast.pinned : cast.anchored, chain, response, now, bits & ISSUED);
	return 0;
}
