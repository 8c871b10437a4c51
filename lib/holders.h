/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds a flock(2) on a file, and who waits for it. Nothing is locked to find out.
 *
 * The kernel lists locks in /proc/locks by the device of the superblock, the inode, and the process
 * that called flock(2). That is not all: on overlayfs the inode is another one than stat(2) shows;
 * a lock lasts as long as any copy of the descriptor, so its taker may have ended and left it to
 * children; and in a pid namespace of its own a process sees only what takers of the same namespace
 * hold. In these cases, and only then, the open files of all processes are looked through
 * (/proc/PID/fd and fdinfo); that needs the right to look at them (root, or the same user).
 *
 *	char who[HOLDERS_TEXT];
 *	fd = lock_cache("kernel", key, LOCK_EXCLUSIVE, 0);
 *	if (fd == -EWOULDBLOCK) {
 *		lock_cache_path("kernel", key, path, sizeof(path));
 *		warn_msg("… is held by %s", holders_text_of(path, who, sizeof(who)));
 *	}
 */
#ifndef KT_HOLDERS_H
#define KT_HOLDERS_H

#include "jsonw.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HOLDERS_CMDLINE 200 /* bytes kept of a command line */
#define HOLDERS_COMM 64 /* a kernel worker's is the longest */
#define HOLDERS_TEXT 1024

enum holders_route {
	HOLDERS_LOCKS, /* /proc/locks told all */
	HOLDERS_FDINFO, /* the open files of processes were looked through */
};

struct holder {
	pid_t pid; /* 0: somebody whom we cannot see */
	bool exclusive;
	bool waiting; /* it has not got it yet */
	bool ended; /* the process is gone; nobody could be seen to have its descriptor */
	char comm[HOLDERS_COMM]; /* "": not known */
	char cmdline[HOLDERS_CMDLINE + 4]; /* words joined by blanks; "": not known, or empty */
	char start[32]; /* when the process (not the lock) began, "2026-11-23T01:40:00.12Z"; "" */
};

/* One file, and what was found about it. */
struct holders {
	const char *path; /* in; borrowed */
	int err; /* 0; -ENOENT: no such file; another -errno: it cannot be looked at */
	enum holders_route route;
	struct holder *holder; /* n_holders who hold it, then n_waiters who wait; by pid */
	size_t n_holders, n_waiters;
};

/* holders_find - look up n files (their .path is set, the rest is not read) at one instant. What a
 * path names is taken as it is, links are not followed. Returns 0, or -errno when /proc/locks
 * cannot be read (or -ENOMEM); all are empty then. holders_free in any case. */
int holders_find(struct holders *files, size_t n);
void holders_free(struct holders *files, size_t n);

/* holders_describe - fill in comm, cmdline and start of h->pid, as far as it lives and may be seen.
 */
void holders_describe(struct holder *h);

/* holders_text - for a message: "pid 123 (make -j2), pid 124 (kt-vm exec …)", "nobody any more" for
 * none. At most a few are named, then "and N more". Waiters are left out. Returns buf. */
char *holders_text(const struct holders *file, char *buf, size_t cap);

/* holders_text_of - the three in one, for one file. A failure is told in the text: "unknown
 * (REASON)". Returns buf. */
char *holders_text_of(const char *path, char *buf, size_t cap);

/* holders_write - the members "holders" and "waiters" (arrays of {pid, comm, cmdline,
 * process_start, mode, ended}) and "route" of the record being written. */
void holders_write(const struct holders *file, struct jsonw *w);

#endif
