/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts one file into the tree, and what it needs to run. */
#ifndef KT_GATHER_FILE_H
#define KT_GATHER_FILE_H

#include "gather.h"

/* A library of a library that was not found, and who needs it. */
struct lack {
	struct lack *next;
	char *who, *name;
};

/* gather_fail - print that something failed, with the -errno rc unless that is 0, and note it in
 * g->failed. Returns 0, for others to be tried, or -ENOMEM when rc is that. */
__attribute__((format(printf, 3, 4))) int gather_fail(struct gather *g, int rc, const char *fmt,
						      ...);

/* gather_seen - tell g->ldso.seen, if there is one, of a file that was looked at; st NULL: it is
 * not there. Returns what that returned, or 0. */
int gather_seen(const struct gather *g, const char *path, const struct stat *st);

/* No directory of the tree is ever a link: a library keeps the name by which it was found, as a
 * link to where it really is. */

/* gather_put - put a node into the tree at guest path dest; *ret_new (may be NULL) says whether it
 * was not there yet. A conflict is a failure that is printed. Returns 0 or -ENOMEM. */
int gather_put(struct gather *g, const char *dest, const struct node *n, bool *ret_new);

/* gather_put_link - the same with a link that leads to `target`, with the identity of the file
 * behind it (st, NULL: none). */
int gather_put_link(struct gather *g, const char *dest, const char *target, const char *source,
		    const struct stat *st);

/* gather_in_path - where a shell would find the program: its path in buf, or NULL; gather_seen()
 * is told where it looked. */
char *gather_in_path(struct gather *g, const char *name, char *buf, size_t cap);

/* gather_file - put the regular file `host` at guest path dest, and what it needs. walked: it was
 * found in a directory, and what is lacking when it is a library is only noted in g->lacks. depth:
 * of scripts run by scripts, 0 at first. Failures are printed and noted in g->failed. Returns 0, or
 * -ENOMEM, or what gather_seen() failed with. */
int gather_file(struct gather *g, const char *host, const char *dest, bool walked, int depth);

#endif
