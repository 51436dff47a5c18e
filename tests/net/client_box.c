/* A NAS without ports: it asks RADIUS servers as a port of ours would (passthrough.h), for machines
 * that know EAP-MD5, and has sessions that servers may end (dynauth.h).  Commands come from a
 * FIFO; what becomes of each is printed.  test_passthrough.py and others are who plays. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/dynauth.h"
#include "authd/passthrough.h"
#include "base/list.h"
#include "drivers/log.h"
#include "eap/packet.h"

#define PASSWORD "testing123"
#define MACHINES 4096

struct box {
	struct aaa_asker asker;
	struct loop loop;
	struct config *config;
	const char *path;
	struct passthrough *passthrough;
	struct dynauth *dynauth;
	struct watch commands;
	FILE *in;
	uint64_t last;
	bool hold;
	size_t done, accepted;
	struct bytes held[MACHINES]; /* the challenges that wait for `go`, by number */
};

static struct config *read_config(const char *path)
{
	static struct ini_errors errors;
	struct config *config = NULL;

	if (config_load(path, &config, &errors) < 0)
		for (size_t i = 0; i < errors.count; i++)
			ini_error_print(&errors.error[i], stdout);
	ini_errors_done(&errors);
	return config;
}

/* ---- machines ---- */

static void ask(struct box *box, uint64_t number, bool first, struct slice eap)
{
	struct aaa_request request = { .asker = &box->asker, .number = number, .first = first };
	int error;

	snprintf(request.where.identity, sizeof request.where.identity, "machine%d",
		 (int)(number % 2));
	snprintf(request.where.calling_station, sizeof request.where.calling_station,
		 "02-00-00-00-%02X-%02X", (unsigned)(number >> 8 & 0xff),
		 (unsigned)(number & 0xff));
	snprintf(request.where.nas_identifier, sizeof request.where.nas_identifier, "box");
	snprintf(request.where.nas_port_id, sizeof request.where.nas_port_id, "p1");
	snprintf(request.where.session_id, sizeof request.where.session_id, "s%d", (int)number);
	request.where.nas_port_type = 15;
	request.where.framed_mtu = 1400;
	if (bytes_set(&request.eap, eap) != OK)
		return;
	error = passthrough_server(box->passthrough)
			->ask(passthrough_server(box->passthrough), &request);
	if (error)
		printf("asked %d: %s\n", (int)number, strerror(-error));
}

static void begin(struct box *box)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof room);
	uint64_t number = ++box->last;
	char identity[16];
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, 1, eap_type(EAP_TYPE_IDENTITY), false);

	snprintf(identity, sizeof identity, "machine%d", (int)(number % 2));
	wr_bytes(&w, slice_str(identity));
	eap_packet_close(&w, mark);
	ask(box, number, true, wr_done(&w));
}

/* RFC 3748, section 5.4: MD5 of identifier, password and challenge. */
static void respond(struct box *box, uint64_t number, struct slice eap)
{
	uint8_t room[256], hashed[256], digest[16];
	struct wr w = wr_of(room, sizeof room), h = wr_of(hashed, sizeof hashed);
	struct eap_packet request;
	size_t mark, len = sizeof digest;

	if (eap_packet_parse(eap, &request) != OK || !eap_type_is(request.type, 4) ||
	    request.data.len < 1 || request.data.p[0] >= request.data.len) {
		printf("odd %d: no MD5-Challenge\n", (int)number);
		return;
	}
	wr_u8(&h, request.id);
	wr_bytes(&h, slice_str(PASSWORD));
	wr_bytes(&h, slice_of(request.data.p + 1, request.data.p[0]));
	if (EVP_Q_digest(NULL, "MD5", NULL, hashed, h.len, digest, &len) != 1)
		return;
	mark = eap_packet_open(&w, EAP_RESPONSE, request.id, eap_type(4), false);
	wr_u8(&w, sizeof digest);
	wr_bytes(&w, slice_of(digest, sizeof digest));
	eap_packet_close(&w, mark);
	ask(box, number, false, wr_done(&w));
}

