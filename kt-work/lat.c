/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker measures while it works: progress, gaps, wake-to-run latencies, CPU time by CPU. */
#include "lat.h"
#include "burn.h"
#include "mono.h"
#include "tele.h"
#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void gaps_add(struct gaps *gs, uint64_t begin_ns, uint64_t len_ns, int64_t cpu)
{
	unsigned int i;

	if (gs->n == GAPS_KEPT && len_ns <= gs->g[GAPS_KEPT - 1].len_ns)
		return;
	i = gs->n < GAPS_KEPT ? gs->n++ : GAPS_KEPT - 1;
	for (; i > 0 && gs->g[i - 1].len_ns < len_ns; i--)
		gs->g[i] = gs->g[i - 1];
	gs->g[i] = (struct gap){ .begin_ns = begin_ns, .len_ns = len_ns, .cpu = cpu };
}

/* After the stop the parent has closed what was open; a worker must not count it again. */
static void add_gap(struct wk *w, uint64_t begin, uint64_t now)
{
	if (now > begin && !wk_stopped(w))
		gaps_add(&w->t->gaps, begin, now - begin, w->cpu);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static enum mig_kind mig_kind(const struct places *p, int a, int b)
{
	if ((unsigned int)a >= p->n_cpus || (unsigned int)b >= p->n_cpus)
		return MIG_ACROSS_LLC;
	if (p->core[a] >= 0 && p->core[a] == p->core[b])
		return MIG_WITHIN_CORE;
	if (p->llc[a] >= 0 && p->llc[a] == p->llc[b])
		return MIG_WITHIN_LLC;
	return p->node[a] == p->node[b] ? MIG_ACROSS_LLC : MIG_ACROSS_NODE;
}

/* The thread's CPU clock is a system call (2.3 us in a TCG guest), the CPU number and the
 * monotonic clock are not: so those two decide when it is read. */
static void see_cpu(struct wk *w, uint64_t now, bool last)
{
	int cpu = sched_getcpu();
	bool moved = cpu != w->cpu;

	if (moved) {
		w->t->migrations[mig_kind(w->places, w->cpu, cpu)]++;
		w->cpu = cpu;
		atomic_store_explicit(&w->t->cpu, cpu, memory_order_relaxed);
	}
	if (!moved && !last && now - w->charged_at_ns < CHARGE_NS)
		return;
	if (last || now - w->charged_at_ns >= CHARGE_NS) {
		uint64_t used = thread_cpu_ns() - w->t->cpu_begin_ns;

		if ((unsigned int)cpu < w->places->n_cpus)
			w->t->cpus[cpu].ns += used - w->t->cpu_charged_ns;
		w->t->cpu_charged_ns = used;
		w->charged_at_ns = now;
	}
	if ((unsigned int)cpu < w->places->n_cpus) {
		struct cpu_time *c = &w->t->cpus[cpu];

		if (c->last_ns == 0)
			c->first_ns = now;
		c->last_ns = now;
	}
}

static void publish(struct wk *w, uint64_t since)
{
	atomic_store_explicit(&w->t->since, since, memory_order_release);
}

/* It runs since `now`, after it should have run since `begin`. */
static void running(struct wk *w, uint64_t begin, uint64_t now)
{
	add_gap(w, begin, now);
	w->last_ns = now;
	w->credit = 0;
	w->fresh = false;
	publish(w, now);
	see_cpu(w, now, false);
}

void wk_relax(void)
{
	burn(0);
}

/* The pause is for an emulator that runs its CPUs in turns, in virtual time: a CPU that is busy
 * with system calls alone would keep its turn for tens of milliseconds, and the others look
 * stalled. */
uint64_t wk_tick(struct wk *w)
{
	uint64_t now;

	if (!w->relaxed)
		wk_relax();
	w->relaxed = false;
	now = mono_ns();
	running(w, w->last_ns, now);
	return now;
}

void wk_due(struct wk *w)
{
	uint64_t before = w->last_ns, took = wk_tick(w) - before;

	if (took < TICK_NS / 2 && w->quota < QUOTA_MAX)
		w->quota *= 2;
	else if (took > TICK_NS * 2 && w->quota > QUOTA_MIN)
		w->quota /= 2;
}

void wk_spin(struct wk *w, uint64_t n)
{
	while (n > 0 && !wk_stopped(w)) {
		unsigned int chunk = n < BURN_STEPS ? (unsigned int)n : BURN_STEPS;

		burn(chunk);
		w->relaxed = true;
		n -= chunk;
		wk_step(w, chunk);
	}
}

void wk_yield(struct wk *w)
{
	(void)sched_yield(); /* cannot fail */
	(void)wk_tick(w);
}

static void sleep_till(struct wk *w, uint64_t deadline)
{
	while (mono_sleep_until(deadline) == EINTR && !wk_stopped(w))
		; /* stopped and continued */
}

void wk_sleep(struct wk *w, uint64_t ns, bool sample)
{
	uint64_t now = wk_tick(w), deadline = now + ns;

	if (ns == 0 || wk_stopped(w))
		return;
	w->t->sleep_ns += ns;
	publish(w, deadline);
	sleep_till(w, deadline);
	now = mono_ns();
	if (wk_stopped(w)) {
		if (now < deadline)
			w->t->sleep_ns -= deadline - now;
	} else if (sample) {
		hist_add(&w->t->wake, now - deadline);
	}
	running(w, deadline, now);
}

static long futex(_Atomic uint32_t *word, int op, uint32_t val)
{
	return syscall(SYS_futex, word, op, val, NULL, NULL, 0);
}

void wk_wake(struct wk *w, struct chan *c)
{
	chan_post(c, wk_tick(w));
	w->fresh = true;
	(void)futex(&c->seq, FUTEX_WAKE, 1); /* whether somebody was asleep is no news */
}

void wk_wake_others(struct wk *w)
{
	uint64_t now = wk_tick(w);
	unsigned int i;

	chan_post(&w->chans[0], now);
	for (i = 1; i < w->unit_size; i++)
		if (atomic_load_explicit(&w->chans[i].first, memory_order_relaxed) == 0)
			atomic_store_explicit(&w->chans[i].first, now, memory_order_relaxed);
	(void)futex(&w->chans[0].seq, FUTEX_WAKE, w->unit_size - 1);
}

uint64_t wk_wait_begin(struct wk *w, unsigned int member)
{
	uint64_t now = w->fresh ? w->last_ns : wk_tick(w);
	struct chan *base = (struct chan *)(w->share + 1);

	atomic_store_explicit(&w->t->wait_chan, (uint32_t)(&w->chans[member] - base),
			      memory_order_relaxed);
	atomic_store_explicit(&w->t->wait_seen, w->seen, memory_order_relaxed);
	atomic_store_explicit(&w->chans[w->member].first, 0, memory_order_relaxed);
	publish(w, SINCE_WAITING);
	return now;
}

void wk_wait_end(struct wk *w, unsigned int member, uint64_t begin, int slept)
{
	uint64_t now = mono_ns(), stamp = chan_stamp(&w->chans[member], w->seen);

	if (stamp == 0) { /* stopped, or a messenger has gone on many times since */
		stamp = atomic_load_explicit(&w->chans[w->member].first, memory_order_relaxed);
		if (stamp < begin) /* left by a round before */
			stamp = 0;
	}
	if (stamp == 0) {
		running(w, now, now);
		return;
	}
	if (stamp > begin)
		w->t->sleep_ns += stamp - begin;
	if (slept < 0)
		slept = stamp > begin;
	if (slept && now >= stamp && !wk_stopped(w))
		hist_add(&w->t->wake, now - stamp);
	running(w, stamp > begin ? stamp : begin, now);
}

bool wk_wait(struct wk *w, unsigned int member)
{
	struct chan *c = &w->chans[member];
	uint64_t begin = wk_wait_begin(w, member);
	int slept = 0;

	while (!wk_stopped(w) && atomic_load_explicit(&c->seq, memory_order_acquire) == w->seen)
		slept |= futex(&c->seq, FUTEX_WAIT, w->seen) == 0;
	wk_wait_end(w, member, begin, slept);
	w->seen = atomic_load_explicit(&c->seq, memory_order_acquire);
	return !wk_stopped(w);
}

void wk_idle(struct wk *w)
{
	publish(w, SINCE_DONE);
	while (!wk_stopped(w))
		(void)futex((_Atomic uint32_t *)&w->share->stop, FUTEX_WAIT, 0);
}

uint64_t wk_random(struct wk *w)
{
	uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void lat_base(struct wk *w)
{
	schedstat_read(0, &w->t->stat_begin);
	w->t->cpu_begin_ns = thread_cpu_ns();
}

void lat_gate(struct wk *w)
{
	uint64_t begin, now;

	while (atomic_load_explicit(&w->share->gate, memory_order_acquire) == 0)
		(void)futex(&w->share->gate, FUTEX_WAIT, 0);
	begin = w->share->start_ns + w->offset_ns;
	if (w->offset_ns > 0 && !wk_stopped(w))
		sleep_till(w, begin);
	now = mono_ns();
	w->cpu = sched_getcpu();
	w->charged_at_ns = now - CHARGE_NS;
	w->quota = QUOTA_START;
	running(w, begin, now);
}

void lat_end(struct wk *w)
{
	uint64_t now = mono_ns();

	see_cpu(w, now, true);
	w->t->cpu_ns = w->t->cpu_charged_ns;
	w->t->end_ns = now;
	schedstat_read(0, &w->t->stat_end);
	publish(w, SINCE_DONE);
}
