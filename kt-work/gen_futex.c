/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators that wait for each other at futexes. */
#include "gen.h"

#include <limits.h>
#include <stddef.h>

#define SPIN_ITERS                                                                                 \
	{                                                                                          \
		"spin_iters", NULL, 1, 0, 1024, 0, 1000000000, "steps before each exchange"        \
	}
#define FAN_OUT                                                                                    \
	{                                                                                          \
		"fan_out", NULL, 1, 0, 4, 1, 1024, "receivers of a messenger"                      \
	}

static void pingpong_loop(struct wk *w)
{
	uint64_t spin = w->spec->work.p[0];

	/* A token goes back and forth; each side waits at its own channel. */
	if (w->member == 1 && !wk_wait(w, 1))
		return;
	while (!wk_stopped(w)) {
		wk_spin(w, spin);
		wk_done(w, spin);
		wk_wake(w, &w->chans[!w->member]);
		if (!wk_wait(w, w->member))
			return;
	}
}

const struct gen gen_FutexPingPong = {
	.name = "FutexPingPong",
	.help = "two workers wake each other in turn",
	.wake = "futex",
	.unit = 2,
	.unit_param = -1,
	.loop = pingpong_loop,
	.n_params = 1,
	.params = { SPIN_ITERS },
};

/* The messenger posts at channel 0 of the unit; one system call wakes all receivers. What it posted
 * while a receiver was busy is past. */
static bool next_generation(struct wk *w)
{
	w->seen = atomic_load_explicit(&w->chans[0].seq, memory_order_acquire);
	return wk_wait(w, 0);
}

static void fanout_loop(struct wk *w)
{
	uint64_t spin = w->spec->work.p[1];

	while (!wk_stopped(w)) {
		wk_spin(w, spin);
		if (w->member == 0) {
			wk_wake_others(w);
			wk_spin(w, 256);
			wk_done(w, spin + 256);
		} else {
			wk_done(w, spin);
			if (!next_generation(w))
				return;
		}
	}
}

const struct gen gen_FutexFanOut = {
	.name = "FutexFanOut",
	.help = "one messenger wakes fan_out receivers at once; all spin in between",
	.wake = "futex",
	.unit = 1,
	.unit_param = 0,
	.messenger = true,
	.loop = fanout_loop,
	.n_params = 2,
	.params = { FAN_OUT, SPIN_ITERS },
};

static unsigned int edge(uint64_t kb)
{
	uint64_t want = kb * 1024 / 3 / sizeof(uint64_t), e = 1;

	while ((e + 1) * (e + 1) <= want)
		e++;
	return (unsigned int)e;
}

static void compute_prepare(struct wk *w)
{
	size_t e = edge(w->spec->work.p[1]), i;

	if (w->member == 0)
		return;
	for (i = 0; i < 3; i++)
		w->m[i] = wk_alloc(w, e * e * sizeof(uint64_t));
	for (i = 0; i < e * e; i++) {
		w->m[0][i] = wk_random(w);
		w->m[1][i] = wk_random(w);
	}
}

static void product(struct wk *w, unsigned int e)
{
	const uint64_t *a = w->m[0], *b = w->m[1];
	unsigned int i, j, k, since_pause = 0;

	for (i = 0; i < e && !wk_stopped(w); i++) {
		for (j = 0; j < e; j++) {
			uint64_t sum = 0;

			for (k = 0; k < e; k++)
				sum += a[i * e + k] * b[k * e + j];
			w->m[2][i * e + j] = sum;
			since_pause += e;
			if (since_pause >= 300) { /* of about 6 instructions */
				wk_relax();
				wk_step(w, since_pause);
				since_pause = 0;
			}
		}
	}
}

static void compute_loop(struct wk *w)
{
	const uint64_t *p = w->spec->work.p;
	unsigned int e = edge(p[1]);
	uint64_t i;

	while (!wk_stopped(w)) {
		if (w->member == 0) {
			wk_wake_others(w);
			wk_spin(w, 256);
			wk_done(w, 256);
			continue;
		}
		if (!next_generation(w))
			return;
		wk_sleep(w, p[3], false);
		for (i = 0; i < p[2] && !wk_stopped(w); i++)
			product(w, e);
		wk_done(w, p[2]);
	}
}

const struct gen gen_FanOutCompute = {
	.name = "FanOutCompute",
	.help = "one messenger wakes fan_out receivers; each sleeps a little, then multiplies matrices",
	.wake = "futex",
	.unit = 1,
	.unit_param = 0,
	.messenger = true,
	.prepare = compute_prepare,
	.loop = compute_loop,
	.n_params = 4,
	.params = {
		FAN_OUT,
		{ "cache_footprint_kb", NULL, 1, 0, 256, 1, 1048576, "size of the three matrices" },
		{ "operations", NULL, 1, 0, 5, 1, 1000000, "matrix products per wake-up" },
		{ "sleep_usec", "sleep_ms", 1000, 1000000, 100, 0, 3600000000, "sleep after waking" },
	},
};

/* A lock of one word. Who does not get it sets its bit in `waiters` and sleeps at its own channel:
 * so the one who unlocks knows whom it wakes, and the stamp is that one's. */
#define LOCK(w) (&(w)->chans[0].lock)
#define WAITERS(w) (&(w)->chans[0].waiters)

static bool try_lock(struct wk *w)
{
	uint32_t free_word = 0;

	return atomic_compare_exchange_strong(LOCK(w), &free_word, 1);
}

static bool lock(struct wk *w)
{
	uint64_t bit = UINT64_C(1) << w->member;

	while (!try_lock(w)) {
		w->seen = atomic_load(&w->chans[w->member].seq);
		/* The bit first, then the second try: who unlocks clears the word, then looks. */
		atomic_fetch_or(WAITERS(w), bit);
		if (try_lock(w)) {
			atomic_fetch_and(WAITERS(w), ~bit);
			return true;
		}
		if (!wk_wait(w, w->member))
			return false;
	}
	return true;
}

static void unlock(struct wk *w)
{
	uint64_t waiters;

	atomic_store(LOCK(w), 0);
	while ((waiters = atomic_load(WAITERS(w))) != 0) {
		/* The next one after this member, so that all have their turn. */
		uint64_t after = waiters & ~((UINT64_C(2) << w->member) - 1);
		int next = __builtin_ctzll(after ? after : waiters);
		uint64_t bit = UINT64_C(1) << next;

		if (atomic_fetch_and(WAITERS(w), ~bit) & bit) {
			wk_wake(w, &w->chans[next]);
			return;
		}
	}
}

static void mutex_loop(struct wk *w)
{
	uint64_t hold = w->spec->work.p[1], work = w->spec->work.p[2];

	while (!wk_stopped(w)) {
		wk_spin(w, work);
		if (!lock(w))
			return;
		wk_spin(w, hold);
		unlock(w);
		wk_done(w, work + hold);
	}
}

const struct gen gen_MutexContention = {
	.name = "MutexContention",
	.help = "workers contend for one lock: spin, lock, spin, unlock",
	.wake = "futex",
	.unit = 0,
	.unit_param = 0,
	.loop = mutex_loop,
	.n_params = 3,
	.params = {
		{ "contenders", NULL, 1, 0, 4, 1, 64, "workers of one lock" },
		{ "hold_iters", NULL, 1, 0, 256, 0, 1000000000, "steps with the lock held" },
		{ "work_iters", NULL, 1, 0, 1024, 0, 1000000000, "steps before taking it" },
	},
};
