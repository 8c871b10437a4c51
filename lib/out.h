/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output that is checked: closing, writing all, replacing a file in one step. */
#ifndef KT_OUT_H
#define KT_OUT_H

#include <stddef.h>
#include <stdio.h>

/* out_close - flush and close; a full disk may show up only here. Returns 0 or -errno. */
int out_close(FILE *f);

/* out_open_stdio - make sure that descriptors 0 to 2 are open, on /dev/null if need be, so that
 * nothing that is opened later gets their numbers. Returns 0 or -errno. */
int out_open_stdio(void);

/* out_all - write all n bytes, also to a pipe or a socket that takes less at a time.
 * Returns 0 or -errno (-EAGAIN when a non-blocking fd is full; how much went is then unknown). */
int out_all(int fd, const void *p, size_t n);

/* out_replace - make dir_fd/name hold exactly these bytes, by a temporary file in the same
 * directory, fsync and rename: a reader sees the old or the new file, never a part. Writers of the
 * same name wait for each other; the next one takes over what a killed one has left, ".NAME.tmp".
 * Returns 0 or -errno; on failure nothing is left behind. */
int out_replace(int dir_fd, const char *name, const void *p, size_t n);

#endif
