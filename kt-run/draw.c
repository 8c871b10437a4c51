/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers: xoshiro256**, seeded by splitmix64 (both by Blackman and Vigna, public domain
 * algorithms). */
#include "draw.h"

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void draw_seed(struct draw *d, uint64_t seed, const char *name)
{
	uint64_t x = 0xcbf29ce484222325; /* FNV-1a of the name */
	int i;

	for (; *name; name++)
		x = (x ^ (unsigned char)*name) * 0x100000001b3;
	x ^= splitmix(&seed);
	for (i = 0; i < 4; i++)
		d->s[i] = splitmix(&x);
}

uint64_t draw_u64(struct draw *d)
{
	uint64_t *s = d->s, ret = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return ret;
}

uint64_t draw_below(struct draw *d, uint64_t n)
{
	uint64_t reject = -n % n, v; /* 2^64 mod n: below it the low values would come too often */

	while ((v = draw_u64(d)) < reject)
		;
	return v % n;
}

void draw_subset(struct draw *d, const struct cpuset *pool, unsigned int k, struct cpuset *ret)
{
	struct cpuset left = *pool;
	unsigned int n = cpuset_count(pool);

	*ret = (struct cpuset){ 0 };
	for (; k > 0 && n > 0; k--, n--) {
		unsigned int id = (unsigned int)cpuset_nth(&left, (unsigned int)draw_below(d, n));

		cpuset_add(ret, id);
		cpuset_del(&left, id);
	}
}
