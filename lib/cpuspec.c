/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU specs and partitions against a topology. */
#include "cpuspec.h"
#include "num.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int refuse(char *why, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int refuse(char *why, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, CPUSPEC_WHY, fmt, ap); /* a reason that is cut is still one */
	va_end(ap);
	return rc;
}

void cpuspec_usable(const struct topo *t, struct cpuset *ret)
{
	unsigned int n = cpuset_count(&t->online);

	cpuset_slice(ret, &t->online, 0, n > 2 ? n - 1 : n);
}

/* Whether s begins with `name` and a colon; *args is what follows. */
static bool is_kind(const char *s, const char *name, const char **args)
{
	size_t n = strlen(name);

	if (strncmp(s, name, n) != 0 || s[n] != ':')
		return false;
	*args = s + n + 1;
	return true;
}

/* What comes before the first comma of *sp, or all of it; *sp moves behind the comma, to NULL at
 * the end. An argument too long to be a number is cut to one that is none. */
static void next_arg(const char **sp, char arg[32])
{
	size_t n = *sp ? strcspn(*sp, ",") : 0;

	arg[0] = '\0';
	if (!*sp)
		return;
	(void)snprintf(arg, 32, "%.*s", n < 32 ? (int)n : 0, *sp);
	*sp = (*sp)[n] == ',' ? *sp + n + 1 : NULL;
}

static int arg_u(const char **sp, uint64_t *ret)
{
	char arg[32];

	next_arg(sp, arg);
	return num_u64(arg, 0, 1000000, ret);
}

static int arg_f(const char **sp, double *ret)
{
	char arg[32];

	next_arg(sp, arg);
	return num_f64(arg, 0.0, 1.0, ret);
}

/* len * f with the fraction dropped; f is in 0..1, so the result is in 0..len. */
static unsigned int part_of(unsigned int len, double f)
{
	return (unsigned int)((double)len * f);
}

static unsigned int ceil_part_of(unsigned int len, double f)
{
	unsigned int v = part_of(len, f);

	return (double)v < (double)len * f ? v + 1 : v;
}

/* Part i of n of a run of len, stretched by f of a part. */
static void stretched(unsigned int len, unsigned int i, unsigned int n, double f,
		      unsigned int *ret_from, unsigned int *ret_to)
{
	unsigned int chunk = len / n, o = part_of(chunk, f);

	*ret_from = i == 0 || i * chunk < o ? 0 : i * chunk - o;
	*ret_to = i == n - 1 || (i + 1) * chunk + o > len ? len : (i + 1) * chunk + o;
}

static int resolve_llc(const struct topo *t, uint64_t i, struct cpuset *ret, char *why)
{
	if (i >= t->n_llcs)
		return refuse(why, -ENODEV, "needs %llu LLCs, this machine has %u",
			      (unsigned long long)i + 1, t->n_llcs);
	*ret = t->llc[i].cpus;
	return 0;
}

static int resolve_numa(const struct topo *t, uint64_t i, struct cpuset *ret, char *why)
{
	unsigned int k;
	uint64_t seen = 0;

	for (k = 0; k < t->n_nodes; k++) {
		if (cpuset_empty(&t->node[k].cpus) || seen++ < i)
			continue;
		*ret = t->node[k].cpus;
		return 0;
	}
	return refuse(why, -ENODEV, "needs %llu NUMA nodes with CPUs, this machine has %u",
		      (unsigned long long)i + 1, topo_cpu_nodes(t));
}

static int resolve_part(const struct topo *t, uint64_t i, uint64_t n, double f, struct cpuset *ret,
			char *why)
{
	struct cpuset usable;
	unsigned int len, from, to;

	cpuspec_usable(t, &usable);
	len = cpuset_count(&usable);
	if (len < n)
		return refuse(why, -ENODEV, "needs %llu usable CPUs, this machine has %u",
			      (unsigned long long)n, len);
	stretched(len, (unsigned int)i, (unsigned int)n, f, &from, &to);
	cpuset_slice(ret, &usable, from, to);
	return 0;
}

static int resolve_range(const struct topo *t, double a, double b, struct cpuset *ret, char *why)
{
	struct cpuset usable, set;
	unsigned int len;

	cpuspec_usable(t, &usable);
	len = cpuset_count(&usable);
	cpuset_slice(&set, &usable, part_of(len, a), part_of(len, b));
	if (cpuset_empty(&set))
		return refuse(why, -ENODEV, "no CPU lies between %g and %g of %u usable CPUs", a, b,
			      len);
	*ret = set;
	return 0;
}

static int resolve_cpus(const struct topo *t, const char *list, struct cpuset *ret, char *why)
{
	struct cpuset set, missing;
	int rc = cpuset_parse(list, &set);

	if (rc == -ERANGE)
		return refuse(why, -EINVAL, "CPU numbers end at %d", CPUSET_MAX - 1);
	if (rc < 0 || cpuset_empty(&set))
		return refuse(why, -EINVAL, "expected a list of CPUs such as cpus:0-3,7");
	if (!t)
		return 0;
	missing = set;
	cpuset_andnot(&missing, &t->online);
	if (!cpuset_empty(&missing))
		return refuse(why, -ENODEV, "CPU %d is not there or not online",
			      cpuset_next(&missing, 0));
	*ret = set;
	return 0;
}

