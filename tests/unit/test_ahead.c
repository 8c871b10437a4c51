// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-snap: blocks that are filled ahead of what takes them. */
#include "ahead.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

struct run {
	unsigned int filled, taken; /* blocks */
	unsigned int n; /* that there are */
	int fill_rc; /* after them: 0, or an error */
	unsigned int refused; /* the block that `take` fails at; 0: none */
	bool odd; /* a block came that was not the next one */
};

static ssize_t fill(void *arg, char *block, size_t cap)
{
	struct run *r = arg;

	if (r->filled == r->n)
		return r->fill_rc;
	r->filled++;
	memset(block, (int)r->filled & 0x7f, cap);
	return (ssize_t)(cap - r->filled % 100);
}

static int take(void *arg, const char *block, size_t n)
{
	struct run *r = arg;

	r->taken++;
	r->odd |= n != AHEAD_BYTES - r->taken % 100 || block[0] != (char)(r->taken & 0x7f) ||
		  memcmp(block, block + 1, n - 1) != 0;
	return r->taken == r->refused ? -EPIPE : 0;
}

static void one(unsigned int n, int fill_rc, unsigned int refused, int want)
{
	unsigned int taken = refused ? refused : n;
	int alone, rc;

	for (alone = 0; alone < 2; alone++) {
		struct run r = { .n = n, .fill_rc = fill_rc, .refused = refused };
		struct ahead a = { fill, take, &r, alone };

		rc = ahead_run(&a);
		ok(rc == want && r.taken == taken && !r.odd && r.filled <= taken + 3,
		   "%u blocks, then %d, block %u refused%s: %d, %u taken in their order", n,
		   fill_rc, refused, alone ? ", alone" : "", rc, r.taken);
	}
}

int main(void)
{
	one(0, 0, 0, 0);
	one(1, 0, 0, 0);
	one(2, 0, 0, 0);
	one(500, 0, 0, 0);
	one(0, -EIO, 0, -EIO);
	one(1, -EIO, 0, -EIO);
	one(7, -EIO, 0, -EIO);
	one(7, 0, 1, -EPIPE);
	one(7, 0, 3, -EPIPE);
	one(7, 0, 7, -EPIPE);
	return tap_done();
}
