/* The codec of CPROM, and the table of which TLV may stand in which message. */
#include "enrol/cprom_frame.h"
#include "enrol/cprom_rules.h"
#include "enrol/params.h"
#include "enrol/proof.h"
#include "tests/pki.h"
#include "tests/talk/script.h"
#include "tests/test.h"

/* ---- TLVs ---------------------------------------------------------------------------- */

/* What the vectors call it; builds it again. */
static void describe(enum cprom_tlv type, struct slice v, char *text, size_t size, struct wr *w)
{
	struct cprom_action action;
	struct cprom_certificate certificate;
	struct cprom_challenge challenge;
	struct cprom_data data;
	struct cprom_info info;
	struct cprom_error error;
	struct cprom_usage usage;
	struct cprom_protocol protocol;
	struct enrol_params params;
	struct cprom_request request;
	struct cprom_storage storage;
	struct cprom_token_data token;
	int n = snprintf(text, size, "%s", cprom_tlv_name(type));

	text += n;
	size -= (size_t)n;
	switch (type) {
	case CPROM_ACTION:
		REQUIRE(cprom_action_parse(v, &action) == OK);
		snprintf(text, size, " flags %02x action %u", action.flags, action.action);
		cprom_action_build(w, &action);
		break;
	case CPROM_CERTIFICATE_DATA:
		REQUIRE(cprom_certificate_parse(v, &certificate) == OK);
		snprintf(text, size, " flags %02x format %u encoding %u, %zu octets",
			 certificate.flags, certificate.format, certificate.encoding,
			 certificate.data.len);
		cprom_certificate_build(w, &certificate);
		break;
	case CPROM_CHALLENGE_DATA:
		REQUIRE(cprom_challenge_parse(v, &challenge) == OK);
		snprintf(text, size, " type %u, %zu octets", challenge.type, challenge.data.len);
		cprom_challenge_build(w, &challenge);
		break;
	case CPROM_CREDENTIALS_DATA:
		REQUIRE(cprom_data_parse(v, &data) == OK);
		snprintf(text, size, " type %u format %u encoding %u, %zu octets", data.type,
			 data.format, data.encoding, data.data.len);
		cprom_data_build(w, &data);
		break;
	case CPROM_CREDENTIALS_INFORMATION:
		REQUIRE(cprom_info_parse(v, &info) == OK);
		snprintf(text, size,
			 " flags %02x type %u protocol %u issued %lld expires %lld length %u, %zu "
			 "octets",
			 info.flags, info.type, info.protocol, (long long)info.issued,
			 (long long)info.expires, info.length, info.id.len);
		cprom_info_build(w, &info);
		break;
	case CPROM_ERROR:
		REQUIRE(cprom_error_parse(v, &error) == OK);
		snprintf(text, size, " code %u secondary %u, %zu octets", error.code,
			 error.secondary, error.description.len);
		cprom_error_build(w, &error);
		break;
	case CPROM_NETWORK_USAGE:
		REQUIRE(cprom_usage_parse(v, &usage) == OK);
		snprintf(text, size, " %s format %u encoding %u, %zu octets",
			 usage.url ? "URL" : "data", usage.format, usage.encoding, usage.data.len);
		cprom_usage_build(w, &usage);
		break;
	case CPROM_PROTOCOL:
		REQUIRE(cprom_protocol_parse(v, &protocol) == OK);
		snprintf(text, size, " id %u version %u", protocol.id, protocol.version);
		cprom_protocol_build(w, &protocol);
		break;
	case CPROM_PROVISIONING_PARAMS:
		REQUIRE(cprom_params_parse(v, &params) == OK);
		snprintf(text, size, " %u to %u algorithm %u flags %02x, %zu octets", params.least,
			 params.most, params.algorithm, params.flags, params.oid.len);
		cprom_params_build(w, &params);
		break;
	case CPROM_CERTIFICATE_REQUEST:
		REQUIRE(cprom_request_parse(v, &request) == OK);
		snprintf(text, size, " encoding %u format %u, %zu octets", request.encoding,
			 request.format, request.data.len);
		cprom_request_build(w, &request);
		break;
	case CPROM_STORAGE_INFO:
		REQUIRE(cprom_storage_parse(v, &storage) == OK);
		snprintf(text, size, " flags %02x slots %u memory %u", storage.flags, storage.slots,
			 storage.memory);
		cprom_storage_build(w, &storage);
		break;
	case CPROM_TOKEN_DATA:
		REQUIRE(cprom_token_parse(v, &token) == OK);
		snprintf(text, size, " type %u encoding %u, %zu octets", token.type, token.encoding,
			 token.data.len);
		cprom_token_build(w, &token);
		break;
	case CPROM_SUPPORTED_FORMAT:
	case CPROM_SUPPORTED_ENCODING:
	case CPROM_VERSION:
		snprintf(text, size, " %u", v.p[0]);
		cprom_octet_build(w, type, v.p[0]);
		break;
	case CPROM_CHALLENGE_RESPONSE:
	case CPROM_PROFILE:
	case CPROM_PROVISIONING_DATA:
	case CPROM_PROVISIONING_HEADERS:
		snprintf(text, size, ", %zu octets", v.len);
		cprom_tlv_put(w, type, v);
		break;
	case CPROM_TLVS:
		break;
	}
}

