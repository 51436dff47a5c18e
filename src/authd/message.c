#include "authd/message.h"

#include "authd/arm.h"
#include "authd/outcome.h"
#include "authd/packet.h"

void *message_new(enum message_kind kind, size_t size)
{
	struct message *message = calloc(1, size);

	if (!message)
		return NULL;
	list_init(&message->node);
	message->kind = kind;
	return message;
}

static void free_asks(struct message *message)
{
	struct message_asks *asks = list_item(message, struct message_asks, message);

	bytes_done(&asks->certificate);
	bytes_done(&asks->issuer);
	free(asks);
}

static void free_request(struct message *message)
{
	struct message_request *m = list_item(message, struct message_request, message);

	aaa_request_done(&m->request);
	free(m);
}

static void free_answer(struct message *message)
{
	struct message_answer *m = list_item(message, struct message_answer, message);

	aaa_answer_done(&m->answer);
	free(m);
}

static void free_tickets(struct message *message)
{
	struct message_tickets *m = list_item(message, struct message_tickets, message);

	ticket_keys_done(&m->keys);
	free(m);
}

static void free_enrolment_asks(struct message *message)
{
	struct message_enrolment_asks *m =
		list_item(message, struct message_enrolment_asks, message);

	enrolment_ask_done(&m->ask);
	free(m);
}

static void free_enrolment_told(struct message *message)
{
	struct message_enrolment_told *m =
		list_item(message, struct message_enrolment_told, message);

	enrolment_told_done(&m->told);
	free(m);
}

static void free_account_told(struct message *message)
{
	struct message_account_told *m = list_item(message, struct message_account_told, message);

	account_done(&m->account);
	free(m);
}

void message_free(struct message *message)
{
	if (!message)
		return;
	switch (message->kind) {
	case MESSAGE_PACKET:
		packet_free(list_item(message, struct packet, message));
		return;
	case MESSAGE_REQUEST:
		free_request(message);
		return;
	case MESSAGE_ANSWER:
		free_answer(message);
		return;
	case MESSAGE_CONFIGURE:
		arming_free(list_item(message, struct message_configure, message)->arming);
		break;
	case MESSAGE_OUTCOME:
		outcome_free(list_item(message, struct message_outcome, message)->outcome);
		break;
	case MESSAGE_ASKS:
		free_asks(message);
		return;
	case MESSAGE_STAPLE:
		bytes_done(&list_item(message, struct message_octets, message)->octets);
		break;
	case MESSAGE_REVOKED:
		revoked_free(list_item(message, struct message_revoked, message)->revoked);
		break;
	case MESSAGE_WISHED:
		wished_free(list_item(message, struct message_wished, message)->wished);
		break;
	case MESSAGE_TICKETS:
		free_tickets(message);
		return;
	case MESSAGE_ENROLMENT_ASKS:
		free_enrolment_asks(message);
		return;
	case MESSAGE_ENROLMENT_TOLD:
		free_enrolment_told(message);
		return;
	case MESSAGE_ACCOUNT_TOLD:
		free_account_told(message);
		return;
	case MESSAGE_ACCOUNT_ASKS:
	case MESSAGE_ACCOUNT_GONE:
	case MESSAGE_JUDGED:
	case MESSAGE_STOP:
		break;
	}
	free(message);
}
