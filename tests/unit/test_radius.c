#include "radius/keys.h"
#include "tests/talk/script.h"
#include "tests/radius.h"
#include "tests/test.h"

#include <stdlib.h>

static struct radius_crypto *crypto;

__attribute__((constructor)) static void begin(void)
{
	if (radius_crypto_new(&crypto) != OK)
		abort();
}

__attribute__((destructor)) static void end(void)
{
	radius_crypto_free(crypto);
}

/* ---- packets and authenticators, by vectors ------------------------------------------ */

static struct {
	uint8_t code;
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
} last;

static bool is_response(const struct radius_packet *packet)
{
	return packet->code == RADIUS_ACCESS_ACCEPT || packet->code == RADIUS_ACCESS_REJECT ||
	       packet->code == RADIUS_ACCESS_CHALLENGE ||
	       packet->code == RADIUS_ACCOUNTING_RESPONSE;
}

static enum radius_fault verify(const struct radius_packet *packet, struct slice secret)
{
	if (is_response(packet))
		return radius_verify_response(
			crypto, secret, last.code,
			slice_of(last.authenticator, sizeof last.authenticator), packet);
	last.code = packet->code;
	memcpy(last.authenticator, packet->authenticator.p, sizeof last.authenticator);
	return radius_verify_request(crypto, secret, packet);
}

/* What eapol_test printed of the Accept that is in the vectors: Recv, then Send. */
static const uint8_t known_msk[RADIUS_MSK_SIZE] = {
	0xb1, 0x42, 0xb1, 0x10, 0x99, 0x47, 0x88, 0x4d, 0x11, 0xd7, 0x0e, 0x65, 0xc6,
	0x0c, 0x76, 0xc1, 0xa5, 0xc2, 0x12, 0xce, 0x6e, 0x56, 0x94, 0x4f, 0xd3, 0x48,
	0x55, 0xb4, 0x7e, 0x4c, 0x87, 0x31, 0xe9, 0xfe, 0x12, 0x9a, 0xda, 0x51, 0xfb,
	0x4e, 0x54, 0x4e, 0xb1, 0xc4, 0xe6, 0x8c, 0x1d, 0x21, 0xa0, 0x59, 0xa9, 0x31,
	0x53, 0xa2, 0x16, 0x8a, 0x3c, 0x65, 0x41, 0x89, 0x6a, 0x81, 0x04, 0xfa
};
static unsigned known_keys;

static void check_keys(const struct radius_packet *packet)
{
	uint8_t msk[RADIUS_MSK_SIZE];
	bool present;

	CHECK_INT(radius_get_msk(crypto, SECRET,
				 slice_of(last.authenticator, sizeof last.authenticator), packet,
				 msk, &present),
		  RADIUS_FINE);
	if (!present)
		return;
	known_keys++;
	CHECK(slice_eq(slice_of(msk, sizeof msk), slice_of(known_msk, sizeof known_msk)));
}

static void build_again(const struct radius_packet *packet)
{
	uint8_t out[RADIUS_PACKET_MAX];
	struct radius_builder b = radius_builder_of(out, sizeof out, (enum radius_code)packet->code,
						    packet->id, packet->authenticator, false);
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;

	while (radius_next(&at, &attribute))
		radius_put(&b, attribute.type, attribute.value);
	wr_close16_from(&b.w, 2, 0);
	CHECK(slice_eq(wr_done(&b.w), packet->whole));
}

static void check_vector(const struct script_line *line, struct slice bytes, const char *meaning)
{
	struct radius_packet packet;
	char text[200], secret[32] = "";
	enum radius_fault fault = radius_packet_parse(bytes, &packet);
	struct rd at;
	struct radius_attribute attribute;
	unsigned count = 0;

	(void)line;
	if (fault != RADIUS_FINE) {
		CHECK_STR(radius_fault_name(fault), meaning);
		return;
	}
	at = rd_of(packet.attributes);
	while (radius_next(&at, &attribute))
		count++;
	sscanf(meaning, "%*[^,], %*[^,], %31[^:]", secret);
	snprintf(text, sizeof text, "%s %u, %u attributes, %s: %s", radius_code_name(packet.code),
		 packet.id, count, secret, radius_fault_name(verify(&packet, slice_str(secret))));
	CHECK_STR(text, meaning);
	build_again(&packet);
	if (packet.code == RADIUS_ACCESS_ACCEPT && strstr(meaning, "testing123: fine"))
		check_keys(&packet);
}

