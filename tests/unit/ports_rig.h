/* A guarded port with nothing real around it: the test is the wire, the gate, the server and the
 * clock. */
#ifndef TESTS_UNIT_PORTS_RIG_H
#define TESTS_UNIT_PORTS_RIG_H

#include <errno.h>
#include <stdlib.h>

#include "authd/ports.h"
#include "authd/ports_parts.h"
#include "eap/packet.h"
#include "tests/test.h"

#define INDEX 7
#define MACS  16

static const uint8_t own[MAC_SIZE] = { 2, 0, 0, 0, 0, 0xaa };
/* Machines. */
static const uint8_t one[MAC_SIZE] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t two[MAC_SIZE] = { 2, 0, 0, 0, 0, 2 };

struct rig {
	struct loop loop;
	struct ports *ports;
	struct aaa_server server;
	struct accountant accountant;
	struct moment now;
	struct config *config;

	/* the gate */
	bool guarded, joined;
	uint8_t open[MACS][MAC_SIZE];
	size_t open_count;
	uint16_t vlan;
	bool everybody;
	int vlan_error, open_error, guard_error;
	unsigned guards, releases;
	bool down;	    /* the interface was set down */
	const char *bridge; /* the interface is a port of it */

	/* the wire */
	unsigned sent;
	uint8_t destination[MAC_SIZE];
	uint8_t packet[64]; /* EAP */
	size_t len;

	/* the server */
	struct aaa_request asked; /* the last */
	unsigned asks, gave_up;
	int ask_error;

	/* accounting */
	unsigned starts, interims, stops;
	enum terminate_cause cause;
	uint32_t session_time;
	char accounted[AAA_TEXT_MAX + 1];
	uint64_t octets;
	bool counted;
};

extern struct rig rig;

void rig_configure(const char *text);
void rig_link_is(bool carrier);
void rig_begin(const char *text);
void rig_end(void);
void rig_wait(msec period);
void rig_hear(const uint8_t mac[MAC_SIZE], enum eapol_type type, struct slice body);
void rig_start(const uint8_t mac[MAC_SIZE]);
void rig_logoff(const uint8_t mac[MAC_SIZE]);
void rig_respond(const uint8_t mac[MAC_SIZE], uint8_t type, const char *text);
struct aaa_answer rig_answer_of(enum aaa_verdict verdict, uint8_t code);
void rig_reply(struct aaa_answer answer);
void rig_accept_with(struct aaa_grant grant);
void rig_reject(void);
void rig_enter(const uint8_t mac[MAC_SIZE], struct aaa_grant grant);
struct ports_counts rig_counts(void);
bool rig_is_open(const uint8_t mac[MAC_SIZE]);

static const struct aaa_grant plain = { 0 };
#define SINGLE "[Match]\nInterface=lan*\n"
#define MULTI  SINGLE "[Port]\nMode=multi\n"

#endif
