/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run hands to the guest: the page (see page.h), with the request, and an archive of the
 * included files and of standard input. */
#ifndef KT_PAYLOAD_H
#define KT_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

struct payload {
	int fd; /* a memory file of PAGE_BYTES, most of it a hole; owned */
	uint32_t flags; /* of the page */
	uint32_t request; /* bytes */
	uint64_t archive; /* where it begins */
	uint64_t unpacked; /* bytes of the archive once unpacked, an estimate from above */
	uint32_t ino;
};

/* payload_open - a page with nothing in it yet: as it is, all that a machine needs that is to be
 * saved. 0 or -errno. */
int payload_open(struct payload *p, uint32_t flags);

/* payload_request - what the guest is to do; before anything else. 0 or -errno. */
int payload_request(struct payload *p, const void *data, size_t len);

/* payload_add - append a whole archive, plain cpio. 0 or -errno. */
int payload_add(struct payload *p, const char *path);

/* payload_stream - add a file (path without a leading slash) with all that fd still gives; for
 * nothing at all there is none. A stop signal seen on sig_fd (-1: none) meanwhile is -EINTR; it is
 * left to be read there. -EFBIG: more than the format can say. */
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
