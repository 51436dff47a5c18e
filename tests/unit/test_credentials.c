/* The real `latchkeyctl credentials` on a keystore of ours. */
#include "tests/test.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "tests/pki.h"

static struct pki_cert root, leaf;
static char base[64], program[256], keystore[96];

/* What the program printed, both streams, and its exit status. */
static char text[65536];

static void write_file(const char *name, struct bytes content, int mode)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", base, name);
	pki_write(path, bytes_slice(&content), mode);
	bytes_done(&content);
}

static void write_text(const char *name, const char *content)
{
	struct bytes copy = { 0 };

	REQUIRE(bytes_set(&copy, slice_str(content)) == OK);
	write_file(name, copy, 0600);
}

static void arrange(void)
{
	const char *build = getenv("top_builddir");
	int64_t now = time(NULL);

	if (!root.cert) {
		root = pki_ca("Root");
		leaf = pki_make(&(struct pki_spec){ .cn = "machine.example",
						    .from = now - PKI_DAY,
						    .until = now + 100 * PKI_DAY + 3600 },
				&root);
	}
	snprintf(base, sizeof base, "/tmp/latchkey-credentials-XXXXXX");
	REQUIRE(mkdtemp(base) != NULL);
	snprintf(keystore, sizeof keystore, "%s/keystore", base);
	AUTO(char) absolute = realpath(build ? build : ".", NULL);
	snprintf(program, sizeof program, "%s/latchkeyctl", absolute);
	write_file("cert.pem", pki_pem(leaf.cert), 0644);
	write_file("key.pem", pki_key_pem(leaf.key, NULL), 0600);
	write_file("all.p12", pki_pkcs12(&leaf, NULL, "good"), 0600);
	unsetenv("CREDENTIALS_DIRECTORY");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
}

static void clear_away(void)
{
	char command[sizeof base + 16];

	snprintf(command, sizeof command, "rm -rf %s", base);
	CHECK_INT(system(command), 0);
}

