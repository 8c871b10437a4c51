/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sources (files, directories) to a tree with everything that they need to run. */
#ifndef KT_GATHER_H
#define KT_GATHER_H

#include "ldso.h"
#include "tree.h"

#include <stddef.h>

struct gather {
	struct tree *tree;
	struct ldso ldso;
	const char *const
		*have; /* paths that the guest has: not added, not looked for; ends with NULL */
	bool strip; /* leave out what lies behind the last segment of ELF files */
	struct lack *lacks; /* libraries of libraries that may yet turn up in the tree */
	int failed; /* a message was printed: the tree is incomplete */
};

/* gather_source - put SRC at guest path dest (NULL: its own path; with a slash at its end: into
 * that directory under SRC's name). Failures are printed and noted in g->failed. Returns 0, or
 * -ENOMEM. */
int gather_source(struct gather *g, const char *src, const char *dest);

/* gather_done - after the last source: what is still lacking is printed. Returns 0 or -EINVAL when
 * anything failed. */
int gather_done(struct gather *g);

void gather_free(struct gather *g);

#endif
