/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host did to the virtual CPUs. */
#include "host.h"

/* The value at time t of a cumulative count, by straight lines between the samples. */
static double at(const struct plan_run *run, unsigned int cpu, bool delay, uint64_t t)
{
	const struct host_sample *a = NULL, *b = NULL;
	size_t i;
	double va, vb;

	for (i = 0; i < run->n_samples; i++) {
		const struct host_sample *s = &run->samples[i];

		if (s->mono_ns == UNKNOWN || cpu >= s->n)
			continue;
		if (s->mono_ns <= t)
			a = s;
		else if (!b)
			b = s;
	}
	if (!a || !b)
		a = a ? a : b, b = a;
	if (!a)
		return 0;
	va = (double)(delay ? a->delay_ns[cpu] : a->run_ns[cpu]);
	vb = (double)(delay ? b->delay_ns[cpu] : b->run_ns[cpu]);
	if (b->mono_ns <= a->mono_ns)
		return va;
	return va + (vb - va) * (double)(t - a->mono_ns) / (double)(b->mono_ns - a->mono_ns);
}

bool host_aligned(const struct plan_run *run)
{
	size_t i;

	for (i = 0; i < run->n_samples; i++)
		if (run->samples[i].mono_ns != UNKNOWN)
			return true;
	return false;
}

/* The workers' CPU time on a CPU in a window, each one's spread evenly over when it was there. */
static double believed(const struct workers *ws, unsigned int cpu, uint64_t from, uint64_t to)
{
	double sum = 0, len;
	size_t i, j;

	for (i = 0; i < ws->n; i++) {
		for (j = 0; j < ws->w[i].n_use; j++) {
			const struct cpu_use *u = &ws->w[i].use[j];
			uint64_t a = u->first_ns > from ? u->first_ns : from;
			uint64_t b = u->last_ns < to ? u->last_ns : to;

			if (u->cpu != cpu || a >= b)
				continue;
			len = (double)(u->last_ns - u->first_ns);
			sum += (double)u->ns * (double)(b - a) / len;
		}
	}
	return sum < (double)(to - from) ? sum : (double)(to - from);
}

uint64_t host_stolen(const struct plan_run *run, const struct workers *ws, unsigned int cpu,
		     uint64_t from, uint64_t to)
{
	const struct host_sample *first, *last;
	double delay, lost;

	if (run->n_samples == 0 || from >= to)
		return 0;
	if (!host_aligned(run)) {
		first = &run->samples[0];
		last = &run->samples[run->n_samples - 1];
		if (cpu >= first->n || cpu >= last->n || last->delay_ns[cpu] < first->delay_ns[cpu])
			return 0;
		return last->delay_ns[cpu] - first->delay_ns[cpu];
	}
	delay = at(run, cpu, true, to) - at(run, cpu, true, from);
	lost = believed(ws, cpu, from, to) - (at(run, cpu, false, to) - at(run, cpu, false, from));
	if (lost > delay)
		delay = lost;
	if (delay > (double)(to - from))
		delay = (double)(to - from);
	return delay > 0 ? (uint64_t)delay : 0;
}

uint64_t host_worst_step(const struct plan_run *run, unsigned int cpu)
{
	uint64_t worst = 0, d;
	size_t i;

	for (i = 1; i < run->n_samples; i++) {
		const struct host_sample *a = &run->samples[i - 1], *b = &run->samples[i];

		if (cpu >= a->n || cpu >= b->n || b->delay_ns[cpu] < a->delay_ns[cpu])
			continue;
		d = b->delay_ns[cpu] - a->delay_ns[cpu];
		worst = d > worst ? d : worst;
	}
	return worst;
}

uint64_t host_delay(const struct plan_run *run)
{
	const struct host_sample *first, *last;
	uint64_t sum = 0;
	size_t i;

	if (run->n_samples == 0)
		return UNKNOWN;
	first = &run->samples[0];
	last = &run->samples[run->n_samples - 1];
	for (i = 0; i < first->n && i < last->n; i++)
		if (last->delay_ns[i] > first->delay_ns[i])
			sum += last->delay_ns[i] - first->delay_ns[i];
	return sum;
}
