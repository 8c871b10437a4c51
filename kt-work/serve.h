/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out work.* ops, one line of JSON each. */
#ifndef KT_WORK_SERVE_H
#define KT_WORK_SERVE_H

#include "group.h"
#include "jsonw.h"
#include "report.h"

struct serve {
	struct site site;
	struct jsonw w;
	struct missing missing;
	uint64_t n_ops, n_errors, n_dead, n_incomplete;
	bool tell; /* op errors go to standard error, too */
	bool unreadable; /* the input held no JSON: nothing after it was read */
	int out_rc; /* -errno once standard output has failed */
};

/* serve_begin - signals, topology, monitor, meta record. cgroup_root may be NULL. Returns 0, or
 * -errno, which it has reported; serve_end is called in any case. */
int serve_begin(struct serve *sv, const char *cgroup_root);

/* serve_line - one op. file and line are for messages. */
void serve_line(struct serve *sv, const char *file, unsigned long line, const char *text,
		size_t len);

/* serve_stdin - all ops of standard input, until it ends, a signal comes or the reader of standard
 * output is gone. */
void serve_stdin(struct serve *sv);

/* serve_end - kill and reap all that is left, write the end record. Returns the exit status. */
int serve_end(struct serve *sv);

#endif
