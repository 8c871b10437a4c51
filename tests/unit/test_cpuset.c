/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets, lists and masks. */
#include "cleanup.h"
#include "cpuset.h"
#include "tap.h"

#include <errno.h>

static const struct {
	const char *in, *out; /* out NULL: refused with rc */
	int rc;
} lists[] = {
	{ "", "", 0 },
	{ " \n", "", 0 },
	{ "0", "0", 0 },
	{ "0-3\n", "0-3", 0 },
	{ "3,1,2", "1-3", 0 },
	{ "0-1,1-2,2", "0-2", 0 },
	{ "0,2,4-5", "0,2,4-5", 0 },
	{ "63-64,127-128", "63-64,127-128", 0 },
	{ "5-5", "5", 0 },
	{ "007", "7", 0 },
	{ "8191", "8191", 0 },
	{ "0-8191", "0-8191", 0 },
	{ "8192", NULL, -ERANGE },
	{ "0-99999999999999999999", NULL, -ERANGE },
	{ "3-1", NULL, -EINVAL },
	{ "1,", NULL, -EINVAL },
	{ ",1", NULL, -EINVAL },
	{ "1,,2", NULL, -EINVAL },
	{ "1-", NULL, -EINVAL },
	{ "-1", NULL, -EINVAL },
	{ "1 2", NULL, -EINVAL },
	{ "1, 2", NULL, -EINVAL },
	{ "0-3:2/4", NULL, -EINVAL },
	{ "a", NULL, -EINVAL },
	{ "0x1", NULL, -EINVAL },
	{ "1\n2", NULL, -EINVAL },
};

static const struct {
	const char *in, *out;
	int rc;
} masks[] = {
	{ "0", "", 0 },
	{ "1\n", "0", 0 },
	{ "ff", "0-7", 0 },
	{ "00000001,00000000", "32", 0 },
	{ "3,00000003", "0-1,32-33", 0 },
	{ "F0", "4-7", 0 },
	{ "80000000,00000000,00000001", "0,95", 0 },
	{ "", NULL, -EINVAL },
	{ "g", NULL, -EINVAL },
	{ "0xff", NULL, -EINVAL },
	{ "1 1", NULL, -EINVAL },
};

static void test_texts(void)
{
	char text[CPUSET_TEXT];
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(lists); i++) {
		struct cpuset s = { .w = { 0x20 } };
		int rc = cpuset_parse(lists[i].in, &s);

		ok(rc == lists[i].rc, "list '%s' returns %d", lists[i].in, lists[i].rc);
		ok_str(cpuset_format(&s, text, sizeof(text)), lists[i].out ? lists[i].out : "5",
		       "list '%s' gives '%s'", lists[i].in,
		       lists[i].out ? lists[i].out : "what was there");
	}
	for (i = 0; i < KT_ARRAY_LEN(masks); i++) {
		struct cpuset s = { .w = { 0x20 } };
		int rc = cpuset_parse_mask(masks[i].in, &s);

		ok(rc == masks[i].rc, "mask '%s' returns %d", masks[i].in, masks[i].rc);
		ok_str(cpuset_format(&s, text, sizeof(text)), masks[i].out ? masks[i].out : "5",
		       "mask '%s' gives '%s'", masks[i].in,
		       masks[i].out ? masks[i].out : "what was there");
	}
}

static void test_largest_text(void)
{
	struct cpuset s = { 0 }, again = { 0 };
	static char text[CPUSET_TEXT];
	unsigned int i;

	/* Pairs with a gap between make the longest text: "4000-4001," for three ids. */
	for (i = 0; i < CPUSET_MAX; i++)
		if (i % 3 != 2)
			cpuset_add(&s, i);
	ok(strlen(cpuset_format(&s, text, sizeof(text))) + 1 <= sizeof(text) &&
		   cpuset_parse(text, &again) == 0 && cpuset_equal(&s, &again),
	   "pairs with gaps fit into CPUSET_TEXT and come back");
	memset(&s, 0, sizeof(s));
	for (i = 0; i < CPUSET_MAX; i += 2)
		cpuset_add(&s, i);
	ok(strlen(cpuset_format(&s, text, sizeof(text))) + 1 <= sizeof(text) &&
		   cpuset_parse(text, &again) == 0 && cpuset_equal(&s, &again),
	   "every other id fits into CPUSET_TEXT and comes back");
}

