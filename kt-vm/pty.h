/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal in the guest, for the command. */
#ifndef KT_PTY_H
#define KT_PTY_H

#include <stdint.h>

struct pty {
	int master; /* non-blocking */
	int slave; /* the command's side: as long as we have it open too, the master does not end */
	uint32_t rows, cols;
};

/* pty_open - make the pair, with the size that is there already. 0 or -errno. */
int pty_open(struct pty *p);

/* pty_resize - before pty_open() it is noted only. 0 or -errno. */
int pty_resize(struct pty *p, uint32_t rows, uint32_t cols);

#endif
