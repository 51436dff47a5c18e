#include "authd/ca_behind.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "authd/authority.h"
#include "base/list.h"

struct ca_behind {
	struct enrolment_ca ca;
	struct cmp_client *client;
};

static void behind_free(struct ca_behind *behind)
{
	if (!behind)
		return;
	cmp_client_free(behind->client);
	free(behind);
}

static int ask(struct enrolment_ca *ca, const struct cmp_client_request *request,
	       struct cmp_client_call **ret_call)
{
	return cmp_client_ask(list_item(ca, struct ca_behind, ca)->client, request, ret_call);
}

static void free_ca(struct enrolment_ca *ca)
{
	behind_free(list_item(ca, struct ca_behind, ca));
}

/* "CN=Issuing CA", "O=Example": one entry for each. */
static bool read_name(const struct words *words, X509_NAME **ret_name)
{
	AUTO(X509_NAME) name = X509_NAME_new();

	for (size_t i = 0; name && i < words->count; i++) {
		const char *equals = strchr(words->word[i], '=');
		char type[64];

		snprintf(type, sizeof type, "%.*s", (int)(equals - words->word[i]), words->word[i]);
		if (X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
					       (const unsigned char *)equals + 1, -1, -1, 0) != 1) {
			ERR_clear_error();
			return false;
		}
	}
	if (!name)
		return false;
	*ret_name = TAKE(name);
	return true;
}

static int open_client(struct loop *loop, struct http *http, const struct config *config,
		       const struct authority *authority, struct cmp_client **ret_client,
		       struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	AUTO(X509_NAME) recipient = NULL;
	struct cmp_client_config client = {
		.url = s->authority.cmp.url,
		.cert = authority->now.ra_cert,
		.key = authority->now.ra_key,
		.chain = authority->now.ra_chain,
		.reference =
			slice_str(s->authority.cmp.reference ? s->authority.cmp.reference : ""),
		.secret = secret_slice(&s->authority.cmp.secret),
		.anchors = authority->anchors,
		.timeout = s->authority.cmp.timeout,
	};
	int r;

	if (s->authority.cmp.recipient.count > 0 &&
	    !read_name(&s->authority.cmp.recipient, &recipient)) {
		diagnosis_say(why, DIAG_CONFIG,
			      "%s: CmpRecipient=: no name can be made of these attributes",
			      config->path);
		return -EINVAL;
	}
	client.recipient = recipient;
	r = cmp_client_new(loop, http, &client, ret_client);
	if (r < 0)
		diagnosis_say(why, DIAG_CONFIG, "%s: [Authority] Backend=cmp: %s", config->path,
			      strerror(-r));
	return r;
}

int ca_behind_new(struct loop *loop, struct http *http, const struct config *config,
		  struct enrolment_ca **ret_ca, struct diagnosis *why)
{
	AUTO_STRUCT(authority) authority = NULL;
	struct ca_behind *behind;
	int r;

	*ret_ca = NULL;
	if (config->settings.authority.backend != AUTHORITY_CMP)
		return 0;
	r = authority_open(config, loop_now().wall, &authority, why);
	if (r < 0)
		return r;
	behind = calloc(1, sizeof *behind);
	if (!behind)
		return -ENOMEM;
	behind->ca = (struct enrolment_ca){ .references = 1,
					    .ask = ask,
					    .settle = cmp_client_settle,
					    .cancel = cmp_client_cancel,
					    .free = free_ca };
	r = open_client(loop, http, config, authority, &behind->client, why);
	if (r < 0)
		behind_free(behind);
	else
		*ret_ca = &behind->ca;
	return r;
}