static void test_operations(void)
{
	struct cpuset a = { 0 }, b = { 0 }, s;
	char text[CPUSET_TEXT];

	ok(cpuset_empty(&a) && cpuset_count(&a) == 0 && cpuset_next(&a, 0) < 0 &&
		   cpuset_nth(&a, 0) < 0,
	   "the empty set has nothing");
	ok(cpuset_parse("0-3,64,8191", &a) == 0 && cpuset_parse("2-5,64", &b) == 0, "two sets");
	ok(cpuset_count(&a) == 6, "count");
	ok(cpuset_has(&a, 8191) && !cpuset_has(&a, 8190) && !cpuset_has(&a, 8192) &&
		   !cpuset_has(&a, 4000000000U),
	   "has, also for ids that no set can have");
	ok(cpuset_next(&a, 4) == 64 && cpuset_next(&a, 64) == 64 && cpuset_next(&a, 65) == 8191 &&
		   cpuset_next(&a, 8192) < 0 && cpuset_next(&a, -1) < 0,
	   "next");
	ok(cpuset_nth(&a, 0) == 0 && cpuset_nth(&a, 4) == 64 && cpuset_nth(&a, 5) == 8191 &&
		   cpuset_nth(&a, 6) < 0,
	   "nth");
	s = a;
	cpuset_and(&s, &b);
	ok_str(cpuset_format(&s, text, sizeof(text)), "2-3,64", "and");
	ok(cpuset_subset(&s, &a) && cpuset_subset(&s, &b) && !cpuset_subset(&a, &b), "subset");
	s = a;
	cpuset_or(&s, &b);
	ok_str(cpuset_format(&s, text, sizeof(text)), "0-5,64,8191", "or");
	s = a;
	cpuset_andnot(&s, &b);
	ok_str(cpuset_format(&s, text, sizeof(text)), "0-1,8191", "andnot");
	cpuset_slice(&s, &a, 1, 5);
	ok_str(cpuset_format(&s, text, sizeof(text)), "1-3,64", "slice");
	cpuset_slice(&s, &a, 4, 100);
	ok_str(cpuset_format(&s, text, sizeof(text)), "64,8191", "a slice past the end");
	cpuset_slice(&s, &a, 3, 3);
	ok(cpuset_empty(&s), "an empty slice");
	cpuset_slice(&a, &a, 0, 2);
	ok_str(cpuset_format(&a, text, sizeof(text)), "0-1", "a slice of itself");
	cpuset_del(&a, 0);
	ok_str(cpuset_format(&a, text, sizeof(text)), "1", "del");
}

static void test_affinity(void)
{
	struct cpuset mine = { 0 }, one = { 0 }, got = { 0 }, none = { 0 };

	if (!ok(cpuset_getaffinity(0, &mine) == 0 && !cpuset_empty(&mine), "our affinity"))
		return;
	cpuset_add(&one, (unsigned int)cpuset_next(&mine, 0));
	ok(cpuset_setaffinity(0, &one) == 0 && cpuset_getaffinity(0, &got) == 0 &&
		   cpuset_equal(&one, &got),
	   "one CPU is set and read back");
	ok(cpuset_setaffinity(0, &none) == -EINVAL, "no CPU is refused");
	ok(cpuset_getaffinity(-1, &got) < 0 && cpuset_equal(&one, &got),
	   "a thread that is none leaves the result alone");
	ok(cpuset_setaffinity(0, &mine) == 0, "and back");
}

int main(void)
{
	test_texts();
	test_largest_text();
	test_operations();
	test_affinity();
	return tap_done();
}
