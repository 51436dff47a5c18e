#include "authd/putting_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/authd.h"

#define AT_ONCE	  32   /* machines; each is looked for among all sessions */
#define TRY_AGAIN 1000 /* msec, when as many switches are being asked as may be */

static bool end_one(struct authd *a, struct list *node)
{
	struct putting_out *order = list_item(node, struct putting_out, node);

	diagnosis_set(&order->why, DIAG_NONE);
	order->sessions = order->machine
				  ? a->view.disconnect(a, order->machine, order->actor, &order->why)
				  : a->view.disconnect_account(a, order->account, &order->why);
	if (order->sessions == -EAGAIN && order->can_wait)
		return false;
	list_remove(&order->node);
	order->told(order);
	return true;
}

static void end_all(struct authd *a, struct list *orders)
{
	list_each (node, orders) {
		list_item(node, struct putting_out, node)->can_wait = false;
		(void)end_one(a, node);
	}
}

static void end_some(struct authd *a)
{
	struct list *orders = &a->put_out.read;
	bool goes = true;

	for (int i = 0; i < AT_ONCE && goes && !list_empty(orders); i++)
		goes = end_one(a, orders->next);
	if (!list_empty(orders) && timer_set(a->loop, &a->put_out.timer,
					     msec_after(loop_now().mono, goes ? 0 : TRY_AGAIN)) < 0)
		end_all(a, orders);
}

static void on_timer(struct timer *timer)
{
	struct authd *a = list_item(timer, struct authd, put_out.timer);

	if (pool_knows_who_is_out(a->pool))
		end_some(a);
}

void putting_outs_init(struct putting_outs *all)
{
	list_init(&all->new);
	list_init(&all->read);
	all->timer.expired = on_timer;
}

void put_out(void *authd, struct putting_out *order)
{
	struct authd *a = authd;

	list_append(&a->put_out.new, &order->node);
	if (order->account)
		pool_account_gone(a->pool, order->account);
	if (!lists_refresh(a->lists))
		put_out_on_read(a);
}

struct own_order {
	struct putting_out order;
	char name[];
};

static void forget(struct putting_out *order)
{
	free(list_item(order, struct own_order, order));
}

static struct putting_out *order_of(const char *name, bool account, const char *actor)
{
	size_t size = strlen(name) + 1;
	struct own_order *own = calloc(1, sizeof *own + size);

	if (!own)
		return NULL;
	memcpy(own->name, name, size);
	own->order = (struct putting_out){ .machine = account ? NULL : own->name,
					   .account = account ? own->name : NULL,
					   .actor = actor,
					   .can_wait = true,
					   .told = forget };
	return &own->order;
}

static void put_out_by_itself(struct authd *a, const char *name, bool account)
{
	struct putting_out *order = order_of(name, account, "enrollment");

	if (order)
		put_out(a, order);
	else
		lists_refresh(a->lists);
}

void put_out_machine(struct authd *a, const char *machine)
{
	put_out_by_itself(a, machine, false);
}

void put_out_account(struct authd *a, const char *account)
{
	put_out_by_itself(a, account, true);
}

static bool is_there(const struct list *orders, const char *name, bool account)
{
	list_each (node, orders) {
		const struct putting_out *order = list_item(node, struct putting_out, node);

		if (account ? order->account && strcasecmp(order->account, name) == 0
			    : order->machine && strcmp(order->machine, name) == 0)
			return true;
	}
	return false;
}

void put_out_as_read(struct authd *a, const char *name, bool account)
{
	struct putting_out *order = NULL;

	if (!is_there(&a->put_out.new, name, account))
		order = order_of(name, account, "registry");
	if (!order)
		return;
	list_append(&a->put_out.new, &order->node);
	if (account)
		pool_account_gone(a->pool, name);
}

void put_out_on_read(struct authd *a)
{
	while (!list_empty(&a->put_out.new)) {
		struct list *node = a->put_out.new.next;

		list_remove(node);
		list_append(&a->put_out.read, node);
	}
	if (pool_knows_who_is_out(a->pool))
		put_out_on_known(a);
}

void put_out_on_known(struct authd *a)
{
	end_some(a);
}

void putting_outs_done(struct authd *a)
{
	timer_clear(&a->put_out.timer);
	end_all(a, &a->put_out.read);
	end_all(a, &a->put_out.new);
}
