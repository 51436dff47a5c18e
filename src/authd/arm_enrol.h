/* Enrolment, made ready for one worker: the CPROM method with its policy, and who vouches for
 * factory certificates. */
#ifndef AUTHD_ARM_ENROL_H
#define AUTHD_ARM_ENROL_H

#include "authd/config.h"
#include "authd/enrolment.h"
#include "config/files.h"
#include "method/cprom_server.h"

struct arming;

struct arming_enrol {
	bool enabled;
	struct eap_server_method method; /* cprom_server_method, of the type that is configured */
	struct cprom_server_context context;
	struct cprom_server_policy policy;
	const struct enrol_server_protocol *protocols[ENROL_PROTOCOLS_MAX];

	X509_STACK *factory;	     /* [Enroll] FactoryAnchors=; NULL: there are none */
	struct trust *factory_trust; /* NULL likewise */
};

/* Fills arming->enrol, when it is enabled; after the authority and before the tunnels.  0 or -errno
 * with *why. */
int arming_open_enrol(struct arming *arming, struct diagnosis *why);
void arming_close_enrol(struct arming_enrol *enrol);

/* Whether machines are enrolled inside of this kind of tunnel, "ttls". */
bool arming_enrols_in(const struct arming *arming, const char *tunnel);
/* The offer for the inside; after all others, since whoever comes to be enrolled says so by a Nak
 * and needs the extra round trip once in its life. */
struct eap_server_offer arming_enrol_offer(struct arming_enrol *enrol);
/* The files of FactoryAnchors=, to be believed in the handshake of such a tunnel as well. */
int arming_read_factory(const struct config *config, struct files *files, struct diagnosis *why);
/* All certificates of one file, PEM or DER. */
CHECKED enum status arming_push_certificates(STACK_OF(X509) * to, struct slice content);

#endif
