/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What machines that are continued from one saved state would else have in common. */
#include "unique.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_BYTES 16
#define ID_TEXT (2 * ID_BYTES + 1) /* digits and a newline */

int unique_open(struct unique *ret)
{
	AUTO_FD fd = -1;
	void *map;

	(void)mkdir("/etc", 0755); /* open says what is wrong */
	fd = open("/etc/machine-id", O_RDWR | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0 || ftruncate(fd, ID_TEXT) < 0)
		return -errno;
	map = mmap(NULL, ID_TEXT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	ret->machine_id = map;
	ret->random_fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	return ret->random_fd < 0 ? -errno : 0;
}

int unique_seed(const struct unique *u, const char *text)
{
	size_t len = strlen(text);
	union {
		struct rand_pool_info info;
		uint8_t room[sizeof(struct rand_pool_info) + UNIQUE_SEED];
	} pool = { { .entropy_count = 256, .buf_size = (int)len } };

	if (len > UNIQUE_SEED)
		return -E2BIG;
	memcpy(pool.info.buf, text, len);
	if (ioctl(u->random_fd, RNDADDENTROPY, &pool) < 0)
		return -errno;
	/* Or what the pool was seeded with before, and all machines of one state share, would serve
	 * for up to a minute more; ENODATA when it has not been seeded yet, which it now is. */
	return ioctl(u->random_fd, RNDRESEEDCRNG) < 0 && errno != ENODATA ? -errno : 0;
}

int unique_machine_id(const struct unique *u)
{
	uint8_t bytes[ID_BYTES];
	size_t i;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	for (i = 0; i < ID_BYTES; i++) {
		u->machine_id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		u->machine_id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	u->machine_id[ID_TEXT - 1] = '\n';
	return 0;
}
