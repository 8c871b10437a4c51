/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives that are kept: CACHE/initramfs/KEY.cpio[.zst], KEY from the archive's own bytes; and for
 * each request an index, CACHE/initramfs/REQUEST.index, of all files whose state decided what came
 * out. */
#ifndef KT_STORE_H
#define KT_STORE_H

#include "buf.h"
#include "sha256.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define STORE_KEEP 8 /* archives that are kept at any rate, the last used ones */
#define STORE_KEY 33 /* half a SHA-256 in hexadecimal, with the NUL */

/* The inputs of the archive in the making, as text for the index. */
struct inputs {
	struct buf text;
	struct timespec
		started; /* a file changed after this may yet change within the same stamp */
};

/* inputs_seen - note that path has this state, or is not there (st NULL). For struct ldso. */
int inputs_seen(const char *path, const struct stat *st, void *inputs);

void inputs_init(struct inputs *in);

struct store {
	int dir_fd; /* CACHE/initramfs */
	char dir[PATH_MAX];
	char request[STORE_KEY];
};

/* store_open - request is a text that tells two requests apart. Returns 0 or -errno. */
int store_open(struct store *s, const char *request, size_t len);
void store_close(struct store *s);

/* store_lookup - the archive for this request, if nothing that it was made of has changed. Its time
 * is set to now. Returns 1 with its file name in ret_name, 0 when it must be made, or -errno. */
int store_lookup(const struct store *s, char *ret_name, size_t cap);

/* store_temp - a file to write into, locked until it is closed. ret_name is its name in the
 * directory. Returns an fd or -errno. */
int store_temp(const struct store *s, char *ret_name, size_t cap);

/* store_has - is there an archive of this name? Its time is set to now. 1, 0 or -errno. */
int store_has(const struct store *s, const char *name);

/* store_index - remember that this request with these inputs gives archive `name`. 0 or -errno. */
int store_index(const struct store *s, const char *name, const struct inputs *in);

/* store_prune - drop what was left by a killed writer, and all archives but the last used ones,
 * those used within the last ten minutes and those that somebody has locked (kind "initramfs", KEY
 * without its suffix). Returns 0 or -errno. */
int store_prune(const struct store *s);

#endif