/* In the directory of the test, without a terminal. */
static int credentials(const char *arguments)
{
	char command[1024];

	snprintf(command, sizeof command,
		 "cd %s && setsid -w %s credentials %s --keystore=%s 2>&1 </dev/null", base,
		 program, arguments, keystore);

	FILE *out = popen(command, "r");

	REQUIRE(out != NULL);
	text[fread(text, 1, sizeof text - 1, out)] = '\0';

	int status = pclose(out);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool in(const char *where, const char *what)
{
	return strstr(where, what) != NULL;
}

static bool says(const char *what)
{
	/* Lines are wrapped: a blank may have become a new line and an indent. */
	for (const char *at = text; *at; at++) {
		const char *t = at, *w = what;

		while (*w && (*t == *w || (*w == ' ' && *t == '\n'))) {
			t++;
			w++;
			if (t[-1] == '\n' || t[-1] == ' ')
				t += strspn(t, " ");
		}
		if (!*w)
			return true;
	}
	test_note("no \"%s\" in: %s", what, text);
	return false;
}

TEST(what_is_imported_is_listed_shown_exported_and_removed)
{
	struct stat st;
	char copy[96];

	arrange();
	CHECK_INT(credentials("import machine cert.pem --key=key.pem"), 0);
	CHECK(says("CN=machine.example"));
	CHECK_INT(credentials("list"), 0);
	CHECK(says("NAME") && says("P-256") && says("valid, 100 days left"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		CHECK(strcspn(line, "\n") <= 80);
	CHECK_INT(credentials("show machine"), 0);
	CHECK(says("SHA-256") && says("in the keystore"));
	CHECK_INT(credentials("export machine"), 0);
	CHECK(says("BEGIN CERTIFICATE") && !in(text, "PRIVATE"));
	CHECK_INT(credentials("export machine --output=copy.pem"), 0);
	snprintf(copy, sizeof copy, "%s/copy.pem", base);
	CHECK(stat(copy, &st) == 0 && st.st_size > 0);
	CHECK_INT(credentials("export machine --output=copy.pem"), 1);
	CHECK(says("File exists"));
	CHECK_INT(credentials("remove machine"), 0);
	CHECK_INT(credentials("show machine"), 1);
	CHECK(says("is not in the keystore"));
	CHECK_INT(credentials("list"), 0);
	CHECK(says("empty"));
	clear_away();
}

static json_t *parsed(const char *arguments, int status)
{
	CHECK_INT(credentials(arguments), status);

	json_t *value = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);

	CHECK(value != NULL);
	return value;
}

TEST(json_says_the_same)
{
	arrange();
	AUTO(json_t) done = parsed("import machine cert.pem key.pem --json", 0);
	AUTO(json_t) list = parsed("list --json", 0);
	AUTO(json_t) pem = parsed("export machine --json", 0);
	AUTO(json_t) error = parsed("show other --json", 1);
	json_t *first = json_array_get(list, 0);

	CHECK(json_is_object(json_object_get(done, "Imported")));
	CHECK_STR(json_string_value(json_object_get(first, "Name")), "machine");
	CHECK_STR(json_string_value(json_object_get(first, "Key")), "P-256");
	CHECK(json_is_string(json_object_get(pem, "PEM")));
	CHECK(json_is_string(json_object_get(error, "Error")));
	clear_away();
}

TEST(a_passphrase_comes_from_a_file_or_a_systemd_credential)
{
	arrange();
	write_text("machine", "good\nnot this\n");
	CHECK_INT(credentials("import machine all.p12 --passphrase-file=machine"), 0);
	CHECK(setenv("CREDENTIALS_DIRECTORY", base, 1) == 0);
	CHECK_INT(credentials("import machine all.p12"), 0);
	write_text("machine", "bad");
	CHECK_INT(credentials("import machine all.p12 --passphrase-file=machine"), 1);
	CHECK(says("The passphrase for all.p12 is wrong"));
	CHECK_INT(credentials("import machine all.p12 --passphrase-file=/nonexistent"), 1);
	CHECK(says("/nonexistent"));
	CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
	CHECK_INT(credentials("import machine all.p12"), 1);
	CHECK(says("give --passphrase-file"));
	clear_away();
}

TEST(what_cannot_be_imported_changes_nothing_and_says_why)
{
	AUTO(EVP_PKEY) other = pki_key("P-256");
	struct stat st;

	arrange();
	CHECK_INT(credentials("import machine /nonexistent"), 1);
	CHECK(says("/nonexistent: No such file"));
	CHECK_INT(credentials("import machine cert.pem"), 1);
	CHECK(says("no private key"));
	write_file("key.pem", pki_key_pem(other, NULL), 0600);
	CHECK_INT(credentials("import machine cert.pem key.pem"), 1);
	CHECK(says("do not belong together"));
	write_text("key.pem", "nonsense");
	CHECK_INT(credentials("import machine cert.pem key.pem"), 1);
	CHECK(says("neither PEM nor DER"));
	CHECK_INT(credentials("import machine cert.pem --key-uri=nosuch:thing"), 1);
	CHECK(says("no OpenSSL provider for nosuch:"));
	CHECK(lstat(keystore, &st) != 0 || rmdir(keystore) == 0);
	clear_away();
}

TEST(a_keystore_that_others_can_read_is_not_used)
{
	arrange();
	CHECK_INT(credentials("import machine cert.pem key.pem"), 0);
	CHECK(chmod(keystore, 0755) == 0);
	CHECK_INT(credentials("list"), 3);
	CHECK(says("chmod 700"));
	clear_away();
}

/* ---- the prompt ---- */

/* What came out of the terminal, and how far it has been looked at. */
struct screen {
	char seen[8192];
	size_t len, at;
};

/* Until it has come. */
static bool wait_for(int terminal, struct screen *screen, const char *what)
{
	const char *found;

	while (!(found = strstr(screen->seen + screen->at, what))) {
		ssize_t n = read(terminal, screen->seen + screen->len,
				 sizeof screen->seen - screen->len - 1);

		if (n <= 0)
			return false;
		screen->len += (size_t)n;
		screen->seen[screen->len] = '\0';
	}
	screen->at = (size_t)(found - screen->seen) + strlen(what);
	return true;
}

/* Types each line at a prompt of its own; answers the exit status, or -1. */
static int typed(const char *const *lines, struct screen *screen)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;

	*screen = (struct screen){ 0 };
	REQUIRE(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	pid_t child = fork();

	REQUIRE(child >= 0);
	if (child == 0) {
		char store[128], file[96];
		int fd = setsid() < 0 ? -1 : open(ptsname(terminal), O_RDWR);

		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
			_exit(77);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		snprintf(store, sizeof store, "--keystore=%s", keystore);
		snprintf(file, sizeof file, "%s/all.p12", base);
		execl(program, program, "credentials", "import", "machine", file, store, NULL);
		_exit(127);
	}
	for (; *lines; lines++) {
		CHECK(wait_for(terminal, screen, "Passphrase for "));
		CHECK(write(terminal, *lines, strlen(*lines)) == (ssize_t)strlen(*lines));
		CHECK(wait_for(terminal, screen, "\n"));
	}
	/* All that it says, so that it does not wait for us; then the terminal has no more ends. */
	while (wait_for(terminal, screen, "\n"))
		;
	CHECK(waitpid(child, &status, 0) == child);
	close(terminal);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_passphrase_is_asked_for_and_not_shown)
{
	struct screen screen;

	arrange();
	CHECK_INT(typed((const char *const[]){ "good\r", NULL }, &screen), 0);
	CHECK(!in(screen.seen, "good"));
	CHECK_INT(typed((const char *const[]){ "not this one\r", "gop\bod\n", NULL }, &screen), 0);
	CHECK(!in(screen.seen, "not this one"));
	CHECK_INT(typed((const char *const[]){ "a\n", "b\n", "c\n", NULL }, &screen), 1);
	CHECK_INT(typed((const char *const[]){ "goo\3", NULL }, &screen), 1);
	clear_away();
}
