/* What a server offers to do for us in a round, and whether that is something we want. */
#include "method/cprom_peer_parts.h"

/* All were checked; a second look cannot fail. */
static bool parse(struct slice message, struct cprom_offer *ret_offer)
{
	struct slice info = cprom_tlv_find(message, CPROM_CREDENTIALS_INFORMATION),
		     params = cprom_tlv_find(message, CPROM_PROVISIONING_PARAMS);
	struct cprom_offer offer = { .info = { .type = ENROL_X509 } };

	if (cprom_protocol_parse(cprom_tlv_find(message, CPROM_PROTOCOL), &offer.protocol) != OK ||
	    cprom_action_parse(cprom_tlv_find(message, CPROM_ACTION), &offer.action) != OK ||
	    (info.len > 0 && cprom_info_parse(info, &offer.info) != OK) ||
	    (params.len > 0 && cprom_params_parse(params, &offer.params) != OK))
		return false;
	offer.profile = cprom_tlv_find(message, CPROM_PROFILE);
	*ret_offer = offer;
	return true;
}

static enum status pick_protocol(struct cprom_peer *p, const struct cprom_offer *offer)
{
	for (size_t i = 0; i < p->settings.protocol_count; i++) {
		const struct enrol_peer_protocol *protocol = p->settings.protocols[i];

		if (protocol->id != offer->protocol.id || offer->protocol.version != 0)
			continue;
		if (!(protocol->actions & 1u << offer->action.action) ||
		    !(protocol->credentials & 1u << offer->info.type))
			break;
		p->round.protocol = protocol;
		return OK;
	}
	return cprom_peer_fail(p, ENROL_ERROR_NO_PROTOCOL,
			       "the server picked protocol %u, version %u, which we did not offer "
			       "for this",
			       offer->protocol.id, offer->protocol.version);
}

static bool is_done(const struct cprom_peer *p, const struct cprom_credential *credential,
		    enum enrol_action action)
{
	for (size_t i = 0; i < p->deed_count; i++) {
		if (p->deeds[i].credential == credential && p->deeds[i].result.action == action)
			return true;
	}
	return false;
}

static bool same_profile(const struct cprom_credential *c, struct slice profile)
{
	return c->profile && profile.len > 0 && slice_eq(profile, slice_str(c->profile));
}

/* What is registered is something that we lack, or that we want anew: of the profile, if the server
 * says one that we asked for. */
static const struct cprom_credential *find_wanting(const struct cprom_peer *p,
						   const struct cprom_offer *offer)
{
	const struct cprom_credential *found = NULL;

	for (size_t i = 0; i < p->settings.credential_count; i++) {
		const struct cprom_credential *c = &p->settings.credentials[i];

		if (c->type != (enum enrol_credential)offer->info.type ||
		    !(c->actions & 1u << ENROL_REGISTER) || is_done(p, c, ENROL_REGISTER))
			continue;
		if (!found || same_profile(c, offer->profile))
			found = c;
	}
	return found;
}

static const struct cprom_credential *find_held(const struct cprom_peer *p,
						const struct cprom_info *info)
{
	uint8_t id[CPROM_CREDENTIAL_ID_MAX];

	for (size_t i = 0; i < p->settings.credential_count; i++) {
		const struct cprom_credential *c = &p->settings.credentials[i];

		if (c->type == (enum enrol_credential)info->type && info->id.len > 0 &&
		    slice_eq(slice_of(id, cprom_credential_id(c, id)), info->id))
			return c;
	}
	return NULL;
}

static enum status pick_credential(struct cprom_peer *p, const struct cprom_offer *offer)
{
	static const char *const kinds[] = { [ENROL_X509] = "certificate",
					     [ENROL_SYMMETRIC] = "symmetric key",
					     [ENROL_PASSWORD] = "password" };
	enum enrol_action action = (enum enrol_action)offer->action.action;
	const struct cprom_credential *c;

	if (offer->action.action > ENROL_REMOVE)
		return cprom_peer_fail(p, ENROL_ERROR_ACTION_REFUSED, "action %u is not known",
				       offer->action.action);
	if (offer->info.type > ENROL_PASSWORD)
		return cprom_peer_fail(p, ENROL_ERROR_PARAMETERS,
				       "credentials of type %u are not known", offer->info.type);
	c = action == ENROL_REGISTER ? find_wanting(p, offer) : find_held(p, &offer->info);
	if (!c && action == ENROL_REGISTER)
		return cprom_peer_fail(p, ENROL_ERROR_ACTION_REFUSED,
				       "the server gives a %s, which is not asked for",
				       kinds[offer->info.type] ? kinds[offer->info.type]
							       : "credential of another type");
	if (!c)
		return cprom_peer_fail(p, ENROL_ERROR_UNKNOWN_CREDENTIAL,
				       "the server acts on a credential that we do not have");
	if (!(c->actions & 1u << action))
		return cprom_peer_fail(p, ENROL_ERROR_ACTION_REFUSED,
				       "action %u is not allowed for %s", action, c->name);
	if (is_done(p, c, action))
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED,
				       "the same is to be done with %s a second time", c->name);
	if (p->deed_count == CPROM_CREDENTIALS_MAX)
		return cprom_peer_fail(p, ENROL_ERROR_LIMIT, "more than %u credentials",
				       CPROM_CREDENTIALS_MAX);
	p->round.credential = c;
	return OK;
}

enum status cprom_peer_take_offer(struct cprom_peer *p, struct slice message,
				  struct cprom_offer *ret_offer)
{
	struct cprom_offer offer;
	enum status status;

	if (!parse(message, &offer))
		return cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "an offer that cannot be read");
	status = pick_credential(p, &offer);
	if (status == OK)
		status = pick_protocol(p, &offer);
	if (status == OK)
		*ret_offer = offer;
	return status;
}
