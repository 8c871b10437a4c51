/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run hands to the guest: the page (see page.h), with an archive of the included files, the
 * request, and standard input. */
#ifndef KT_PAYLOAD_H
#define KT_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

struct payload {
	int fd; /* a memory file of PAGE_BYTES, most of it a hole; owned */
	uint32_t flags; /* of the page */
	uint64_t unpacked; /* bytes of the archive once unpacked, an estimate from above */
	uint32_t ino;
};

/* payload_open - a page without an archive yet: as it is, all that a machine needs that is to be
 * saved. 0 or -errno. */
int payload_open(struct payload *p, uint32_t flags);

/* payload_add - append a whole archive, plain cpio. 0 or -errno. */
int payload_add(struct payload *p, const char *path);

/* payload_dir, payload_file - add a directory, a file with these bytes. path without a leading
 * slash. */
int payload_dir(struct payload *p, const char *path);
int payload_file(struct payload *p, const char *path, const void *data, size_t len);

/* payload_stream - add a file with all that fd still gives. A stop signal seen on sig_fd (-1: none)
 * meanwhile is -EINTR; it is left to be read there. -EFBIG: more than the format can say. */
int payload_stream(struct payload *p, const char *path, int fd, int sig_fd);

/* payload_end - the page is complete. -EFBIG: it is larger than PAGE_BYTES. */
int payload_end(struct payload *p);

void payload_close(struct payload *p);

/* payload_measure - bytes of an archive as it is, and once unpacked. 0; -EINVAL for what is no
 * regular file; or another -errno. */
int payload_measure(const char *path, uint64_t *ret_unpacked, uint64_t *ret_size);

/* payload_unpacked - bytes in an archive once unpacked, never too few: exact for plain cpio, by its
 * blocks (128 KiB each, at most) for zstd, 5 times its size for gzip. */
uint64_t payload_unpacked(const uint8_t *p, size_t len);

#endif
