/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what a group of workers is to be. */
#include "spec.h"
#include "cleanup.h"
#include "dur.h"
#include "gen.h"
#include "nearest.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6 /* Linux 6.9 */
#endif

#define OFFSET_MAX_NS (UINT64_C(3600) * 1000000000)

int policy_parse(const char *text, struct policy *ret)
{
	static const struct {
		const char *name;
		int policy;
		bool prio;
	} names[] = {
		{ "normal", SCHED_OTHER, false }, { "batch", SCHED_BATCH, false },
		{ "idle", SCHED_IDLE, false },	  { "ext", SCHED_EXT, false },
		{ "fifo", SCHED_FIFO, true },	  { "rr", SCHED_RR, true },
	};
	size_t i, n = strcspn(text, ":");

	for (i = 0; i < KT_ARRAY_LEN(names); i++) {
		struct policy p = { .policy = names[i].policy };

		if (strlen(names[i].name) != n || strncmp(names[i].name, text, n) != 0)
			continue;
		if (names[i].prio != (text[n] == ':') || strlen(text) >= sizeof(p.text) ||
		    (names[i].prio && num_int(text + n + 1, 1, 99, &p.prio) < 0))
			return -EINVAL;
		memcpy(p.text, text, strlen(text) + 1);
		*ret = p;
		return 0;
	}
	return -EINVAL;
}

int phase_parse(const char *text, struct phase *ret)
{
	static const char *const names[] = { "spin:", "sleep:", "yield:", "io:" };
	uint64_t ns;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(text, names[i], n) != 0)
			continue;
		if (dur_parse(text + n, &ns) < 0 || ns == 0 || ns > OFFSET_MAX_NS)
			return -EINVAL;
		*ret = (struct phase){ .kind = (enum phase_kind)i, .ns = ns };
		return 0;
	}
	return -EINVAL;
}

/* ---- affinity ---- */

static int list_read(struct jsonr *r, const char *key, const json_t *v, struct cpuset *ret)
{
	if (!json_is_string(v) || cpuset_parse(json_string_value(v), ret) < 0)
		return jsonr_fail(r, key, "want a CPU list, such as \"0-3\"");
	if (cpuset_empty(ret))
		return jsonr_fail(r, key, "an empty CPU list");
	return 0;
}

void affinity_read(struct jsonr *r, const char *key, unsigned int count, struct cpuset **ret_sets,
		   unsigned int *ret_n)
{
	json_t *v = NULL;
	AUTO_FREE struct cpuset *sets = NULL;
	unsigned int n, i;

	if (jsonr_any(r, key, &v) <= 0 || json_is_null(v))
		return;
	n = json_is_array(v) ? (unsigned int)json_array_size(v) : 1;
	if (json_is_array(v) && n != count) {
		jsonr_fail(r, key, "%u CPU lists for %u workers", n, count);
		return;
	}
	sets = calloc(n, sizeof(*sets));
	if (!sets) {
		jsonr_fail(r, key, "no memory");
		return;
	}
	for (i = 0; i < n; i++)
		if (list_read(r, key, json_is_array(v) ? json_array_get(v, i) : v, &sets[i]) < 0)
			return;
	*ret_sets = take_ptr(&sets);
	*ret_n = n;
}

const struct cpuset *spawn_affinity(const struct spawn *s, unsigned int worker)
{
	return s->n_affinity == 0 ? NULL : &s->affinity[s->n_affinity == 1 ? 0 : worker];
}

/* ---- work ---- */

static void unknown_type(struct jsonr *r, const char *name)
{
	struct nearest near = { .want = name };
	char hint[NEAREST_HINT];
	size_t i;

	for (i = 0; gen_table[i]; i++)
		nearest_offer(&near, gen_table[i]->name);
	(void)nearest_hint(&near, hint);
	jsonr_fail(r, "type", "no work type '%s'%s", name, *hint ? hint : " (see kt-work types)");
}

