/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of workers, seen from kt-work: spawning, the gate, stopping, collecting. */
#ifndef KT_WORK_GROUP_H
#define KT_WORK_GROUP_H

#include "spec.h"
#include "tele.h"
#include "worker.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct monitor;

/* One worker. */
struct member {
	pid_t pid;
	struct tele *t;
	bool alive; /* not reaped yet */
	int exit_code, exit_signal; /* -1: none */
	uint64_t died_ns; /* when it was seen dead */
	struct schedstat stat_dead; /* read from its remains */
	struct cpuset *cpus; /* affinity, likewise; NULL: unknown; owned */

	/* The monitor's. */
	uint64_t open_begin_ns, open_len_ns; /* a gap that goes on; 0: none */
	uint64_t gap_open_ns; /* the one at the end */
	bool watched;
	struct gaps gaps;
};

struct group {
	struct group *next;
	json_t *op; /* spec's texts live in it */
	struct spawn spec;
	unsigned int unit;
	void *map;
	size_t map_len;
	struct share *share;
	struct member *m; /* spec.count of them */
	bool ready, started, stopping;
	uint64_t stop_ns;
	uint64_t late_max_ns; /* of the monitor, while it watched this group */
	struct group *mon_next;
};

/* What all groups share. */
struct site {
	int root_fd; /* cgroup below which groups go; -1: none was named */
	int null_fd;
	int sig_fd; /* signalfd with SIGCHLD in it */
	struct places places;
	struct monitor *monitor;
	struct group *groups; /* in the order they were spawned */
	int stop_signal; /* INT, TERM or HUP came; 0: none */
	uint64_t n_spawned, n_killed;
	void (*died)(void *arg, const struct group *g, unsigned int worker); /* by itself */
	void *died_arg;
};

#define WHY_LEN 320

/* site_poll - wait for signals, and for fd (-1: none) to be readable, at most until deadline_ns
 * (CLOCK_MONOTONIC; UINT64_MAX: no limit). Dead workers are reaped and told. Returns 1 when fd
 * has something, 0 otherwise, or -errno; -EPIPE when out_fd (-1: none) lost its reader. */
int site_poll(struct site *s, int fd, int out_fd, uint64_t deadline_ns);

struct group *group_find(struct site *s, const char *name);

/* group_spawn - start the workers, wait until each has applied and checked all it was told to. op
 * gets a reference, spec moves into the group (also on failure: then it is freed). Returns 0, or
 * -errno (-EINVAL when there is none to tell) with the reason in why; nothing is left then. */
int group_spawn(struct site *s, json_t *op, struct spawn *spec, struct group **ret, char *why);

/* groups_start - open the gates of all; returns the stamp. */
uint64_t groups_start(struct site *s, struct group **gs, size_t n);

/* groups_stop - tell all workers to end, then collect them: 30 s and some more
 * when there are many, after that they are killed. The
 * groups stay, for reports; then group_drop. Returns how many had to be killed. */
unsigned int groups_stop(struct site *s, struct group **gs, size_t n);

/* groups_kill - kill all workers and reap them. Returns how many would not go (0). */
unsigned int groups_kill(struct site *s, struct group **gs, size_t n);

/* group_drop - forget a group without living workers. */
void group_drop(struct site *s, struct group *g);

/* site_clear - kill and reap whatever there is. Returns how many processes would not go. */
unsigned int site_clear(struct site *s);

#endif
