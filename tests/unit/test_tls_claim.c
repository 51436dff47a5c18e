#include "tests/test.h"
#include "tests/tls_duo.h"
#include "tls/claim.h"

#include <string.h>

static const struct pki_spec whole = {
	.cn = "Machine \xc3\xa9",
	.sans = "DNS:m.example.org,email:m@example.org,URI:urn:x,IP:192.0.2.1,IP:2001:db8::1,"
		"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:m@upn.example,otherName:1.2.3;UTF8:x,"
		"RID:1.2.3.4",
	.eku = "clientAuth,1.3.6.1.5.5.7.3.14",
	.serial = 0x80ff,
};

static struct bytes row_of(const struct pki_spec *spec)
{
	struct pki_cert ca = pki_ca("CA"), made = pki_make(spec, &ca);
	struct bytes row = { 0 };

	REQUIRE(tls_claim_build(made.cert, NULL, PKI_NOW, &row) == OK);
	pki_cert_done(&made);
	pki_cert_done(&ca);
	return row;
}

TEST(a_claim_says_exactly_what_the_certificate_says)
{
	static const struct {
		enum tls_name_kind kind;
		const char *value;
		size_t len;
	} names[] = {
		{ TLS_NAME_DNS, "m.example.org", 13 },
		{ TLS_NAME_EMAIL, "m@example.org", 13 },
		{ TLS_NAME_URI, "urn:x", 5 },
		{ TLS_NAME_IP, "\xc0\0\2\1", 4 },
		{ TLS_NAME_IP, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
		{ TLS_NAME_UPN, "m@upn.example", 13 },
	};
	struct bytes row = row_of(&whole);
	struct tls_claim claim;
	struct tls_name name;
	struct slice oid;
	size_t at = 0, n = 0;

	REQUIRE(tls_claim_parse(bytes_slice(&row), &claim) == OK);
	CHECK(!claim.resumed);
	CHECK_INT(claim.authenticated, PKI_NOW);
	CHECK_INT(claim.not_before, PKI_NOW - PKI_YEAR / 2);
	CHECK_INT(claim.not_after, PKI_NOW + PKI_YEAR / 2);
	CHECK(slice_eq(claim.subject, slice_str("CN=Machine \xc3\xa9")));
	CHECK(slice_eq(claim.issuer, slice_str("CN=CA")));
	CHECK(slice_eq(claim.issuer_der,
		       slice_of("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
				"CA",
				15)));
	CHECK(slice_eq(claim.serial, slice_of("\0\x80\xff", 3)));
	CHECK_INT(claim.fingerprint.len, CERT_HASH_LEN);
	CHECK_INT(claim.spki.len, CERT_HASH_LEN);
	for (; tls_claim_name(&claim, &at, &name); n++) {
		REQUIRE(n < sizeof names / sizeof names[0]);
		CHECK_INT(name.kind, names[n].kind);
		CHECK(slice_eq(name.value, slice_of(names[n].value, names[n].len)));
	}
	CHECK_INT(n, sizeof names / sizeof names[0]);
	at = 0;
	REQUIRE(tls_claim_usage(&claim, &at, &oid));
	CHECK(slice_eq(oid, slice_of("\x2b\6\1\5\5\7\3\2", 8)));
	REQUIRE(tls_claim_usage(&claim, &at, &oid));
	CHECK(slice_eq(oid, slice_of("\x2b\6\1\5\5\7\3\x0e", 8)));
	CHECK(!tls_claim_usage(&claim, &at, &oid));
	CHECK_INT(claim.certificate.len, 0);
	CHECK(row.len < 600);
	bytes_done(&row);
}

TEST(a_certificate_with_little_to_say_makes_a_claim_too)
{
	static const struct pki_spec bare = { 0 };
	struct bytes row = row_of(&bare), id = { 0 };
	struct tls_claim claim;
	struct tls_name name;
	struct slice oid;
	size_t at = 0;

	REQUIRE(tls_claim_parse(bytes_slice(&row), &claim) == OK);
	CHECK_INT(claim.subject.len, 0);
	CHECK(slice_eq(claim.subject_der, slice_of("\x30\0", 2)));
	CHECK(!tls_claim_name(&claim, &at, &name));
	CHECK(!tls_claim_usage(&claim, &at, &oid));
	REQUIRE(tls_claim_identity(&claim, &id) == OK);
	CHECK(slice_eq(bytes_slice(&id), slice_of("\x30\0", 2)));
	bytes_done(&id);
	bytes_done(&row);
}

TEST(a_row_that_is_cut_or_longer_is_none)
{
	struct bytes row = row_of(&whole);
	struct tls_claim claim;

	for (size_t len = 0; len < row.len; len++)
		CHECK(tls_claim_parse(slice_of(row.p, len), &claim) == MALFORMED);
	REQUIRE(bytes_append(&row, slice_of("", 1), SIZE_MAX / 2) == OK);
	CHECK(tls_claim_parse(bytes_slice(&row), &claim) == MALFORMED);
	row.len--;
	REQUIRE(tls_claim_parse(bytes_slice(&row), &claim) == OK);
	row.p[0]++; /* another form */
	CHECK(tls_claim_parse(bytes_slice(&row), &claim) == MALFORMED);
	bytes_done(&row);
}

TEST(names_that_pass_the_ceiling_are_no_identity)
{
	struct pki_spec spec = { .cn = "x" };
	char sans[3000] = "";
	struct bytes row, id = { 0 };
	struct tls_claim claim;
	struct tls_name name;
	size_t at = 0, n = 0;

	for (int i = 0; i < 60; i++)
		snprintf(sans + strlen(sans), sizeof sans - strlen(sans),
			 "%sDNS:host-number-%d.example.org", i ? "," : "", i);
	spec.sans = sans;
	row = row_of(&spec);
	REQUIRE(tls_claim_parse(bytes_slice(&row), &claim) == OK);
	REQUIRE(tls_claim_identity(&claim, &id) == OK);
	CHECK_INT(id.len, 0);
	while (tls_claim_name(&claim, &at, &name))
		n++;
	CHECK_INT(n, 60);
	bytes_done(&id);
	bytes_done(&row);
}

/* ---- in conversations ----------------------------------------------------------------------- */

/* The facts of a conversation that is let in. */
static void converse(struct duo *d, bool resumed, struct bytes *ret_row)
{
	duo_check_success(d, resumed);
	REQUIRE(bytes_set(ret_row, bytes_slice(&d->facts)) == OK);
}

TEST(a_resumption_claims_what_the_full_handshake_did)
{
	static const enum tls_resumption kinds[] = { TLS_RESUME_MEMORY, TLS_RESUME_TICKETS };
	static const struct tls_ticket_key key = { .name = "k" };

	for (int v = 0; v < 2; v++) {
		for (int k = 0; k < 2; k++) {
			struct bytes full = { 0 }, again = { 0 };
			struct duo d;

			duo_init(&d);
			d.settings.max = v ? TLS_1_3 : TLS_1_2;
			d.settings.resumption = kinds[k];
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key, 1);
			converse(&d, false, &full);
			d.c.now.wall += 100;
			for (int n = 0; n < 2; n++) {
				converse(&d, true, &again);
				CHECK(full.len > 0);
				CHECK(slice_eq(bytes_slice(&full), bytes_slice(&again)));
			}
			bytes_done(&full);
			bytes_done(&again);
			duo_done(&d);
		}
	}
}

