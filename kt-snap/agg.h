/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of threads, and what their members add up to on both sides of an interval.
 *
 * Each thread of the interval is told once, when it is known what became of it: alive on both sides
 * (a pair), gone, or new. For a group and a counter,
 *
 *	after = before - died + moved + delta
 *
 * where delta is what the counter grew by in threads alive on both sides, plus all of it in new
 * ones; died is what threads that are gone had last; moved is what came or went without growth:
 *with threads that joined from another group or left to one, and with values known on one side
 *only. */
#ifndef KT_SNAP_AGG_H
#define KT_SNAP_AGG_H

#include "metric.h"
#include "words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 kt_u128;
typedef __int128 kt_i128;

/* What a group is named by; a key has those asked for, in this order. */
enum group_part {
	PART_PCOMM = 1,
	PART_COMM = 2,
	PART_CGROUP = 4,
	PART_TID = 8, /* each thread is a group; the key has its names too */
};

/* One thread or cgroup of a snapshot. */
struct item {
	struct item *next; /* of a table, or of the free ones */
	struct group *group; /* NULL with PART_TID */
	uint32_t tid, tgid; /* a cgroup: 0, and 1 + the word of its path */
	uint64_t start_ns; /* a cgroup: the word of its id */
	bool start_known, seen;
	char *names; /* with PART_TID: the key of the group; owned */
	size_t names_len;
	struct metric_set has;
	uint64_t v[M_N]; /* numbers, two's complement, or words */
};

struct tally_word {
	uint32_t word, n;
};

struct acc {
	union {
		struct {
			kt_u128 sum[2]; /* before, after; of RULE_MAX the largest */
			kt_u128 died, out, in; /* moved is in - out */
		} n;
		struct {
			kt_i128 min[2], max[2];
		} range;
		struct {
			struct tally_word *t[2];
			uint32_t n[2];
		} words;
	};
	uint32_t known[2], unknown[2]; /* threads by whether they have the value */
	uint32_t changed; /* alive on both sides: a counter that fell, another value that differs */
};

struct members {
	uint32_t side[2]; /* before = kept + left + died, after = kept + joined + born */
	uint32_t kept, born, died, joined, left;
};

struct group {
	struct group *next;
	uint32_t hash, epoch;
	struct members threads, cgroups;
	uint32_t tid, tgid; /* with PART_TID */
	uint64_t start_ns;
	struct acc *acc; /* M_N of them; NULL until the first value */
	size_t key_len;
	char key[]; /* for each part: 0 (null) or 1 and the text and 0 */
};

struct agg {
	struct metric_set want;
	struct words words;
	struct group **slot;
	size_t n_slots, n_groups;
	uint32_t epoch;
	bool plain; /* the sides are of different boots: nothing is matched, delta is after - before
		     */
	struct metric_set sums; /* RULE_SUM and RULE_GAUGE */
	uint8_t rule[M_N];
	bool is_signed[M_N];
};

int agg_init(struct agg *g, const struct metric_set *want);
void agg_free(struct agg *g);

/* agg_group - the group of this key, made if need be. NULL: no memory. */
struct group *agg_group(struct agg *g, const char *key, size_t len);

/* agg_begin - a new interval: all groups are empty, and those that the last two had no member of
 * are forgotten. No item made before the last two may be used any more. */
void agg_begin(struct agg *g);

/* Each returns 0 or -ENOMEM. of is the group that counts; agg_pair's is that of the item after. */
int agg_pair(struct agg *g, const struct item *before, const struct item *after);
int agg_died(struct agg *g, const struct item *before);
int agg_born(struct agg *g, const struct item *after);

/* agg_one - the same into a group of the caller's, for one thread: either may be NULL. */
int agg_one(struct agg *g, struct group *of, const struct item *before, const struct item *after);
void agg_clear(struct agg *g, struct group *of);

/* agg_each - all groups that have members in this interval. fn returns 0, or what ends it. */
int agg_each(struct agg *g, int (*fn)(struct group *of, void *arg), void *arg);

#endif
