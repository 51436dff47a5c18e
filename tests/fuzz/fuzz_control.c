/* Requests on the control socket: what is refused is refused in a sentence, what is taken holds. */
#include <assert.h>
#include <string.h>

#include "authd/control.h"
#include "authd/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_account_change(enum control_command command)
{
	return command == CONTROL_ACCOUNT_ADD || command == CONTROL_ACCOUNT_PASSWORD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request r;
	char wrong[512] = "";

	if (control_request_parse((const char *)data, size, &r, wrong, sizeof wrong) < 0) {
		char clean[512];

		assert(*wrong);
		assert(strcmp(printable(slice_str(wrong), clean, sizeof clean), wrong) == 0);
		return 0;
	}
	assert(r.command < CONTROL_COMMAND_COUNT);
	assert(control_command_right(r.command) != CONTROL_NOTHING);
	assert(r.limit <= REGISTRY_LIST_MAX);
	assert(strlen(r.target) < sizeof r.target);
	assert((r.command == CONTROL_DISCONNECT || r.command == CONTROL_REAUTH ||
		r.command == CONTROL_TOKEN_REVOKE || r.command == CONTROL_MACHINE_SHOW ||
		r.command == CONTROL_MACHINE_REVOKE || r.command == CONTROL_MACHINE_RENEW ||
		is_account_change(r.command) || r.command == CONTROL_ACCOUNT_REMOVE) ==
	       (*r.target != 0));
	assert(is_account_change(r.command) == (*r.hash != 0));
	assert(is_account_change(r.command) || (!*r.nt_hash && !*r.clear_text));
	assert(r.command == CONTROL_TOKEN_CREATE ||
	       (!r.uses && !r.lifetime && !*r.profile && !*r.station && !*r.serial && !*r.name));
	assert(r.lifetime <= CONTROL_LIFETIME_MAX);
	control_request_done(&r);
	return 0;
}
