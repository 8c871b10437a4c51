/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal in the guest. */
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

int pty_open(struct pty *p)
{
	int lock = 0;

	p->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->master < 0 || ioctl(p->master, TIOCSPTLCK, &lock) < 0)
		return -errno;
	p->slave = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return p->slave < 0 ? -errno : pty_resize(p, p->rows, p->cols);
}

int pty_resize(struct pty *p, uint32_t rows, uint32_t cols)
{
	struct winsize ws = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };

	p->rows = rows;
	p->cols = cols;
	return p->master >= 0 && ioctl(p->master, TIOCSWINSZ, &ws) < 0 ? -errno : 0;
}
