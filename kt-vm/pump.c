/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from one descriptor to another. */
#include "pump.h"
#include "cleanup.h"

#include <errno.h>
#include <unistd.h>

bool pump_eof(const struct pump *p)
{
	return p->from < 0 && p->pos == p->len;
}

void pump_poll(const struct pump *p, struct pollfd *pf)
{
	bool full = p->pos < p->len;

	pf->fd = full ? p->to : p->from;
	pf->events = full ? POLLOUT : POLLIN;
	pf->revents = 0;
}

int pump_step(struct pump *p)
{
	size_t cap = sizeof(p->buf);
	ssize_t n;

	if (p->pos < p->len) {
		n = p->to < 0 ? (ssize_t)(p->len - p->pos) /* nobody wants it */
			      : write(p->to, p->buf + p->pos, p->len - p->pos);
		if (n > 0)
			p->pos += (size_t)n;
	} else {
		if (p->limit - p->total < cap)
			cap = (size_t)(p->limit - p->total);
		n = cap == 0 || p->from < 0 ? 0 : read(p->from, p->buf, cap);
		if (n > 0) {
			p->pos = 0;
			p->len = (size_t)n;
			p->total += (uint64_t)n;
		} else if (n == 0 || errno == EIO) {
			drop_fd(&p->from); /* EIO: a terminal whose other side nobody has open */
			n = 0;
		}
	}
	return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}
