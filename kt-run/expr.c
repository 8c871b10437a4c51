/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts and times: a recursive descent over "2*W", "max(C/2,1)", "S+D/5". */
#include "expr.h"
#include "cpuspec.h"
#include "dur.h"
#include "num.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 32 /* parentheses within parentheses */

struct val {
	uint64_t v;
	bool time;
};

struct parser {
	const char *p;
	const struct expr_env *env;
	char *why;
	bool bad;
	int depth;
};

__attribute__((format(printf, 2, 3))) static struct val wrong(struct parser *ps, const char *fmt,
							      ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!ps->bad)
		(void)vsnprintf(ps->why, EXPR_WHY, fmt, ap); /* a reason that is cut is still one */
	va_end(ap);
	ps->bad = true;
	return (struct val){ 0 };
}

static struct val sum(struct parser *ps);

static bool take(struct parser *ps, char c)
{
	while (*ps->p == ' ')
		ps->p++;
	if (*ps->p != c)
		return false;
	ps->p++;
	return true;
}

static void want(struct parser *ps, char c)
{
	if (!take(ps, c))
		wrong(ps, *ps->p ? "'%c' is missing before '%s'" : "'%c' is missing at the end%s",
		      c, ps->p);
}

/* "12", or with a unit "200ms". */
static struct val literal(struct parser *ps)
{
	size_t n = strspn(ps->p, "0123456789."), units = 0;
	struct val v = { 0 };
	char text[40];

	while (islower((unsigned char)ps->p[n + units]))
		units++;
	if (n + units >= sizeof(text))
		return wrong(ps, "'%.20s…' is too long a number", ps->p);
	(void)snprintf(text, sizeof(text), "%.*s", (int)(n + units), ps->p);
	ps->p += n + units;
	v.time = units > 0;
	if (v.time ? dur_parse(text, &v.v) < 0 : num_u64(text, 0, UINT32_MAX, &v.v) < 0)
		return wrong(ps, "'%s' is no %s", text, v.time ? "duration" : "count");
	return v;
}

/* In the mere check there is no machine: any number will do. */
static uint64_t fact(const struct parser *ps, char c)
{
	const struct expr_env *e = ps->env;
	struct cpuset usable;

	if (!e)
		return 8;
	switch (c) {
	case 'C':
		return cpuset_count(&e->topo->online);
	case 'U':
		cpuspec_usable(e->topo, &usable);
		return cpuset_count(&usable);
	case 'L':
		return e->topo->n_llcs;
	case 'N':
		return topo_cpu_nodes(e->topo);
	case 'W':
		return e->workers;
	case 'D':
		return e->duration_ns;
	default:
		return e->settle_ns;
	}
}

static struct val call(struct parser *ps, const char *name)
{
	struct val a, b;

	want(ps, '(');
	a = sum(ps);
	if (strcmp(name, "lcpus") == 0) {
		want(ps, ')');
		if (a.time)
			return wrong(ps, "lcpus() takes a count");
		if (ps->env && a.v >= ps->env->topo->n_llcs)
			return wrong(ps, "there is no LLC %llu", (unsigned long long)a.v);
		a.v = ps->env ? cpuset_count(&ps->env->topo->llc[a.v].cpus) : 8;
		return a;
	}
	want(ps, ',');
	b = sum(ps);
	want(ps, ')');
	if (a.time != b.time)
		return wrong(ps, "%s() of a count and a time", name);
	if (strcmp(name, "min") == 0 ? b.v < a.v : b.v > a.v)
		a = b;
	return a;
}

static struct val atom(struct parser *ps)
{
	char name[8];
	size_t n = 0;
	struct val v;

	if (take(ps, '(')) {
		if (++ps->depth > DEPTH_MAX)
			return wrong(ps, "too many parentheses");
		v = sum(ps);
		want(ps, ')');
		ps->depth--;
		return v;
	}
	if (isdigit((unsigned char)*ps->p))
		return literal(ps);
	while (isalpha((unsigned char)ps->p[n]))
		n++;
	if (n == 1 && strchr("CULNWDS", *ps->p)) {
		v.time = *ps->p == 'D' || *ps->p == 'S';
		v.v = fact(ps, *ps->p++);
		return v;
	}
	if (n > 0 && n < sizeof(name)) {
		memcpy(name, ps->p, n);
		name[n] = '\0';
		if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0 ||
		    strcmp(name, "lcpus") == 0) {
			ps->p += n;
			if (++ps->depth > DEPTH_MAX)
				return wrong(ps, "too many parentheses");
			v = call(ps, name);
			ps->depth--;
			return v;
		}
	}
	return *ps->p ? wrong(ps, "'%.20s' is no number, nor one of C U L N W D S, min, max, lcpus",
			      ps->p)
		      : wrong(ps, "a number is missing at the end");
}

static struct val product(struct parser *ps)
{
	struct val a = atom(ps), b;

	for (;;) {
		bool times = take(ps, '*');

		if (ps->bad || (!times && !take(ps, '/')))
			return a;
		b = atom(ps);
		if (b.time && (a.time || !times))
			return wrong(ps, times ? "a time times a time" : "division by a time");
		if (times && __builtin_mul_overflow(a.v, b.v, &a.v))
			return wrong(ps, "too large");
		if (!times && b.v == 0)
			return ps->env ? wrong(ps, "division by zero") : a;
		a.v = times ? a.v : a.v / b.v;
		a.time |= b.time;
	}
}

static struct val sum(struct parser *ps)
{
	struct val a = product(ps), b;

	for (;;) {
		bool plus = take(ps, '+');

		if (ps->bad || (!plus && !take(ps, '-')))
			return a;
		b = product(ps);
		if (a.time != b.time)
			return wrong(ps, "a count and a time cannot be added");
		if (plus && __builtin_add_overflow(a.v, b.v, &a.v))
			return wrong(ps, "too large");
		if (!plus)
			a.v = a.v > b.v ? a.v - b.v : 0;
	}
}

static int eval(const char *text, const struct expr_env *env, bool time, uint64_t *ret, char *why)
{
	struct parser ps = { .p = text, .env = env, .why = why };
	struct val v = sum(&ps);

	if (!ps.bad && *ps.p)
		wrong(&ps, "'%.20s' at the end makes no sense", ps.p);
	if (!ps.bad && v.time != time)
		wrong(&ps, time ? "a count where a time is wanted (\"2s\" is a time)"
				: "a time where a count is wanted");
	if (!ps.bad && v.v > INT64_MAX)
		wrong(&ps, "too large");
	if (ps.bad)
		return -EINVAL;
	if (env)
		*ret = v.v;
	return 0;
}

int expr_count(const char *text, const struct expr_env *env, uint64_t *ret, char *why)
{
	return eval(text, env, false, ret, why);
}

int expr_time(const char *text, const struct expr_env *env, uint64_t *ret_ns, char *why)
{
	return eval(text, env, true, ret_ns, why);
}
