/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks trees of sources that come from elsewhere. */
#ifndef KT_UNTAR_H
#define KT_UNTAR_H

#include "progress.h"

#include <archive.h>
#include <stdint.h>

struct untar {
	struct progress *progress;
	uint64_t packed; /* bytes of the archive; 0: unknown */
	/* results */
	char top[256]; /* the one directory that all entries are in */
	uint64_t files, bytes;
};

/* untar_here - unpack the archive that a reads (formats and filters are set, it is open) into the
 * current directory, as the caller's files. An entry that is absolute, has "..", is outside of the
 * one top directory, is a device, or is a link that leads out of the tree, ends it.
 * Returns 0 or -errno; says what went wrong. name is for messages. */
int untar_here(struct archive *a, const char *name, struct untar *u);

/* untar_path - whether a path is a plain one: relative, without "..". Writes it without "./" and
 * doubled slashes to buf. untar_link - whether a symbolic link at that (plain) path may point to
 * `to`: down from one of the directories it lies in, the top one at most. Return NULL, or why not.
 */
const char *untar_path(const char *path, char *buf, size_t cap);
const char *untar_link(const char *path, const char *to);

#endif
