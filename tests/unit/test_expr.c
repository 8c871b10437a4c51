/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts and times of scenarios; the random draws; profiles. */
#include "cleanup.h"
#include "draw.h"
#include "dur.h"
#include "expr.h"
#include "flags.h"
#include "nearest.h"
#include "tap.h"

#include <errno.h>

static const struct {
	const char *text;
	bool time;
	int64_t want; /* -1: refused */
} cases[] = {
	/* on 2n4l4c1t with W = 3, D = 10 s, S = 500 ms */
	{ "7", false, 7 },
	{ "W", false, 3 },
	{ "2*W", false, 6 },
	{ "C", false, 16 },
	{ "U", false, 15 },
	{ "L*N", false, 8 },
	{ "(W+1)/2*2", false, 4 },
	{ "max(W/5,1)*5", false, 5 },
	{ "min(C-3,2)", false, 2 },
	{ "W-5", false, 0 },
	{ " 1 + 2 * 3 ", false, 7 },
	{ "lcpus(1)", false, 4 },
	{ "lcpus(4)", false, -1 },
	{ "max( lcpus(0)-1, 4 )*8", false, 32 },
	{ "C/0", false, -1 },
	{ "D", false, -1 },
	{ "2*D", false, -1 },
	{ "", false, -1 },
	{ "1+", false, -1 },
	{ "W W", false, -1 },
	{ "w", false, -1 },
	{ "CC", false, -1 },
	{ "1.5", false, -1 },
	{ "4294967295*4294967295*9", false, -1 },
	{ "((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))", false, -1 },
	{ "min(1)", false, -1 },
	{ "min(1,2", false, -1 },
	{ "D", true, 10000000000 },
	{ "S+D/2", true, 5500000000 },
	{ "200ms", true, 200000000 },
	{ "2s+D/4", true, 4500000000 },
	{ "3*1.5s", true, 4500000000 },
	{ "max(D/5,3s)", true, 3000000000 },
	{ "S-D", true, 0 },
	{ "2", true, -1 },
	{ "D+2", true, -1 },
	{ "D*D", true, -1 },
	{ "D/S", true, -1 },
	{ "min(D,2)", true, -1 },
	{ "5parsecs", true, -1 },
};

static void test_expr(void)
{
	static struct topo t;
	struct topospec spec = { .nodes = 2, .llcs = 4, .cores = 4, .threads = 1 };
	struct expr_env env = { .topo = &t,
				.workers = 3,
				.duration_ns = 10 * NSEC_PER_SEC,
				.settle_ns = 500 * NSEC_PER_MSEC };
	size_t i;

	if (!ok(topo_from_spec(&spec, &t) == 0, "a topology to count in"))
		return;
	for (i = 0; i < KT_ARRAY_LEN(cases); i++) {
		char why[EXPR_WHY] = "";
		uint64_t v = 12345;
		int rc = cases[i].time ? expr_time(cases[i].text, &env, &v, why)
				       : expr_count(cases[i].text, &env, &v, why);

		if (cases[i].want < 0)
			ok(rc == -EINVAL && why[0] && v == 12345, "'%s' is refused: %s",
			   cases[i].text, why);
		else
			ok(rc == 0 && v == (uint64_t)cases[i].want, "'%s' is %lld, not %llu %s",
			   cases[i].text, (long long)cases[i].want, (unsigned long long)v, why);
	}
	topo_free(&t);
}

static void test_draw(void)
{
	struct cpuset pool = { 0 }, s, again;
	unsigned int hits[8] = { 0 }, i;
	struct draw a, b;

	draw_seed(&a, 1, "x");
	draw_seed(&b, 1, "x");
	ok(draw_u64(&a) == draw_u64(&b), "one seed and name, one stream");
	draw_seed(&b, 1, "y");
	ok(draw_u64(&a) != draw_u64(&b), "another name, another stream");
	draw_seed(&b, 2, "x");
	ok(draw_u64(&a) != draw_u64(&b), "another seed, another stream");
	draw_seed(&a, 1, "cgroup_steady");
	ok(draw_u64(&a) >> 11 == 807192899163174,
	   "the stream of seed 1 is the one of all releases");
	for (i = 0; i < 80000; i++)
		hits[draw_below(&a, 8)]++;
	for (i = 0; i < 8; i++)
		ok(hits[i] > 9500 && hits[i] < 10500, "%u of 80000 draws below 8 are %u", hits[i],
		   i);
	(void)cpuset_parse("1,3,5-9", &pool);
	draw_subset(&a, &pool, 3, &s);
	ok(cpuset_count(&s) == 3 && cpuset_subset(&s, &pool), "three of a pool");
	for (i = 0; i < 64; i++) {
		draw_subset(&a, &pool, 3, &again);
		if (!cpuset_equal(&s, &again))
			break;
	}
	ok(i < 64, "and others the next time");
	draw_subset(&a, &pool, 99, &s);
	ok(cpuset_equal(&s, &pool), "more than there are is all");
}