static unsigned types_seen;

static void check_vector(const struct script_line *line, struct slice bytes, const char *meaning)
{
	struct rd r = rd_of(bytes);
	char text[200] = "malformed";
	uint8_t type, out[512];
	struct wr w = wr_of(out, sizeof out);
	struct slice value;

	(void)line;
	if (cprom_tlv_next(&r, &type, &value) && rd_done(&r) && cprom_tlv_name(type) &&
	    cprom_tlv_valid((enum cprom_tlv)type, value)) {
		types_seen |= 1u << type;
		describe((enum cprom_tlv)type, value, text, sizeof text, &w);
		CHECK(slice_eq(wr_done(&w), bytes));
	}
	CHECK_STR(text, meaning);
}

TEST(tlvs_mean_what_the_vectors_say)
{
	types_seen = 0;
	CHECK(script_vectors("cprom_tlv.txt", check_vector));
	CHECK_INT(types_seen, (1u << CPROM_TLVS) - 2);
}

/* ---- the table, row by row ------------------------------------------------------------ */

/* A value of each type, in its layout. */
static struct slice example(enum cprom_tlv type)
{
	static const uint8_t info[41] = { [40] = 1 }, zeros[8] = { 0 };

	switch (type) {
	case CPROM_CREDENTIALS_INFORMATION:
		return slice_of(info, sizeof info);
	case CPROM_ACTION:
		return slice_of(zeros, 2);
	case CPROM_PROTOCOL:
	case CPROM_ERROR:
	case CPROM_CERTIFICATE_DATA:
	case CPROM_CREDENTIALS_DATA:
		return slice_of(zeros, 4);
	case CPROM_PROVISIONING_PARAMS:
		return slice_of(zeros, 6);
	case CPROM_STORAGE_INFO:
		return slice_of(zeros, 7);
	case CPROM_NETWORK_USAGE:
	case CPROM_CERTIFICATE_REQUEST:
	case CPROM_TOKEN_DATA:
		return slice_of(zeros, 3);
	case CPROM_CHALLENGE_DATA:
		return slice_of(zeros, 2);
	case CPROM_CHALLENGE_RESPONSE:
	case CPROM_PROFILE:
	case CPROM_PROVISIONING_DATA:
	case CPROM_PROVISIONING_HEADERS:
	case CPROM_SUPPORTED_FORMAT:
	case CPROM_SUPPORTED_ENCODING:
	case CPROM_VERSION:
	case CPROM_TLVS:
		break;
	}
	return slice_of(zeros, 1);
}

/* A message of this kind with as many of one type as are given, and of all others what must be
 * there. */
static struct slice message(enum cprom_kind kind, enum cprom_tlv type, unsigned of_it, uint8_t *out,
			    size_t size)
{
	size_t count;
	const struct cprom_rule *rules = cprom_rules(kind, &count);
	struct wr w = wr_of(out, size);

	for (size_t i = 0; i < count; i++) {
		for (unsigned n = 0; rules[i].type != type && n < rules[i].least; n++)
			cprom_tlv_put(&w, rules[i].type, example(rules[i].type));
	}
	for (unsigned n = 0; n < of_it; n++)
		cprom_tlv_put(&w, type, example(type));
	REQUIRE(wr_ok(&w));
	return wr_done(&w);
}

