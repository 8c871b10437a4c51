/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream: meta, host, snapshots at their times, end. */
#ifndef KT_SNAP_SERIES_H
#define KT_SNAP_SERIES_H

#include "source.h"
#include "zfile.h"

#include <stdbool.h>

enum source_choice {
	SOURCE_AUTO,
	SOURCE_BPF,
	SOURCE_PROC,
};

struct series_opts {
	enum source_choice source;
	uint64_t count; /* snapshots; 0: until a signal */
	uint64_t interval_ns; /* 0: there is only one */
	pid_t *pid; /* ascending, none twice */
	size_t n_pids;
	const char *const *cgroup; /* patterns, n_cgroups of them */
	size_t n_cgroups;
	const char *const *comm;
	size_t n_comms;
	struct field_set want;
	unsigned int walkers;
	const char *out_name; /* for messages: "'x.hst.zst'", "standard output" */
};

/* What became of it, for the message at the end. */
struct series_totals {
	uint64_t snapshots, threads_seen, records, vanished;
	struct tally errors, missing;
	const char *source, *why; /* why: the other one was not taken; NULL: it was not asked for */
};

/* series_run - write the stream to z, from meta to end. sig_fd ends it after the running snapshot.
 * Failures are reported, a reader that left (-EPIPE) is not. Returns 0; -ECANCELED when a signal
 * came before the last snapshot, and the stream is whole; or another -errno. */
int series_run(const struct series_opts *o, struct zfile *z, int sig_fd, struct series_totals *ret);

#endif