TEST(packets_mean_what_the_vectors_say)
{
	known_keys = 0;
	CHECK(script_vectors("radius.txt", check_vector));
	CHECK_INT(known_keys, 1);
}

TEST(every_fault_has_a_name_and_a_sentence)
{
	for (int i = 0; i < RADIUS_FAULTS; i++) {
		CHECK(strlen(radius_fault_name((enum radius_fault)i)) > 0);
		CHECK(strlen(radius_fault_sentence((enum radius_fault)i)) > 0);
		CHECK((radius_fault_diagnosis((enum radius_fault)i) == DIAG_NONE) ==
		      (i == RADIUS_FINE));
	}
	CHECK_STR(radius_code_name(0), "Code");
	CHECK_STR(radius_code_name(200), "Code");
	CHECK_STR(radius_type_name(80), "Message-Authenticator");
	CHECK_STR(radius_type_name(241), "Attribute");
}

TEST(a_stream_is_cut_into_packets_by_their_length)
{
	size_t length = 9;

	CHECK_INT(radius_packet_length(slice_of("\1\1\0", 3), &length), RADIUS_FINE);
	CHECK_INT(length, 0);
	CHECK_INT(radius_packet_length(slice_of("\1\1\20\0", 4), &length), RADIUS_FINE);
	CHECK_INT(length, 4096);
	CHECK_INT(radius_packet_length(slice_of("\1\1\20\1", 4), &length), RADIUS_BAD_LENGTH);
	CHECK_INT(radius_packet_length(slice_of("\1\1\0\23", 4), &length), RADIUS_BAD_LENGTH);
}

/* ---- building ------------------------------------------------------------------------ */

struct made {
	uint8_t out[RADIUS_PACKET_MAX];
	struct radius_builder b;
	struct radius_packet packet;
};

static void make(struct made *m, enum radius_code code)
{
	m->b = radius_builder_of(m->out, sizeof m->out, code, 5, a_vector(), true);
}

static void made(struct made *m)
{
	struct slice packet;

	REQUIRE(radius_seal_request(crypto, SECRET, &m->b, &packet) == RADIUS_FINE);
	REQUIRE(radius_packet_parse(packet, &m->packet) == RADIUS_FINE);
	CHECK_INT(radius_verify_request(crypto, SECRET, &m->packet), RADIUS_FINE);
}

TEST(message_authenticator_comes_first_in_all_that_is_built)
{
	static const enum radius_code codes[] = { RADIUS_ACCESS_REQUEST, RADIUS_STATUS_SERVER,
						  RADIUS_DISCONNECT_REQUEST, RADIUS_COA_REQUEST,
						  RADIUS_ACCOUNTING_REQUEST };
	struct made m;

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		make(&m, codes[i]);
		radius_put(&m.b, RADIUS_USER_NAME, slice_str("a"));
		made(&m);
		CHECK_INT(m.packet.attributes.p[0], RADIUS_MESSAGE_AUTHENTICATOR);
	}
}

TEST(one_changed_octet_is_found_wherever_it_is)
{
	struct made m;

	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put(&m.b, RADIUS_USER_NAME, slice_str("name"));
	made(&m);
	for (size_t i = 4; i < m.packet.whole.len; i++) {
		struct radius_packet changed;

		m.out[i] ^= 4;
		if (radius_packet_parse(m.packet.whole, &changed) == RADIUS_FINE)
			CHECK(radius_verify_request(crypto, SECRET, &changed) != RADIUS_FINE);
		m.out[i] ^= 4;
	}
}

TEST(two_message_authenticators_are_one_too_many)
{
	struct made m;
	struct slice packet;

	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put(&m.b, RADIUS_MESSAGE_AUTHENTICATOR, a_vector());
	REQUIRE(radius_seal_request(crypto, SECRET, &m.b, &packet) == RADIUS_FINE);
	REQUIRE(radius_packet_parse(packet, &m.packet) == RADIUS_FINE);
	CHECK_INT(radius_verify_request(crypto, SECRET, &m.packet), RADIUS_FORGED);
}

