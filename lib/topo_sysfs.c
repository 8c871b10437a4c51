/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topology of a live machine or of a captured tree, from /sys/devices/system and /proc.
 *
 * One pass over the CPUs in ascending order. What CPUs share (core, package, die, cluster, cache)
 * is read once, at the first of them: the kernel's list of the sharers places the others. */
#include "topo_sysfs.h"
#include "cgself.h"
#include "cleanup.h"
#include "num.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_DIR "sys/devices/system/cpu"
#define MAX_CACHE_INDEX 16 /* x86 has 4, s390 up to 8 */

bool topo_is_own_trouble(int rc)
{
	return rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE;
}

int topo_slurp(struct topo_reader *r, int dir_fd, const char *fmt, ...)
{
	char path[128];
	size_t len = 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	{
		AUTO_FD fd = root_openat(dir_fd, path, O_RDONLY);

		if (fd < 0)
			return fd;
		for (;;) {
			ssize_t got = read(fd, r->text + len, CPUSET_TEXT - 1 - len);

			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return -errno;
			len += (size_t)got;
			if (len == CPUSET_TEXT - 1)
				return -E2BIG;
			if (got == 0 || got % 4096 != 0)
				break;
		}
	}
	r->text[len] = '\0';
	return 0;
}

/* A number that the kernel writes with %d; what it means by "unknown" is left to the caller. */
static int slurp_int(struct topo_reader *r, int cpu, const char *file, int *ret)
{
	int rc = topo_slurp(r, r->dir_fd, "cpu%d/%s", cpu, file);

	if (rc < 0)
		return rc;
	r->text[strcspn(r->text, "\n")] = '\0';
	return num_int(r->text, INT_MIN, INT_MAX, ret);
}

/* A raw id. The kernel leaves the file out, or says -1, when it has none; only what is there and
 * cannot be read is missing. */
static int raw_id(struct topo_reader *r, int cpu, const char *what, const char *file)
{
	int v = -1, rc = slurp_int(r, cpu, file, &v);

	if (rc < 0 && rc != -ENOENT)
		missing_add(&r->t->missing, what, rc);
	return v < 0 ? -1 : v;
}

/* One of the kernel's sets of CPUs, under the first of its names that is there: names[0..], each as
 * list, then as mask when only that exists. *which keeps the name that worked. */
struct names {
	const char *list[2], *mask[2];
};

static int slurp_set(struct topo_reader *r, int cpu, const struct names *names, struct cpuset *ret)
{
	int i, rc = -ENOENT;

	for (i = 0; i < 2 && names->list[i]; i++) {
		rc = topo_slurp(r, r->dir_fd, "cpu%d/topology/%s", cpu, names->list[i]);
		if (rc != -ENOENT)
			return rc < 0 ? rc : cpuset_parse(r->text, ret);
	}
	for (i = 0; i < 2 && names->mask[i]; i++) {
		rc = topo_slurp(r, r->dir_fd, "cpu%d/topology/%s", cpu, names->mask[i]);
		if (rc != -ENOENT)
			return rc < 0 ? rc : cpuset_parse_mask(r->text, ret);
	}
	return rc;
}

/* The sharers that are online. A list without the CPU itself is none. */
static int slurp_sharers(struct topo_reader *r, int cpu, const char *what,
			 const struct names *names, struct cpuset *ret)
{
	int rc = slurp_set(r, cpu, names, ret);

	if (rc == 0 && !cpuset_has(ret, (unsigned int)cpu))
		rc = -EINVAL;
	if (rc < 0) {
		missing_add(&r->t->missing, what, rc);
		return rc;
	}
	cpuset_and(ret, &r->t->online);
	return 0;
}

/* core_cpus_list and its kin got these names in 5.3, the old ones are still there in 6.x. */
static const struct names core_names = { { "core_cpus_list", "thread_siblings_list" },
					 { "core_cpus", "thread_siblings" } };

static int read_core(struct topo_reader *r, struct topo_cpu *c)
{
	struct topo *t = r->t;
	struct cpuset set;
	int id, core_id, smt = 0, rc;

	core_id = raw_id(r, c->cpu, "kernel_core_id", "topology/core_id");
	rc = slurp_sharers(r, c->cpu, "core", &core_names, &set);
	if (rc < 0) {
		c->kernel_core_id = core_id;
		return topo_is_own_trouble(rc) ? rc : 0;
	}
	/* A lower CPU that is still without has no list that could be read: ids stay in order. */
	for (id = c->cpu - 1; (id = cpuset_next(&set, id + 1)) >= 0;) {
		struct topo_cpu *o = topo_cpu_at(t, id);

		if (o->core >= 0)
			continue;
		o->core = (int)t->n_cores;
		o->smt = smt++;
		o->kernel_core_id = core_id;
	}
	t->n_cores++;
	return 0;
}