static void on_answered(struct aaa_asker *asker, struct aaa_answer *a)
{
	static const char *const verdicts[] = { "challenge", "accept", "reject", "discard",
						"timeout" };
	struct box *box = list_item(asker, struct box, asker);
	char sentence[DIAGNOSIS_TEXT_MAX];

	if (a->verdict == AAA_CHALLENGE && !box->hold) {
		respond(box, a->number, bytes_slice(&a->eap));
		return;
	}
	if (a->verdict == AAA_CHALLENGE) {
		printf("challenge %d\n", (int)a->number);
		if (bytes_set(&box->held[a->number % MACHINES], bytes_slice(&a->eap)) != OK)
			puts("no memory");
		return;
	}
	box->done++;
	box->accepted += a->verdict == AAA_ACCEPT;
	printf("answer %d %s code=%d vlan=%u session-timeout=%u interim=%u reauth=%d class=%.*s "
	       "user=%s: %s: %s\n",
	       (int)a->number, verdicts[a->verdict], a->eap.len ? a->eap.p[0] : 0, a->grant.vlan,
	       a->grant.session_timeout, a->grant.interim, a->grant.reauthenticate,
	       (int)a->grant.class[0].len,
	       a->grant.class[0].p ? (const char *)a->grant.class[0].p : "", a->grant.user_name,
	       diagnosis_text(a->why.id)->name,
	       diagnosis_sentence(&a->why, sentence, sizeof sentence));
}

static void go(struct box *box)
{
	for (size_t i = 0; i < MACHINES; i++) {
		struct bytes held = box->held[i];

		if (!held.p)
			continue;
		box->held[i] = (struct bytes){ 0 };
		respond(box, i, bytes_slice(&held));
		bytes_done(&held);
	}
}

/* ---- accounting ---- */

static void account(struct box *box, const char *kind)
{
	struct aaa_where where = { .nas_port_type = 15 };
	struct aaa_grant grant = { .vlan = 20 };
	struct accounting_event event = {
		.kind = strcmp(kind, "start") == 0  ? ACCOUNTING_START
			: strcmp(kind, "stop") == 0 ? ACCOUNTING_STOP
						    : ACCOUNTING_INTERIM,
		.when = loop_now().wall,
		.where = &where,
		.grant = &grant,
		.session_time = 42,
		.counted = true,
		.octets_in = 5000000000,
		.octets_out = 7,
		.cause = TERMINATE_LOST_CARRIER,
	};

	snprintf(where.identity, sizeof where.identity, "machine1");
	snprintf(where.nas_identifier, sizeof where.nas_identifier, "box");
	snprintf(where.session_id, sizeof where.session_id, "session-%s", kind);
	if (bytes_set(&grant.class[0], slice_str("red")) != OK)
		return;
	passthrough_accountant(box->passthrough)
		->note(passthrough_accountant(box->passthrough), &event);
	aaa_grant_done(&grant);
}

/* ---- sessions: one, "s1" of machine1 at 02:00:00:00:00:01, port p1 ---- */

static int has(const struct session_criteria *c)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	return (!c->session_id[0] || strcmp(c->session_id, "s1") == 0) &&
	       (!c->user_name[0] || strcmp(c->user_name, "machine1") == 0) &&
	       (!c->nas_port_id[0] || strcmp(c->nas_port_id, "p1") == 0) &&
	       (!c->has_mac || memcmp(c->mac, mac, sizeof mac) == 0);
}

static int on_disconnect(void *self, const struct session_criteria *which)
{
	(void)self;
	if (has(which))
		puts("session disconnect");
	return has(which);
}

static int on_reauthenticate(void *self, const struct session_criteria *which)
{
	(void)self;
	if (has(which))
		puts("session reauthenticate");
	return has(which);
}

static int on_change(void *self, const struct session_criteria *which,
		     const struct session_change *what)
{
	(void)self;
	if (!has(which))
		return 0;
	if (what->has_vlan && what->vlan == 99)
		return -EOPNOTSUPP;
	printf("session change vlan=%u timeout=%u\n", what->has_vlan ? what->vlan : 0,
	       what->has_session_timeout ? what->session_timeout : 0);
	return 1;
}

static void on_nas(void *context, const struct dynauth_answer *answer)
{
	(void)context;
	printf("nas %s cause=%s\n", answer->result ? strerror(-answer->result) : "ack",
	       radius_error_cause_name(answer->cause));
}

/* "coa" or "disconnect" to an address of ours, as the server. */
static void send_dynauth(struct box *box, const char *what, const char *to)
{
	struct aaa_where where = { 0 };
	struct dynauth_ask request = { .secret = slice_str(PASSWORD),
				       .reauthenticate = strcmp(what, "coa") == 0,
				       .where = &where,
				       .answered = on_nas };
	int error;

	snprintf(where.session_id, sizeof where.session_id, "s1");
	error = address_parse(to, &request.nas) ? dynauth_send(box->dynauth, &request) : -EINVAL;
	if (error)
		printf("nas %s\n", strerror(-error));
}

