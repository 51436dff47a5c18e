#include <errno.h>
#include <string.h>

#include "authd/arm_parts.h"
#include "authd/config_types.h"
#include "enrol/protocol.h"

/* ---- words ---------------------------------------------------------------------------------- */

struct bit {
	const char *word;
	unsigned bit;
};

static unsigned bits_of(const struct words *words, const struct bit *all, size_t count)
{
	unsigned bits = 0;

	for (size_t i = 0; i < count; i++)
		bits |= words_have(words, all[i].word) ? 1u << all[i].bit : 0;
	return bits;
}
#define BITS(words, all) bits_of((words), (all), sizeof(all) / sizeof((all)[0]))

static void fill_protocols(struct arming_enrol *enrol, const struct words *words)
{
	static const struct {
		const char *word;
		const struct enrol_server_protocol *protocol;
	} all[] = { { "spp", &spp_server },
		    { "cmp", &cmp_server },
		    { "cmp-basic", &cmp_basic_server },
		    { "est", &est_server } };

	for (size_t i = 0; i < words->count; i++) {
		for (size_t n = 0; n < sizeof all / sizeof all[0]; n++) {
			if (strcmp(words->word[i], all[n].word) == 0 &&
			    enrol->policy.protocol_count < ENROL_PROTOCOLS_MAX)
				enrol->protocols[enrol->policy.protocol_count++] = all[n].protocol;
		}
	}
	enrol->policy.protocols = enrol->protocols;
}

static void fill_policy(struct arming_enrol *enrol, const struct authd_settings *s)
{
	static const struct bit ways[] = { { "certificate", ENROL_BY_CERTIFICATE },
					   { "token", ENROL_BY_TOKEN },
					   { "certificate-token", ENROL_BY_CERTIFICATE_TOKEN },
					   { "jwt", ENROL_BY_JWT },
					   { "oauth", ENROL_BY_OAUTH },
					   { "account", ENROL_BY_ACCOUNT } };
	static const struct bit actions[] = { { "register", ENROL_REGISTER },
					      { "renew", ENROL_RENEW },
					      { "remove", ENROL_REMOVE } };

	enrol->policy.authorisations = BITS(&s->enroll.authorise, ways);
	enrol->policy.actions = BITS(&s->enroll.actions, actions);
	enrol->policy.renew_percent = s->enroll.renew_percent;
	enrol->policy.message_max = s->enroll.message_max;
	fill_protocols(enrol, &s->enroll.protocols);
}

/* ---- factories ------------------------------------------------------------------------------ */

int arming_read_factory(const struct config *config, struct files *files, struct diagnosis *why)
{
	const struct words *words = &config->settings.enroll.factory_anchors;

	for (size_t i = 0; i < words->count; i++) {
		int r = files_add_anchors(files, words->word[i]);

		if (r < 0) {
			diagnosis_say(why, DIAG_CONFIG, "%s: FactoryAnchors=%s: %s", config->path,
				      words->word[i], files_problem(r));
			return r;
		}
	}
	return 0;
}

enum status arming_push_certificates(STACK_OF(X509) * to, struct slice content)
{
	AUTO(BIO) bio = BIO_new_mem_buf(content.p, (int)content.len);
	const unsigned char *der = content.p;
	X509 *cert = d2i_X509(NULL, &der, (long)content.len);

	if (!bio)
		return NO_MEMORY;
	if (!cert)
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	while (cert) {
		if (!sk_X509_push(to, cert)) {
			X509_free(cert);
			return NO_MEMORY;
		}
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	}
	return OK;
}

static int open_factory(struct arming_enrol *enrol, const struct config *config,
			struct diagnosis *why)
{
	AUTO_VALUE(files) anchors = { 0 }, crls = { 0 };
	int r = arming_read_factory(config, &anchors, why);

	if (r < 0 || anchors.count == 0)
		return r;
	enrol->factory = sk_X509_new_null();
	for (size_t i = 0; i < anchors.count; i++) {
		if (!enrol->factory ||
		    arming_push_certificates(enrol->factory, anchors.view[i]) != OK)
			return arming_failed(why, "there is no memory left");
	}
	return arming_make_trust(config, &anchors, &crls, &enrol->factory_trust, why);
}

/* ---- all of it ------------------------------------------------------------------------------ */

int arming_open_enrol(struct arming *arming, struct diagnosis *why)
{
	const struct authd_settings *s = &arming->config->settings;
	struct arming_enrol *enrol = &arming->enrol;

	if (!s->enroll.enabled)
		return 0;
	if (!arming->authority) {
		diagnosis_say(
			why, DIAG_CONFIG,
			"%s: [Enroll] Enabled=yes: there is no authority that could issue; "
			"make one with `latchkey-authd ca init` and name it in [Authority], or "
			"name one elsewhere (Backend=cmp)",
			arming->config->path);
		return -EINVAL;
	}
	enrol->method = cprom_server_method;
	if (!ini_eap_type_of(s->enroll.eap_type, &enrol->method.type))
		return arming_failed(why, "EapType= is none");
	fill_policy(enrol, s);
	enrol->context = (struct cprom_server_context){ .policy = &enrol->policy,
							.authority = &arming->authority->now };
	enrol->enabled = true;
	return open_factory(enrol, arming->config, why);
}

void arming_close_enrol(struct arming_enrol *enrol)
{
	x509_stack_free(enrol->factory);
	trust_free(enrol->factory_trust);
}

bool arming_enrols_in(const struct arming *arming, const char *tunnel)
{
	return arming->enrol.enabled &&
	       words_have(&arming->config->settings.enroll.tunnels, tunnel);
}

struct eap_server_offer arming_enrol_offer(struct arming_enrol *enrol)
{
	return (struct eap_server_offer){ &enrol->method, &enrol->context };
}
