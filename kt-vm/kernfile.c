/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's file (Documentation/arch/x86/boot.rst). */
#include "kernfile.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTOR 512
#define SETUP_SECTS 0x1f1 /* sectors of code for real mode, beside the first; 0 stands for 4 */
#define MAGIC 0x202 /* "HdrS" */
#define HEAD (MAGIC + 4)

int kernfile_check(const char *path, char *why, size_t cap)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[HEAD];
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (n < 0) {
		(void)snprintf(why, cap, "kernel '%s': %s", path, strerror(errno));
		return -EINVAL;
	}
	if ((n == (ssize_t)sizeof(head) && memcmp(head + MAGIC, "HdrS", 4) == 0) ||
	    (n >= 4 && memcmp(head, "\177ELF", 4) == 0))
		return 0;
	(void)snprintf(why, cap, "'%s' is no kernel (neither bzImage nor ELF)", path);
	return -EINVAL;
}

int kernfile_head(const char *path)
{
	uint8_t head[(1 + UINT8_MAX + 1) * SECTOR]; /* and a sector of what follows */
	AUTO_FD from = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FD fd = -1;
	ssize_t n = from < 0 ? -1 : pread(from, head, sizeof(head), 0), want;

	if (n < 0)
		return -errno;
	if (n < HEAD || memcmp(head + MAGIC, "HdrS", 4) != 0)
		return -ENOTSUP;
	want = (1 + (head[SETUP_SECTS] ? head[SETUP_SECTS] : 4) + 1) * SECTOR;
	if (n < want)
		return -ENOTSUP;
	fd = memfd_create("ktstr-kernel", MFD_CLOEXEC);
	if (fd < 0 || write(fd, head, (size_t)want) != want)
		return -errno;
	return take_fd(&fd);
}
