/* Requests on the control socket: what is refused is refused in a sentence, what is taken holds. */
#include <assert.h>
#include <string.h>

#include "authd/control.h"
#include "authd/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	assert((r.command == CONTROL_DISCONNECT || r.command == CONTROL_REAUTH) ==
	       (*r.target != 0));
	return 0;
}
