/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A play under way: the two tools that do the work, and the wait for whatever comes next. */
#ifndef KT_CONDUCT_WAIT_H
#define KT_CONDUCT_WAIT_H

#include "conduct.h"
#include "jsonw.h"
#include "ndjson.h"

/* One of the two tools that do the work. */
struct kid {
	const char *tool; /* as messages name it */
	int pid_fd, in_fd, out_fd, err_fd; /* -1: not there (any more) */
	struct ndjson nd, err;
	bool ready, ended; /* its meta, its end record have come */
	char last[512]; /* its last message: the reason, if it ends badly */
	siginfo_t info; /* how it ended, once pid_fd is gone */
};

struct play {
	struct stage *s;
	struct kid cg, work;
	int timer_fd;
	int watch_fd; /* inotify on the directory that holds our cgroup */
	bool dir_was_there; /* it is not ours to remove */
	bool closing; /* children may go now */
	uint64_t t0; /* mono_ns of the first work.start, 0 before */
	/* the op in flight */
	const struct plan_op *op;
	bool acked;
	uint64_t late_ns, ack_mono_ns;
};

/* stage_give_up - keep the reason in why; the first is the one that counts. Returns -ECANCELED. */
__attribute__((format(printf, 2, 3))) int stage_give_up(struct stage *s, const char *fmt, ...);

/* stage_emit_record - end the record in w and write it; gives up when there is no memory. */
void stage_emit_record(struct stage *s, struct jsonw *w);

/* kid_init - one that has not been started; tool is borrowed. */
void kid_init(struct kid *k, const char *tool);

/* kid_free - close what is open of it. It is not waited for. */
void kid_free(struct kid *k);

/* kid_argv - argv with the type that child_spec wants. */
char *const *kid_argv(const char *const argv[]);

/* kid_start - run argv as k, with pipes to it. Returns 0, or -ECANCELED with the reason in why. */
int kid_start(struct play *pl, struct kid *k, const char *const argv[]);

/* play_pass_ack - write the answer to pl->op, an ack (good) with what only we know: how late the op
 * was sent. line has no newline. */
void play_pass_ack(struct play *pl, bool good, const char *line, size_t len);

/* play_wait_for - wait until `done` says so, or until the clock says at_ns; done may be NULL.
 * Returns 1 when done, 0 at that time, -ECANCELED when the play is over, with the reason in why. */
int play_wait_for(struct play *pl, bool (*done)(const struct play *), uint64_t at_ns);

#endif