/* ---- commands ---- */

static void reload(struct box *box)
{
	struct config *config = read_config(box->path);
	struct diagnosis why;
	char sentence[DIAGNOSIS_TEXT_MAX];
	int error = config ? passthrough_configure(box->passthrough, config, &why) : -EINVAL;

	if (config && error == 0)
		dynauth_configure(box->dynauth, config);
	if (config && error)
		puts(diagnosis_sentence(&why, sentence, sizeof sentence));
	printf("reload %d\n", error);
	config_free(config);
}

static void view(struct box *box)
{
	struct passthrough_counts counts;
	json_t *servers = passthrough_view(box->passthrough);
	char *text = json_dumps(servers, JSON_COMPACT);

	passthrough_count(box->passthrough, &counts);
	printf("view %d %d %d %s\n", (int)counts.conversations, (int)counts.records,
	       (int)counts.records_lost, text ? text : "");
	free(text);
	json_decref(servers);
}

static void obey(struct box *box, const char *line)
{
	char command[16] = "", word[64] = "", other[64] = "";

	(void)sscanf(line, "%15s %63s %63s", command, word, other);
	if (strcmp(command, "auth") == 0 || strcmp(command, "begin") == 0) {
		box->hold = strcmp(command, "begin") == 0;
		for (long n = word[0] ? strtol(word, NULL, 10) : 1; n > 0; n--)
			begin(box);
	} else if (strcmp(command, "go") == 0) {
		box->hold = false;
		go(box);
	} else if (strcmp(command, "account") == 0) {
		account(box, word);
	} else if (strcmp(command, "send") == 0) {
		send_dynauth(box, word, other);
	} else if (strcmp(command, "reload") == 0) {
		reload(box);
	} else if (strcmp(command, "view") == 0) {
		view(box);
	} else if (strcmp(command, "total") == 0) {
		printf("total %zu accepted %zu\n", box->done, box->accepted);
	} else {
		loop_stop(&box->loop);
	}
}

static void on_command(struct watch *watch, bool readable, bool writable)
{
	struct box *box = list_item(watch, struct box, commands);
	char line[256];

	(void)readable;
	(void)writable;
	while (fgets(line, sizeof line, box->in))
		obey(box, line);
	clearerr(box->in);
}

static int open_all(struct box *box, const char *fifo, const char *listen, struct diagnosis *why)
{
	const struct session_keeper keeper = { NULL, on_disconnect, on_reauthenticate, on_change };
	struct addresses at = { .count = 1 };
	const struct dynauth_settings settings = { .listen = &at, .nas_identifier = "box" };
	int fd = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC), error;

	box->config = read_config(box->path);
	if (fd < 0 || !(box->in = fdopen(fd, "r")) || !box->config ||
	    !address_parse(listen, &at.address[0]))
		return -EINVAL;
	error = watch_set(&box->loop, &box->commands, fd, true, false);
	if (error == 0)
		error = passthrough_new(&box->loop, box->config, "box", &box->passthrough, why);
	if (error == 0)
		error = dynauth_new(&box->loop, box->config, &settings, &keeper, &box->dynauth,
				    why);
	return error;
}

int main(int argc, char **argv)
{
	static struct box box;
	struct diagnosis why = { 0 };
	char sentence[DIAGNOSIS_TEXT_MAX];
	int error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open(LOG_DEBUG);
	box.asker.answered = on_answered;
	box.commands.ready = on_command;
	if (argc != 4 || loop_init(&box.loop) < 0)
		return 1;
	box.path = argv[1];
	error = open_all(&box, argv[2], argv[3], &why);
	if (error == 0) {
		puts("ready");
		(void)loop_run(&box.loop);
	} else {
		printf("failed %s: %s\n", strerror(-error),
		       diagnosis_sentence(&why, sentence, sizeof sentence));
	}
	dynauth_free(box.dynauth);
	passthrough_free(box.passthrough);
	config_free(box.config);
	for (size_t i = 0; i < MACHINES; i++)
		bytes_done(&box.held[i]);
	watch_clear(&box.commands);
	if (box.in)
		fclose(box.in);
	loop_done(&box.loop);
	return error ? 1 : 0;
}
