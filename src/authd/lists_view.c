/* What is shown of our own authority. */
#include <jansson.h>

#include "authd/lists_parts.h"
#include "authd/metrics.h"

static int64_t end_of(const struct authority *a)
{
	return cert_time(X509_get0_notAfter(a->now.issuer));
}

void lists_status(const struct lists *l, json_t *credentials)
{
	const struct authority *a = l->authority;
	char subject[CERT_TEXT_MAX], cause[DIAGNOSIS_TEXT_MAX];
	json_t *o;

	if (!a)
		return;
	cert_subject(a->now.issuer, subject, sizeof subject);
	o = json_pack("{s:s, s:s, s:I}", "name", a->credential->name, "subject", subject, "expires",
		      (json_int_t)end_of(a));
	if (a->warning.id != DIAG_NONE)
		json_object_set_new(
			o, "warning",
			json_string(diagnosis_sentence(&a->warning, cause, sizeof cause)));
	json_array_append_new(credentials, o);
}

void lists_metrics(const struct lists *l, struct metrics_writer *writer)
{
	const struct authority *a = l->authority;

	if (l->revoked) {
		metrics_family(writer, "authority_revoked", "gauge",
			       "Certificates that the registry knows to be revoked and that have "
			       "not expired.");
		metrics_value(writer, (double)revoked_count(l->revoked), NULL);
	}
	if (!a)
		return;
	metrics_family(writer, "authority_expires_seconds", "gauge",
		       "When the certificate of our own authority ends, in seconds since 1970.");
	metrics_value(writer, (double)end_of(a), NULL);
	metrics_family(
		writer, "authority_overlap_ends_seconds", "gauge",
		"When the authority before a roll-over is trusted no more; 0: none goes on.");
	metrics_value(writer, (double)a->overlap_ends, NULL);
	metrics_family(writer, "authority_warning", "gauge",
		       "1 when it is time for a roll-over, or for machines to renew after one.");
	metrics_value(writer, a->warning.id != DIAG_NONE, NULL);
}
