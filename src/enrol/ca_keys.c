/* Kinds of keys, as profiles write them. */
#include <openssl/core_names.h>
#include <string.h>

#include "enrol/ca.h"
#include "enrol/ca_parts.h"

/* The least sizes of RSA that can be written. */
static const int rsa_sizes[] = { 2048, 3072, 4096 };

static const struct {
	const char *text, *group; /* as EVP_PKEY_get_group_name has it */
} curves[] = { { "P-256", "prime256v1" }, { "P-384", "secp384r1" }, { "P-521", "secp521r1" } };

/* Of "RSA-3072"; 0: it is not. */
static int rsa_bits(const char *text)
{
	char spelt[16];

	for (size_t i = 0; i < sizeof rsa_sizes / sizeof rsa_sizes[0]; i++) {
		snprintf(spelt, sizeof spelt, "RSA-%d", rsa_sizes[i]);
		if (strcmp(text, spelt) == 0)
			return rsa_sizes[i];
	}
	return 0;
}

bool ca_key_type_valid(const char *text)
{
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (strcmp(text, curves[i].text) == 0)
			return true;
	}
	return strcmp(text, "Ed25519") == 0 || rsa_bits(text) > 0;
}

const char *ca_key_type(const struct ca_profile *profile)
{
	return profile->key_type_count > 0 ? profile->key_types[0] : "P-256";
}

static bool is_type(const EVP_PKEY *key, const char *type)
{
	char group[64];

	if (rsa_bits(type) > 0)
		return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= rsa_bits(type) &&
		       EVP_PKEY_get_bits(key) <= CA_RSA_BITS_MAX;
	if (strcmp(type, "Ed25519") == 0)
		return EVP_PKEY_is_a(key, "ED25519");
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (strcmp(type, curves[i].text) == 0)
			return strcmp(group, curves[i].group) == 0;
	}
	return false;
}

bool ca_takes_key(const struct ca_profile *profile, const EVP_PKEY *key)
{
	if (profile->key_type_count == 0)
		return is_type(key, ca_key_type(profile));
	for (size_t i = 0; i < profile->key_type_count; i++) {
		if (is_type(key, profile->key_types[i]))
			return true;
	}
	return false;
}

void ca_key_text(const EVP_PKEY *key, char *buffer, size_t size)
{
	char group[64];

	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (EVP_PKEY_is_a(key, "EC") &&
		    EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
		    strcmp(group, curves[i].group) == 0) {
			snprintf(buffer, size, "%s", curves[i].text);
			return;
		}
	}
	if (EVP_PKEY_is_a(key, "RSA"))
		snprintf(buffer, size, "RSA-%d", EVP_PKEY_get_bits(key));
	else if (EVP_PKEY_is_a(key, "ED25519"))
		snprintf(buffer, size, "Ed25519");
	else
		printable(slice_str(EVP_PKEY_get0_type_name(key)), buffer, size);
}

/* What the key demands, or else a hash of its strength. */
const EVP_MD *ca_digest(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return NULL;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		return EVP_PKEY_get_bits(key) > 384 ? EVP_sha512() : EVP_sha384();
	return EVP_sha256();
}
