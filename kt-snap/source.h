/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A way to read all threads. Two: /proc, and a BPF task iterator. */
#ifndef KT_SNAP_SOURCE_H
#define KT_SNAP_SOURCE_H

#include "fields.h"
#include "machine.h"
#include "tally.h"
#include "thread.h"

#include <sys/types.h>

#define PROC_WALKERS_MAX 16

struct source_opts {
	struct field_set want;
	const struct machine *machine; /* borrowed as long as the source is open */
	const pid_t *pid; /* processes or single threads to look at; n_pids 0: all there are */
	size_t n_pids;
	unsigned int walkers; /* threads that read /proc, 1 to PROC_WALKERS_MAX; bpf: 1 is alone */
};

/* One snapshot: what the source hands over and counts. */
struct walk {
	/* emit - take a record, which is whole: all its values are of one thread, read while it
	 * lived. A negative return ends the walk and is returned from it. */
	int (*emit)(void *arg, const struct thread_rec *t);
	void *arg;
	uint64_t vanished; /* threads that were listed and ended before they were read */
	struct tally errors; /* threads that could not be read: what, why */
	struct tally missing; /* values that are null: file or field, why; one per thread */
};

struct source {
	const char *name; /* "bpf", "proc" */
	/* walk - read every thread that was asked for. Returns 0 or -errno, then reported on stderr
	 * by the source unless it came from emit. */
	int (*walk)(struct source *s, struct walk *w);
	void (*close)(struct source *s);
};

/* proc_source_open, bpf_source_open - *ret_why says what is in the way when it is not possible (one
 * line, static or owned by the source module, no full stop): "CAP_BPF is missing", "the kernel has
 * no BTF". Nothing is printed. Returns 0 or -errno. The caller closes *ret. */
int proc_source_open(const struct source_opts *o, struct source **ret, const char **ret_why);
int bpf_source_open(const struct source_opts *o, struct source **ret, const char **ret_why);

#endif
