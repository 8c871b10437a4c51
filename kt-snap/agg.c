/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of threads. */
#include "agg.h"
#include "cleanup.h"

#include <errno.h>
#include <string.h>

#define FIRST_SLOTS 256

int agg_init(struct agg *g, const struct metric_set *want)
{
	unsigned int id;

	*g = (struct agg){ .want = *want, .n_slots = FIRST_SLOTS, .epoch = 1 };
	for (id = 0; id < M_N; id++) {
		struct metric m = metric_get(id);

		g->rule[id] = m.rule;
		g->is_signed[id] = m.is_signed;
		if (m.rule == RULE_SUM || m.rule == RULE_GAUGE)
			metric_add(&g->sums, id);
	}
	g->slot = calloc(g->n_slots, sizeof(struct group *));
	return g->slot ? 0 : -ENOMEM;
}

static bool has_words(const struct agg *g, unsigned int id)
{
	return g->rule[id] == RULE_MODE || g->rule[id] == RULE_SET;
}

void agg_clear(struct agg *g, struct group *of)
{
	unsigned int id;

	if (of->acc) {
		for (id = 0; id < M_N; id++) {
			if (!has_words(g, id))
				continue;
			free(of->acc[id].words.t[0]);
			free(of->acc[id].words.t[1]);
		}
		memset(of->acc, 0, M_N * sizeof(*of->acc));
	}
	of->threads = of->cgroups = (struct members){ 0 };
}

static void group_free(struct agg *g, struct group *of)
{
	agg_clear(g, of);
	free(of->acc);
	free(of);
}

void agg_free(struct agg *g)
{
	struct group *of, *next;
	size_t i;

	for (i = 0; g->slot && i < g->n_slots; i++)
		for (of = g->slot[i]; of; of = next) {
			next = of->next;
			group_free(g, of);
		}
	free(g->slot);
	words_free(&g->words);
	*g = (struct agg){ 0 };
}

void agg_begin(struct agg *g)
{
	struct group *of, **at;
	size_t i;

	for (i = 0; i < g->n_slots; i++) {
		for (at = &g->slot[i]; (of = *at);) {
			if (of->epoch + 1 < g->epoch) {
				*at = of->next;
				group_free(g, of);
				g->n_groups--;
			} else {
				agg_clear(g, of);
				at = &of->next;
			}
		}
	}
	g->epoch++;
}

static void more_slots(struct agg *g)
{
	size_t n = 2 * g->n_slots, i;
	struct group **slot = calloc(n, sizeof(struct group *)), *of, *next;

	if (!slot)
		return; /* longer chains, but it works */
	for (i = 0; i < g->n_slots; i++)
		for (of = g->slot[i]; of; of = next) {
			next = of->next;
			of->next = slot[of->hash & (n - 1)];
			slot[of->hash & (n - 1)] = of;
		}
	free(g->slot);
	g->slot = slot;
	g->n_slots = n;
}

struct group *agg_group(struct agg *g, const char *key, size_t len)
{
	uint32_t hash = hash_bytes(key, len);
	struct group *of;

	for (of = g->slot[hash & (g->n_slots - 1)]; of; of = of->next)
		if (of->hash == hash && of->key_len == len && memcmp(of->key, key, len) == 0)
			break;
	if (!of) {
		of = calloc(1, sizeof(*of) + len + 1);
		if (!of)
			return NULL;
		of->hash = hash;
		of->key_len = len;
		memcpy(of->key, key, len);
		if (++g->n_groups > g->n_slots)
			more_slots(g);
		of->next = g->slot[hash & (g->n_slots - 1)];
		g->slot[hash & (g->n_slots - 1)] = of;
	}
	of->epoch = g->epoch;
	return of;
}

static kt_i128 value(const struct agg *g, const struct item *it, int id)
{
	return g->is_signed[id] ? (kt_i128)(int64_t)it->v[id] : (kt_i128)it->v[id];
}

