/* The parts of the service: opened in their order, given a new configuration, closed. */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "authd/accounts_registry.h"
#include "authd/arm.h"
#include "authd/authd.h"
#include "authd/ca_behind.h"
#include "authd/recorder.h"
#include "drivers/log.h"

#define METRICS_PORT 9812

/* ---- the registry ---- */

static int open_recorder(struct authd *a, struct diagnosis *why)
{
	const char *database = a->config->settings.database;
	char host[256] = "localhost";
	struct recorder_settings settings = {
		.registry.origin = host,
		.retain = (int64_t)(a->config->settings.session_retention / 1000),
	};

	if (!database)
		return 0;
	(void)gethostname(host, sizeof host - 1);
	if (database[0] == '/')
		settings.registry.file = database;
	else
		settings.registry.server = database;
	return recorder_new(a->loop, &settings, &a->recorder, why);
}

/* ---- stapling ---- */

static void on_staple(void *context, struct slice response)
{
	pool_staple(((struct authd *)context)->pool, response);
}

static int open_staple(struct authd *a, const struct config *config, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	struct staple_settings settings = { .changed = on_staple, .context = a };
	int error;

	staple_free(TAKE(a->staple));
	pool_staple(a->pool, (struct slice){ 0 });
	if (s->staple == STAPLE_OFF || s->staple == STAPLE_OWN || !s->credential)
		return 0;
	error = arming_certificates(config, &settings.certificate, &settings.issuer, why);
	if (error < 0)
		return error;
	if (s->staple == STAPLE_FILE)
		settings.file = s->staple_file;
	error = settings.issuer ? staple_new(a->loop, a->ocsp, &settings, &a->staple) : -ENOENT;
	if (error == -ENOENT)
		diagnosis_say(
			why, DIAG_CONFIG, "%s: OcspStaple=: %s", config->path,
			settings.issuer
				? "our certificate names no responder"
				: "the certificate of our authority is not in the credential");
	X509_free(settings.certificate);
	X509_free(settings.issuer);
	return error;
}

/* ---- who looks ---- */

static int find_group(const struct config *config, gid_t *ret_group, struct diagnosis *why)
{
	const char *name = config->settings.control_group;
	const struct group *group = name ? getgrnam(name) : NULL;

	if (name && !group) {
		diagnosis_say(why, DIAG_CONFIG, "%s: ControlGroup=%s: there is no such group",
			      config->path, name);
		return -ENOENT;
	}
	*ret_group = group ? group->gr_gid : getegid();
	return 0;
}

static int open_control(struct authd *a, struct diagnosis *why)
{
	const struct authd_settings *s = &a->config->settings;
	struct control_settings settings = { .path = s->control_socket, .user = geteuid() };
	union address metrics = s->metrics_listen.address[0];
	int error = find_group(a->config, &settings.group, why);

	if (error == 0)
		error = control_new(a->loop, &settings, &a->view, a->recorder, &a->control, why);

	if (error < 0 || s->metrics_listen.count == 0)
		return error;
	if (address_port(&metrics) == 0)
		address_set_port(&metrics, METRICS_PORT);
	return metrics_new(a->loop, &metrics, &a->view, &a->metrics, why);
}

/* ---- servers elsewhere ---- */

static void our_name(char name[256])
{
	snprintf(name, 256, "localhost");
	(void)gethostname(name, 255);
}

/* Where there is none any more, what was begun comes to its end. */
static int configure_passthrough(struct authd *a, struct config *config, struct diagnosis *why)
{
	char host[256];
	bool any = config->objects[CONFIG_SERVERS].count > 0;
	int error = 0;

	our_name(host);
	if (any && a->passthrough)
		error = passthrough_configure(a->passthrough, config, why);
	else if (any)
		error = passthrough_new(a->loop, config, host, &a->passthrough, why);
	if (error == 0 && a->guard)
		ports_set_server(guard_ports(a->guard), PORT_SERVER_RADIUS,
				 any ? passthrough_server(a->passthrough) : NULL);
	return error;
}

/* It is made anew when there are ports for the first time. */
static int configure_dynauth(struct authd *a, struct config *config, struct diagnosis *why)
{
	char host[256];
	const struct dynauth_settings settings = { &config->settings.dynamic_listen, host };
	struct session_keeper keeper;
	struct dynauth *made = NULL;
	int error;

	if (a->dynauth && a->keeps == !!a->guard) {
		dynauth_configure(a->dynauth, config);
		return 0;
	}
	our_name(host);
	if (a->guard)
		ports_keeper(guard_ports(a->guard), &keeper);
	error = dynauth_new(a->loop, config, &settings, a->guard ? &keeper : NULL, &made, why);
	if (error)
		return error;
	dynauth_free(a->dynauth);
	a->dynauth = made;
	a->keeps = a->guard;
	return 0;
}