TEST(an_answer_is_to_one_kind_of_request)
{
	struct made m;
	struct slice packet;

	make(&m, RADIUS_ACCESS_CHALLENGE);
	REQUIRE(radius_seal_response(crypto, SECRET, a_vector(), &m.b, &packet) == RADIUS_FINE);
	REQUIRE(radius_packet_parse(packet, &m.packet) == RADIUS_FINE);
	CHECK_INT(radius_verify_response(crypto, SECRET, RADIUS_ACCESS_REQUEST, a_vector(),
					 &m.packet),
		  RADIUS_FINE);
	CHECK_INT(
		radius_verify_response(crypto, SECRET, RADIUS_STATUS_SERVER, a_vector(), &m.packet),
		RADIUS_WRONG_CODE);
	CHECK_INT(radius_verify_response(crypto, SECRET, RADIUS_ACCOUNTING_REQUEST, a_vector(),
					 &m.packet),
		  RADIUS_WRONG_CODE);
	CHECK_INT(radius_verify_request(crypto, SECRET, &m.packet), RADIUS_WRONG_CODE);
}

TEST(what_does_not_fit_is_not_sealed)
{
	uint8_t big[RADIUS_VALUE_MAX + 1] = { 0 };
	struct made m;
	struct slice packet;

	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put(&m.b, RADIUS_STATE, slice_of(big, sizeof big));
	CHECK_INT(radius_seal_request(crypto, SECRET, &m.b, &packet), RADIUS_TOO_LONG);
	make(&m, RADIUS_ACCESS_REQUEST);
	for (int i = 0; i < 17; i++)
		radius_put(&m.b, RADIUS_STATE, slice_of(big, sizeof big - 1));
	CHECK_INT(radius_seal_request(crypto, SECRET, &m.b, &packet), RADIUS_TOO_LONG);
	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put_vendor(&m.b, 9, 1, slice_of(big, 248));
	CHECK_INT(radius_seal_request(crypto, SECRET, &m.b, &packet), RADIUS_TOO_LONG);
}

/* ---- EAP in pieces ------------------------------------------------------------------- */

static void check_eap(size_t len, size_t pieces)
{
	uint8_t eap[3000], room[RADIUS_PACKET_MAX];
	struct made m;
	struct slice got;

	for (size_t i = 0; i < len; i++)
		eap[i] = (uint8_t)i;
	eap[2] = (uint8_t)(len >> 8);
	eap[3] = (uint8_t)len;
	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put_eap(&m.b, slice_of(eap, len));
	radius_put(&m.b, RADIUS_STATE, slice_str("s"));
	made(&m);
	CHECK_INT(radius_count(&m.packet, RADIUS_EAP_MESSAGE), pieces);
	REQUIRE(radius_eap(&m.packet, room, &got) == RADIUS_FINE);
	CHECK(slice_eq(got, slice_of(eap, len)));
}

TEST(eap_is_cut_at_253_octets_and_put_together)
{
	check_eap(4, 1);
	check_eap(253, 1);
	check_eap(254, 2);
	check_eap(506, 2);
	check_eap(3000, 12);
}

static enum radius_fault eap_of(const char *const *pieces, size_t count)
{
	uint8_t room[RADIUS_PACKET_MAX];
	struct made m;
	struct slice got;

	make(&m, RADIUS_ACCESS_REQUEST);
	for (size_t i = 0; i < count; i++) {
		if (pieces[i][0] == '-')
			radius_put(&m.b, RADIUS_STATE, slice_str("s"));
		else
			radius_put(&m.b, RADIUS_EAP_MESSAGE,
				   slice_of(pieces[i] + 1, (size_t)(pieces[i][0] - '0')));
	}
	made(&m);
	return radius_eap(&m.packet, room, &got);
}

