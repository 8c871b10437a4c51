/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of /proc/locks, of the "lock:" part of /proc/PID/fdinfo/N, and of /proc/PID/mountinfo,
 * which says by what device the first two name a file: that of the superblock. stat(2) shows
 * another one on btrfs and overlayfs. */
#ifndef KT_PLOCKS_H
#define KT_PLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct plocks_line {
	pid_t pid; /* that called flock(2); 0: not of our pid namespace, or it has ended */
	bool exclusive;
	bool waiting; /* it has not got it yet */
	unsigned int major, minor;
	uint64_t ino;
};

struct plocks_mount {
	int id;
	unsigned int major, minor;
	bool overlay;
};

/* plocks_parse - one line of /proc/locks, ended by a newline or NUL. Returns 0; -ENOMSG for a lock
 * that is no flock(2) on a file; -EINVAL for what is no such line. */
int plocks_parse(const char *line, struct plocks_line *ret);

/* plocks_fdinfo - whether the text of a fdinfo file shows a flock: 1, with the first of them, or 0.
 */
int plocks_fdinfo(const char *text, struct plocks_line *ret);

/* plocks_mount - one line of mountinfo, ended by a newline or NUL. Returns 0 or -EINVAL. */
int plocks_mount(const char *line, struct plocks_mount *ret);

#endif