/* Groups above the core. Without an id (-1; x86 also says 65535 for a cluster id of 16 bits that
 * was never set) the kernel's list of sharers has only the CPU itself, and that is not a group of
 * one. */
struct group {
	const char *what, *raw_name, *id_file;
	struct names names;
	size_t id, raw; /* offsets of the two ids in struct topo_cpu */
	size_t count; /* offset of their number in struct topo */
};

static const struct group groups[] = {
	{ "package",
	  "kernel_package_id",
	  "topology/physical_package_id",
	  { { "package_cpus_list", "core_siblings_list" }, { "package_cpus", "core_siblings" } },
	  offsetof(struct topo_cpu, package),
	  offsetof(struct topo_cpu, kernel_package_id),
	  offsetof(struct topo, n_packages) },
	{ "die",
	  "kernel_die_id",
	  "topology/die_id",
	  { { "die_cpus_list", NULL }, { "die_cpus", NULL } },
	  offsetof(struct topo_cpu, die),
	  offsetof(struct topo_cpu, kernel_die_id),
	  offsetof(struct topo, n_dies) },
	{ "cluster",
	  "kernel_cluster_id",
	  "topology/cluster_id",
	  { { "cluster_cpus_list", NULL }, { "cluster_cpus", NULL } },
	  offsetof(struct topo_cpu, cluster),
	  offsetof(struct topo_cpu, kernel_cluster_id),
	  offsetof(struct topo, n_clusters) },
};

static int *cpu_int(struct topo_cpu *c, size_t offset)
{
	return (int *)(void *)((char *)c + offset);
}

static int read_group(struct topo_reader *r, struct topo_cpu *c, const struct group *g)
{
	unsigned int *count = (unsigned int *)(void *)((char *)r->t + g->count);
	struct cpuset set;
	int id, raw, rc;

	raw = raw_id(r, c->cpu, g->raw_name, g->id_file);
	if (raw < 0 || (raw == 65535 && g->raw == offsetof(struct topo_cpu, kernel_cluster_id)))
		return 0;
	*cpu_int(c, g->raw) = raw;
	rc = slurp_sharers(r, c->cpu, g->what, &g->names, &set);
	if (rc < 0)
		return topo_is_own_trouble(rc) ? rc : 0;
	for (id = c->cpu - 1; (id = cpuset_next(&set, id + 1)) >= 0;) { /* as in read_core() */
		struct topo_cpu *o = topo_cpu_at(r->t, id);

		if (*cpu_int(o, g->id) >= 0)
			continue;
		*cpu_int(o, g->id) = (int)*count;
		*cpu_int(o, g->raw) = raw;
	}
	++*count;
	return 0;
}

/* s390: packages lie in books, books in drawers. */
static void read_book(struct topo_reader *r, struct topo_cpu *c)
{
	c->kernel_book_id = raw_id(r, c->cpu, "kernel_book_id", "topology/book_id");
	if (c->kernel_book_id >= 0)
		c->kernel_drawer_id = raw_id(r, c->cpu, "kernel_drawer_id", "topology/drawer_id");
}

/* "512K", "32M", or bytes. Returns KiB, rounded up; -1 when it is no size. */
static int64_t cache_kb(char *text)
{
	size_t len = strcspn(text, "\n");
	char unit = len ? text[len - 1] : '\0';
	uint64_t v;

	text[unit == 'K' || unit == 'M' ? len - 1 : len] = '\0';
	if (num_u64(text, 0, INT64_MAX / 1024, &v) < 0)
		return -1;
	return (int64_t)(unit == 'K' ? v : unit == 'M' ? v * 1024 : (v + 1023) / 1024);
}

/* Index and level of the largest cache that a CPU has; data before instructions where only the
 * first level is left. Returns 0, -ENOENT without caches, or -errno. */
static int largest_cache(struct topo_reader *r, int cpu, int *ret_index, int *ret_level)
{
	int i, gone = 0, level, best = -1, best_level = 0, rc = -ENOENT;

	for (i = 0; i < MAX_CACHE_INDEX && gone < 2; i++) { /* one hole is let pass */
		char file[48];

		(void)snprintf(file, sizeof(file), "cache/index%d/level", i); /* it fits */
		rc = slurp_int(r, cpu, file, &level);
		if (topo_is_own_trouble(rc))
			return rc;
		gone = rc == -ENOENT ? gone + 1 : 0;
		if (rc < 0 && rc != -ENOENT)
			missing_add(&r->t->missing, "cache", rc);
		if (rc < 0)
			continue;
		if (best >= 0 && level == best_level) {
			rc = topo_slurp(r, r->dir_fd, "cpu%d/cache/index%d/type", cpu, best);
			if (rc == 0 && strcmp(r->text, "Instruction\n") == 0)
				best = i;
		}
		if (level > best_level) {
			best = i;
			best_level = level;
		}
	}
	if (best < 0)
		return rc;
	*ret_index = best;
	*ret_level = best_level;
	return 0;
}

