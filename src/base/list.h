/* An intrusive doubly linked ring.  The head is a struct list of its own; a member embeds one.
 *
 * list_remove leaves the node pointing at itself, so removing twice is harmless and an initialised
 * node that was never inserted may be removed too. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_item(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The current node may be removed inside the loop, no other. */
#define list_each(node, head)                                                                      \
	for (struct list *node = (head)->next, *node##_next_ = node->next; node != (head);         \
	     node = node##_next_, node##_next_ = node->next)

#endif
