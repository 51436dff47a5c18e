/* The parts of the manual that are tables in the code, as mdoc on standard output:
 *
 *	keys-man SECTION    the keys of a section of latchkeyd.conf or of a profile
 *	keys-man diagnoses  every diagnosis: its id, what it means, what to do */
#include <stdio.h>
#include <string.h>

#include "base/diagnosis.h"
#include "config/profile.h"
#include "config/service.h"
#include "man/mdoc.h"

static void put_diagnoses(void)
{
	puts(".Bl -tag -width Ds");
	for (int id = DIAG_NONE + 1; id < DIAG_COUNT; id++) {
		const struct diagnosis_text *text = diagnosis_text((enum diagnosis_id)id);

		printf(".It Cm %s\n", text->name);
		put_text(text->cause);
		put_text(text->next);
	}
	puts(".El");
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (strcmp(what, "diagnoses") == 0) {
		put_diagnoses();
	} else if (put_section(&profile_table, what) + put_section(&service_table, what) == 0) {
		fprintf(stderr, "keys-man: there is no section \"%s\"\n", what);
		return 1;
	}
	return 0;
}