/* *ret: the CPUs that share the cache. */
static int cache_sharers(struct topo_reader *r, int cpu, int index, struct cpuset *ret)
{
	int rc = topo_slurp(r, r->dir_fd, "cpu%d/cache/index%d/shared_cpu_list", cpu, index);

	if (rc == 0)
		rc = cpuset_parse(r->text, ret);
	else if (rc == -ENOENT &&
		 (rc = topo_slurp(r, r->dir_fd, "cpu%d/cache/index%d/shared_cpu_map", cpu,
				  index)) == 0)
		rc = cpuset_parse_mask(r->text, ret);
	if (rc == 0 && !cpuset_has(ret, (unsigned int)cpu))
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	cpuset_and(ret, &r->t->online);
	return 0;
}

static int new_llc(struct topo *t, const struct topo_llc *llc)
{
	t->llc[t->n_llcs] = *llc; /* there is room for one per CPU */
	return (int)t->n_llcs++;
}

/* No cache known: the LLC that stands for this CPU's part of its package. */
static int stand_in_llc(struct topo *t, const struct topo_cpu *c)
{
	enum topo_llc_src src = c->package >= 0 ? TOPO_LLC_PACKAGE : TOPO_LLC_NODE;
	unsigned int i;

	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *o = &t->cpu[i];

		if (o->llc >= 0 && t->llc[o->llc].src == src && o->package == c->package &&
		    o->node == c->node)
			return o->llc;
	}
	return new_llc(t, &(struct topo_llc){ .level = -1, .kernel_id = -1, .kb = -1, .src = src });
}

static int read_llc(struct topo_reader *r, struct topo_cpu *c)
{
	struct topo *t = r->t;
	struct topo_llc llc = { .kernel_id = -1, .kb = -1, .src = TOPO_LLC_CACHE };
	struct cpuset set;
	char file[48];
	int id, index = 0, rc, at = -1;

	rc = largest_cache(r, c->cpu, &index, &llc.level);
	if (rc == 0)
		rc = cache_sharers(r, c->cpu, index, &set);
	if (rc < 0) {
		missing_add(&t->missing, "cache", rc);
		if (topo_is_own_trouble(rc))
			return rc;
		c->llc = stand_in_llc(t, c);
		return 0;
	}
	/* Lists that disagree (a CPU that came online later): its own list joins it to the others.
	 */
	for (id = -1; at < 0 && (id = cpuset_next(&set, id + 1)) >= 0;) {
		int k = topo_cpu_at(t, id)->llc;

		if (k >= 0 && t->llc[k].src == TOPO_LLC_CACHE && t->llc[k].level == llc.level)
			at = k;
	}
	if (at < 0) {
		(void)snprintf(file, sizeof(file), "cache/index%d/id", index); /* it fits */
		llc.kernel_id = raw_id(r, c->cpu, "kernel_llc_id", file);
		rc = topo_slurp(r, r->dir_fd, "cpu%d/cache/index%d/size", c->cpu, index);
		llc.kb = rc < 0 ? -1 : cache_kb(r->text);
		if (llc.kb < 0)
			missing_add(&t->missing, "llc_kb", rc < 0 ? rc : -EINVAL);
		at = new_llc(t, &llc);
	}
	for (id = -1; (id = cpuset_next(&set, id + 1)) >= 0;)
		if (topo_cpu_at(t, id)->llc < 0)
			topo_cpu_at(t, id)->llc = at;
	return 0;
}

static int read_cpu(struct topo_reader *r, struct topo_cpu *c)
{
	int capacity, rc = 0;
	size_t i;

	if (!c->online) {
		/* Some kernels keep the directory of an offline CPU, with the ids it had. */
		c->kernel_core_id = raw_id(r, c->cpu, "kernel_core_id", "topology/core_id");
		for (i = 0; i < KT_ARRAY_LEN(groups); i++)
			*cpu_int(c, groups[i].raw) =
				raw_id(r, c->cpu, groups[i].raw_name, groups[i].id_file);
		return 0;
	}
	if (c->core < 0)
		rc = read_core(r, c);
	for (i = 0; rc == 0 && i < KT_ARRAY_LEN(groups); i++)
		if (*cpu_int(c, groups[i].id) < 0)
			rc = read_group(r, c, &groups[i]);
	if (r->books) {
		read_book(r, c);
		r->books = c->kernel_book_id >= 0; /* the first CPU tells for all */
	}
	if (rc == 0 && c->llc < 0)
		rc = read_llc(r, c);
	if (rc < 0)
		return rc;
	rc = slurp_int(r, c->cpu, "cpu_capacity", &capacity);
	if (rc == 0 && capacity >= 0)
		c->capacity = capacity;
	else
		missing_add(&r->t->missing, "capacity", rc < 0 ? rc : -ERANGE);
	return topo_is_own_trouble(rc) ? rc : 0;
}

