/* CPROM at both ends, without memory: whatever is short, a credential is current only if it was
 * stored and all went well, and nothing is left half-way. */
#include "tests/cprom_duo.h"
#include "tests/fault/fault.h"

static struct cprom_duo duo;

static bool play(void)
{
	struct duo_shelf *shelf = cduo_shelf(&duo, "net");
	bool good, whole;

	cduo_run(&duo);
	good = duo.end == METHOD_SUCCEEDED && duo.verdict.decision != FAIL;
	/* A key alone may stay: without memory nobody has said no. */
	whole = !shelf->put && !shelf->pending;
	if (!fault_happened() && !cduo_good(&duo))
		return false;
	/* Our ends may be gone where there was not even memory for them. */
	if (!good && duo.peer && duo.server && !fault_happened())
		return false;
	return whole;
}

static bool certificate(void)
{
	return play();
}

static bool password(void)
{
	bool right;

	duo.credentials[0].type = ENROL_PASSWORD;
	duo.grant.credentials = 1 << ENROL_PASSWORD;
	right = play();
	duo.credentials[0].type = ENROL_X509;
	duo.grant.credentials = 0;
	return right;
}

static bool fragments(void)
{
	bool right;

	duo.mtu = 300;
	right = play();
	duo.mtu = 65000;
	return right;
}

int main(void)
{
	fault_init();
	cduo_init(&duo);
	duo.make_key = "Ed25519";
	duo.suspend = fault_suspend;
	duo.resume = fault_resume;
	fault_each("a machine gets a certificate", certificate);
	fault_each("a machine gets a name and a password", password);
	fault_each("messages come in fragments", fragments);
	cduo_done(&duo);
	return fault_end();
}
