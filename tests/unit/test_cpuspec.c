/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU specs and partitions: the known results for four topologies, and what must be refused. */
#include "buf.h"
#include "cleanup.h"
#include "cpuspec.h"
#include "tap.h"

#include <errno.h>

static const char *const topologies[] = { "1n1l4c1t", "1n2l4c1t", "1n3l3c1t", "2n4l4c1t" };

struct vector {
	const char *what;
	const char *want[4]; /* one per topology; NULL: this machine cannot meet it */
};

static const struct vector specs[] = {
	{ "llc:0", { "0-3", "0-3", "0-2", "0-3" } },
	{ "llc:1", { NULL, "4-7", "3-5", "4-7" } },
	{ "llc:3", { NULL, NULL, NULL, "12-15" } },
	{ "numa:0", { "0-3", "0-7", "0-8", "0-7" } },
	{ "numa:1", { NULL, NULL, NULL, "8-15" } },
	{ "disjoint:0,2", { "0", "0-2", "0-3", "0-6" } },
	{ "disjoint:1,2", { "1-2", "3-6", "4-7", "7-14" } },
	{ "disjoint:2,3", { "2", "4-6", "4-7", "10-14" } },
	{ "disjoint:0,4", { NULL, "0", "0-1", "0-2" } },
	{ "range:0,0.5", { "0", "0-2", "0-3", "0-6" } },
	{ "range:0.5,1", { "1-2", "3-6", "4-7", "7-14" } },
	{ "range:0,0.25", { NULL, "0", "0-1", "0-2" } },
	{ "range:0.25,1", { "0-2", "1-6", "2-7", "3-14" } },
	{ "range:0,0.75", { "0-1", "0-4", "0-5", "0-10" } },
	{ "range:0.75,1", { "2", "5-6", "6-7", "11-14" } },
	{ "overlap:0,3,0.5", { "0", "0-2", "0-2", "0-6" } },
	{ "overlap:1,3,0.5", { "1", "1-4", "1-4", "3-11" } },
	{ "overlap:2,3,0.5", { "2", "3-6", "3-7", "8-14" } },
	{ "cpus:0,2-3", { "0,2-3", "0,2-3", "0,2-3", "0,2-3" } },
	{ "cpus:8", { NULL, NULL, "8", "8" } },
};

static const struct {
	unsigned int n;
	struct vector v;
} parts[] = {
	{ 2, { "llc_aligned", { NULL, "0-3 / 4-6", "0-2 / 3-5", "0-3 / 4-7" } } },
	{ 3, { "llc_aligned", { NULL, NULL, "0-2 / 3-5 / 6-7", "0-3 / 4-7 / 8-11" } } },
	{ 2, { "split_half", { "0 / 1-2", "0-2 / 3-6", "0-3 / 4-7", "0-6 / 7-14" } } },
	{ 2, { "split_misaligned", { "0 / 1-2", "0-1 / 2-6", "0 / 1-7", "0-1 / 2-14" } } },
	{ 3,
	  { "overlap:0.5",
	    { "0 / 1 / 2", "0-1 / 1-2 / 2-3", "0-2 / 1-3 / 2-4", "0-4 / 2-6 / 4-8" } } },
	{ 2, { "uneven:0.75", { "0-1 / 2", "0-4 / 5-6", "0-5 / 6-7", "0-10 / 11-14" } } },
	{ 2, { "holdback:0.33", { "0 / 1-2", "0-2 / 3-5", "0-2 / 3-6", "0-4 / 5-10" } } },
	{ 5,
	  { "overlap:0.5",
	    { NULL, "0 / 1 / 2 / 3 / 4", "0 / 1 / 2 / 3 / 4", "0-2 / 1-3 / 2-4 / 3-5 / 4-6" } } },
};

