/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory beside the one that is wanted, in which something is made whole before it gets its
 * name; and a process that makes it, so that nothing is left however that one ends. */
#ifndef KT_WORKDIR_H
#define KT_WORKDIR_H

#include <stddef.h>

struct workdir {
	int into_fd; /* the directory that gets the result */
	char name[32]; /* of ours in it: ".fetch-XXXXXX" */
	int fd; /* of ours; locked, so that nobody takes it for one that was left */
};

/* workdir_run - make a work directory in `into` (which is made if need be), start a child that runs
 * fn(w, arg, result) and wait for it. What others have left in `into` is removed first, the work
 * directory afterwards. SIGINT, SIGTERM and SIGHUP end the child at once, then this process.
 *   result, n  what fn fills in the child is copied to here: plain data, at most 60 kB
 * Returns what fn returned; -EIO when the child ended by itself in another way, which was said. */
typedef int workdir_fn(struct workdir *w, void *arg, void *result);
int workdir_run(const char *into, workdir_fn *fn, void *arg, void *result, size_t n);

/* workdir_publish - give w's `name` its name in the directory; what had that name is removed with
 * w. Returns 0 or -errno. */
int workdir_publish(const struct workdir *w, const char *name);

/* workdir_path - the full path of `name` in the directory that w is in. Returns 0 or -errno. */
int workdir_path(const struct workdir *w, const char *name, char *buf, size_t cap);

/* workdir_remove - remove dir_fd/name with all that is in it. Returns 0 or -errno. */
int workdir_remove(int dir_fd, const char *name);

#endif
