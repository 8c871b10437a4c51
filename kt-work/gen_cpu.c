/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators that need nothing but the CPU: spinning, yielding, bursts, phases. */
#include "gen.h"

static void spin_loop(struct wk *w)
{
	while (!wk_stopped(w)) {
		wk_spin(w, 1024);
		wk_done(w, 1024);
	}
}

const struct gen gen_CpuSpin = {
	.name = "CpuSpin",
	.help = "spins: 1024 additions per iteration",
	.unit = 1,
	.unit_param = -1,
	.loop = spin_loop,
};

static void yield_loop(struct wk *w)
{
	while (!wk_stopped(w)) {
		wk_done(w, 1);
		wk_yield(w);
	}
}

const struct gen gen_YieldHeavy = {
	.name = "YieldHeavy",
	.help = "calls sched_yield and does nothing else",
	.unit = 1,
	.unit_param = -1,
	.loop = yield_loop,
};

static void mixed_loop(struct wk *w)
{
	while (!wk_stopped(w)) {
		wk_spin(w, 1024);
		wk_done(w, 1024);
		wk_yield(w);
	}
}

const struct gen gen_Mixed = {
	.name = "Mixed",
	.help = "spins 1024 steps, then yields",
	.unit = 1,
	.unit_param = -1,
	.loop = mixed_loop,
};

/* Returns the steps done. */
static uint64_t spin_until(struct wk *w, uint64_t end_ns)
{
	uint64_t n = 0;

	do {
		unsigned int chunk = w->quota; /* looks at the clock once */

		wk_spin(w, chunk);
		n += chunk;
	} while (w->last_ns < end_ns && !wk_stopped(w));
	return n;
}

static void bursty_loop(struct wk *w)
{
	uint64_t burst = w->spec->work.p[0], sleep = w->spec->work.p[1];

	while (!wk_stopped(w)) {
		wk_done(w, spin_until(w, w->last_ns + burst));
		wk_sleep(w, sleep, true);
	}
}

const struct gen gen_Bursty = {
	.name = "Bursty",
	.help = "spins for a time, then sleeps for a time",
	.wake = "sleep",
	.unit = 1,
	.unit_param = -1,
	.loop = bursty_loop,
	.n_params = 2,
	.params = {
		{ "burst_ms", "burst_usec", 1000000, 1000, 50, 1, 3600000, "time to spin" },
		{ "sleep_ms", "sleep_usec", 1000000, 1000, 100, 1, 3600000, "time to sleep" },
	},
};

static uint64_t phase_run(struct wk *w, const struct phase *p)
{
	uint64_t end = w->last_ns + p->ns, n = 0;

	switch (p->kind) {
	case PHASE_SPIN:
		return spin_until(w, end);
	case PHASE_SLEEP:
		wk_sleep(w, p->ns, true);
		return 0;
	case PHASE_YIELD:
		while (!wk_stopped(w) && w->last_ns < end) {
			wk_yield(w);
			n++;
		}
		return n;
	case PHASE_IO:
		while (!wk_stopped(w) && w->last_ns < end) {
			gen_io_write(w);
			wk_sleep(w, GEN_IO_SLEEP_NS, false);
			n += GEN_IO_BLOCKS;
		}
		return n;
	}
	return 0;
}

static void sequence_prepare(struct wk *w)
{
	unsigned int i;

	for (i = 0; i < w->spec->work.n_phases; i++)
		if (w->spec->work.phases[i].kind == PHASE_IO) {
			gen_io_prepare(w);
			return;
		}
}

static void sequence_loop(struct wk *w)
{
	const struct work *work = &w->spec->work;
	unsigned int i;

	while (!wk_stopped(w)) {
		uint64_t units = 0;

		for (i = 0; i < work->n_phases && !wk_stopped(w); i++)
			units += phase_run(w, &work->phases[i]);
		wk_done(w, units);
	}
}

const struct gen gen_Sequence = {
	.name = "Sequence",
	.help = "phases in a row: spin, sleep, yield, io, each for a time",
	.wake = "sleep",
	.unit = 1,
	.unit_param = -1,
	.prepare = sequence_prepare,
	.loop = sequence_loop,
};
