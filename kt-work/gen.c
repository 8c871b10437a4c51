/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of generators. */
#include "gen.h"

#include <string.h>

const struct gen *const gen_table[] = {
	&gen_CpuSpin,	  &gen_YieldHeavy,     &gen_Mixed,	     &gen_IoSync,
	&gen_Bursty,	  &gen_PipeIo,	       &gen_FutexPingPong,   &gen_CachePressure,
	&gen_CacheYield,  &gen_CachePipe,      &gen_FutexFanOut,     &gen_FanOutCompute,
	&gen_Sequence,	  &gen_ForkExit,       &gen_NiceSweep,	     &gen_AffinityChurn,
	&gen_PolicyChurn, &gen_PageFaultChurn, &gen_MutexContention, NULL,
};

const struct gen *gen_find(const char *name)
{
	size_t i;

	for (i = 0; gen_table[i]; i++)
		if (strcmp(gen_table[i]->name, name) == 0)
			return gen_table[i];
	return NULL;
}

unsigned int gen_unit(const struct work *work)
{
	const struct gen *g = work->gen;

	return g->unit + (g->unit_param >= 0 ? (unsigned int)work->p[g->unit_param] : 0);
}