/* ---- ports ---- */

static int configure_guard(struct authd *a, struct config *config, struct diagnosis *why)
{
	char host[256];
	const struct guard_settings settings = {
		.servers = { [PORT_SERVER_LOCAL] = pool_server(a->pool),
			     [PORT_SERVER_RADIUS] =
				     a->passthrough && config->objects[CONFIG_SERVERS].count > 0
					     ? passthrough_server(a->passthrough)
					     : NULL },
		.accountant = &a->accountant,
		.nas_identifier = host,
	};

	if (a->guard) {
		guard_configure(a->guard, config);
		return 0;
	}
	if (config->objects[CONFIG_PORTS].count == 0)
		return 0;
	our_name(host);
	a->accountant.note = authd_account;

	int error = guard_new(a->loop, &settings, config, &a->guard, why);

	/* Given up for good by a start without ports. */
	if (error == -EPERM)
		diagnosis_say(why, DIAG_CONFIG,
			      "%s: ports.d: a service that had no port when it started, or was "
			      "not started by root or its unit, may not guard any: restart it",
			      config->path);
	return error;
}

/* ---- all ---- */

static int open_ocsp(struct authd *a)
{
	int error = http_new(a->loop, &a->http);

	if (error == 0)
		error = ocsp_new(a->http, &a->ocsp);
	if (error == 0)
		error = revocation_new(a->ocsp, a->pool, &a->revocation);
	if (error == 0)
		error = account_desk_new(a->pool, &a->account_desk);
	return error;
}

/* ---- enrolment ---- */

static void told_enrolment(void *context, const struct message_enrolment_asks *asks,
			   struct enrolment_told *taken)
{
	pool_enrolment_told(((struct authd *)context)->pool, asks, taken);
}

static void revoked_by_itself(void *context, const char *identifier)
{
	struct authd *a = context;

	if (identifier)
		put_out_machine(a, identifier);
	else
		lists_refresh(a->lists);
}

static void gave_up_account(void *context, const char *name)
{
	put_out_account(context, name);
}

static int open_enrolment(struct authd *a)
{
	const struct enrolment_settings settings = { .recorder = a->recorder,
						     .http = a->http,
						     .told = told_enrolment,
						     .revoked = revoked_by_itself,
						     .removed = gave_up_account,
						     .context = a };
	int error = enrolment_new(&settings, &a->enrolment);

	if (error < 0)
		return error;
	enrolment_configure(a->enrolment, a->config);
	if (a->recorder)
		a->accounts = accounts_registry_new(a->recorder);
	return a->recorder && !a->accounts ? -ENOMEM : 0;
}

/* What an earlier one was asked goes on with that. */
static int configure_ca(struct authd *a, const struct config *config, struct diagnosis *why)
{
	struct enrolment_ca *ca = NULL;
	int error = ca_behind_new(a->loop, a->http, config, &ca, why);

	if (error == 0)
		enrolment_set_ca(a->enrolment, ca);
	enrolment_ca_drop(ca);
	return error;
}

static int open_pool(struct authd *a, struct diagnosis *why)
{
	struct pool_events events;

	authd_events_of(a, &events);
	return pool_new(a->loop, a->config, &events, &a->pool, why);
}

/* For those who ask how long it is good. */
static int look_at_certificate(struct authd *a, const struct config *config, struct diagnosis *why)
{
	X509 *cert = NULL, *issuer = NULL;
	int error = 0;

	a->certificate = (struct cert_info){ 0 };
	if (config->settings.credential)
		error = arming_certificates(config, &cert, &issuer, why);
	if (cert)
		cert_info_of(cert, &a->certificate);
	X509_free(cert);
	X509_free(issuer);
	return error;
}

/* What the workers have besides their configuration. */
static int furnish_workers(struct authd *a, const struct config *config, struct diagnosis *why)
{
	int error;

	account_desk_configure(a->account_desk, config->settings.tunnel.guesses);
	error = tickets_configure(a->tickets, &config->settings, why);

	if (error == 0)
		error = look_at_certificate(a, config, why);
	if (error == 0)
		error = open_staple(a, config, why);
	return error < 0 ? error : lists_configure(a->lists, config, why);
}

static void on_revoked(void *context, struct revoked *revoked)
{
	pool_revoked(((struct authd *)context)->pool, revoked);
}

static void on_out(void *context, const char *machine)
{
	put_out_as_read(context, machine, false);
}

static void on_removed(void *context, const char *account)
{
	put_out_as_read(context, account, true);
}

static void on_lists_read(void *context)
{
	put_out_on_read(context);
}

