/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators that exchange a byte through two pipes. */
#include "gen.h"
#include "mono.h"

#include <errno.h>
#include <unistd.h>

/* Both write first, then read. Returns false when it is over. */
static bool exchange(struct wk *w)
{
	char byte = 'k';
	uint64_t begin;
	ssize_t n;
	int err;

	chan_post(&w->chans[!w->member], mono_ns());
	while ((n = write(w->wr_fd, &byte, 1)) < 0 && errno == EINTR && !wk_stopped(w))
		;
	if (n > 0) {
		begin = wk_wait_begin(w, w->member);
		while ((n = read(w->rd_fd, &byte, 1)) < 0 && errno == EINTR && !wk_stopped(w))
			;
	}
	err = errno;
	if (n == 1) {
		wk_wait_end(w, w->member, begin, -1);
		w->seen++; /* bytes and wake-ups come in step */
		return true;
	}
	if (wk_stopped(w))
		return false;
	if (n < 0 && err != EPIPE)
		wk_fail(w, err, "exchange a byte");
	wk_idle(w); /* the partner has died */
	return false;
}

static void pipe_loop(struct wk *w)
{
	uint64_t spin = w->spec->work.p[0];

	do {
		wk_spin(w, spin);
		wk_done(w, spin);
	} while (!wk_stopped(w) && exchange(w));
}

const struct gen gen_PipeIo = {
	.name = "PipeIo",
	.help = "two workers spin, then exchange a byte through pipes",
	.wake = "pipe",
	.unit = 2,
	.unit_param = -1,
	.pipes = true,
	.loop = pipe_loop,
	.n_params = 1,
	.params = { { "burst_iters", NULL, 1, 0, 1024, 0, 1000000000, "steps per exchange" } },
};

static void cache_pipe_prepare(struct wk *w)
{
	gen_cache_prepare(w, w->spec->work.p[0]);
}

static void cache_pipe_loop(struct wk *w)
{
	uint64_t burst = w->spec->work.p[1];

	do {
		gen_cache_touch(w, (unsigned int)burst, 64);
		wk_done(w, burst);
	} while (!wk_stopped(w) && exchange(w));
}

const struct gen gen_CachePipe = {
	.name = "CachePipe",
	.help = "two workers write through a buffer, then exchange a byte through pipes",
	.wake = "pipe",
	.unit = 2,
	.unit_param = -1,
	.pipes = true,
	.prepare = cache_pipe_prepare,
	.loop = cache_pipe_loop,
	.n_params = 2,
	.params = {
		{ "size_kb", NULL, 1, 0, 32, 1, 1048576, "size of the buffer" },
		{ "burst_iters", NULL, 1, 0, 1024, 0, 1000000000, "writes per exchange" },
	},
};
