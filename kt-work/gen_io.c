/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators that write to a file. */
#include "gen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void gen_io_prepare(struct wk *w)
{
	const char *dir = getenv("TMPDIR");

	if (!dir || !*dir)
		dir = "/tmp";
	/* The file has no name, so none is left over. */
	w->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (w->fd < 0)
		wk_fail(w, errno, "make a temporary file in '%s'", dir);
	w->mem = wk_alloc(w, 4096);
}

void gen_io_write(struct wk *w)
{
	int i;

	if (ftruncate(w->fd, 0) < 0 || lseek(w->fd, 0, SEEK_SET) < 0)
		wk_fail(w, errno, "truncate the temporary file");
	for (i = 0; i < GEN_IO_BLOCKS && !wk_stopped(w); i++) {
		if (write(w->fd, w->mem, 4096) < 0 && errno != EINTR)
			wk_fail(w, errno, "write to the temporary file");
		(void)wk_tick(w);
	}
}

static void io_loop(struct wk *w)
{
	while (!wk_stopped(w)) {
		gen_io_write(w);
		wk_done(w, GEN_IO_BLOCKS);
		wk_sleep(w, GEN_IO_SLEEP_NS, false);
	}
}

const struct gen gen_IoSync = {
	.name = "IoSync",
	.help = "writes 64 KiB to an unnamed temporary file, sleeps 100 us",
	.unit = 1,
	.unit_param = -1,
	.prepare = gen_io_prepare,
	.loop = io_loop,
};
