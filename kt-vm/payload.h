/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's memory holds at boot: the base archive, and behind it a second one with the
 * request and standard input. */
#ifndef KT_PAYLOAD_H
#define KT_PAYLOAD_H

#include "buf.h"

#include <stddef.h>
#include <stdint.h>

struct payload {
	int fd; /* a memory file; owned */
	uint64_t unpacked; /* bytes of the archives once unpacked, an estimate from above */
	uint32_t ino;
};

/* payload_open - begin with a copy of the archive at path. 0 or -errno. */
int payload_open(struct payload *p, const char *path);

/* payload_add - append another archive. 0 or -errno. */
int payload_add(struct payload *p, const char *path);

/* payload_begin - open the second archive, with the directories of the request. */
int payload_begin(struct payload *p);

/* payload_file - add a file with these bytes. path without a leading slash. */
int payload_file(struct payload *p, const char *path, const void *data, size_t len);

/* payload_stream - add a file with all that fd still gives. A stop signal seen on sig_fd (-1: none)
 * meanwhile is -EINTR; it is left to be read there. -EFBIG: more than the format can say. */
int payload_stream(struct payload *p, const char *path, int fd, int sig_fd);

/* payload_end - close the second archive. */
int payload_end(struct payload *p);

void payload_close(struct payload *p);

/* payload_unpacked - bytes in an archive once unpacked, never too few: exact for plain cpio, by its
 * blocks (128 KiB each, at most) for zstd, 5 times its size for gzip. */
uint64_t payload_unpacked(const uint8_t *p, size_t len);

#endif
