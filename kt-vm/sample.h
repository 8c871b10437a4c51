/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the host the guest got: what a verdict on times must be weighed against. */
#ifndef KT_SAMPLE_H
#define KT_SAMPLE_H

#include "jsonw.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SAMPLE_CLOCKS 8

/* The guest's CLOCK_MONOTONIC seen from here. Each message of the guest carries it; the one that
 * took least on its way is the best of the last ones, and old ones are dropped, since the two
 * clocks may drift apart. */
struct guest_clock {
	int64_t offset[SAMPLE_CLOCKS]; /* guest's minus ours, by arrival: never above the truth */
	size_t n; /* messages so far */
};

/* guest_clock_add - the guest's clock was guest_ns in a message that came at host_ns. */
void guest_clock_add(struct guest_clock *c, uint64_t guest_ns, uint64_t host_ns);

/* guest_clock_at - the guest's clock at host_ns; negative: not known. */
int64_t guest_clock_at(const struct guest_clock *c, uint64_t host_ns);

/* What the host's scheduler gave to a thread, and what it kept it waiting, since it began. */
struct thread_time {
	uint64_t run_ns, delay_ns;
};

/* sample_thread - of thread tid of process pid; root is "/", from root_open(). False: not known. */
bool sample_thread(int root, pid_t pid, pid_t tid, struct thread_time *ret);

/* sample_write_thread - as an element of an array: [run, delay], null for NULL. */
void sample_write_thread(struct jsonw *w, const struct thread_time *t);

/* sample_write - one `sample` record of the threads tids[] of process pid. late_ns is how late the
 * caller got round to it. Returns what jsonw_end() says. */
int sample_write(struct jsonw *w, const struct guest_clock *c, uint64_t host_ns, uint64_t late_ns,
		 pid_t pid, const pid_t *tids, size_t n_tids);

#endif
