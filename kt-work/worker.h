/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker, seen from inside: the clock, progress, sleeping, waiting, and the life of the process.
 * Generators (gen_*.c) are written with the wk_ functions and need no clock of their own. */
#ifndef KT_WORK_WORKER_H
#define KT_WORK_WORKER_H

#include "spec.h"
#include "tele.h"

#include <stdbool.h>
#include <time.h>

#define CHARGE_NS UINT64_C(1000000) /* CPU time is charged to a CPU at most this often */
/* A look at the clock costs 25 to 70 ns, so spinning work looks at it after so many steps that it
 * happens about every 50 us, whatever the machine: the number adapts itself, within these bounds.
 */
#define TICK_NS 50000
#define QUOTA_MIN 1024
#define QUOTA_START 8192
#define QUOTA_MAX 131072

/* Where CPUs lie, by CPU number; -1 unknown. Shared by all workers, read-only. */
struct places {
	unsigned int n_cpus, n_nodes;
	const int *core, *llc, *node; /* n_cpus each */
};

struct wk {
	struct share *share;
	struct tele *t;
	struct chan *chans; /* of the unit: its members' channels */
	const struct spawn *spec;
	const struct places *places;
	unsigned int index; /* in the group */
	unsigned int member, unit_size; /* in the unit: member 0 of 2, say */
	int rd_fd, wr_fd; /* pipe types */
	uint64_t offset_ns;
	uint64_t rng; /* state; from the op's seed and the index only */

	uint64_t last_ns; /* last progress */
	uint64_t charged_at_ns; /* when CPU time was charged last */
	unsigned int credit; /* steps since the last look at the clock */
	unsigned int quota; /* as many make the next one due */
	bool fresh; /* last_ns was read a moment ago */
	bool relaxed; /* it paused a moment ago */
	uint32_t seen; /* wake-ups consumed at its channel */
	int cpu;

	/* The generator's own. */
	unsigned char *mem;
	size_t mem_len;
	uint64_t *m[3];
	int fd;
	struct cpuset cpus;
	int nice_min, n_policies;
};

static inline bool wk_stopped(const struct wk *w)
{
	return atomic_load_explicit(&w->share->stop, memory_order_relaxed) != 0;
}

/* wk_tick - it runs: end of a stretch without progress. Returns the time. */
uint64_t wk_tick(struct wk *w);

/* wk_spin - n steps of burn.h. Ends early when stopped. */
void wk_spin(struct wk *w, uint64_t n);

/* wk_due - wk_tick for spinning work; adapts the quota. */
void wk_due(struct wk *w);

/* wk_step - n steps of some other work were done: look at the clock now and then. */
static inline void wk_step(struct wk *w, unsigned int n)
{
	w->credit += n;
	if (w->credit >= w->quota)
		wk_due(w);
}

/* wk_relax - only the pause: other work than spinning needs one, too, now and then. */
void wk_relax(void);

/* wk_done - one outer iteration of so many work units is over. */
static inline void wk_done(struct wk *w, uint64_t units)
{
	struct tele *t = w->t;

	atomic_store_explicit(&t->iterations,
			      atomic_load_explicit(&t->iterations, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&t->work_units,
			      atomic_load_explicit(&t->work_units, memory_order_relaxed) + units,
			      memory_order_relaxed);
}

/* wk_yield - sched_yield. Its time off the CPU is time without progress. */
void wk_yield(struct wk *w);

/* wk_sleep - until so long after now; sample: the overshoot is a wake-up latency. */
void wk_sleep(struct wk *w, uint64_t ns, bool sample);

/* wk_wake - wake the worker that waits at a channel. Progress, too. */
void wk_wake(struct wk *w, struct chan *c);

/* wk_wake_others - the messenger, member 0: wake all others, who wait at its channel. */
void wk_wake_others(struct wk *w);

/* wk_wait - wait until channel number `member` of the unit is ahead of what this worker has
 * consumed. Returns false when it was stopped. */
bool wk_wait(struct wk *w, unsigned int member);

/* wk_wait_begin, wk_wait_end - the same around a wait of another kind (a pipe). wk_wait_end is
 * told whether it slept at all: -1: find out by comparing the stamps. */
uint64_t wk_wait_begin(struct wk *w, unsigned int member);
void wk_wait_end(struct wk *w, unsigned int member, uint64_t begin_ns, int slept);

/* wk_idle - nothing to do any more (a partner is gone): wait for the stop. */
void wk_idle(struct wk *w);

/* wk_random - the next number of the worker's own sequence (splitmix64). */
uint64_t wk_random(struct wk *w);

/* wk_fail - give up: the reason reaches the report. err is an errno, 0: none. */
void wk_fail(struct wk *w, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/* wk_alloc - zeroed private memory, already touched. Fails the worker when there is none. */
void *wk_alloc(struct wk *w, size_t len);

/* worker_main - the life of a worker, in the child: set up, tell ready_fd, wait at the gate, work,
 * leave the figures in the shared memory. keep_fds: what it needs open, ready_fd included. */
void worker_main(struct wk *w, pid_t parent, int ready_fd, int null_fd) __attribute__((noreturn));

/* schedstat_read - of a thread, 0: the caller; a failure is kept in ret->err. */
void schedstat_read(pid_t tid, struct schedstat *ret);

#endif
