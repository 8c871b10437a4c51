/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of what is known of a thread. */
#include "fields.h"
#include "cleanup.h"

#include <errno.h>
#include <string.h>

const struct field fields[F_N] = {
#define FIELD(name, kind, rule, unit, group, from, proc, bpf)                                      \
	[F_##name] = { #name,	      FIELD_##kind, RULE_##rule, UNIT_##unit,                      \
		       GROUP_##group, FROM_##from,  proc,	 bpf },
	FIELDS(FIELD)
#undef FIELD
};

const char *const field_group_name[GROUP_N] = {
	[GROUP_ID] = "id",	     [GROUP_ATTR] = "attr",   [GROUP_TIME] = "time",
	[GROUP_WAKEUPS] = "wakeups", [GROUP_STATS] = "stats", [GROUP_FAULTS] = "faults",
	[GROUP_IO] = "io",	     [GROUP_DELAY] = "delay", [GROUP_MEM] = "mem",
	[GROUP_CORE] = "core",	     [GROUP_NUMA] = "numa",   [GROUP_HEAP] = "heap",
};

static bool named(const char *a, const char *word, size_t n)
{
	return strncmp(a, word, n) == 0 && a[n] == '\0';
}

int field_find(const char *name, size_t n)
{
	int f;

	for (f = 0; f < F_N; f++)
		if (named(fields[f].name, name, n))
			return f;
	return -1;
}

static void set_group(struct field_set *s, int group, bool on)
{
	int f;

	for (f = 0; f < F_N; f++) {
		if ((int)fields[f].group != group)
			continue;
		if (on)
			field_add(s, f);
		else
			field_del(s, f);
	}
}

void field_defaults(struct field_set *ret)
{
	int g;

	*ret = (struct field_set){ 0 };
	for (g = 0; g < GROUP_NUMA; g++)
		set_group(ret, g, true);
}

/* One field or group, on or off. */
static int set_word(struct field_set *s, const char *word, size_t n, bool on)
{
	int f = field_find(word, n), g;

	if (f >= 0) {
		if (on)
			field_add(s, f);
		else
			field_del(s, f);
		return 0;
	}
	for (g = 0; g < GROUP_N; g++)
		if (named(field_group_name[g], word, n))
			break;
	if (g == GROUP_N)
		return -EINVAL;
	set_group(s, g, on);
	return 0;
}

int field_select(const char *list, struct field_set *ret, const char **ret_bad, size_t *ret_n)
{
	struct field_set s = { 0 };
	const char *p = list;

	if (*p == '+' || *p == '-')
		field_defaults(&s);
	for (;;) {
		bool on = *p != '-';
		size_t n;

		p += *p == '+' || *p == '-';
		n = strcspn(p, ",");
		if (n == 0 || set_word(&s, p, n, on) < 0) {
			*ret_bad = p;
			*ret_n = n;
			return -EINVAL;
		}
		p += n;
		if (*p == '\0')
			break;
		p++;
	}
	set_group(&s, GROUP_ID, true);
	*ret = s;
	return 0;
}

bool field_from_any(const struct field_set *s, enum field_from from)
{
	int f;

	for (f = 0; f < F_N; f++)
		if (fields[f].from == from && field_has(s, f))
			return true;
	return false;
}

const char *field_policy(uint64_t policy)
{
	static const char *const name[] = {
		[0] = "SCHED_OTHER", [1] = "SCHED_FIFO",     [2] = "SCHED_RR",	[3] = "SCHED_BATCH",
		[5] = "SCHED_IDLE",  [6] = "SCHED_DEADLINE", [7] = "SCHED_EXT",
	};

	return policy < KT_ARRAY_LEN(name) ? name[policy] : NULL;
}
