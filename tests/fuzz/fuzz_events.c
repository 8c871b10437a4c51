// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of any kind and in any order: a verdict for each plan, and never a pass with a worse
 * detail. */
#include "fuzz.h"

#include "checks.h"
#include "events.h"

#include <errno.h>

static int on_plan(const struct plan_run *run, void *arg)
{
	const struct thr_set *options = arg;
	struct verdict v;
	size_t i;

	FUZZ_ASSERT(judge(run, options, &v) == 0);
	for (i = 0; i < v.n_details; i++)
		FUZZ_ASSERT(v.details[i].outcome <= v.outcome && v.details[i].message);
	FUZZ_ASSERT(v.outcome != OUT_PASS || v.workers.n > 0);
	verdict_free(&v);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct thr_set none;
	struct thr_set all = { 0 };
	struct events ev;
	size_t start = 0, i;

	for (i = 0; i < THR_COUNT; i++)
		all.t[i] = (struct thr){ .on = true, .limit = 1, .source = THR_OPTION };
	events_init(&ev, on_plan, size % 2 ? &all : (void *)(uintptr_t)&none);
	for (i = 0; i <= size; i++) {
		if (i < size && data[i] != '\n')
			continue;
		if (events_line(&ev, (const char *)data + start, i - start) == -ENOMEM)
			break;
		start = i + 1;
	}
	FUZZ_ASSERT(events_finish(&ev, NULL) == 0);
	events_free(&ev);
	return 0;
}
