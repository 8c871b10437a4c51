/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock files that there are: of LLCs and CPUs in the lock directory, and of the cache. */
#ifndef KT_FILES_H
#define KT_FILES_H

#include <stddef.h>
#include <stdint.h>

struct lock_file {
	char *path;
	char *kind; /* "llc", "cpu"; of the cache "kernel", "build", … */
	char *key; /* of the cache's; NULL: it has an index */
	uint32_t index;
};

struct lock_files {
	struct lock_file *file; /* LLCs, CPUs, then the cache's by kind and key */
	size_t n, cap;
};

/* files_list - cache is a directory, or NULL. What is no regular file is warned of and left out.
 * Returns 0; or the last -errno after the rest was listed, warned of; -ENOMEM too. files_free in
 * any case. */
int files_list(const char *lock_dir, const char *cache, struct lock_files *ret);
void files_free(struct lock_files *l);

#endif
