/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output that is checked. */
#include "out.h"
#include "cleanup.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

int out_close(FILE *f)
{
	int bad = ferror(f);

	errno = 0;
	if (fclose(f) != 0)
		return errno ? -errno : -EIO;
	return bad ? -EIO : 0;
}

int out_open_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

int out_all(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n > 0) {
		ssize_t k = write(fd, c, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		c += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Open and locked. */
static int open_temp(int dir_fd, const char *name)
{
	for (;;) {
		AUTO_FD fd =
			openat(dir_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

		if (fd < 0)
			return -errno;
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return -errno;
		if (lock_means(fd, dir_fd, name))
			return take_fd(&fd);
		/* that writer has given it its name: begin again */
	}
}

int out_replace(int dir_fd, const char *name, const void *p, size_t n)
{
	AUTO_FD fd = -1;
	char tmp[NAME_MAX + 1];
	int rc;

	rc = snprintf(tmp, sizeof(tmp), ".%s.tmp", name);
	if (rc < 0 || (size_t)rc >= sizeof(tmp))
		return -ENAMETOOLONG;
	fd = open_temp(dir_fd, tmp);
	if (fd < 0)
		return fd;
	rc = ftruncate(fd, 0) < 0 ? -errno : out_all(fd, p, n);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc == 0 && renameat(dir_fd, tmp, dir_fd, name) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlinkat(dir_fd, tmp, 0); /* rc is the news */
	return rc;
}