/* CPUs that exist: what `present` says and what is online. */
static int read_cpu_lists(struct topo_reader *r)
{
	struct topo *t = r->t;
	struct cpuset present;
	unsigned int i = 0;
	int id, rc;

	rc = topo_slurp(r, r->dir_fd, "online");
	if (rc == 0)
		rc = cpuset_parse(r->text, &t->online);
	if (rc < 0 || cpuset_empty(&t->online))
		return topo_is_own_trouble(rc) ? rc : -ENODATA;
	rc = topo_slurp(r, r->dir_fd, "present");
	if (rc == 0)
		rc = cpuset_parse(r->text, &present);
	if (rc < 0) {
		missing_add(&t->missing, "present", rc);
		present = t->online;
	}
	cpuset_or(&present, &t->online);
	t->n_cpus = cpuset_count(&present);
	t->cpu = calloc(t->n_cpus, sizeof(*t->cpu));
	t->llc = calloc(t->n_cpus, sizeof(*t->llc)); /* made smaller once their number is known */
	if (!t->cpu || !t->llc)
		return -ENOMEM;
	for (id = -1; (id = cpuset_next(&present, id + 1)) >= 0; i++) {
		t->at[id] = (int)i + 1;
		t->cpu[i] = topo_cpu_blank(id);
		t->cpu[i].online = cpuset_has(&t->online, (unsigned int)id);
	}
	return 0;
}

static int read_all(struct topo_reader *r)
{
	struct topo *t = r->t;
	struct topo_llc *fit;
	unsigned int i;
	int rc;

	r->dir_fd = root_openat(r->root_fd, CPU_DIR, O_PATH | O_DIRECTORY);
	if (r->dir_fd < 0)
		return r->dir_fd;
	rc = read_cpu_lists(r);
	if (rc == 0)
		rc = topo_read_nodes(r);
	for (i = 0; rc == 0 && i < t->n_cpus; i++)
		rc = read_cpu(r, &t->cpu[i]);
	if (rc < 0)
		return rc;
	fit = realloc(t->llc, t->n_llcs * sizeof(*t->llc)); /* an online CPU has one */
	if (fit)
		t->llc = fit;
	return topo_derive(t);
}

void topo_read_allowed(int root_fd, bool live, struct topo *t)
{
	struct cgself *cg = malloc(sizeof(*cg)); /* four paths */
	char text[16384]; /* a status file has some 1500 bytes, with long lists more */
	int rc = cg ? cgself_read(root_fd, cg) : -ENOMEM;

	if (rc == 0)
		rc = cgself_cpus(root_fd, cg, &t->cgroup);
	t->has_cgroup = rc == 0;
	if (rc < 0)
		missing_add(&t->missing, "cgroup", rc);
	free(cg);
	if (live) {
		rc = cpuset_getaffinity(0, &t->affinity);
	} else {
		ssize_t n = root_read(root_fd, "proc/self/status", text, sizeof(text));
		char *s = n < 0 ? NULL : strstr(text, "\nCpus_allowed_list:");

		rc = n < 0 ? (int)n : -EINVAL;
		if (s) {
			s += strlen("\nCpus_allowed_list:");
			s[strcspn(s, "\n")] = '\0';
			rc = cpuset_parse(s, &t->affinity);
		}
	}
	t->has_affinity = rc == 0;
	if (rc < 0)
		missing_add(&t->missing, "affinity", rc);
}

int topo_read(int root_fd, struct topo *ret)
{
	struct topo *t = calloc(1, sizeof(*t)); /* too large for a stack that may be small */
	struct topo_reader r = { .t = t, .root_fd = root_fd, .dir_fd = -1, .books = true };
	int rc = -ENOMEM;

	r.text = malloc(CPUSET_TEXT);
	if (t && r.text)
		rc = read_all(&r);
	if (rc == 0)
		*ret = *t;
	else if (t)
		topo_free(t);
	drop_fd(&r.dir_fd);
	free(r.text);
	free(t);
	return rc;
}