TEST(eap_that_is_scattered_or_short_is_refused)
{
	CHECK_INT(eap_of((const char *[]){ "4\2\1\0\6", "2\1a" }, 2), RADIUS_FINE);
	CHECK_INT(eap_of((const char *[]){ "4\2\1\0\6", "-", "2\1a" }, 3), RADIUS_BAD_EAP);
	CHECK_INT(eap_of((const char *[]){ "4\2\1\0\6" }, 1), RADIUS_BAD_EAP);
	CHECK_INT(eap_of((const char *[]){ "4\2\1\0\3" }, 1), RADIUS_BAD_EAP);
	CHECK_INT(eap_of((const char *[]){ "2\2\1" }, 1), RADIUS_BAD_EAP);
	CHECK_INT(eap_of((const char *[]){ "0" }, 1), RADIUS_FINE);
	CHECK_INT(eap_of((const char *[]){ "5\2\1\0\4a" }, 1), RADIUS_FINE);
}

/* ---- VLAN ---------------------------------------------------------------------------- */

#define TUNNEL_MAX 8

/* Attributes as type and value; -1 for odd. */
static int vlan_of(const struct radius_attribute *attributes, size_t count)
{
	struct made m;
	bool odd;
	uint16_t vlan;

	make(&m, RADIUS_ACCESS_REQUEST);
	for (size_t i = 0; i < count; i++)
		radius_put(&m.b, attributes[i].type, attributes[i].value);
	made(&m);
	vlan = radius_vlan(&m.packet, &odd);
	CHECK(!odd || vlan == 0);
	return odd ? -1 : vlan;
}

#define T(tag)                                                                                     \
	{                                                                                          \
		RADIUS_TUNNEL_TYPE,                                                                \
		{                                                                                  \
			(const uint8_t *)tag "\0\0\15", 4                                          \
		}                                                                                  \
	}
#define M(tag)                                                                                     \
	{                                                                                          \
		RADIUS_TUNNEL_MEDIUM_TYPE,                                                         \
		{                                                                                  \
			(const uint8_t *)tag "\0\0\6", 4                                           \
		}                                                                                  \
	}
#define G(text)                                                                                    \
	{                                                                                          \
		RADIUS_TUNNEL_PRIVATE_GROUP_ID,                                                    \
		{                                                                                  \
			(const uint8_t *)text, sizeof text - 1                                     \
		}                                                                                  \
	}
#define VLAN(...)                                                                                  \
	vlan_of((const struct radius_attribute[]){ __VA_ARGS__ },                                  \
		sizeof((const struct radius_attribute[]){ __VA_ARGS__ }) /                         \
			sizeof(struct radius_attribute))

TEST(a_vlan_is_three_attributes_of_one_tag)
{
	CHECK_INT(VLAN(T("\0"), M("\0"), G("20")), 20);
	CHECK_INT(VLAN(G("\0"
			 "20"),
		       M("\0"), T("\0")),
		  20);
	CHECK_INT(VLAN(T("\1"), M("\1"),
		       G("\1"
			 "4094")),
		  4094);
	CHECK_INT(VLAN(T("\2"), M("\2"),
		       G("\2"
			 "7"),
		       T("\1"), M("\1"),
		       G("\1"
			 "8")),
		  8);
	CHECK_INT(VLAN({ RADIUS_CLASS, { (const uint8_t *)"a", 1 } }), 0);
}

TEST(tunnel_attributes_that_make_no_vlan_are_odd)
{
	CHECK_INT(VLAN(T("\0"), M("\0")), -1);
	CHECK_INT(VLAN(T("\0"), G("20")), -1);
	CHECK_INT(VLAN(T("\1"), M("\1"),
		       G("\2"
			 "20")),
		  -1);
	CHECK_INT(VLAN(T("\0"), M("\0"), G("0")), -1);
	CHECK_INT(VLAN(T("\0"), M("\0"), G("4095")), -1);
	CHECK_INT(VLAN(T("\0"), M("\0"), G("20000")), -1);
	CHECK_INT(VLAN(T("\0"), M("\0"), G("guests")), -1);
	CHECK_INT(VLAN(T("\0"), M("\0"), G("")), -1);
	CHECK_INT(VLAN(T("\0"), M("\0"), G(" 20")), -1);
	CHECK_INT(VLAN({ RADIUS_TUNNEL_TYPE, { (const uint8_t *)"\0\15", 2 } }, M("\0"), G("20")),
		  -1);
}