static void param_read(struct jsonr *r, const struct param *p, uint64_t *ret)
{
	uint64_t v = p->dflt, lo = p->min * p->scale, hi = p->max * p->scale;
	json_t *one = NULL, *other = NULL;

	(void)jsonr_any(r, p->name, &one); /* errors are kept in the document */
	if (p->also)
		(void)jsonr_any(r, p->also, &other);
	if (one && other)
		jsonr_fail(r, p->also, "says the same as '%s'", p->name);
	if (other) {
		(void)jsonr_u64(r, p->also, (lo + p->also_scale - 1) / p->also_scale,
				hi / p->also_scale, &v);
		*ret = v * p->also_scale;
		return;
	}
	(void)jsonr_u64(r, p->name, p->min, p->max, &v);
	*ret = v * p->scale;
}

static void phase_read(struct jsonr *r, const char *key, const json_t *v, struct work *w)
{
	if (w->n_phases == WORK_PHASES)
		jsonr_fail(r, key, "more than %d phases", WORK_PHASES);
	else if (!json_is_string(v) ||
		 phase_parse(json_string_value(v), &w->phases[w->n_phases++]) < 0)
		jsonr_fail(r, key,
			   "want a phase (spin, sleep, yield or io) and its time, such as "
			   "\"sleep:2ms\"");
}

static void phases_read(struct jsonr *r, struct work *w)
{
	json_t *first = NULL, *rest = NULL, *v;
	size_t i;

	if (jsonr_any(r, "first", &first) > 0)
		phase_read(r, "first", first, w);
	if (jsonr_arr(r, "rest", &rest) > 0)
		json_array_foreach (rest, i, v) {
			phase_read(r, "rest", v, w);
		}
	if (rest && !first)
		jsonr_fail(r, NULL, "member 'first' is missing");
	if (!rest && !first) {
		w->phases[0] = (struct phase){ PHASE_SPIN, 5 * NSEC_PER_MSEC };
		w->phases[1] = (struct phase){ PHASE_SLEEP, 5 * NSEC_PER_MSEC };
		w->n_phases = 2;
	}
}

static void work_read(struct jsonr *r, struct work *ret)
{
	const char *name;
	unsigned int i;

	if (jsonr_need_str(r, "type", &name) <= 0)
		return;
	ret->gen = gen_find(name);
	if (!ret->gen) {
		unknown_type(r, name);
		return;
	}
	for (i = 0; i < ret->gen->n_params; i++)
		param_read(r, &ret->gen->params[i], &ret->p[i]);
	if (ret->gen == &gen_Sequence)
		phases_read(r, ret);
	(void)jsonr_done(r); /* kept in the document, as all the others */
}

/* ---- memory policy ---- */

static void mem_read(struct jsonr *r, struct mempol *ret)
{
	static const struct {
		const char *name;
		int mode;
		bool nodes; /* needs them; else has none */
	} modes[] = {
		{ "default", MPOL_DEFAULT, false },
		{ "preferred", MPOL_PREFERRED, true },
		{ "bind", MPOL_BIND, true },
		{ "interleave", MPOL_INTERLEAVE, true },
		{ "local", MPOL_LOCAL, false },
		{ "preferred_many", MPOL_PREFERRED_MANY, true },
		{ "weighted_interleave", MPOL_WEIGHTED_INTERLEAVE, true },
	};
	static const struct {
		const char *name;
		unsigned int flag;
	} flags[] = {
		{ "static", MPOL_F_STATIC_NODES },
		{ "relative", MPOL_F_RELATIVE_NODES },
		{ "numa_balancing", MPOL_F_NUMA_BALANCING },
	};
	const char *mode, *nodes = NULL;
	json_t *list = NULL, *v;
	size_t i, k, m;

	ret->set = true;
	if (jsonr_need_str(r, "mode", &mode) <= 0)
		return;
	for (m = 0; m < KT_ARRAY_LEN(modes) && strcmp(modes[m].name, mode) != 0; m++)
		;
	if (m == KT_ARRAY_LEN(modes)) {
		jsonr_fail(r, "mode", "no memory policy '%s'", mode);
		return;
	}
	ret->mode = modes[m].mode;
	if (jsonr_str(r, "nodes", &nodes) > 0 &&
	    (cpuset_parse(nodes, &ret->nodes) < 0 || cpuset_empty(&ret->nodes)))
		jsonr_fail(r, "nodes", "want a list of nodes, such as \"0-1\"");
	if (modes[m].nodes && !nodes)
		jsonr_fail(r, NULL, "member 'nodes' is missing");
	if (!modes[m].nodes && nodes)
		jsonr_fail(r, "nodes", "'%s' takes no nodes", mode);
	if (modes[m].mode == MPOL_PREFERRED && cpuset_count(&ret->nodes) > 1)
		jsonr_fail(r, "nodes", "'preferred' takes one node");
	(void)jsonr_arr(r, "flags", &list); /* kept in the document */
	json_array_foreach (list, i, v) {
		for (k = 0; k < KT_ARRAY_LEN(flags); k++)
			if (json_is_string(v) && strcmp(flags[k].name, json_string_value(v)) == 0)
				break;
		if (k == KT_ARRAY_LEN(flags))
			jsonr_fail(r, "flags", "want static, relative or numa_balancing");
		else
			ret->flags |= flags[k].flag;
	}
	if ((ret->flags & MPOL_F_STATIC_NODES) && (ret->flags & MPOL_F_RELATIVE_NODES))
		jsonr_fail(r, "flags", "static and relative exclude each other");
	(void)jsonr_done(r);
}

