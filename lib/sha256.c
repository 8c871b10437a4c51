/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256, after FIPS 180-4. */
#include "sha256.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t k256[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* One of the 64 rounds. In place of moving the eight words on, the caller names them anew. */
static inline void one_round(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e,
			     uint32_t f, uint32_t g, uint32_t *h, uint32_t kw)
{
	*h += (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + kw;
	*d += *h;
	*h += (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
}

static void one_block(uint32_t hash[8], const unsigned char *p)
{
	uint32_t w[64], kw[64], a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4],
				f = hash[5], g = hash[6], h = hash[7];
	int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (; i < 64; i++)
		w[i] = (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10) + w[i - 7] +
		       (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 16];
	for (i = 0; i < 64; i++)
		kw[i] = k256[i] + w[i];
	for (i = 0; i < 64; i += 8) {
		one_round(a, b, c, &d, e, f, g, &h, kw[i]);
		one_round(h, a, b, &c, d, e, f, &g, kw[i + 1]);
		one_round(g, h, a, &b, c, d, e, &f, kw[i + 2]);
		one_round(f, g, h, &a, b, c, d, &e, kw[i + 3]);
		one_round(e, f, g, &h, a, b, c, &d, kw[i + 4]);
		one_round(d, e, f, &g, h, a, b, &c, kw[i + 5]);
		one_round(c, d, e, &f, g, h, a, &b, kw[i + 6]);
		one_round(b, c, d, &e, f, g, h, &a, kw[i + 7]);
	}
	hash[0] += a;
	hash[1] += b;
	hash[2] += c;
	hash[3] += d;
	hash[4] += e;
	hash[5] += f;
	hash[6] += g;
	hash[7] += h;
}

void sha256_init(struct sha256 *s)
{
	static const uint32_t h0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->h, h0, sizeof(h0));
	s->len = 0;
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	const unsigned char *c = p;
	size_t have = s->len % 64;

	s->len += n;
	if (have > 0) {
		size_t take = n < 64 - have ? n : 64 - have;

		memcpy(s->block + have, c, take);
		c += take;
		n -= take;
		if (have + take < 64)
			return;
		one_block(s->h, s->block);
	}
	for (; n >= 64; c += 64, n -= 64)
		one_block(s->h, c);
	if (n > 0)
		memcpy(s->block, c, n);
}

void sha256_done(struct sha256 *s, unsigned char out[SHA256_LEN])
{
	static const unsigned char pad[64] = { 0x80 };
	uint64_t bits = s->len * 8;
	unsigned char end[8];
	int i;

	for (i = 0; i < 8; i++)
		end[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(s, pad, 1 + (119 - s->len % 64) % 64);
	sha256_add(s, end, sizeof(end));
	for (i = 0; i < SHA256_LEN; i++)
		out[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_hex(struct sha256 *s, char out[SHA256_TEXT])
{
	unsigned char sum[SHA256_LEN];
	int i;

	sha256_done(s, sum);
	for (i = 0; i < SHA256_LEN; i++) {
		out[2 * i] = "0123456789abcdef"[sum[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
	}
	out[SHA256_TEXT - 1] = '\0';
}

int sha256_fd(int fd, char out[SHA256_TEXT], uint64_t *ret_bytes)
{
	struct sha256 s;
	char buf[65536];
	ssize_t n;

	sha256_init(&s);
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		sha256_add(&s, buf, (size_t)n);
	}
	if (ret_bytes)
		*ret_bytes = s.len;
	sha256_hex(&s, out);
	return 0;
}
