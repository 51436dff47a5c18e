/* A gate to play with: commands come from a FIFO, one per line; what became of each is printed.
 * test_gate.py is who plays. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "config/ini.h"
#include "drivers/gate.h"
#include "drivers/log.h"

struct box {
	struct loop loop;
	struct gate *gate;
	struct packet_socket *packets;
	struct watch commands;
	FILE *in;
	enum gate_exit how;
};

static void told(const char *command, int error, const struct diagnosis *why)
{
	char sentence[DIAGNOSIS_TEXT_MAX];

	if (error)
		printf("%s: %s: %s\n", command, strerror(-error),
		       diagnosis_sentence(why, sentence, sizeof sentence));
	else
		printf("%s: done\n", command);
}

static void on_failed(void *context, unsigned index, const struct diagnosis *why)
{
	char sentence[DIAGNOSIS_TEXT_MAX];

	(void)context;
	printf("failed %u %s\n", index, diagnosis_sentence(why, sentence, sizeof sentence));
}

static void on_frame(void *context, const struct packet_frame *frame)
{
	char name[IF_NAMESIZE] = "";

	(void)context;
	(void)if_indextoname(frame->index, name);
	printf("frame on %s from %02x:%02x:%02x:%02x:%02x:%02x%s\n", name, frame->source[0],
	       frame->source[1], frame->source[2], frame->source[3], frame->source[4],
	       frame->source[5], frame->tag.present ? " tagged" : "");
}

static void guard(struct box *box, const char *interface, char *options)
{
	struct gate_port port = { .index = if_nametoindex(interface), .name = interface };
	struct diagnosis why = { 0 };

	for (char *o = strtok(options, " "); o; o = strtok(NULL, " ")) {
		if (strcmp(o, "any") == 0)
			port.any = true;
		else if (strcmp(o, "create") == 0)
			port.create_bridges = true;
		else if (strncmp(o, "bridge=", 7) == 0)
			port.bridge = o + 7;
		else if (strncmp(o, "home=", 5) == 0)
			port.home = o + 5;
	}
	told("guard", gate_guard(box->gate, &port, &why), &why);
}

/* What changes cost, here and in the kernel; others may have the processor meanwhile. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Lets many in at once, then one more by one. */
static void many(struct box *box, unsigned index, int count)
{
	uint8_t mac[MAC_SIZE] = { 2, 0xff };
	double begun = seconds(), together;
	int error = 0;

	for (int i = 0; i < count && !error; i++) {
		mac[4] = (uint8_t)(i >> 8);
		mac[5] = (uint8_t)i;
		error = gate_open(box->gate, index, mac);
	}
	if (!error)
		error = gate_flush(box->gate);
	together = seconds() - begun;
	begun = seconds();
	mac[3] = 1;
	for (int i = 0; i < 20 && !error; i++) {
		mac[5] = (uint8_t)i;
		error = gate_open(box->gate, index, mac);
		error = error ? error : gate_flush(box->gate);
	}
	printf("many: %d together=%.6f single=%.6f\n", error, together, (seconds() - begun) / 20);
}

static void obey(struct box *box, char *line)
{
	char command[16] = "", interface[32] = "", rest[128] = "";
	struct diagnosis why = { 0 };
	uint8_t mac[MAC_SIZE];
	unsigned index;

	(void)sscanf(line, "%15s %31s %127[^\n]", command, interface, rest);
	index = if_nametoindex(interface);
	if (index == 0)
		index = (unsigned)strtoul(interface, NULL, 10);
	if (strcmp(command, "guard") == 0)
		guard(box, interface, rest);
	else if (strcmp(command, "start") == 0)
		told("start", gate_start(box->gate, &why), &why);
	else if (strcmp(command, "release") == 0)
		gate_release(box->gate, index), puts("release: done");
	else if (strcmp(command, "open") == 0 && ini_parse_mac(rest, mac))
		printf("open: %d\n", gate_open(box->gate, index, mac));
	else if (strcmp(command, "close") == 0)
		gate_close(box->gate, index, ini_parse_mac(rest, mac) ? mac : NULL),
			puts("close: done");
	else if (strcmp(command, "flush") == 0)
		printf("flush: %d\n", gate_flush(box->gate));
	else if (strcmp(command, "vlan") == 0)
		told("vlan", gate_vlan(box->gate, index, (uint16_t)strtoul(rest, NULL, 10), &why),
		     &why);
	else if (strcmp(command, "many") == 0)
		many(box, index, (int)strtol(rest, NULL, 10));
	else
		loop_stop(&box->loop);
	box->how = strcmp(interface, "keep") == 0   ? GATE_KEEP
		   : strcmp(interface, "shut") == 0 ? GATE_SHUT
						    : GATE_REMOVE;
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

int main(int argc, char **argv)
{
	const struct gate_events events = { on_failed, NULL };
	struct box box = { 0 };
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open(LOG_INFO);
	box.commands.ready = on_command;
	if (fd < 0 || !(box.in = fdopen(fd, "r")) || loop_init(&box.loop) < 0 ||
	    watch_set(&box.loop, &box.commands, fd, true, false) < 0 ||
	    gate_new(&box.loop, &events, &box.gate) < 0)
		return 1;
	/* Without CAP_NET_RAW there are no frames to see. */
	(void)packet_open(&box.loop, on_frame, NULL, &box.packets);
	puts("ready");
	(void)loop_run(&box.loop);
	gate_free(box.gate, box.how);
	packet_close(box.packets);
	watch_clear(&box.commands);
	fclose(box.in);
	loop_done(&box.loop);
	return 0;
}
