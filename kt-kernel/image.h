/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a file a kernel, which one, and where is its configuration? */
#ifndef KT_IMAGE_H
#define KT_IMAGE_H

#include "buf.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum image_kind {
	IMAGE_NONE,
	IMAGE_BZIMAGE,
	IMAGE_VMLINUX,
	IMAGE_ARM64
};

struct image {
	enum image_kind kind;
	char release[128]; /* "7.3.4+deb13-cloud-amd64", "" when it does not say */
	const char *machine; /* "x86_64", "aarch64" */
	uint64_t bytes;
	uint64_t init_bytes; /* memory it takes while it unpacks itself (bzImage), else 0 */
	char why[128]; /* IMAGE_NONE: what is wrong with it */
};

/* image_probe - look at a file. Returns 0 (ret->kind may be IMAGE_NONE), or -errno of reading it.
 */
int image_probe(const char *path, struct image *ret);

/* image_parse - the same for its first bytes (64 KiB are enough for a bzImage), total_bytes long.
 */
void image_parse(const void *head, size_t n, uint64_t total_bytes, struct image *ret);

const char *image_kind_text(enum image_kind kind);

/* image_config - the configuration text of the kernel at path, by what is there first: inside a
 * vmlinux (CONFIG_IKCONFIG), config or .config or config-RELEASE beside it, .config of the build
 * tree it lies in, /boot/config-RELEASE, /lib/modules/RELEASE/config. ret_from is where it was
 * found. Returns 1, 0 when there is none, or -errno of one that cannot be read. */
int image_config(const char *path, const struct image *im, struct buf *ret_text, char *ret_from,
		 size_t cap);

#endif