/* ---- the whole op ---- */

static void offsets_read(struct jsonr *r, struct spawn *s)
{
	json_t *list = NULL, *v;
	size_t i;

	if (jsonr_arr(r, "offsets_ns", &list) <= 0)
		return;
	if (json_array_size(list) != s->count) {
		jsonr_fail(r, "offsets_ns", "%zu offsets for %u workers", json_array_size(list),
			   s->count);
		return;
	}
	s->offsets_ns = calloc(s->count, sizeof(*s->offsets_ns));
	if (!s->offsets_ns) {
		jsonr_fail(r, "offsets_ns", "no memory");
		return;
	}
	json_array_foreach (list, i, v) {
		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    (uint64_t)json_integer_value(v) > OFFSET_MAX_NS)
			jsonr_fail(r, "offsets_ns", "want nanoseconds, at most an hour");
		else
			s->offsets_ns[i] = (uint64_t)json_integer_value(v);
	}
}

static void check_work(struct jsonr *r, const struct spawn *s)
{
	const struct gen *g = s->work.gen;
	unsigned int unit;

	if (!g || !jsonr_ok(r))
		return;
	unit = gen_unit(&s->work);
	if (s->count % unit)
		jsonr_fail(r, "count", "%s works in groups of %u, and %u is no multiple of that",
			   g->name, unit, s->count);
}

void spawn_read(struct jsonr *r, struct spawn *ret)
{
	const char *policy = "normal";
	uint64_t count = 0;
	int64_t nice = 0;
	json_t *v = NULL;
	struct jsonr sub;

	*ret = (struct spawn){ 0 };
	(void)jsonr_need_str(r, "group", &ret->group);
	(void)jsonr_need_str(r, "cgroup", &ret->cgroup);
	(void)jsonr_need_u64(r, "count", 1, WORK_COUNT_MAX, &count);
	ret->count = (unsigned int)count;
	if (jsonr_obj(r, "work", &v) > 0) {
		jsonr_sub(&sub, r, "work", -1, v);
		work_read(&sub, &ret->work);
	} else {
		jsonr_fail(r, NULL, "member 'work' is missing");
	}
	(void)jsonr_str(r, "policy", &policy);
	if (policy_parse(policy, &ret->policy) < 0)
		jsonr_fail(r, "policy",
			   "want normal, batch, idle, ext, fifo:1 to fifo:99 or rr:1 "
			   "to rr:99");
	(void)jsonr_i64(r, "nice", -20, 19, &nice);
	ret->nice = (int)nice;
	if (nice != 0 && ret->policy.prio > 0)
		jsonr_fail(r, "nice", "says nothing beside policy '%s'", policy);
	affinity_read(r, "affinity", ret->count, &ret->affinity, &ret->n_affinity);
	if (jsonr_obj(r, "mem", &v) > 0) {
		jsonr_sub(&sub, r, "mem", -1, v);
		mem_read(&sub, &ret->mem);
	}
	(void)jsonr_u64(r, "seed", 0, INT64_MAX, &ret->seed);
	offsets_read(r, ret);
	check_work(r, ret);
}

void spawn_free(struct spawn *s)
{
	free(s->affinity);
	free(s->offsets_ns);
	s->affinity = NULL;
	s->offsets_ns = NULL;
}