static struct cprom_rule rule_of(enum cprom_kind kind, enum cprom_tlv type)
{
	size_t count;
	const struct cprom_rule *rules = cprom_rules(kind, &count);

	for (size_t i = 0; i < count; i++) {
		if (rules[i].type == type)
			return rules[i];
	}
	return (struct cprom_rule){ type, 0, 0 };
}

static void check_count(enum cprom_kind kind, enum cprom_tlv type, unsigned n,
			enum enrol_error error)
{
	uint8_t out[4096];
	struct slice in = message(kind, type, n, out, sizeof out);
	struct enrol_fault fault = { 0 };
	enum status status = cprom_check(kind, in, &fault);

	if ((status == OK) != (error == ENROL_ERROR_NONE) || fault.error != error)
		test_note("%s: %u of %s", cprom_kind_name(kind), n, cprom_tlv_name(type));
	CHECK_INT(status, error == ENROL_ERROR_NONE ? OK : MALFORMED);
	CHECK_INT(fault.error, error);
}

TEST(each_row_of_the_table_can_be_broken_and_is_noticed)
{
	for (unsigned kind = 0; kind < CPROM_KINDS; kind++) {
		for (unsigned type = 1; type < CPROM_TLVS; type++) {
			enum cprom_kind k = (enum cprom_kind)kind;
			enum cprom_tlv t = (enum cprom_tlv)type;
			struct cprom_rule rule = rule_of(k, t);

			check_count(k, t, rule.least, ENROL_ERROR_NONE);
			check_count(k, t, rule.most, ENROL_ERROR_NONE);
			check_count(k, t, rule.most + 1,
				    rule.most > 1 ? ENROL_ERROR_LIMIT : ENROL_ERROR_MALFORMED);
			if (rule.least > 0)
				check_count(k, t, rule.least - 1, ENROL_ERROR_MALFORMED);
		}
	}
}

TEST(unknown_tlvs_below_128_are_an_error_and_others_are_skipped)
{
	struct enrol_fault fault = { 0 };

	for (unsigned type = 0; type < 256; type++) {
		uint8_t tlv[5] = { (uint8_t)type, 0, 0, 1, 0 };
		enum status status = cprom_check(CPROM_EMPTY, slice_of(tlv, 5), &fault);

		CHECK_INT(status, type < 128 ? MALFORMED : OK);
	}
	CHECK_INT(cprom_check(CPROM_EMPTY, slice_of("\x80\0\0\1", 4), &fault), MALFORMED);
}

TEST(the_second_of_a_type_is_found_behind_the_first)
{
	static const uint8_t in[] = { 19, 0, 0, 1, 7, 9, 0, 0, 1, 'a', 19, 0, 0, 1, 8 };
	struct slice value;
	size_t at = 0;

	REQUIRE(cprom_tlv_each(slice_of(in, sizeof in), CPROM_VERSION, &at, &value));
	CHECK_INT(value.p[0], 7);
	REQUIRE(cprom_tlv_each(slice_of(in, sizeof in), CPROM_VERSION, &at, &value));
	CHECK_INT(value.p[0], 8);
	CHECK(!cprom_tlv_each(slice_of(in, sizeof in), CPROM_VERSION, &at, &value));
	CHECK_INT(cprom_tlv_find(slice_of(in, sizeof in), CPROM_ACTION).len, 0);
}

/* ---- parameters ------------------------------------------------------------------------ */

