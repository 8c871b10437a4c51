/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What machines that are continued from one saved state would else have in common. */
#include "unique.h"
#include "cleanup.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>

int unique_seed(const char *text)
{
	AUTO_FD fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	size_t len = strlen(text);
	union {
		struct rand_pool_info info;
		uint8_t room[sizeof(struct rand_pool_info) + UNIQUE_SEED];
	} pool = { { .entropy_count = 256, .buf_size = (int)len } };

	if (fd < 0)
		return -errno;
	if (len > UNIQUE_SEED)
		return -E2BIG;
	memcpy(pool.info.buf, text, len);
	if (ioctl(fd, RNDADDENTROPY, &pool) < 0)
		return -errno;
	/* Or what the pool was seeded with before, and all machines of one state share, would serve
	 * for up to a minute more; ENODATA when it has not been seeded yet, which it now is. */
	return ioctl(fd, RNDRESEEDCRNG) < 0 && errno != ENODATA ? -errno : 0;
}

int unique_machine_id(void)
{
	AUTO_FD fd = -1;
	uint8_t bytes[16];
	char text[2 * sizeof(bytes) + 2];
	size_t i;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	for (i = 0; i < sizeof(bytes); i++)
		(void)snprintf(text + 2 * i, 4, "%02x\n", bytes[i]); /* fits by its type */
	(void)mkdir("/etc", 0755); /* open says what is wrong */
	fd = open("/etc/machine-id", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);
	return fd < 0 ? -errno : out_all(fd, text, sizeof(text) - 1);
}
