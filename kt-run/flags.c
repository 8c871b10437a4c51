/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flags and profiles. */
#include "flags.h"
#include "cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct flag {
	const char *name, *about;
	flagset needs;
} flags[] = {
	{ "llc", "knows last-level caches", 0 },
	{ "borrow", "lends idle CPUs: work conservation between cgroups", 0 },
	{ "steal", "steals work across last-level caches", 1u << 0 },
	{ "rebal", "rebalances load", 0 },
	{ "reject-pin", "refuses to pin a task to several CPUs", 0 },
	{ "no-ctrl", "runs without the cpu controller", 0 },
};

flagset flags_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < KT_ARRAY_LEN(flags); i++)
		if (strcmp(flags[i].name, name) == 0)
			return 1u << i;
	return 0;
}

const char *flags_name(unsigned int i)
{
	return i < KT_ARRAY_LEN(flags) ? flags[i].name : NULL;
}

const char *flags_about(unsigned int i)
{
	return i < KT_ARRAY_LEN(flags) ? flags[i].about : NULL;
}

int flags_parse(const char *list, flagset *ret, const char **ret_bad)
{
	flagset f = 0;

	while (*list) {
		size_t n = strcspn(list, ",");
		char name[16];
		flagset bit = 0;

		if (n < sizeof(name)) {
			memcpy(name, list, n);
			name[n] = '\0';
			bit = flags_find(name);
		}
		if (!bit) {
			*ret_bad = list;
			return -EINVAL;
		}
		f |= bit;
		list += n + (list[n] == ',');
	}
	*ret = f;
	return 0;
}

char *flags_profile(flagset f, char buf[FLAGS_TEXT])
{
	unsigned int i;
	size_t n = 0;

	(void)snprintf(buf, FLAGS_TEXT, "default");
	for (i = 0; i < KT_ARRAY_LEN(flags); i++)
		if (f & (1u << i))
			n += (size_t)snprintf(buf + n, FLAGS_TEXT - n, "%s%s", n ? "+" : "",
					      flags[i].name);
	return buf;
}

flagset flags_needs(flagset f)
{
	return flags_least(f) & ~f;
}

flagset flags_least(flagset f)
{
	unsigned int i;

	for (i = 0; i < KT_ARRAY_LEN(flags); i++)
		if (f & (1u << i))
			f |= flags[i].needs; /* which need nothing more themselves */
	return f;
}

size_t flags_profiles(flagset required, flagset excluded, flagset ret[64])
{
	flagset f, all = (1u << KT_ARRAY_LEN(flags)) - 1;
	size_t n = 0;

	/* Counting up in the bits that are free gives the order of the optional flags. */
	for (f = 0; f <= all; f++)
		if ((f & required) == required && !(f & excluded) && !flags_needs(f))
			ret[n++] = f;
	return n;
}
