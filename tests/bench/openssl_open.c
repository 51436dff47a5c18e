/* What OpenSSL by itself needs for a TLS server's conversation that was begun: the ClientHello is
 * read, the first flight waits in memory to be sent.
 *
 *	openssl_open CERT KEY CA 1.2|1.3 COUNT
 *
 * prints the octets of one conversation, as proportional set size; buffers are released when they
 * are empty, as a server with many conversations has it. */
#include "tls/ssl.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "openssl_open: %s\n", what);
	exit(EXIT_FAILURE);
}

static SSL_CTX *context(const SSL_METHOD *method, char **argv)
{
	const int version = strcmp(argv[4], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	SSL_CTX *ctx = SSL_CTX_new(method);

	need(ctx && SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
		     SSL_CTX_set_max_proto_version(ctx, version) == 1,
	     "context");
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

static SSL *connection(SSL_CTX *ctx, const char *in, size_t len)
{
	SSL *ssl = SSL_new(ctx);
	BIO *from = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());

	need(ssl && from && to, "memory");
	BIO_set_mem_eof_return(from, -1);
	if (len > 0)
		need(BIO_write(from, in, (int)len) == (int)len, "memory");
	SSL_set_bio(ssl, from, to);
	return ssl;
}

static size_t client_hello(SSL_CTX *ctx, char *buffer, size_t size)
{
	SSL *ssl = connection(ctx, NULL, 0);
	int n;

	SSL_connect(ssl);
	n = BIO_read(SSL_get_wbio(ssl), buffer, (int)size);
	need(n > 0, "ClientHello");
	SSL_free(ssl);
	return (size_t)n;
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

int main(int argc, char **argv)
{
	char hello[4096];

	need(argc == 6, "CERT KEY CA 1.2|1.3 COUNT are wanted");

	SSL_CTX *client = context(TLS_client_method(), argv);
	SSL_CTX *server = context(TLS_server_method(), argv);
	const size_t len = client_hello(client, hello, sizeof hello);
	const long count = strtol(argv[5], NULL, 10);
	SSL **all = calloc((size_t)count, sizeof *all);
	long before = 0;

	need(all && SSL_CTX_use_certificate_chain_file(server, argv[1]) == 1 &&
		     SSL_CTX_use_PrivateKey_file(server, argv[2], SSL_FILETYPE_PEM) == 1,
	     "credential");
	SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_client_CA_list(server, SSL_load_client_CA_file(argv[3]));
	for (long i = 0; i < count; i++) {
		all[i] = connection(server, hello, len);
		SSL_accept(all[i]);
		need(BIO_ctrl_pending(SSL_get_wbio(all[i])) > 0, "the server has no flight");
		if (i == 0)
			before = proportional();
	}
	printf("%ld\n", (proportional() - before) / (count - 1));
	for (long i = 0; i < count; i++)
		SSL_free(all[i]);
	free((void *)all);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	return EXIT_SUCCESS;
}
