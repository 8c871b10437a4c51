/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of generators: what each work type is called, takes and does. */
#ifndef KT_WORK_GEN_H
#define KT_WORK_GEN_H

#include "worker.h"

struct param {
	const char *name; /* as the reference calls it, with its unit */
	const char *also; /* the same thing in another unit, or NULL */
	uint64_t scale, also_scale; /* to what the generator gets: times are nanoseconds */
	uint64_t dflt, min, max; /* in the unit of `name` */
	const char *help;
};

struct gen {
	const char *name;
	const char *help;
	const char
		*wake; /* source of its wake-up latencies: "futex", "pipe", "sleep", "fork"; NULL */
	unsigned int unit; /* workers that belong together */
	int unit_param; /* when not -1: the unit is this parameter plus `unit` */
	bool messenger; /* the first of a unit wakes the others */
	bool pipes; /* a pipe in each direction for each pair */
	void (*prepare)(struct wk *w); /* before the gate: memory, files; may be NULL */
	void (*loop)(struct wk *w); /* until wk_stopped() */
	void (*restore)(struct wk *w); /* after it: policy, nice; may be NULL */
	unsigned int n_params;
	struct param params[WORK_PARAMS];
};

extern const struct gen *const gen_table[]; /* ends with NULL */

const struct gen *gen_find(const char *name);

/* gen_unit - the group size of a work: counts are multiples of it. */
unsigned int gen_unit(const struct work *work);

extern const struct gen gen_CpuSpin, gen_YieldHeavy, gen_Mixed, gen_Bursty, gen_Sequence,
	gen_ForkExit, gen_NiceSweep, gen_AffinityChurn,
	gen_PolicyChurn; /* gen_cpu.c, gen_churn.c */
extern const struct gen gen_FutexPingPong, gen_FutexFanOut, gen_FanOutCompute,
	gen_MutexContention; /* gen_futex.c */
extern const struct gen gen_PipeIo, gen_CachePipe; /* gen_pipe.c */
extern const struct gen gen_IoSync; /* gen_io.c */
extern const struct gen gen_CachePressure, gen_CacheYield, gen_PageFaultChurn; /* gen_mem.c */

/* Shared between generators. */
void gen_cache_prepare(struct wk *w, uint64_t size_kb);
void gen_cache_touch(struct wk *w, unsigned int n, uint64_t stride); /* read-modify-writes */
void gen_io_prepare(struct wk *w);
void gen_io_write(struct wk *w); /* 16 blocks of 4096 bytes */
#define GEN_IO_BLOCKS 16
#define GEN_IO_SLEEP_NS 100000

#endif