TEST(parameters_of_both_sides_are_both_met_or_none)
{
	static const uint8_t p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 },
			     p384[] = { 6, 5, 0x2b, 0x81, 4, 0, 34 };
	struct enrol_params a = { .least = 16, .most = 64, .algorithm = CPROM_ECDSA },
			    b = { .least = 32, .flags = ENROL_PEER_GENERATES }, both;
	EVP_PKEY *key = pki_key("P-256"), *rsa = pki_key("RSA-2048");

	b.oid = slice_of(p256, sizeof p256);
	REQUIRE(params_merge(&a, &b, &both) == OK);
	CHECK_INT(both.least, 32);
	CHECK_INT(both.most, 64);
	CHECK_INT(both.algorithm, CPROM_ECDSA);
	CHECK_INT(both.flags, ENROL_PEER_GENERATES);
	CHECK(params_met_by_key(&both, key));
	CHECK(!params_met_by_key(&both, rsa));
	a.oid = slice_of(p384, sizeof p384);
	CHECK_INT(params_merge(&a, &b, &both), UNSUPPORTED);
	CHECK(!params_met_by_key(&a, key));
	a.oid.len = 0;
	b.algorithm = CPROM_RSA;
	CHECK_INT(params_merge(&a, &b, &both), UNSUPPORTED);
	b.algorithm = 0;
	b.least = 65;
	CHECK_INT(params_merge(&a, &b, &both), UNSUPPORTED);
	EVP_PKEY_free(key);
	EVP_PKEY_free(rsa);
}

/* ---- proofs ---------------------------------------------------------------------------- */

static const uint8_t octets[80];

static void check_signer(const char *type)
{
	EVP_PKEY *key = pki_key(type), *other = pki_key(type);
	AUTO_VALUE(bytes) proof = { 0 };
	struct proof_about about = { slice_of(octets, 32), slice_of(octets, 32),
				     slice_of(octets, 32) },
			   elsewhere = about;
	uint8_t e[32] = { 1 };

	REQUIRE(proof_sign(PROOF_SIGNATURE, &about, key, &proof) == OK);
	CHECK_INT(proof_verify(PROOF_SIGNATURE, &about, key, bytes_slice(&proof)), OK);
	CHECK_INT(proof_verify(PROOF_SIGNATURE, &about, other, bytes_slice(&proof)), UNTRUSTED);
	CHECK_INT(proof_token_verify(&about, key, bytes_slice(&proof)), UNTRUSTED);
	CHECK_INT(proof_verify(PROOF_BARE_SIGNATURE, &about, key, bytes_slice(&proof)), UNTRUSTED);
	elsewhere.binding = slice_of(e, sizeof e);
	CHECK_INT(proof_verify(PROOF_SIGNATURE, &elsewhere, key, bytes_slice(&proof)), UNTRUSTED);
	proof.len--;
	CHECK_INT(proof_verify(PROOF_SIGNATURE, &about, key, bytes_slice(&proof)), MALFORMED);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

TEST(signatures_prove_this_in_this_tunnel_alone)
{
	check_signer("P-256");
	check_signer("P-521");
	check_signer("RSA-2048");
	check_signer("Ed25519");
}

TEST(a_signature_of_another_kind_of_key_is_not_taken)
{
	EVP_PKEY *key = pki_key("P-256"), *rsa = pki_key("RSA-2048");
	AUTO_VALUE(bytes) proof = { 0 };
	struct proof_about about = { slice_of(octets, 32), slice_of(octets, 32),
				     slice_of(octets, 32) };

	REQUIRE(proof_sign(PROOF_SIGNATURE, &about, key, &proof) == OK);
	CHECK_INT(proof_verify(PROOF_SIGNATURE, &about, rsa, bytes_slice(&proof)), UNSUPPORTED);
	CHECK_INT(proof_verify(PROOF_HMAC, &about, key, bytes_slice(&proof)), UNSUPPORTED);
	CHECK_INT(proof_sign(PROOF_TOKEN, &about, key, &proof), UNSUPPORTED);
	EVP_PKEY_free(key);
	EVP_PKEY_free(rsa);
}

TEST(proofs_have_sizes)
{
	uint8_t proof[PROOF_HASH_SIZE];
	struct slice secret = slice_of(octets, 16);

	for (size_t len = 0; len <= 66; len++) {
		struct proof_about about = { slice_of(octets, 32), slice_of(octets, len),
					     slice_of(octets, 8) };
		enum status wanted = len >= 16 && len <= 64 ? OK : MALFORMED;

		CHECK_INT(proof_token(&about, secret, proof), wanted);
		CHECK_INT(proof_mac(PROOF_HMAC, &about, secret, proof), wanted);
		CHECK_INT(proof_mac(PROOF_BARE_HASH, &about, secret, proof), wanted);
		about.binding.len = 31;
		CHECK_INT(proof_token(&about, secret, proof), MALFORMED);
	}
}