static const char *const no_specs[] = {
	"",
	"llc",
	"llc:",
	"llc:x",
	"llc:-1",
	"llc:0,",
	"llc:0,1",
	"numa:0x1",
	"range:0",
	"range:0.5,0.5",
	"range:0.6,0.5",
	"range:-0.1,1",
	"range:0,1.1",
	"range:nan,1",
	"range:0,inf",
	"range:0,1,",
	"disjoint:0,0",
	"disjoint:2,2",
	"disjoint:0",
	"disjoint:0,2,1",
	"overlap:0,2",
	"overlap:0,2,2",
	"overlap:2,2,0",
	"cpus:",
	"cpus:3-1",
	"cpus:0-99999999",
	"cpus:a",
	"exact:0-3",
	"llc:99999999",
	" llc:0",
};

static const char *const no_parts[] = { "",	     "nothing",	 "split_half:1", "overlap",
					"overlap:2", "uneven:x", "holdback:",	 "none:1" };

static void join(struct buf *b, const struct cpuset *s)
{
	char text[CPUSET_TEXT];

	if (b->len)
		buf_str(b, " / ");
	buf_str(b, cpuset_format(s, text, sizeof(text)));
}

static void test_topology(unsigned int k)
{
	const char *name = topologies[k];
	struct topo t = { 0 };
	struct topospec ts;
	char text[CPUSET_TEXT], why[CPUSPEC_WHY];
	unsigned int i, j;
	int rc;

	rc = topospec_parse(name, &ts);
	if (!ok(rc == 0 && topo_from_spec(&ts, &t) == 0, "%s is a topology", name))
		return;
	for (i = 0; i < KT_ARRAY_LEN(specs); i++) {
		const char *want = specs[i].want[k];
		struct cpuset s = { 0 };

		rc = cpuspec_resolve(&t, specs[i].what, &s, why);
		ok(rc == (want ? 0 : -ENODEV) && (why[0] == '\0') == (want != NULL),
		   "%s: %s gives %s", name, specs[i].what, want ? "a set" : "a reason");
		ok_str(cpuset_format(&s, text, sizeof(text)), want ? want : "", "%s: %s is %s",
		       name, specs[i].what, want ? want : "left alone");
	}
	for (i = 0; i < KT_ARRAY_LEN(parts); i++) {
		const char *want = parts[i].v.want[k];
		struct cpuset sets[8];
		struct buf b = BUF_INIT;

		rc = cpupart_resolve(&t, parts[i].v.what, parts[i].n, sets, why);
		for (j = 0; rc == 0 && j < parts[i].n; j++)
			join(&b, &sets[j]);
		ok(rc == (want ? 0 : -ENODEV), "%s: %s for %u gives %s", name, parts[i].v.what,
		   parts[i].n, want ? "sets" : why);
		ok_str(b.p, want, "%s: %s for %u", name, parts[i].v.what, parts[i].n);
		buf_free(&b);
	}
	for (i = 0; i < KT_ARRAY_LEN(no_specs); i++) {
		struct cpuset s = { 0 };

		rc = cpuspec_resolve(&t, no_specs[i], &s, why);
		ok(rc == -EINVAL && why[0] && cpuset_empty(&s), "%s: '%s' is no CPU spec", name,
		   no_specs[i]);
		ok(cpuspec_resolve(NULL, no_specs[i], &s, why) == -EINVAL,
		   "'%s' is no CPU spec on any machine", no_specs[i]);
	}
	for (i = 0; i < KT_ARRAY_LEN(no_parts); i++) {
		struct cpuset sets[2];

		rc = cpupart_resolve(&t, no_parts[i], 2, sets, why);
		ok(rc == -EINVAL && why[0], "%s: '%s' is no partition", name, no_parts[i]);
	}
	ok(cpupart_resolve(&t, "none", 2, NULL, why) == 1, "%s: none writes no sets", name);
	ok(cpupart_resolve(&t, "split_half", 3, NULL, why) == -EINVAL, "%s: split_half is for two",
	   name);
	topo_free(&t);
}

int main(void)
{
	unsigned int k;
	char why[CPUSPEC_WHY];

	for (k = 0; k < KT_ARRAY_LEN(topologies); k++)
		test_topology(k);
	ok(cpuspec_resolve(NULL, "llc:7", NULL, why) == 0,
	   "without a machine only the text counts");
	ok(cpupart_resolve(NULL, "uneven:0.5", 2, NULL, why) == 0, "the same for a partition");
	return tap_done();
}
