/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into an archive: one node for each path in it. */
#ifndef KT_TREE_H
#define KT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum node_kind {
	NODE_DIR,
	NODE_FILE,
	NODE_LINK
};

struct node {
	char *path; /* in the archive: "usr/bin/jq", without a slash in front */
	enum node_kind kind;
	mode_t mode; /* permission bits */
	char *source; /* the file here whose bytes these are; for a link and a directory: what it
		       * came from; NULL for a directory that is only above something */
	char *target; /* of a link */
	struct stat st; /* of the source, files only */
	uint64_t size; /* bytes in the archive; less than st.st_size when trimmed */
};

struct tree {
	void *root; /* for tsearch(3) */
	size_t n;
	uint64_t bytes; /* of all files */
	char err[1024]; /* "'a' and 'b' both want 'c'" after -EEXIST, and the like */
};

/* tree_add - put a node at path (cleaned: "/usr/bin/jq"), and the directories above it. The tree
 * takes copies. The same source at the same path again is no conflict, nor is a directory on a
 * directory. Returns 0 (*ret_new says whether it is new; may be NULL), -EEXIST when another source
 * has that path or a file is where a directory must be (t->err says which), or -ENOMEM. */
int tree_add(struct tree *t, const char *path, const struct node *like, bool *ret_new);

/* tree_find - the node at a path as given to tree_add, or NULL. */
const struct node *tree_find(const struct tree *t, const char *path);

/* tree_each - all nodes, sorted by path: what is above comes before what is below. fn returns
 * nonzero to stop; that is returned, else 0. */
int tree_each(const struct tree *t, int (*fn)(const struct node *n, void *arg), void *arg);

void tree_free(struct tree *t);

#endif
