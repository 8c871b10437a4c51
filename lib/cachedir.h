/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where kernels, archives and templates are kept: $KTSTR_CACHE_DIR, else $XDG_CACHE_HOME/ktstr,
 * else
 * ~/.cache/ktstr. */
#ifndef KT_CACHEDIR_H
#define KT_CACHEDIR_H

#include <stddef.h>

/* cachedir_path - the directory's name; nothing is made. Returns buf, or NULL with errno: EINVAL
 * when the variable that decides is no absolute path, ENOENT when HOME is not set either. */
char *cachedir_path(char *buf, size_t cap);

/* cachedir_open - open CACHE/sub (sub NULL or "": CACHE itself), making it and what is missing
 * above it with mode 0700. Returns an O_DIRECTORY fd that the caller closes, or -errno. */
int cachedir_open(const char *sub);

#endif