static void test_flags(void)
{
	/* required, excluded, profiles: the counts of the reference */
	static const struct {
		const char *required, *excluded;
		size_t want;
	} c[] = {
		{ "", "", 48 },		  { "borrow", "", 24 },	   { "llc", "", 32 },
		{ "llc,steal", "", 16 },  { "llc,rebal", "", 16 }, { "borrow,rebal", "", 12 },
		{ "", "reject-pin", 24 }, { "steal", "llc", 0 },   { "steal", "", 16 },
	};
	char name[FLAGS_TEXT];
	flagset req, exc, all[64];
	const char *bad;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(c); i++) {
		(void)flags_parse(c[i].required, &req, &bad);
		(void)flags_parse(c[i].excluded, &exc, &bad);
		ok(flags_profiles(req, exc, all) == c[i].want,
		   "%zu profiles with '%s' without '%s'", c[i].want, c[i].required, c[i].excluded);
	}
	(void)flags_parse("steal,borrow", &req, &bad);
	ok_str(flags_profile(req, name), "borrow+steal", "a profile's name is in canonical order");
	ok_str(flags_profile(flags_least(req), name), "llc+borrow+steal", "steal brings llc");
	ok_str(flags_profile(0, name), "default", "no flag is the default profile");
	ok(flags_parse("llc,stale", &req, &bad) == -EINVAL && strcmp(bad, "stale") == 0,
	   "an unknown flag is pointed at");
}

static const char *nearest(const char *want)
{
	static const char *const names[] = { "cgroup_steady", "cgroup_uneven_steady", "sched_rr",
					     "sched_fifo", "nice_sweep" };
	struct nearest n = { .want = want };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(names); i++)
		nearest_offer(&n, names[i]);
	return n.name;
}

static void test_nearest(void)
{
	ok_str(nearest("cgroup_stedy"), "cgroup_steady", "a letter is missing");
	ok_str(nearest("cgruop_steady"), "cgroup_steady", "two letters are swapped");
	ok_str(nearest("CGROUP-STEADY"), "cgroup_steady", "case and hyphens are free");
	ok_str(nearest("fifo"), "sched_fifo", "a piece of the name");
	ok_str(nearest("shed_rr"), "sched_rr", "a letter less in a short one");
	ok_str(nearest("affinity"), NULL, "nothing is near");
	ok_str(nearest(""), NULL, "nothing is near to nothing");
}

static void test_command(void)
{
	static const char help[] = "Usage: kt-x make [--of FILE]\n"
				   "       kt-x kill|stat CGROUP\n"
				   "                     unmake\n"
				   "       kt-x\n"
				   "Does that.\n"
				   "       kt-x other\n";
	char hint[NEAREST_HINT];

	ok_str(nearest_command(help, "mkae", hint), "; did you mean 'make'?", "the first");
	ok_str(nearest_command(help, "stta", hint), "; did you mean 'stat'?", "one of several");
	ok_str(nearest_command(help, "unmake", hint), "; did you mean 'make'?",
	       "what a line goes on with is no command");
	ok_str(nearest_command(help, "other", hint), "", "nor what is below the usage");
	ok_str(nearest_command(help, "CGROUP", hint), "", "nor an argument");
	ok_str(nearest_command("usage: kt-x", "x", hint), "", "a help of one word");
}

int main(void)
{
	test_expr();
	test_draw();
	test_flags();
	test_nearest();
	test_command();
	return tap_done();
}