TEST(a_vlan_is_written_as_it_is_read)
{
	static const uint16_t vlans[] = { 1, 9, 10, 99, 100, 4094 };
	struct made m;
	struct slice packet;

	for (size_t i = 0; i < sizeof vlans / sizeof vlans[0]; i++) {
		make(&m, RADIUS_ACCESS_REQUEST);
		radius_put_vlan(&m.b, vlans[i]);
		made(&m);
		CHECK_INT(radius_vlan(&m.packet, NULL), vlans[i]);
	}
	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put_vlan(&m.b, 4095);
	CHECK_INT(radius_seal_request(crypto, SECRET, &m.b, &packet), RADIUS_TOO_LONG);
}

/* ---- keys ---------------------------------------------------------------------------- */

TEST(keys_are_read_as_they_were_written)
{
	uint8_t msk[RADIUS_MSK_SIZE], got[RADIUS_MSK_SIZE];
	struct made m;
	bool present;

	for (size_t i = 0; i < sizeof msk; i++)
		msk[i] = (uint8_t)(i + 1);
	make(&m, RADIUS_ACCESS_REQUEST);
	REQUIRE(radius_put_msk(&m.b, crypto, SECRET, a_vector(), slice_of(msk, sizeof msk), 7) ==
		RADIUS_FINE);
	made(&m);
	REQUIRE(radius_get_msk(crypto, SECRET, a_vector(), &m.packet, got, &present) ==
		RADIUS_FINE);
	CHECK(present);
	CHECK(slice_eq(slice_of(got, sizeof got), slice_of(msk, sizeof msk)));
	CHECK_INT(radius_get_msk(crypto, slice_str("other"), a_vector(), &m.packet, got, &present),
		  RADIUS_BAD_KEYS);
	CHECK(!present);
	CHECK_INT(radius_put_msk(&m.b, crypto, SECRET, a_vector(), slice_of(msk, 63), 7),
		  RADIUS_BAD_KEYS);
}

TEST(salts_have_their_highest_bit_and_differ)
{
	uint8_t msk[RADIUS_MSK_SIZE] = { 0 };
	struct made m;
	uint16_t salts[2] = { 0 };
	size_t count = 0;
	struct rd at;
	struct radius_attribute attribute;

	make(&m, RADIUS_ACCESS_REQUEST);
	REQUIRE(radius_put_msk(&m.b, crypto, SECRET, a_vector(), slice_of(msk, sizeof msk), 0) ==
		RADIUS_FINE);
	made(&m);
	at = rd_of(m.packet.attributes);
	while (radius_next(&at, &attribute)) {
		struct rd inner;
		struct radius_attribute key;

		if (attribute.type != RADIUS_VENDOR_SPECIFIC)
			continue;
		REQUIRE(count < 2 && radius_vendor_open(attribute.value, 311, &inner));
		REQUIRE(radius_vendor_next(&inner, &key));
		CHECK_INT(key.value.len, 50);
		salts[count++] = (uint16_t)(key.value.p[0] << 8 | key.value.p[1]);
	}
	CHECK_INT(count, 2);
	CHECK(salts[0] & 0x8000 && salts[1] & 0x8000 && salts[0] != salts[1]);
}

static enum radius_fault keys_with(uint8_t type, size_t len, int times)
{
	uint8_t value[240] = { 0x80 }, got[RADIUS_MSK_SIZE];
	struct made m;
	bool present;

	make(&m, RADIUS_ACCESS_REQUEST);
	for (int i = 0; i < times; i++)
		radius_put_vendor(&m.b, 311, type, slice_of(value, len));
	made(&m);
	return radius_get_msk(crypto, SECRET, a_vector(), &m.packet, got, &present);
}

TEST(keys_that_are_none_are_refused)
{
	CHECK_INT(keys_with(1, 50, 2), RADIUS_FINE);
	CHECK_INT(keys_with(RADIUS_MS_MPPE_SEND_KEY, 50, 1), RADIUS_BAD_KEYS);
	CHECK_INT(keys_with(RADIUS_MS_MPPE_RECV_KEY, 50, 2), RADIUS_BAD_KEYS);
	CHECK_INT(keys_with(RADIUS_MS_MPPE_RECV_KEY, 1, 2), RADIUS_BAD_KEYS);
	CHECK_INT(keys_with(RADIUS_MS_MPPE_RECV_KEY, 18, 3), RADIUS_BAD_KEYS);
}
