/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacking an archive of sources, so that it is there whole or not at all. */
#ifndef KT_TARBALL_H
#define KT_TARBALL_H

#include "verbs.h"
#include "workdir.h"

#include <archive.h>

/* unpack_tree - unpack what the archive a reads into w, and publish its one directory.
 *   packed    bytes that a reads, 0 for unknown
 *   want_top  what that directory should be called; NULL: anything
 *   dir       gets its full path
 * Says what went wrong. 0 or -errno. */
int unpack_tree(struct verb_ctx *f, const struct workdir *w, struct archive *a, const char *name,
		uint64_t packed, const char *want_top, char *dir, size_t cap);

#endif
