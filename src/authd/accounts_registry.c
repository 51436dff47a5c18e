#include "authd/accounts_registry.h"

#include <errno.h>
#include <stdio.h>

#include "authd/registry_enrol.h"

struct accounts_registry {
	struct accounts accounts; /* first */
	struct recorder *recorder;
};

struct search {
	struct question question;
	registry_text name;
	struct registry_account result;
	void (*found)(void *context, struct account *taken);
	void *context;
};

static int ask(struct question *question, struct registry *registry)
{
	struct search *search = list_item(question, struct search, question);

	registry_account_done(&search->result);
	return registry_account_get(registry, search->name, &search->result);
}

static void answered(struct question *question, int result)
{
	struct search *search = list_item(question, struct search, question);
	struct account account = { .state = result < 0 ? ACCOUNT_UNREACHABLE : ACCOUNT_UNKNOWN };

	snprintf(account.name, sizeof account.name, "%.*s", (int)sizeof account.name - 1,
		 search->name);
	if (result == 1) {
		account = search->result.account;
		account.changed = search->result.changed;
		search->result = (struct registry_account){ 0 };
	}
	search->found(search->context, &account);
	account_done(&account);
	registry_account_done(&search->result);
	free(search);
}

static int find(struct accounts *accounts, const char *name,
		void (*found)(void *context, struct account *taken), void *context)
{
	struct accounts_registry *a = list_item(accounts, struct accounts_registry, accounts);
	struct search *search = calloc(1, sizeof *search);
	int error;

	if (!search)
		return -ENOMEM;
	search->question = (struct question){ .ask = ask, .answered = answered };
	list_init(&search->question.node);
	search->found = found;
	search->context = context;
	snprintf(search->name, sizeof search->name, "%s", name);
	error = recorder_ask(a->recorder, &search->question);
	if (error < 0)
		free(search);
	return error;
}

struct accounts *accounts_registry_new(struct recorder *recorder)
{
	struct accounts_registry *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->accounts.find = find;
	a->recorder = recorder;
	return &a->accounts;
}

void accounts_registry_free(struct accounts *accounts)
{
	free(accounts ? list_item(accounts, struct accounts_registry, accounts) : NULL);
}