int cpuspec_resolve(const struct topo *t, const char *spec, struct cpuset *ret, char *why)
{
	const char *s;
	uint64_t i, n;
	double a, b;

	why[0] = '\0';
	if (is_kind(spec, "llc", &s)) {
		if (arg_u(&s, &i) < 0 || s)
			return refuse(why, -EINVAL, "expected llc:I, I from 0");
		return t ? resolve_llc(t, i, ret, why) : 0;
	}
	if (is_kind(spec, "numa", &s)) {
		if (arg_u(&s, &i) < 0 || s)
			return refuse(why, -EINVAL, "expected numa:I, I from 0");
		return t ? resolve_numa(t, i, ret, why) : 0;
	}
	if (is_kind(spec, "range", &s)) {
		if (arg_f(&s, &a) < 0 || arg_f(&s, &b) < 0 || s || !(a < b))
			return refuse(why, -EINVAL, "expected range:A,B with 0 <= A < B <= 1");
		return t ? resolve_range(t, a, b, ret, why) : 0;
	}
	if (is_kind(spec, "disjoint", &s)) {
		if (arg_u(&s, &i) < 0 || arg_u(&s, &n) < 0 || s || i >= n)
			return refuse(why, -EINVAL, "expected disjoint:I,N with I < N");
		return t ? resolve_part(t, i, n, 0.0, ret, why) : 0;
	}
	if (is_kind(spec, "overlap", &s)) {
		if (arg_u(&s, &i) < 0 || arg_u(&s, &n) < 0 || arg_f(&s, &a) < 0 || s || i >= n)
			return refuse(why, -EINVAL,
				      "expected overlap:I,N,F with I < N and F from 0 to 1");
		return t ? resolve_part(t, i, n, a, ret, why) : 0;
	}
	if (is_kind(spec, "cpus", &s))
		return resolve_cpus(t, s, ret, why);
	return refuse(why, -EINVAL,
		      "a CPU spec is llc:I, numa:I, range:A,B, disjoint:I,N, "
		      "overlap:I,N,F or cpus:LIST");
}

static int part_llc_aligned(const struct topo *t, unsigned int n, struct cpuset *sets, char *why)
{
	unsigned int i, need = n < 2 ? 2 : n;
	int last = -1, id;

	if (t->n_llcs < need)
		return refuse(why, -ENODEV, "needs %u LLCs, this machine has %u", need, t->n_llcs);
	for (i = 0; i < n; i++)
		sets[i] = t->llc[i].cpus;
	for (id = -1; (id = cpuset_next(&t->online, id + 1)) >= 0;)
		last = id;
	if (cpuset_count(&sets[n - 1]) > 1)
		cpuset_del(&sets[n - 1], (unsigned int)last);
	return 0;
}

/* `of` cut in two at `at`, what lies past `end` left out. */
static int cut(const struct cpuset *of, unsigned int at, unsigned int end, struct cpuset *sets,
	       char *why)
{
	if (at == 0 || at >= end)
		return refuse(why, -ENODEV, "one of the two sets would have no CPU");
	cpuset_slice(&sets[0], of, 0, at);
	cpuset_slice(&sets[1], of, at, end);
	return 0;
}

static int part_overlap(const struct topo *t, unsigned int n, double f, struct cpuset *sets,
			char *why)
{
	unsigned int total = cpuset_count(&t->online), base = total / n, stride, i, k;
	unsigned int ov = ceil_part_of(base, f);

	if (base == 0)
		return refuse(why, -ENODEV, "needs %u CPUs, this machine has %u", n, total);
	stride = base > ov ? base - ov : 1;
	for (i = 0; i < n; i++) {
		sets[i] = (struct cpuset){ 0 };
		for (k = 0; k < base; k++)
			cpuset_add(&sets[i],
				   (unsigned int)cpuset_nth(&t->online, (i * stride + k) % total));
	}
	return 0;
}

int cpupart_resolve(const struct topo *t, const char *part, unsigned int n, struct cpuset *sets,
		    char *why)
{
	bool half = strcmp(part, "split_half") == 0;
	bool misaligned = strcmp(part, "split_misaligned") == 0;
	unsigned int len, at, keep;
	struct cpuset usable;
	const char *s = NULL;
	bool uneven = false, holdback = false;
	double f = 0;

	why[0] = '\0';
	if (n == 0)
		return refuse(why, -EINVAL, "a partition needs at least one cgroup");
	if (strcmp(part, "none") == 0)
		return 1;
	if (strcmp(part, "llc_aligned") == 0)
		return t ? part_llc_aligned(t, n, sets, why) : 0;
	if (is_kind(part, "overlap", &s)) {
		if (arg_f(&s, &f) < 0 || s)
			return refuse(why, -EINVAL, "expected overlap:F with F from 0 to 1");
		return t ? part_overlap(t, n, f, sets, why) : 0;
	}
	uneven = is_kind(part, "uneven", &s);
	holdback = !uneven && is_kind(part, "holdback", &s);
	if (!half && !misaligned && !uneven && !holdback)
		return refuse(why, -EINVAL,
			      "a partition is none, llc_aligned, split_half, split_misaligned, "
			      "overlap:F, uneven:F or holdback:F");
	if ((uneven || holdback) && (arg_f(&s, &f) < 0 || s))
		return refuse(why, -EINVAL, "expected %s:F with F from 0 to 1",
			      uneven ? "uneven" : "holdback");
	if (n != 2)
		return refuse(why, -EINVAL, "partition %.20s is for 2 cgroups, not %u", part, n);
	if (!t)
		return 0;
	if (holdback) {
		len = cpuset_count(&t->online);
		keep = len - part_of(len, f);
		return cut(&t->online, keep / 2 ? keep / 2 : 1, keep, sets, why);
	}
	cpuspec_usable(t, &usable);
	len = cpuset_count(&usable);
	at = len / 2;
	if (misaligned && t->n_llcs > 1)
		at = cpuset_count(&t->llc[0].cpus) / 2;
	if (uneven)
		at = part_of(len, f) ? part_of(len, f) : 1;
	return cut(&usable, at, len, sets, why);
}
