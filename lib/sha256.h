/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 (FIPS 180-4), for keys and for telling whether a file is what it was. */
#ifndef KT_SHA256_H
#define KT_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t len; /* bytes so far */
	unsigned char block[64]; /* the last len % 64 of them */
};

#define SHA256_LEN 32
#define SHA256_TEXT 65 /* hexadecimal, with the NUL */

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_done(struct sha256 *s, unsigned char out[SHA256_LEN]);

/* sha256_hex - finish, as lower-case hexadecimal text. */
void sha256_hex(struct sha256 *s, char out[SHA256_TEXT]);

/* sha256_fd - of all that can be read from fd, from where it stands. Returns 0 or -errno. */
int sha256_fd(int fd, char out[SHA256_TEXT], uint64_t *ret_bytes);

#endif