static int add_word(struct acc *a, int side, uint32_t word)
{
	struct tally_word *t = a->words.t[side];
	uint32_t i, n = a->words.n[side];

	for (i = 0; i < n; i++)
		if (t[i].word == word) {
			t[i].n++;
			return 0;
		}
	if ((n & (n - 1)) == 0) {
		t = reallocarray(t, n ? 2 * (size_t)n : 1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		a->words.t[side] = t;
	}
	t[n] = (struct tally_word){ .word = word, .n = 1 };
	a->words.n[side]++;
	return 0;
}

/* Values that a thread of its kind has not, which is not the same as unknown. */
static bool applies(const struct item *it, int id)
{
	switch (id) {
	case F_rss_kb:
		return it->tid == it->tgid;
	case F_dl_runtime_ns:
	case F_dl_deadline_ns:
	case F_dl_period_ns:
		return false;
	default:
		return true;
	}
}

/* What the item adds to one side. */
static int add_side(struct agg *g, struct group *of, const struct item *it, int side, bool cgroup)
{
	struct metric_set lack;
	unsigned int k;
	int id, rc = 0;

	if (!of->acc) {
		of->acc = calloc(M_N, sizeof(*of->acc));
		if (!of->acc)
			return -ENOMEM;
	}
	for (id = -1; (id = metric_next(&g->want, &it->has, id)) >= 0;) {
		struct acc *a = &of->acc[id];
		kt_i128 v;

		switch (g->rule[id]) {
		case RULE_SUM:
		case RULE_GAUGE:
			a->n.sum[side] += it->v[id];
			break;
		case RULE_MAX:
			if (it->v[id] > a->n.sum[side])
				a->n.sum[side] = it->v[id];
			break;
		case RULE_RANGE:
			v = value(g, it, id);
			if (a->known[side] == 0 || v < a->range.min[side])
				a->range.min[side] = v;
			if (a->known[side] == 0 || v > a->range.max[side])
				a->range.max[side] = v;
			break;
		default:
			rc = add_word(a, side, (uint32_t)it->v[id]);
			if (rc < 0)
				return rc;
		}
		a->known[side]++;
	}
	for (k = 0; k < METRIC_WORDS; k++)
		lack.w[k] = g->want.w[k] & ~it->has.w[k];
	for (id = -1; (id = metric_next(&lack, &lack, id)) >= 0;)
		if (cgroup == (id >= M_CGROUP) && applies(it, id))
			of->acc[id].unknown[side]++;
	return 0;
}

/* What of the values after is no growth, in a group that the thread was in before, or was not. */
static void add_pair(struct agg *g, struct group *of, const struct item *a, const struct item *b,
		     bool joined)
{
	int id;

	for (id = -1; (id = metric_next(&g->want, &b->has, id)) >= 0;) {
		struct acc *acc = &of->acc[id];
		bool both = metric_has(&a->has, (unsigned int)id),
		     sum = metric_has(&g->sums, (unsigned int)id);

		if (sum && !both)
			acc->n.in += b->v[id];
		else if (sum && joined)
			acc->n.in += a->v[id];
		if (both)
			acc->changed += g->rule[id] == RULE_SUM ? b->v[id] < a->v[id]
								: b->v[id] != a->v[id];
	}
}

/* The values before that leave the group: all, or those that nothing after answers to. */
static void add_out(struct agg *g, struct group *of, const struct item *a, const struct item *b)
{
	int id;

	for (id = -1; (id = metric_next(&g->sums, &a->has, id)) >= 0;)
		if (metric_has(&g->want, (unsigned int)id) &&
		    (!b || !metric_has(&b->has, (unsigned int)id)))
			of->acc[id].n.out += a->v[id];
}

static struct members *members_of(struct group *of, bool cgroup)
{
	return cgroup ? &of->cgroups : &of->threads;
}

static bool is_cgroup(const struct item *it)
{
	return it->tid == 0 && it->tgid != 0;
}

int agg_pair(struct agg *g, const struct item *a, const struct item *b)
{
	bool cgroup = is_cgroup(b), joined = a->group != b->group;
	struct members *from = members_of(a->group, cgroup), *to = members_of(b->group, cgroup);
	int rc;

	rc = add_side(g, a->group, a, 0, cgroup);
	if (rc == 0)
		rc = add_side(g, b->group, b, 1, cgroup);
	if (rc < 0)
		return rc;
	from->side[0]++;
	to->side[1]++;
	from->left += joined;
	to->joined += joined;
	to->kept += !joined;
	a->group->epoch = b->group->epoch = g->epoch;
	add_pair(g, b->group, a, b, joined);
	add_out(g, a->group, a, joined ? NULL : b);
	return 0;
}

static int gone(struct agg *g, struct group *of, const struct item *it)
{
	struct members *m = members_of(of, is_cgroup(it));
	int id, rc = add_side(g, of, it, 0, is_cgroup(it));

	if (rc < 0)
		return rc;
	of->epoch = g->epoch;
	m->side[0]++;
	m->died += !g->plain;
	for (id = -1; !g->plain && (id = metric_next(&g->sums, &it->has, id)) >= 0;)
		if (metric_has(&g->want, (unsigned int)id))
			of->acc[id].n.died += it->v[id];
	return 0;
}

static int come(struct agg *g, struct group *of, const struct item *it)
{
	struct members *m = members_of(of, is_cgroup(it));

	of->epoch = g->epoch;
	m->side[1]++;
	m->born += !g->plain;
	return add_side(g, of, it, 1, is_cgroup(it));
}

int agg_died(struct agg *g, const struct item *before)
{
	return gone(g, before->group, before);
}

int agg_born(struct agg *g, const struct item *after)
{
	return come(g, after->group, after);
}

int agg_one(struct agg *g, struct group *of, const struct item *a, const struct item *b)
{
	int rc;

	if (!a)
		return come(g, of, b);
	if (!b)
		return gone(g, of, a);
	rc = add_side(g, of, a, 0, false);
	if (rc == 0)
		rc = add_side(g, of, b, 1, false);
	if (rc < 0)
		return rc;
	of->threads = (struct members){ .side = { 1, 1 }, .kept = 1 };
	add_pair(g, of, a, b, false);
	add_out(g, of, a, b);
	return 0;
}

int agg_each(struct agg *g, int (*fn)(struct group *of, void *arg), void *arg)
{
	struct group *of;
	size_t i;
	int rc;

	for (i = 0; i < g->n_slots; i++)
		for (of = g->slot[i]; of; of = of->next) {
			if (!of->acc)
				continue;
			if (of->threads.side[0] + of->threads.side[1] + of->cgroups.side[0] +
				    of->cgroups.side[1] ==
			    0)
				continue;
			rc = fn(of, arg);
			if (rc != 0)
				return rc;
		}
	return 0;
}
