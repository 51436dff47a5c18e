/* What there is to see of the servers that we ask. */
#include "authd/passthrough.h"
#include "authd/passthrough_parts.h"

static const char *const states[] = {
	[RADIUS_SERVER_ALIVE] = "alive",
	[RADIUS_SERVER_DEAD] = "dead",
	[RADIUS_SERVER_PROBED] = "dead",
	[RADIUS_SERVER_UNCONNECTED] = "dead",
};

static json_t *view_one(const struct upstream *upstream, size_t n, const char *purpose)
{
	const struct server_config *config = upstream_config(upstream, n);
	const union address address = server_address(config, upstream_accounting(upstream));
	const struct diagnosis *why = upstream_why(upstream, n);
	struct radius_server_view view;
	char text[ADDRESS_TEXT_MAX], sentence[DIAGNOSIS_TEXT_MAX];
	json_t *one;

	upstream_view(upstream, n, &view);

	const struct radius_client_counters *c = &view.counters;
	const uint64_t answers = c->accepts + c->rejects + c->challenges + c->responses;
	const uint64_t forged = c->faults[RADIUS_FORGED] + c->faults[RADIUS_BAD_AUTHENTICATOR] +
				c->faults[RADIUS_UNSIGNED];

	one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
			config->object.name, "address", address_text(&address, true, text),
			"transport", config->transport == SERVER_TLS ? "tls" : "udp", "for",
			purpose, "state", states[view.state], "open", (json_int_t)view.open,
			"requests", (json_int_t)c->requests, "answers", (json_int_t)answers,
			"timeouts", (json_int_t)c->timeouts, "retransmissions",
			(json_int_t)c->retransmissions, "fail_overs", (json_int_t)c->fail_overs,
			"bad_authenticators", (json_int_t)forged);
	if (one && view.last_fault != RADIUS_FINE)
		json_object_set_new(one, "fault",
				    json_string(radius_fault_sentence(view.last_fault)));
	if (one && why && why->id != DIAG_NONE)
		json_object_set_new(
			one, "diagnosis",
			json_string(diagnosis_sentence(why, sentence, sizeof sentence)));
	return one;
}

json_t *passthrough_view(const struct passthrough *passthrough)
{
	json_t *all = json_array();

	for (int accounting = 0; accounting < 2; accounting++) {
		const struct upstream *u = passthrough_upstream(passthrough, accounting);

		for (size_t i = 0; u && i < upstream_servers(u); i++)
			json_array_append_new(
				all, view_one(u, i, accounting ? "accounting" : "authentication"));
	}
	return all;
}
