/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's control protocol, as far as kt-vm asks: the version, and the threads of the vCPUs. */
#ifndef KT_QMP_H
#define KT_QMP_H

#include "ndjson.h"

#include <stddef.h>
#include <sys/types.h>

struct qmp {
	struct ndjson in; /* over a non-blocking socket, borrowed */
	char version[64]; /* "7.2.22 (Debian …)" from the greeting; "" until it has come */
	pid_t *tids; /* threads of the vCPUs by index, once asked for and answered */
	size_t n_tids;
};

void qmp_init(struct qmp *q, int fd);
void qmp_free(struct qmp *q);

/* qmp_ask_vcpus - ask; the answer comes by qmp_read(). 0 or -errno. */
int qmp_ask_vcpus(struct qmp *q);

/* qmp_read - take what has come. Returns 1; 0 when QEMU has closed it; -errno, -EAGAIN for nothing
 * there, -EPROTO for what is no QMP. */
int qmp_read(struct qmp *q);

/* qmp_line - one message; for qmp_read() and tests. 0, -EPROTO or -ENOMEM. */
int qmp_line(struct qmp *q, const char *line, size_t len);

#endif
