/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening an archive of sources, whichever way it is packed, and unpacking it into a work
 * directory. */
#ifndef KT_TARBALL_H
#define KT_TARBALL_H

#include "verbs.h"
#include "workdir.h"

/* unpack_file - unpack the tar archive dir_fd/name into w, and give it the name `as` there (NULL:
 * the one that it has) in w's directory. Its full path goes to dir. Says what went wrong. 0 or
 * -errno. */
int unpack_file(struct fetch *f, const struct workdir *w, int dir_fd, const char *name,
		const char *want_top, char *dir, size_t cap);

#endif
