/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that wait for their other side. */
#include "items.h"
#include "cleanup.h"

#include <errno.h>
#include <string.h>

#define PER_BLOCK 64

struct pool_block {
	struct pool_block *next;
	struct item item[PER_BLOCK];
};

void pool_free(struct pool *p)
{
	struct pool_block *b, *next;

	for (b = p->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*p = (struct pool){ 0 };
}

struct item *pool_get(struct pool *p)
{
	struct item *it;
	int i;

	if (!p->free) {
		struct pool_block *b = malloc(sizeof(*b));

		if (!b)
			return NULL;
		b->next = p->blocks;
		p->blocks = b;
		p->made += PER_BLOCK;
		for (i = PER_BLOCK - 1; i >= 0; i--) {
			b->item[i].next = p->free;
			p->free = &b->item[i];
		}
	}
	it = p->free;
	p->free = it->next;
	it->names = NULL;
	return it;
}

void pool_put(struct pool *p, struct item *it)
{
	if (!it)
		return;
	free(it->names);
	it->names = NULL;
	it->next = p->free;
	p->free = it;
}

static size_t place(const struct items *t, const struct item *it)
{
	uint64_t h = ((uint64_t)it->tid << 32 ^ (it->tid ? 0 : it->tgid)) * 0x9e3779b97f4a7c15;

	return h >> 32 & (t->n_slots - 1);
}

static int grow(struct items *t)
{
	struct items more = { .n_slots = t->n_slots ? 2 * t->n_slots : 256 };
	struct item *it, *next;
	size_t i, at;

	more.slot = calloc(more.n_slots, sizeof(struct item *));
	if (!more.slot)
		return -ENOMEM;
	for (i = 0; i < t->n_slots; i++)
		for (it = t->slot[i]; it; it = next) {
			next = it->next;
			at = place(&more, it);
			it->next = more.slot[at];
			more.slot[at] = it;
		}
	free(t->slot);
	t->slot = more.slot;
	t->n_slots = more.n_slots;
	return 0;
}

int items_add(struct items *t, struct item *it)
{
	size_t at;

	if (t->n >= t->n_slots && grow(t) < 0)
		return -ENOMEM;
	at = place(t, it);
	it->next = t->slot[at];
	t->slot[at] = it;
	t->n++;
	return 0;
}

static struct item **find(const struct items *t, const struct item *like, uint64_t tick_ns)
{
	struct item **at;

	if (t->n_slots == 0)
		return NULL;
	for (at = &t->slot[place(t, like)]; *at; at = &(*at)->next) {
		const struct item *it = *at;

		if (it->tid != like->tid || it->tgid != like->tgid)
			continue;
		if (it->start_known && like->start_known &&
		    it->start_ns / tick_ns != like->start_ns / tick_ns)
			continue;
		return at;
	}
	return NULL;
}

struct item *items_find(const struct items *t, const struct item *like, uint64_t tick_ns)
{
	struct item **at = find(t, like, tick_ns);

	return at ? *at : NULL;
}

struct item *items_take(struct items *t, const struct item *like, uint64_t tick_ns)
{
	struct item **at = find(t, like, tick_ns), *it;

	if (!at)
		return NULL;
	it = *at;
	*at = it->next;
	t->n--;
	return it;
}

int items_each(struct items *t, int (*fn)(struct item *it, void *arg), void *arg)
{
	struct item *it;
	size_t i;
	int rc;

	for (i = 0; i < t->n_slots; i++)
		for (it = t->slot[i]; it; it = it->next) {
			rc = fn(it, arg);
			if (rc != 0)
				return rc;
		}
	return 0;
}

void items_clear(struct items *t, struct pool *p)
{
	struct item *it, *next;
	size_t i;

	for (i = 0; i < t->n_slots; i++) {
		for (it = t->slot[i]; it; it = next) {
			next = it->next;
			pool_put(p, it);
		}
		t->slot[i] = NULL;
	}
	t->n = 0;
}

void items_free(struct items *t, struct pool *p)
{
	items_clear(t, p);
	free(t->slot);
	*t = (struct items){ 0 };
}