TEST(a_certificate_with_too_much_to_say_is_not_resumed)
{
	for (int v = 0; v < 2; v++) {
		for (int k = 0; k < 2; k++) {
			static const struct tls_ticket_key key = { .name = "k" };
			struct pki_spec spec = { .cn = "Test Client", .eku = "clientAuth" };
			char sans[9000] = "";
			struct pki_cert client;
			struct duo d;

			for (int i = 0; i < 200; i++)
				snprintf(sans + strlen(sans), sizeof sans - strlen(sans),
					 "%sDNS:host-number-%d.example.org", i ? "," : "", i);
			spec.sans = sans;
			duo_init(&d);
			client = pki_make(&spec, &d.c.ca);
			d.c.peer_settings.key = client.key;
			d.c.peer_settings.cert = client.cert;
			d.settings.max = v ? TLS_1_3 : TLS_1_2;
			d.settings.resumption = k ? TLS_RESUME_TICKETS : TLS_RESUME_MEMORY;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key, 1);
			for (int n = 0; n < 2; n++) {
				duo_converse(&d);
				CHECK(duo_accepted(&d));
				CHECK(!d.resumed);
			}
			pki_cert_done(&client);
			duo_done(&d);
		}
	}
}

TEST(a_full_handshake_tells_what_to_ask_a_responder)
{
	struct duo d;
	struct bytes own, ca;

	duo_init(&d);
	own = pki_der(d.c.client_cert.cert);
	ca = pki_der(d.c.ca.cert);
	d.settings.ocsp_facts = true;
	duo_load(&d);
	duo_check_success(&d, false);
	CHECK(slice_eq(bytes_slice(&d.certificate), bytes_slice(&own)));
	CHECK(slice_eq(bytes_slice(&d.issuer), bytes_slice(&ca)));
	duo_check_success(&d, true);
	CHECK_INT(d.certificate.len, 0);
	CHECK_INT(d.issuer.len, 0);
	bytes_done(&own);
	bytes_done(&ca);
	duo_done(&d);
}
