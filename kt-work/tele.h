/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that a group shares: what its workers publish while they run, so that there is
 * something to report even of a worker that was killed. One writer per field.
 *
 *	struct share | struct chan[count] | struct tele + cpu[] + node[] per worker, each padded
 */
#ifndef KT_WORK_TELE_H
#define KT_WORK_TELE_H

#include "hist.h"

#include <stdatomic.h>
#include <stdint.h>

#define CACHE_LINE 64
#define GAPS_KEPT 8
#define CHAN_STAMPS 16

/* Values of tele.since that are no time. */
#define SINCE_WAITING UINT64_MAX /* for a partner: see wait_seen and its channel */
#define SINCE_DONE (UINT64_MAX - 1)
#define SINCE_GATE (UINT64_MAX - 2)
#define SINCE_TIME_MAX (UINT64_MAX - 3)

struct share {
	_Atomic uint32_t gate; /* futex: 0 closed, 1 open */
	_Atomic uint32_t stop;
	uint64_t start_ns; /* CLOCK_MONOTONIC when the gate opened; written before that */
} __attribute__((aligned(CACHE_LINE)));

/* What one party waits for. The waker stores its stamp, then advances seq, then wakes; so the
 * stamp of wake-up n is stamp[n % CHAN_STAMPS], for the latest CHAN_STAMPS of them. */
struct chan {
	_Atomic uint32_t seq; /* futex */
	_Atomic uint32_t lock; /* MutexContention: the lock of the unit, in its first channel */
	_Atomic uint64_t waiters; /* MutexContention: one bit per member, there too */
	_Atomic uint64_t stamp[CHAN_STAMPS];
	/* The channel's owner waits elsewhere, for a messenger that does not wait for it: the first
	 * wake-up since it began to wait; 0: none yet. */
	_Atomic uint64_t first;
} __attribute__((aligned(CACHE_LINE)));

struct gap {
	uint64_t begin_ns, len_ns;
	int64_t cpu; /* where it ran last; -1 unknown */
};

/* The longest first. */
struct gaps {
	unsigned int n;
	struct gap g[GAPS_KEPT];
};

enum mig_kind {
	MIG_WITHIN_CORE,
	MIG_WITHIN_LLC,
	MIG_ACROSS_LLC,
	MIG_ACROSS_NODE,
	MIG_KINDS,
};

struct cpu_time {
	uint64_t ns, first_ns, last_ns; /* last_ns 0: never seen there */
};

struct schedstat {
	uint64_t cpu_ns, delay_ns, pcount;
	int err; /* 0, or why it could not be read: -errno */
};

struct tele {
	/* The time from which on it should have run: its last progress, or the end of its sleep; or
	 * one of SINCE_*. */
	_Atomic uint64_t since;
	_Atomic uint32_t wait_seen; /* waiting: the seq it has consumed */
	_Atomic uint32_t wait_chan; /* index of the channel it waits at */
	_Atomic uint64_t iterations, work_units;
	_Atomic int32_t cpu;

	struct gaps gaps __attribute__((aligned(CACHE_LINE)));
	uint64_t sleep_ns, cpu_charged_ns, migrations[MIG_KINDS];

	/* Set once: before the gate, and after the load. */
	struct schedstat stat_begin, stat_end;
	uint64_t cpu_begin_ns, cpu_ns, end_ns;
	int numa_err; /* 0: node[] is filled; else -errno */
	uint32_t completed;
	int fail_errno; /* why it gave up */
	char fail_text[160];

	struct hist wake;
	struct cpu_time cpus[]; /* n_cpus of them, then uint64_t pages[n_nodes] */
};

/* gaps_add - keep it if it is one of the longest. */
void gaps_add(struct gaps *gs, uint64_t begin_ns, uint64_t len_ns, int64_t cpu);

/* chan_post - the waker's part, but for the wake-up itself. */
static inline void chan_post(struct chan *c, uint64_t now)
{
	uint32_t next = atomic_load_explicit(&c->seq, memory_order_relaxed) + 1;

	atomic_store_explicit(&c->stamp[next % CHAN_STAMPS], now, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->seq, 1, memory_order_release);
}

/* chan_stamp - when the wake-up after `seen` was sent; 0: none yet, or no longer known. */
static inline uint64_t chan_stamp(struct chan *c, uint32_t seen)
{
	uint32_t seq = atomic_load_explicit(&c->seq, memory_order_acquire);
	uint32_t ahead = seq - seen;

	/* The slot of seq + 1 may be being written: it is the one of seq + 1 - CHAN_STAMPS. */
	if (ahead == 0 || ahead >= CHAN_STAMPS)
		return 0;
	return atomic_load_explicit(&c->stamp[(seen + 1) % CHAN_STAMPS], memory_order_relaxed);
}

#endif
