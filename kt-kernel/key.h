/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of built kernels in the cache. All that makes two kernels differ is in them: where the
 * source came from, which it is, the machine, the configuration asked for, and the toolchain. */
#ifndef KT_KEY_H
#define KT_KEY_H

#include "sha256.h"

#include <stddef.h>

#define KEY_MAX 256 /* with the NUL; a lock's file name has room for it and its kind */

struct key_parts {
	const char *machine; /* "x86_64" */
	const char *config_hash; /* sha256 of what decides the configuration */
	const char *toolchain; /* struct toolchain's text */
};

/* Each returns 0, or -ENAMETOOLONG. Bytes of names that are none of [A-Za-z0-9._+-] become %XX, so
 * that any ref makes a key. */
int key_tarball(const struct key_parts *p, const char *version, char buf[KEY_MAX]);
int key_package(const struct key_parts *p, const char *version, char buf[KEY_MAX]);
int key_git(const struct key_parts *p, const char *ref, const char *commit, char buf[KEY_MAX]);
/* key_local - of a tree without changes; key_dirty - of any other, which is never a hit. */
int key_local(const struct key_parts *p, const char *commit, char buf[KEY_MAX]);
int key_dirty(const struct key_parts *p, const char *path, char buf[KEY_MAX]);

/* key_path - 8 hexadecimal digits for a path, also the source lock's name. */
void key_path(const char *path, char buf[9]);

#endif
