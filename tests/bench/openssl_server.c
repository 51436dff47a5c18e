/* What OpenSSL by itself needs as a TLS server in memory, to compare EAP servers with: the work of
 * a handshake, and the octets of one that was begun.
 *
 *	openssl_server half CERT KEY CA CLIENT-CERT CLIENT-KEY CLIENT-CA 1.2|1.3 full|resumed COUNT
 *	openssl_server open …
 *
 * half: all that the server does happens in server_half_bare, so that
 *	valgrind --tool=callgrind --toggle-collect=server_half_bare …
 * counts that alone; the difference between two counts is without what happens once.  Credentials
 * are parsed once, no root is sent along, and sessions are kept.
 * open: prints the octets, as proportional set size, of one conversation whose first flight waits
 *to be sent. */
#include "tls/ssl.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

static char buffer[1 << 17];

static void need(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "openssl_server: %s\n", what);
	exit(EXIT_FAILURE);
}

static SSL_CTX *context(const SSL_METHOD *method, const char *version, char *const *own,
			const char *anchor)
{
	const int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	SSL_CTX *ctx = SSL_CTX_new(method);

	need(ctx && SSL_CTX_set_min_proto_version(ctx, number) == 1 &&
		     SSL_CTX_set_max_proto_version(ctx, number) == 1,
	     "context");
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
	need(SSL_CTX_use_certificate_chain_file(ctx, own[0]) == 1 &&
		     SSL_CTX_use_PrivateKey_file(ctx, own[1], SSL_FILETYPE_PEM) == 1,
	     own[0]);
	need(SSL_CTX_load_verify_file(ctx, anchor) == 1, anchor);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5);
	/* Sessions stay with the server: to open a ticket is to decode a certificate. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 1);
	return ctx;
}

static SSL *connection(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	BIO *from = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());

	need(ssl && from && to, "memory");
	BIO_set_mem_eof_return(from, -1);
	SSL_set_bio(ssl, from, to);
	return ssl;
}

/* What came in goes on; what is to go out. */
static int go_on(SSL *ssl, int len)
{
	char none[16];

	if (len > 0)
		BIO_write(SSL_get_rbio(ssl), buffer, len);
	while (SSL_read(ssl, none, sizeof none) > 0)
		;
	len = BIO_read(SSL_get_wbio(ssl), buffer, sizeof buffer);
	return len > 0 ? len : 0;
}

/* len 0: the conversation is over. */
static NOINLINE int server_half_bare(SSL_CTX *ctx, SSL **ssl, int len)
{
	if (len == 0) {
		SSL_set_shutdown(*ssl, SSL_SENT_SHUTDOWN);
		SSL_free(*ssl);
		*ssl = NULL;
		return 0;
	}
	if (!*ssl) {
		*ssl = connection(ctx);
		SSL_set_accept_state(*ssl);
	}
	return go_on(*ssl, len);
}

static void converse(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION **session, bool resumed)
{
	SSL *client = connection(client_ctx), *server = NULL;
	bool again = *session != NULL;
	int len;

	SSL_set_connect_state(client);
	if (again)
		SSL_set_session(client, *session);
	while ((len = go_on(client, 0)) > 0) {
		len = server_half_bare(server_ctx, &server, len);
		if (len > 0)
			BIO_write(SSL_get_rbio(client), buffer, len);
	}
	need(server && SSL_is_init_finished(server) && SSL_is_init_finished(client), "handshake");
	need((bool)SSL_session_reused(client) == again, "resumption");
	server_half_bare(server_ctx, &server, 0);
	SSL_SESSION_free(*session);
	*session = resumed ? SSL_get1_session(client) : NULL;
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN);
	SSL_free(client);
}

static void half(SSL_CTX *server, SSL_CTX *client, bool resumed, long count)
{
	SSL_SESSION *session = NULL;

	for (long i = 0; i < count; i++)
		converse(server, client, &session, resumed);
	SSL_SESSION_free(session);
}

static long proportional(void)
{
	FILE *in = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	long octets = -1;

	need(in != NULL, "/proc/self/smaps_rollup");
	while (fgets(line, sizeof line, in)) {
		if (strncmp(line, "Pss:", 4) == 0)
			octets = strtol(line + 4, NULL, 10) * 1024;
	}
	fclose(in);
	return octets;
}

static void open_many(SSL_CTX *server, SSL_CTX *client, long count)
{
	SSL **all = calloc((size_t)count, sizeof *all), *one = connection(client);
	long before = 0;
	int len;

	need(all && count > 1, "COUNT");
	SSL_set_connect_state(one);
	len = go_on(one, 0);
	for (long i = 0; i < count; i++) {
		all[i] = connection(server);
		BIO_write(SSL_get_rbio(all[i]), buffer, len);
		SSL_accept(all[i]);
		need(BIO_ctrl_pending(SSL_get_wbio(all[i])) > 0, "the server has no flight");
		if (i == 0)
			before = proportional();
	}
	printf("%ld\n", (proportional() - before) / (count - 1));
	for (long i = 0; i < count; i++)
		SSL_free(all[i]);
	SSL_free(one);
	free((void *)all);
}

int main(int argc, char **argv)
{
	need(argc == 11, "half|open CERT KEY CA CLIENT-CERT CLIENT-KEY CLIENT-CA 1.2|1.3 "
			 "full|resumed COUNT are wanted");

	SSL_CTX *server = context(TLS_server_method(), argv[8], argv + 2, argv[7]);
	SSL_CTX *client = context(TLS_client_method(), argv[8], argv + 5, argv[4]);
	const long count = strtol(argv[10], NULL, 10);

	if (strcmp(argv[1], "half") == 0)
		half(server, client, strcmp(argv[9], "resumed") == 0, count);
	else
		open_many(server, client, count);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	return EXIT_SUCCESS;
}
