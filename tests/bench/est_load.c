/* Machines that enrol by EST over HTTPS, each with a connection and a key of its own: libcurl's TLS
 * 1.3, then /cacerts and /simpleenroll (RFC 7030, sections 4.1 and 4.2) on one connection.
 *
 *	est_load HOST PORT CA-FILE COUNT CONCURRENCY
 *
 * Says "ready"; for each line that it reads it enrols COUNT machines and writes the figures. */
#include <curl/curl.h>
#include <openssl/ec.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enrol/csr.h"
#include "enrol/est.h"
#include "enrol/est_http.h"
#include "tls/ssl.h"

#define USER "01234567:only-for-measuring"

static char **args;
static unsigned count;
static atomic_uint begun, enrolled;
static double *latencies;

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t keep(char *data, size_t size, size_t n, void *body)
{
	return bytes_append(body, slice_of(data, size * n), EST_BODY_MAX) == OK ? size * n : 0;
}

static CURL *connection(struct curl_slist *hosts, struct bytes *body)
{
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_RESOLVE, hosts);
	curl_easy_setopt(c, CURLOPT_CAINFO, args[3]);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	return c;
}

static bool request(CURL *c, const char *what)
{
	char url[256];
	long status = 0;
	CURLcode code;

	snprintf(url, sizeof url, "https://%s:%s/.well-known/est/%s", args[1], args[2], what);
	curl_easy_setopt(c, CURLOPT_URL, url);
	code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK || status != 200)
		fprintf(stderr, "est_load: %s: %s, %ld\n", what, curl_easy_strerror(code), status);
	return code == CURLE_OK && status == 200;
}

static bool make_request(unsigned number, struct bytes *ret_body)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO_VALUE(bytes) csr = { 0 };
	struct enrol_names names = { 0 };
	bool made;

	snprintf(names.common_name, sizeof names.common_name, "machine-%u", number);
	made = key && csr_build(&names, key, slice_of(NULL, 0), &csr) == OK &&
	       base64_encode(bytes_slice(&csr), ret_body) == OK;
	EVP_PKEY_free(key);
	return made;
}

static bool enrol(unsigned number, struct curl_slist *hosts, struct curl_slist *type)
{
	AUTO_VALUE(bytes) body = { 0 };
	AUTO_VALUE(bytes) csr = { 0 };
	CURL *c = connection(hosts, &body);
	bool done = request(c, "cacerts") && make_request(number, &csr);

	if (done) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(c, CURLOPT_USERPWD, USER);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, type);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, csr.p);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)csr.len);
		done = request(c, "simpleenroll");
	}
	curl_easy_cleanup(c);
	return done;
}

static void *worker(void *context)
{
	struct curl_slist *type = curl_slist_append(NULL, "Content-Type: " EST_TYPE_REQUEST);
	struct curl_slist *hosts;
	char at[256];
	unsigned n;

	(void)context;
	snprintf(at, sizeof at, "%s:%s:127.0.0.1", args[1], args[2]);
	hosts = curl_slist_append(NULL, at);
	while ((n = atomic_fetch_add(&begun, 1)) < count) {
		double from = milliseconds();

		if (enrol(n, hosts, type))
			latencies[atomic_fetch_add(&enrolled, 1)] = milliseconds() - from;
	}
	curl_slist_free_all(type);
	curl_slist_free_all(hosts);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void enrol_all(unsigned threads)
{
	pthread_t *thread = calloc(threads, sizeof *thread);
	double from = milliseconds();

	begun = enrolled = 0;
	for (unsigned i = 0; thread && i < threads; i++)
		if (pthread_create(&thread[i], NULL, worker, NULL) != 0)
			abort();
	for (unsigned i = 0; thread && i < threads; i++)
		pthread_join(thread[i], NULL);
	free(thread);
	qsort(latencies, enrolled, sizeof *latencies, by_size);
	printf("{\"asked\": %u, \"succeeded\": %u, \"seconds\": %.6f, \"p50\": %.3f}\n", count,
	       enrolled, (milliseconds() - from) / 1e3, enrolled ? latencies[enrolled / 2] : 0);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[16];

	if (argc != 6)
		return 2;
	args = argv;
	count = (unsigned)strtoul(argv[4], NULL, 10);
	latencies = calloc(count + 1, sizeof *latencies);
	if (!latencies || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return EXIT_FAILURE;
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		enrol_all((unsigned)strtoul(argv[5], NULL, 10));
	free(latencies);
	curl_global_cleanup();
	return EXIT_SUCCESS;
}
