#include "authd/putting_out.h"

#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"

void putting_outs_init(struct putting_outs *all)
{
	list_init(&all->new);
	list_init(&all->read);
}

static void end_all(struct authd *a, struct list *orders)
{
	while (!list_empty(orders)) {
		struct putting_out *order = list_item(orders->next, struct putting_out, node);

		list_remove(&order->node);
		diagnosis_set(&order->why, DIAG_NONE);
		order->sessions = a->view.disconnect(a, order->machine, order->actor, &order->why);
		order->told(order);
	}
}

void put_out(void *authd, struct putting_out *order)
{
	struct authd *a = authd;

	list_append(&a->put_out.new, &order->node);
	if (!lists_refresh(a->lists))
		put_out_on_read(a);
}

struct own_order {
	struct putting_out order;
	char machine[];
};

static void forget(struct putting_out *order)
{
	free(list_item(order, struct own_order, order));
}

void put_out_by(struct authd *a, const char *machine, const char *actor)
{
	size_t size = strlen(machine) + 1;
	struct own_order *own = calloc(1, sizeof *own + size);

	if (!own) {
		lists_refresh(a->lists);
		return;
	}
	memcpy(own->machine, machine, size);
	own->order.machine = own->machine;
	own->order.actor = actor;
	own->order.told = forget;
	put_out(a, &own->order);
}

void put_out_on_read(struct authd *a)
{
	while (!list_empty(&a->put_out.new)) {
		struct list *node = a->put_out.new.next;

		list_remove(node);
		list_append(&a->put_out.read, node);
	}
	if (pool_knows_revoked(a->pool))
		put_out_on_known(a);
}

void put_out_on_known(struct authd *a)
{
	end_all(a, &a->put_out.read);
}

void putting_outs_done(struct authd *a)
{
	end_all(a, &a->put_out.read);
	end_all(a, &a->put_out.new);
}
