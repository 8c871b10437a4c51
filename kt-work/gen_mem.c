/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators that work on memory: caches and page faults. */
#include "gen.h"

#include <errno.h>
#include <sys/mman.h>

#define SIZE_KB                                                                                    \
	{                                                                                          \
		"size_kb", NULL, 1, 0, 32, 1, 1048576, "size of the buffer"                        \
	}
#define STRIDE                                                                                     \
	{                                                                                          \
		"stride", NULL, 1, 0, 64, 1, 1073741824, "bytes between two writes"                \
	}

void gen_cache_prepare(struct wk *w, uint64_t size_kb)
{
	w->mem_len = (size_t)size_kb * 1024;
	w->mem = wk_alloc(w, w->mem_len);
}

void gen_cache_touch(struct wk *w, unsigned int n, uint64_t stride)
{
	volatile unsigned char *mem = w->mem;
	size_t pos = 0;

	while (n > 0 && !wk_stopped(w)) {
		unsigned int chunk = n < 256 ? n : 256, i; /* of about 7 instructions */

		for (i = 0; i < chunk; i++) {
			mem[pos]++;
			pos += stride;
			if (pos >= w->mem_len)
				pos %= w->mem_len;
		}
		wk_relax();
		n -= chunk;
		wk_step(w, chunk);
	}
}

static void cache_prepare(struct wk *w)
{
	gen_cache_prepare(w, w->spec->work.p[0]);
}

static void cache_loop(struct wk *w)
{
	while (!wk_stopped(w)) {
		gen_cache_touch(w, 1024, w->spec->work.p[1]);
		wk_done(w, 1024);
	}
}

const struct gen gen_CachePressure = {
	.name = "CachePressure",
	.help = "writes through a buffer, 1024 writes per iteration",
	.unit = 1,
	.unit_param = -1,
	.prepare = cache_prepare,
	.loop = cache_loop,
	.n_params = 2,
	.params = { SIZE_KB, STRIDE },
};

static void cache_yield_loop(struct wk *w)
{
	while (!wk_stopped(w)) {
		gen_cache_touch(w, 1024, w->spec->work.p[1]);
		wk_done(w, 1024);
		wk_yield(w);
	}
}

const struct gen gen_CacheYield = {
	.name = "CacheYield",
	.help = "as CachePressure, then yields",
	.unit = 1,
	.unit_param = -1,
	.prepare = cache_prepare,
	.loop = cache_yield_loop,
	.n_params = 2,
	.params = { SIZE_KB, STRIDE },
};

static void fault_prepare(struct wk *w)
{
	void *p;

	w->mem_len = (size_t)w->spec->work.p[0] * 1024;
	p = mmap(NULL, w->mem_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		wk_fail(w, errno, "map %zu bytes", w->mem_len);
	w->mem = p;
	/* EINVAL: a kernel without huge pages, which is what we want */
	if (madvise(p, w->mem_len, MADV_NOHUGEPAGE) < 0 && errno != EINVAL)
		wk_fail(w, errno, "switch huge pages off");
}

static void fault_loop(struct wk *w)
{
	uint64_t touches = w->spec->work.p[1], spin = w->spec->work.p[2], i;
	uint64_t pages = w->mem_len / 4096 ? w->mem_len / 4096 : 1;

	while (!wk_stopped(w)) {
		for (i = 0; i < touches && !wk_stopped(w); i++) {
			w->mem[wk_random(w) % pages * 4096] = 1;
			if (i % 16 == 15) { /* a fault is some hundred instructions */
				wk_relax();
				wk_step(w, 2048);
			}
		}
		if (madvise(w->mem, w->mem_len, MADV_DONTNEED) < 0)
			wk_fail(w, errno, "give the pages back");
		wk_spin(w, spin);
		wk_done(w, touches + spin);
	}
}

const struct gen gen_PageFaultChurn = {
	.name = "PageFaultChurn",
	.help = "touches random pages of a region, gives them back, spins",
	.unit = 1,
	.unit_param = -1,
	.prepare = fault_prepare,
	.loop = fault_loop,
	.n_params = 3,
	.params = {
		{ "region_kb", NULL, 1, 0, 4096, 4, 16777216, "size of the region" },
		{ "touches_per_cycle", NULL, 1, 0, 256, 1, 10000000, "page faults per iteration" },
		{ "spin_iters", NULL, 1, 0, 64, 0, 1000000000, "steps per iteration" },
	},
};
