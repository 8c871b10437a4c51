/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work types, as far as a scenario must know them. */
#include "works.h"
#include "cleanup.h"
#include "jsonr.h"

#include <string.h>

static const struct work_type types[] = {
	{ "CpuSpin", 1, NULL, 0, { NULL } },
	{ "YieldHeavy", 1, NULL, 0, { NULL } },
	{ "Mixed", 1, NULL, 0, { NULL } },
	{ "IoSync", 1, NULL, 0, { NULL } },
	{ "Bursty", 1, NULL, 0, { "burst_ms", "sleep_ms" } },
	{ "PipeIo", 2, NULL, 0, { "burst_iters" } },
	{ "FutexPingPong", 2, NULL, 0, { "spin_iters" } },
	{ "CachePressure", 1, NULL, 0, { "size_kb", "stride" } },
	{ "CacheYield", 1, NULL, 0, { "size_kb", "stride" } },
	{ "CachePipe", 2, NULL, 0, { "size_kb", "burst_iters" } },
	{ "FutexFanOut", 1, "fan_out", 4, { "fan_out", "spin_iters" } },
	{ "FanOutCompute",
	  1,
	  "fan_out",
	  4,
	  { "fan_out", "cache_footprint_kb", "operations", "sleep_usec" } },
	{ "Sequence", 1, NULL, 0, { "phases" } },
	{ "ForkExit", 1, NULL, 0, { NULL } },
	{ "NiceSweep", 1, NULL, 0, { NULL } },
	{ "AffinityChurn", 1, NULL, 0, { "spin_iters" } },
	{ "PolicyChurn", 1, NULL, 0, { "spin_iters" } },
	{ "PageFaultChurn", 1, NULL, 0, { "region_kb", "touches_per_cycle", "spin_iters" } },
	{ "MutexContention", 0, "contenders", 4, { "contenders", "hold_iters", "work_iters" } },
};

const struct work_type *works_find(const char *name)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const struct work_type *works_at(unsigned int i)
{
	return i < KT_ARRAY_LEN(types) ? &types[i] : NULL;
}

unsigned int works_unit(const struct work_type *t, const json_t *params)
{
	if (!t->unit_param)
		return t->unit;
	return t->unit + (unsigned int)rec_u64(params, t->unit_param, t->unit_dflt);
}
