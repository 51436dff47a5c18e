#include "enrol/protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void enrol_output_done(struct enrol_output *output)
{
	/* A secret may have been in it. */
	if (output->data.p)
		explicit_bzero(output->data.p, output->data.cap);
	bytes_done(&output->headers);
	bytes_done(&output->data);
}

void enrol_fault_set(struct enrol_fault *fault, enum enrol_error error, const char *format, ...)
{
	char text[sizeof fault->description];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	*fault = (struct enrol_fault){ .error = error };
	printable(slice_str(text), fault->description, sizeof fault->description);
}

const char *enrol_refusal(enum enrol_error error, bool authorising)
{
	if (error == ENROL_ERROR_TOKEN_REFUSED)
		return "it is unknown, used up, expired, revoked, or for another machine";
	if (error == ENROL_ERROR_INTERNAL)
		return "the server cannot do it now";
	if (error == ENROL_ERROR_ACTION_REFUSED)
		return authorising ? "the server does not do it for the certificate that was shown"
				   : "the server does not issue for the names that were asked for";
	if (error == ENROL_ERROR_PARAMETERS)
		return "the server does not issue for a key of this kind";
	return "the server refused the request";
}

static const enum diagnosis_id diagnoses[ENROL_ERRORS] = {
	[ENROL_ERROR_NONE] = DIAG_NONE,
	[ENROL_ERROR_MALFORMED] = DIAG_ENROL_MALFORMED,
	[ENROL_ERROR_UNEXPECTED] = DIAG_ENROL_UNEXPECTED,
	[ENROL_ERROR_VERSION] = DIAG_ENROL_VERSION,
	[ENROL_ERROR_NO_PROTOCOL] = DIAG_ENROL_NO_PROTOCOL,
	[ENROL_ERROR_TOKEN_MISSING] = DIAG_ENROL_TOKEN_MISSING,
	[ENROL_ERROR_TOKEN_REFUSED] = DIAG_ENROL_TOKEN_REFUSED,
	[ENROL_ERROR_PROOF] = DIAG_ENROL_PROOF,
	[ENROL_ERROR_ACTION_REFUSED] = DIAG_ENROL_ACTION_REFUSED,
	[ENROL_ERROR_UNKNOWN_CREDENTIAL] = DIAG_ENROL_UNKNOWN_CREDENTIAL,
	[ENROL_ERROR_PARAMETERS] = DIAG_ENROL_PARAMETERS,
	[ENROL_ERROR_KEY_GENERATION] = DIAG_ENROL_KEY_GENERATION,
	[ENROL_ERROR_CA_REFUSED] = DIAG_ENROL_CA_REFUSED,
	[ENROL_ERROR_NOT_ACCEPTABLE] = DIAG_ENROL_NOT_ACCEPTABLE,
	[ENROL_ERROR_STORAGE] = DIAG_ENROL_STORAGE,
	[ENROL_ERROR_VALIDATION] = DIAG_ENROL_VALIDATION,
	[ENROL_ERROR_LIMIT] = DIAG_ENROL_LIMIT,
	[ENROL_ERROR_INTERNAL] = DIAG_ENROL_INTERNAL,
};

void enrol_fault_explain(const struct enrol_fault *fault, enum enrol_side by,
			 const struct diagnosis *why, struct diagnosis *ret_diagnosis)
{
	if (why && why->id != DIAG_NONE) {
		*ret_diagnosis = *why;
		return;
	}
	diagnosis_set(ret_diagnosis, diagnoses[fault->error]);
	if (fault->error == ENROL_ERROR_NONE)
		return;
	diagnosis_add(ret_diagnosis, "by", "%s", by == ENROL_US ? "this side" : "the other side");
	if (fault->description[0])
		diagnosis_add(ret_diagnosis, "detail", "%s", fault->description);
	if (fault->secondary)
		diagnosis_add(ret_diagnosis, "code", "%u", fault->secondary);
}
