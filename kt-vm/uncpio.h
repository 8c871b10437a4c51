/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks cpio archives (newc), as the kernel would: several may follow each other. */
#ifndef KT_UNCPIO_H
#define KT_UNCPIO_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct uncpio_entry {
	const char *name; /* in the archive: relative, no "..", not empty */
	const uint8_t *data; /* of a file: its bytes; of a link: its target, without a NUL */
	size_t size;
	unsigned int mode; /* type and permissions */
};

/* uncpio_next - the next entry of the archives p[*at..len), where *at moves on. Returns 1; 0 at the
 * end; -EPROTO for what is no archive, or has a name that leads elsewhere, or an odd type. */
int uncpio_next(const uint8_t *p, size_t len, size_t *at, struct uncpio_entry *ret);

/* uncpio - make everything below dir_fd; what is there of the same name is replaced, directories
 * stay. Returns 0, or -errno with the name in failed ("" when the archive is broken). */
int uncpio(const uint8_t *p, size_t len, int dir_fd, char failed[PATH_MAX]);

#endif
