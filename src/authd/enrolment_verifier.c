/* Tokens of others, JWT and OAuth: an introspection endpoint is asked (RFC 7662). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/enrolment_parts.h"

#define ANSWER_MAX (64 * 1024)
#define TIMEOUT_MS 15000

DEFINE_AUTO(json_t, json_decref);

/* application/x-www-form-urlencoded: what is not unreserved is written as its octet. */
static enum status put_encoded(struct bytes *to, struct slice in)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	for (size_t i = 0; i < in.len; i++) {
		char text[4];
		int len = in.p[i] && strchr(unreserved, in.p[i])
				  ? snprintf(text, sizeof text, "%c", in.p[i])
				  : snprintf(text, sizeof text, "%%%02X", in.p[i]);
		enum status status =
			bytes_append(to, slice_of(text, (size_t)len), 3 * ENROLMENT_MESSAGE_MAX);

		if (status != OK)
			return status;
	}
	return OK;
}

static enum status build_form(const struct enrolment_ask *ask, struct bytes *ret)
{
	enum status status = bytes_set(ret, slice_str("token="));

	if (status == OK)
		status = put_encoded(ret, bytes_slice(&ask->token));
	if (status == OK && ask->by == ENROL_BY_OAUTH)
		status = bytes_append(ret, slice_str("&token_type_hint=access_token"),
				      3 * ENROLMENT_MESSAGE_MAX);
	return status;
}

static void take_answer(struct pending *p, const json_t *answer)
{
	const char *profile = json_string_value(json_object_get(answer, "latchkey_profile"));
	const char *name = json_string_value(json_object_get(answer, "latchkey_name"));
	struct enrol_grant *grant = &p->told.grant;

	if (!json_is_true(json_object_get(answer, "active"))) {
		enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED,
				 "TokenVerifier= says that the token is not active");
		return;
	}
	if (!enrolment_grant(p, profile ? profile : ""))
		return;
	if (name)
		printable(slice_str(name), grant->names.common_name,
			  sizeof grant->names.common_name);
	p->told.accept = true;
}

static void verified(void *context, const struct http_answer *http)
{
	struct pending *p = context;
	json_error_t error;
	AUTO(json_t) answer = NULL;

	p->http = NULL;
	enrolment_told_done(&p->told);
	if (http->status == 200)
		answer = json_loadb((const char *)http->body.p, http->body.len,
				    JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(answer))
		take_answer(p, answer);
	else if (http->error)
		enrolment_refuse(p, ENROL_ERROR_INTERNAL, "TokenVerifier= cannot be asked: %.120s",
				 http->error);
	else
		enrolment_refuse(p, ENROL_ERROR_INTERNAL,
				 "TokenVerifier= answers with status %ld and no introspection",
				 http->status);
	enrolment_finish(p);
}

void enrolment_verify(struct pending *p)
{
	const struct authd_settings *s = &p->config->settings;
	AUTO_VALUE(bytes) form = { 0 };
	struct http_request request = { .url = s->enroll.verifier,
					.type = "application/x-www-form-urlencoded",
					.accept = "application/json",
					.bearer = secret_slice(&s->enroll.verifier_secret),
					.ceiling = ANSWER_MAX,
					.timeout = TIMEOUT_MS,
					.done = verified,
					.context = p };
	int error = s->enroll.verifier ? 0 : -ENOENT;

	if (error == 0 && build_form(&p->asks.ask, &form) != OK)
		error = -ENOMEM;
	request.body = bytes_slice(&form);
	if (error == 0)
		error = http_begin(p->enrolment->settings.http, &request, &p->http);
	if (form.p)
		explicit_bzero(form.p, form.cap);
	if (error == 0)
		return;
	enrolment_refuse(p, error == -ENOENT ? ENROL_ERROR_TOKEN_REFUSED : ENROL_ERROR_INTERNAL,
			 "%s",
			 error == -ENOENT ? "nobody is configured (TokenVerifier=) who knows "
					    "such tokens"
					  : "TokenVerifier= cannot be asked now");
	enrolment_finish(p);
}
