/* Enrols machines into one registry, the database's part alone, and says what one costs when there
 * are so many: registry_fill FILE MACHINES AT...
 *
 * For each all that an enrolment asks: the token is looked up, the name is, the use of the token is
 * counted, machine, certificate and audit entry are written, and it is confirmed.  As the recorder
 * does when 32 are enrolled at a time, so many share a durable commit.  JSON: microseconds for one
 * over the last half (2,000 at most) before each AT: CPU time, and time in the middle one of those
 * groups, since whoever else uses the disk makes some of them long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "authd/registry_enrol.h"

#define TOGETHER 32
#define WINDOW	 2000
#define TOKEN	 "01234567"
#define NOW	 INT64_C(1790000000)

static struct registry *registry;

static void need(bool held, const char *what)
{
	char sentence[512];

	if (held)
		return;
	fprintf(stderr, "registry_fill: %s: %s\n", what,
		registry ? diagnosis_sentence(registry_why(registry), sentence, sizeof sentence)
			 : "it failed");
	exit(EXIT_FAILURE);
}

static double microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_microseconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void add_token(uint32_t uses)
{
	struct registry_token t = { .id = TOKEN, .uses = uses, .made = NOW };

	need(registry_begin(registry, true) == 0, "begin");
	need(registry_token_add(registry, &t) == 0, "token");
	need(registry_commit(registry) == 0, "commit");
}

/* Hex that is as random as a serial number or a digest. */
static void draw(char *text, size_t digits)
{
	for (size_t i = 0; i < digits; i++)
		text[i] = "0123456789abcdef"[random() & 15];
	text[digits] = '\0';
}

static void issue(const struct registry_credential *c)
{
	static const uint8_t der[620];
	const struct registry_machine_facts facts = { .profile = "machine",
						      .enrolled_by = "token " TOKEN,
						      .enrolled = NOW };
	AUTO_VALUE(bytes) before = { 0 };
	struct registry_credential other;

	need(registry_credential_good(registry, MACHINE_CERTIFICATE, c->machine, NOW, &other) == 0,
	     "name");
	need(registry_issue(registry, c, slice_of(der, sizeof der), &facts, "02-00-00-00-00-01",
			    &before) == REGISTRY_ISSUED,
	     "issue");
}

static void confirm(const struct registry_credential *c)
{
	struct registry_audit e = { .event = "credential.confirmed", .when = NOW };
	struct registry_credential found;

	need(registry_credential_find(registry, c->fingerprint, &found, NULL) == 1, "find");
	need(registry_credential_validated(registry, c->issuer, c->serial, NOW) == 1, "confirm");
	snprintf(e.subject, sizeof e.subject, "%s", c->machine);
	snprintf(e.detail, sizeof e.detail, "issuer=\"%s\" serial=%s", c->issuer, c->serial);
	need(registry_audit_add(registry, &e) == 0, "audit");
}

/* So many, as the recorder groups them: three questions each, three commits for all. */
static void enrol(unsigned first, unsigned count)
{
	static struct registry_credential made[TOGETHER];
	struct registry_token t;

	need(registry_begin(registry, true) == 0, "begin");
	for (unsigned i = 0; i < count; i++)
		need(registry_token_get(registry, TOKEN, &t) == 1, "token");
	need(registry_commit(registry) == 0, "commit");

	need(registry_begin(registry, true) == 0, "begin");
	for (unsigned i = 0; i < count; i++) {
		struct registry_credential *c = &made[i];

		*c = (struct registry_credential){ .issuer = "CN=Example Issuing CA",
						   .profile = "machine",
						   .token = TOKEN,
						   .issued = NOW,
						   .not_before = NOW,
						   .not_after = NOW + 31536000 };
		draw(c->serial, 40);
		draw(c->spki, 64);
		draw(c->fingerprint, 64);
		snprintf(c->machine, sizeof c->machine, "CN=machine-%u", first + i);
		snprintf(c->subject, sizeof c->subject, "CN=machine-%u", first + i);
		issue(c);
	}
	need(registry_commit(registry) == 0, "commit");

	need(registry_begin(registry, true) == 0, "begin");
	for (unsigned i = 0; i < count; i++)
		confirm(&made[i]);
	need(registry_commit(registry) == 0, "commit");
}

/* The next so many, or as many as there are until then; microseconds of one. */
static double enrol_group(unsigned *done, unsigned until)
{
	const unsigned count = until - *done < TOGETHER ? until - *done : TOGETHER;
	const double begun = microseconds();

	enrol(*done, count);
	*done += count;
	return (microseconds() - begun) / count;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct cost {
	double time, cpu; /* microseconds of one */
};

/* Of at most WINDOW. */
static struct cost measure(unsigned *done, unsigned until)
{
	static double took[WINDOW / TOGETHER + 1];
	const unsigned count = until - *done;
	const double cpu = cpu_microseconds();
	size_t n = 0;

	while (*done < until)
		took[n++] = enrol_group(done, until);
	qsort(took, n, sizeof took[0], by_size);
	return (struct cost){ took[n / 2], (cpu_microseconds() - cpu) / count };
}

/* The token is used up now: what it costs to say so. */
static double ask_used_up(void)
{
	const double begun = microseconds();

	for (int i = 0; i < 100; i++)
		need(registry_token_open(registry, TOKEN) == 0, "used up");
	return (microseconds() - begun) / 100;
}

int main(int argc, char **argv)
{
	struct diagnosis why;
	unsigned done = 0, machines;

	if (argc < 4)
		return 2;
	machines = (unsigned)strtoul(argv[2], NULL, 10);

	const struct registry_settings settings = { .file = argv[1], .origin = "bench" };

	need(registry_open(&settings, &registry, &why) == 0, "open");
	add_token(machines);
	printf("{\"at\": {");
	for (int i = 3; i < argc; i++) {
		unsigned at = (unsigned)strtoul(argv[i], NULL, 10);
		unsigned window = at / 2 < WINDOW ? at / 2 : WINDOW;

		while (done < at - window)
			enrol_group(&done, at - window);

		const struct cost cost = measure(&done, at);

		printf("%s\"%u\": {\"time\": %.2f, \"cpu\": %.2f}", i > 3 ? ", " : "", at,
		       cost.time, cost.cpu);
	}
	while (done < machines)
		enrol_group(&done, machines);
	printf("}, \"machines\": %u, \"used_up\": %.2f}\n", done, ask_used_up());
	registry_free(registry);
	return EXIT_SUCCESS;
}
