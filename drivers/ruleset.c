#include "drivers/ruleset.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diagnosis.h"
#include "base/list.h"

/* A reload of a firewall with some thousand rules is told in as many messages. */
#define EVENT_BUFFER (512 * 1024)

struct ruleset {
	struct nft_ctx *nft;
	struct nl_sock *events;
	struct watch watch;
	struct ruleset_events report;
	const char *table;

	/* Whose changes are ours: the netlink port of the library's socket, which it does not tell
	 * and may replace.  It is learnt from the events of what we run. */
	uint32_t own;

	/* of the events that are being read */
	bool others, ours;
	uint32_t last;
	char program[32];
};

/* The attribute that is numbered 1 is the table's name in every message about something in one. */
static bool is_about(const struct ruleset *r, struct nlmsghdr *message)
{
	struct nlattr *attr[2];

	return nlmsg_parse(message, sizeof(struct nfgenmsg), attr, NFTA_TABLE_NAME, NULL) >= 0 &&
	       attr[NFTA_TABLE_NAME] &&
	       nla_len(attr[NFTA_TABLE_NAME]) == (int)strlen(r->table) + 1 &&
	       nla_strcmp(attr[NFTA_TABLE_NAME], r->table) == 0;
}

/* The end of a transaction: who it was. */
static void note_program(struct ruleset *r, struct nlmsghdr *message)
{
	struct nlattr *attr[NFTA_GEN_MAX + 1];

	if (nlmsg_parse(message, sizeof(struct nfgenmsg), attr, NFTA_GEN_MAX, NULL) >= 0 &&
	    attr[NFTA_GEN_PROC_NAME])
		nla_strlcpy(r->program, attr[NFTA_GEN_PROC_NAME], sizeof r->program);
}

static int on_message(struct nl_msg *msg, void *context)
{
	struct ruleset *r = context;
	struct nlmsghdr *message = nlmsg_hdr(msg);

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return NL_OK;
	if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		if (message->nlmsg_pid != r->own)
			note_program(r, message);
		return NL_OK;
	}
	if (!is_about(r, message))
		return NL_OK;
	r->last = message->nlmsg_pid;
	if (message->nlmsg_pid == r->own)
		r->ours = true;
	else
		r->others = true;
	return NL_OK;
}

/* Reads what is there.  Events that the kernel had to drop may have been anything. */
static void read_events(struct ruleset *r)
{
	int error;

	r->others = r->ours = false;
	r->last = 0;
	do
		error = nl_recvmsgs_default(r->events);
	while (error >= 0);
	if (error == -NLE_NOMEM)
		r->others = true;
}

static void on_event(struct watch *watch, bool readable, bool writable)
{
	struct ruleset *r = list_item(watch, struct ruleset, watch);

	(void)readable;
	(void)writable;
	read_events(r);
	if (r->others)
		r->report.disturbed(r->report.context, r->program);
}

static int watch_events(struct loop *loop, struct ruleset *r)
{
	r->events = nl_socket_alloc();
	if (!r->events)
		return -ENOMEM;
	nl_socket_disable_seq_check(r->events);
	if (nl_socket_modify_cb(r->events, NL_CB_VALID, NL_CB_CUSTOM, on_message, r) < 0 ||
	    nl_connect(r->events, NETLINK_NETFILTER) < 0 ||
	    nl_socket_set_nonblocking(r->events) < 0 ||
	    nl_socket_set_buffer_size(r->events, EVENT_BUFFER, 0) < 0)
		return -EIO;
	if (nl_socket_add_membership(r->events, NFNLGRP_NFTABLES) < 0)
		return -EPERM;
	r->watch.ready = on_event;
	return watch_set(loop, &r->watch, nl_socket_get_fd(r->events), true, false);
}

int ruleset_open(struct loop *loop, const char *table, const struct ruleset_events *events,
		 struct ruleset **ret_ruleset)
{
	struct ruleset *r = calloc(1, sizeof *r);
	int error = -ENOMEM;

	if (!r)
		return -ENOMEM;
	r->table = table;
	r->report = *events;
	r->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (r->nft && nft_ctx_buffer_error(r->nft) == 0 && nft_ctx_buffer_output(r->nft) == 0)
		error = watch_events(loop, r);
	if (error) {
		ruleset_close(r);
		return error;
	}
	*ret_ruleset = r;
	return 0;
}

void ruleset_close(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	watch_clear(&ruleset->watch);
	nl_socket_free(ruleset->events);
	if (ruleset->nft)
		nft_ctx_free(ruleset->nft);
	free(ruleset);
}

/* The library answers yes or no, and with words; the kernel's -errno is in them as its name. */
static int error_of(const char *words)
{
	static const int known[] = { EPERM,  EACCES, EOPNOTSUPP, EAFNOSUPPORT, ENOENT, ENODEV,
				     ENOMEM, EBUSY,  ENFILE,	 ENOSPC,       EEXIST, EINVAL };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strstr(words, strerror(known[i])))
			return -known[i];
	return -EIO;
}

/* "internal:0:0-0: Error: Could not process rule: Operation not permitted\n…": the last words of
 * the first line, with what was tried. */
static void first_words(const char *words, char reason[RULESET_REASON_MAX])
{
	static const char mark[] = "Error: ";
	const char *error = strstr(words, mark), *from = error ? error + strlen(mark) : words;

	(void)printable(slice_of(from, strcspn(from, "\n")), reason, RULESET_REASON_MAX);
}

int ruleset_run(struct ruleset *ruleset, const char *commands, char reason[RULESET_REASON_MAX])
{
	struct ruleset *r = ruleset;
	bool others;

	read_events(r);
	others = r->others;
	if (nft_run_cmd_from_buffer(r->nft, commands) != 0) {
		const char *words = nft_ctx_get_error_buffer(r->nft);

		first_words(words ? words : "", reason);
		return error_of(words ? words : "");
	}
	(void)nft_ctx_get_output_buffer(r->nft);
	/* The kernel tells of a change before it acknowledges it, so that ours is there. */
	read_events(r);
	if (!r->ours && r->last)
		r->own = r->last;
	else
		others |= r->others;
	/* What was found among them is told as if it had come just now. */
	if (others)
		r->report.disturbed(r->report.context, r->program);
	return 0;
}

bool ruleset_device(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-@+:";
	size_t length = strlen(name);

	return length > 0 && length < IF_NAMESIZE && strspn(name, allowed) == length;
}
