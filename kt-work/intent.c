/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Affinity intents to CPU lists. */
#include "intent.h"
#include "cleanup.h"
#include "die.h"
#include "jsonr.h"
#include "root.h"
#include "topo.h"
#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static const char *const intents[] = { "inherit", "random", "llc", "all", "single" };

bool intent_known(const char *text)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(intents); i++)
		if (strcmp(intents[i], text) == 0)
			return true;
	return false;
}

static json_t *list(const struct cpuset *s)
{
	char text[CPUSET_TEXT];

	return json_string(cpuset_format(s, text, sizeof(text)));
}

/* Half of the pool, at least one, without repetition. */
static void draw(struct wk *w, const struct cpuset *pool, struct cpuset *ret)
{
	unsigned int n = cpuset_count(pool), want = n / 2 > 0 ? n / 2 : 1;
	struct cpuset rest = *pool;

	*ret = (struct cpuset){ 0 };
	for (; want > 0; want--, n--) {
		unsigned int cpu =
			(unsigned int)cpuset_nth(&rest, (unsigned int)(wk_random(w) % n));

		cpuset_add(ret, cpu);
		cpuset_del(&rest, cpu);
	}
}

static json_t *random_lists(const struct cpuset *pool, const json_t *op)
{
	struct wk w = { .rng = rec_u64(op, "seed", 0) };
	uint64_t count = rec_u64(op, "count", 0), i;
	json_t *lists = json_array();
	struct cpuset one;

	for (i = 0; i < count; i++) {
		draw(&w, pool, &one);
		if (json_array_append_new(lists, list(&one)) < 0) {
			json_decref(lists);
			return NULL;
		}
	}
	return lists;
}

static void best_llc(const struct topo *t, const struct cpuset *pool, struct cpuset *ret)
{
	unsigned int i, most = 0;

	for (i = 0; i < t->n_llcs; i++) {
		struct cpuset both = t->llc[i].cpus;

		cpuset_and(&both, pool);
		if (cpuset_count(&both) > most) {
			most = cpuset_count(&both);
			*ret = both;
		}
	}
}

static int cgroup_pool(const char *root, const char *name, struct cpuset *ret)
{
	char path[PATH_MAX], text[CPUSET_TEXT];
	AUTO_FD fd = root_open(root);
	int len = snprintf(path, sizeof(path), "%s/cpuset.cpus.effective", name);
	ssize_t n = len < 0 || (size_t)len >= sizeof(path) ? -ENAMETOOLONG
		    : fd < 0				   ? fd
			     : root_read(fd, path, text, sizeof(text));

	if (n >= 0)
		n = cpuset_parse(text, ret);
	return n < 0 ? warn_rc((int)n, "read cpuset.cpus.effective of '%s'", name) : 0;
}

static int find_pool(const struct topo *t, const char *root, const json_t *op, struct cpuset *ret)
{
	const char *cgroup = rec_str(op, "cgroup", "");

	*ret = t->online;
	if (*cgroup && root)
		return cgroup_pool(root, cgroup, ret);
	if (t->has_affinity)
		cpuset_and(ret, &t->affinity);
	return 0;
}

int intent_resolve(const char *text, const char *cgroup_root, json_t *op)
{
	AUTO_FREE struct topo *t = NULL;
	AUTO_FD root = -1;
	struct cpuset pool = { 0 }, set = { 0 };
	json_t *v = NULL;
	int rc;

	if (strcmp(text, "inherit") == 0)
		return 0;
	t = calloc(1, sizeof(*t));
	root = root_open(NULL);
	rc = !t ? -ENOMEM : root < 0 ? root : topo_read(root, t);
	if (rc < 0)
		return warn_rc(rc, "read the topology");
	topo_read_allowed(root, true, t);
	rc = find_pool(t, cgroup_root, op, &pool);
	if (rc == 0 && cpuset_empty(&pool))
		rc = warn_rc(-ENODEV, "affinity '%s'", text);
	if (rc == 0) {
		if (strcmp(text, "llc") == 0)
			best_llc(t, &pool, &set);
		else if (strcmp(text, "all") == 0)
			set = t->online;
		else if (strcmp(text, "single") == 0)
			cpuset_slice(&set, &pool, 0, 1);
		v = strcmp(text, "random") == 0 ? random_lists(&pool, op) : list(&set);
		if (json_object_set_new(op, "affinity", v) < 0)
			rc = warn_rc(-ENOMEM, "affinity '%s'", text);
	}
	topo_free(t);
	return rc;
}
