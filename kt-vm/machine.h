/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running QEMU, and the ends of its channels that are ours. */
#ifndef KT_MACHINE_H
#define KT_MACHINE_H

#include "buf.h"
#include "pin.h"
#include "qemu.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One output of the guest. With the real clock a socket. In virtual time a memory file, because
 * QEMU writes there at once, whatever our reader does; nothing can wait for such a file to grow, so
 * somebody must look now and then. */
struct source {
	int fd;
	bool file, ended;
	uint64_t got; /* bytes read */
	uint64_t punched; /* bytes given back to the system */
};

struct machine {
	struct source serial, ctl, out, err;
	int in_fd, qmp_fd, says_fd, pid_fd; /* -1: not there, or closed by QEMU */
	pid_t pid;
	bool gone; /* it has ended and is reaped */
	siginfo_t how; /* it ended */
	struct buf says; /* what QEMU itself has printed */
	struct pin pin;
};

/* machine_init - so that machine_free() may be called in any case. */
void machine_init(struct machine *m, bool virt);
void machine_free(struct machine *m);

/* machine_start - start QEMU; it is killed when this process ends. The descriptors of its ends in
 * *spec are made here and closed again; initrd_fd, page_fd, ram_fd (-1: none) are
 * borrowed and may be close-on-exec. Returns 0, or -errno, reported. */
int machine_start(struct machine *m, struct vm_spec *spec);

/* source_read - read once. Returns bytes; 0 when there is nothing, now or any more (s->ended); or
 * -errno, after which it has ended. */
ssize_t source_read(const struct machine *m, struct source *s, char *buf, size_t cap);

/* machine_hear - take what QEMU prints. */
void machine_hear(struct machine *m);

/* machine_reap - pid_fd has become readable. */
void machine_reap(struct machine *m);

/* machine_kill - if it runs. machine_reap() follows. */
void machine_kill(struct machine *m);

/* machine_cpu_ns - CPU time of the whole process; 0 when it has gone. */
uint64_t machine_cpu_ns(const struct machine *m);

/* machine_waits - a thread of QEMU would run if it had a CPU, or what it reads from a disk. */
bool machine_waits(const struct machine *m);

/* machine_threads - QEMU's threads, "call_rcu S 0 s, ALL CPUs/TCG R 120 s": name, state as in
 * proc_pid_stat(5), CPU time. Returns buf. */
char *machine_threads(const struct machine *m, char *buf, size_t cap);

/* machine_last_words - the last line that QEMU has printed, without its own name; "" for none. */
const char *machine_last_words(struct machine *m);

#endif
