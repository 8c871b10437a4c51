/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's control protocol, as far as kt-vm asks: the version, the threads of the vCPUs, whether the
 * machine runs, and that its state be saved. */
#ifndef KT_QMP_H
#define KT_QMP_H

#include "ndjson.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct qmp {
	struct ndjson in; /* over a non-blocking socket, borrowed */
	bool open; /* we have opened the session */
	char version[64]; /* "7.2.22 (Debian …)" from the greeting; "" until it has come */
	pid_t *tids; /* threads of the vCPUs by index, once asked for and answered */
	size_t n_tids;
	enum {
		QMP_UNKNOWN,
		QMP_RUNS,
		QMP_STANDS
	} machine; /* the last answer to qmp_ask_status() */
	enum {
		QMP_MOVES, /* or was not asked to */
		QMP_MOVED,
		QMP_NOT_MOVED
	} moving; /* how far qmp_save() or qmp_restore() has come */
	char error[200]; /* what QEMU said of the last command that failed, else "" */
};

void qmp_init(struct qmp *q, int fd);
void qmp_free(struct qmp *q);

/* Each asks something; the answer comes by qmp_read(). 0 or -errno. Until the first of them QEMU
 * has nothing to do for us. */
int qmp_ask_vcpus(struct qmp *q);
int qmp_ask_status(struct qmp *q);

/* qmp_save - write what the machine is, but not the memory that it shares, to fd. qmp_restore - the
 * other way; the machine stands then as it was saved, until qmp_go(). */
int qmp_save(struct qmp *q, int fd);
int qmp_restore(struct qmp *q, int fd);
int qmp_go(struct qmp *q);

/* qmp_nmi - to CPU 0 of the guest: however it hangs, its kernel panics then, and says where all of
 * its CPUs are (arch/x86/kernel/apic/apic.c: only the first one listens; see qemu.c's arguments for
 * the kernel). */
int qmp_nmi(struct qmp *q);

/* qmp_nudge - stop all vCPUs and let them go on: each gets a turn. */
int qmp_nudge(struct qmp *q);

/* qmp_read - take what has come. Returns 1; 0 when QEMU has closed it; -errno, -EAGAIN for nothing
 * there, -EPROTO for what is no QMP. */
int qmp_read(struct qmp *q);

/* qmp_line - one message; for qmp_read() and tests. 0, -EPROTO or -ENOMEM. */
int qmp_line(struct qmp *q, const char *line, size_t len);

#endif
