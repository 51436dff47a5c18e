#include "tests/test.h"

#include <stdlib.h>

#include "eapol/frame.h"
#include "tests/talk/script.h"

static void vector(const char *bytes)
{
	AUTO_VALUE(bytes) pdu = { 0 };
	const char *meaning = NULL;
	struct eapol_frame f;
	char got[64] = "malformed";

	REQUIRE(script_bytes(bytes, &pdu, &meaning));
	if (eapol_frame_parse(bytes_slice(&pdu), &f) == OK)
		snprintf(got, sizeof got, "version %u type %u body %zu", f.version, f.type,
			 f.body.len);
	CHECK_STR(got, meaning);
}

TEST(frames_mean_what_their_vectors_say)
{
	static const char target[] = "fuzz_eapol_frame ";
	const char *top = getenv("top_srcdir");
	AUTO(char) line = NULL;
	size_t room = 0, vectors = 0;
	char path[4096];

	snprintf(path, sizeof path, "%s/tests/vectors/eapol.txt", top ? top : ".");

	FILE *file = fopen(path, "r");

	REQUIRE(file != NULL);
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, target, strlen(target)) != 0)
			continue;
		vector(line + strlen(target));
		vectors++;
	}
	fclose(file);
	CHECK(vectors > 20);
}

TEST(a_frame_is_read_as_it_was_built)
{
	uint8_t pdu[64];
	struct wr w = wr_of(pdu, sizeof pdu);
	struct eapol_frame f;

	eapol_frame_build(&w, 3, EAPOL_EAP, slice_str("body"));
	REQUIRE(eapol_frame_parse(wr_done(&w), &f) == OK);
	CHECK_INT(f.version, 3);
	CHECK_INT(f.type, EAPOL_EAP);
	CHECK(slice_eq(f.body, slice_str("body")));
	CHECK_INT(wr_done(&w).len, EAPOL_HEADER_SIZE + 4);
}

TEST(a_frame_that_does_not_fit_is_not_built)
{
	uint8_t pdu[6];
	struct wr w = wr_of(pdu, sizeof pdu);

	eapol_frame_build(&w, 2, EAPOL_EAP, slice_str("body"));
	CHECK_INT(wr_done(&w).len, 0);
}
