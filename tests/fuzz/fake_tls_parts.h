/* What the two files of fake_tls.h share. */
#ifndef TESTS_FUZZ_FAKE_TLS_PARTS_H
#define TESTS_FUZZ_FAKE_TLS_PARTS_H

#include <stdlib.h>

#include "tests/fuzz/fake_tls.h"

struct tls_config {
	unsigned references;
	struct trust *trust;
	struct bytes row; /* of the claim that our certificate makes */
	bool resume;
};

struct tls_server_config {
	unsigned references;
	struct trust *trust;
	struct tls_server_settings settings;
	/* the session that is kept, of this epoch */
	unsigned epoch;
	struct bytes row, facts;
};

struct tls_conn {
	struct tls_config *config; /* NULL: the server */
	struct tls_server_config *server;
	struct bytes pending, received;
	size_t consumed;
	enum tls_state state;
	enum tls_version version;
	bool greeted, proven, closed, resumed, ticket;
	struct diagnosis why;

	/* the client's */
	struct tls_session *keep;
	bool offered;

	/* the server's */
	bool asks;
	struct bytes row, facts;
	struct tls_claim claim;
};

extern unsigned fake_tls_epoch;
/* Of the last client that was made with a certificate: what its FAKE_CERTIFICATE stands for, and
 * itself. */
extern struct bytes fake_tls_shown, fake_tls_certificate;

static inline void *made(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static inline void must(enum status status)
{
	if (status != OK)
		abort();
}

void fake_tls_emit(struct tls_conn *conn, enum fake_record type, struct slice body);
void fake_tls_say(struct tls_conn *conn, enum fake_message kind, uint8_t first, uint8_t second);
void fake_tls_fail(struct tls_conn *conn, const char *detail);
void fake_tls_server_hears(struct tls_conn *conn, uint8_t kind, struct rd *r);

#endif