static int open_lists(struct authd *a)
{
	const struct lists_events events = { .changed = on_revoked,
					     .out = on_out,
					     .removed = on_removed,
					     .read = on_lists_read,
					     .staple = on_staple,
					     .context = a };

	return lists_new(a->loop, a->recorder, &events, &a->lists);
}

static void on_wished(void *context, struct wished *wished)
{
	pool_wished(((struct authd *)context)->pool, wished);
}

/* It was asked for at another server, or the machine has moved. */
static void on_wish_added(void *context, const char *station)
{
	struct authd *a = context;
	struct diagnosis why;

	(void)a->view.reauth(a, station, "enrollment", &why);
}

static int open_wishes(struct authd *a)
{
	const struct wishes_events events = { on_wished, on_wish_added, a };

	return wishes_new(a->loop, a->recorder, &events, &a->wishes);
}

int authd_open_parts(struct authd *a, struct diagnosis *why)
{
	int error;

	sessions_init(&a->sessions);
	putting_outs_init(&a->put_out);
	authd_view_of(a, &a->view);
	error = open_recorder(a, why);
	if (error == 0)
		error = open_pool(a, why);
	if (error == 0)
		error = open_ocsp(a);
	if (error == 0)
		error = open_enrolment(a);
	if (error == 0)
		error = configure_ca(a, a->config, why);
	if (error == 0)
		error = tickets_new(a->loop, a->pool, a->recorder, &a->tickets);
	if (error == 0)
		error = open_lists(a);
	if (error == 0)
		error = open_wishes(a);
	if (error == 0)
		error = furnish_workers(a, a->config, why);
	/* From here on machines may come. */
	if (error == 0)
		lists_settle(a->lists);
	if (error == 0)
		error = radius_server_new(a->loop, a->pool, &a->radius);
	if (error == 0)
		error = radius_server_configure(a->radius, a->config, why);
	if (error == 0)
		error = radsec_server_new(a->loop, a->pool, &a->radsec);
	if (error == 0)
		error = radsec_server_configure(a->radsec, a->config, why);
	if (error == 0)
		error = configure_passthrough(a, a->config, why);
	if (error == 0)
		error = configure_guard(a, a->config, why);
	if (error == 0)
		error = configure_dynauth(a, a->config, why);
	if (error == 0)
		error = open_control(a, why);
	return error;
}

static int configure_rest(struct authd *a, struct config *config, struct diagnosis *why)
{
	int error = furnish_workers(a, config, why);

	enrolment_configure(a->enrolment, config);
	if (error == 0)
		error = configure_ca(a, config, why);
	if (error == 0)
		error = radius_server_configure(a->radius, config, why);
	if (error == 0)
		error = radsec_server_configure(a->radsec, config, why);
	if (error == 0)
		error = configure_passthrough(a, config, why);
	if (error == 0)
		error = configure_guard(a, config, why);
	if (error == 0)
		error = configure_dynauth(a, config, why);
	return error;
}

int authd_configure_parts(struct authd *a, struct config *config, struct diagnosis *why)
{
	int error = pool_configure(a->pool, config, why);
	struct diagnosis again = { 0 };

	if (error < 0)
		return error; /* all is as it was */
	error = configure_rest(a, config, why);
	if (error < 0 && (pool_configure(a->pool, a->config, &again) < 0 ||
			  configure_rest(a, a->config, &again) < 0))
		log_event(LOG_ERR, "service.reload",
			  "effect=\"not all of the old configuration can be had again\"");
	return error;
}

/* What the recorder still answers finds those gone that were closed before. */
void authd_close_parts(struct authd *a)
{
	metrics_free(a->metrics);
	control_free(TAKE(a->control));
	/* Before those who are asked and told. */
	dynauth_free(TAKE(a->dynauth));
	guard_free(TAKE(a->guard));
	passthrough_free(TAKE(a->passthrough));
	/* Its last answers are for those who give them to the workers. */
	lists_stop(a->lists);
	wishes_stop(a->wishes);
	recorder_free(TAKE(a->recorder));
	if (a->put_out.new.next)
		putting_outs_done(a);
	lists_free(TAKE(a->lists));
	wishes_free(TAKE(a->wishes));
	/* What has an eye on the workers' messages goes after them, what they are told of before.
	 */
	account_desk_free(TAKE(a->account_desk));
	enrolment_free(a->enrolment);
	accounts_registry_free(a->accounts);
	staple_free(a->staple);
	revocation_free(a->revocation);
	ocsp_free(a->ocsp);
	http_free(a->http);
	pool_free(a->pool);
	radius_server_free(a->radius);
	radsec_server_free(a->radsec);
	tickets_free(a->tickets);
	client_counts_done(&a->clients);
	if (a->sessions.order.next)
		sessions_done(&a->sessions);
}
