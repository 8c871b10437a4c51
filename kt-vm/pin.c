/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One CPU for all of QEMU. */
#include "pin.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PER_CPU 64 /* more machines than this on each CPU are not told apart */

/* A socket in the abstract namespace is a name that goes with its process, whatever ends it. */
static int take_slot(int cpu, int nth)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len;

	if (fd < 0)
		return -1;
	len = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ktstr-vm-cpu-%d.%d", cpu, nth);
	if (bind(fd, (struct sockaddr *)&un,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void pin_begin(struct pin *p, bool on)
{
	struct cpuset one = { 0 };
	int nth, cpu;

	p->slot_fd = -1;
	p->on = on && cpuset_getaffinity(0, &p->old) == 0;
	for (nth = 0; p->on && p->slot_fd < 0 && nth < PER_CPU; nth++)
		for (cpu = -1; p->slot_fd < 0 && (cpu = cpuset_next(&p->old, cpu + 1)) >= 0;) {
			p->slot_fd = take_slot(cpu, nth);
			if (p->slot_fd >= 0)
				cpuset_add(&one, (unsigned int)cpu);
		}
	if (p->on && p->slot_fd < 0) { /* no sockets at all, or an odd crowd: any CPU will do */
		cpu = cpuset_nth(&p->old, (unsigned int)getpid() % cpuset_count(&p->old));
		cpuset_add(&one, (unsigned int)cpu);
	}
	if (p->on && cpuset_setaffinity(0, &one) < 0)
		p->on = false;
}

void pin_end(struct pin *p)
{
	if (p->on)
		(void)cpuset_setaffinity(0, &p->old); /* it was allowed before */
	p->on = false;
}

void pin_main(pid_t pid)
{
	struct sched_param sp = { .sched_priority = 1 };

	/* Without the privilege it is as it was: the same nearly always. */
	(void)sched_setscheduler(pid, SCHED_FIFO | SCHED_RESET_ON_FORK, &sp);
}
