/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of /proc and /sys below one directory. */
#include "root.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

int root_open(const char *dir)
{
	int fd = open(dir ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static const char *relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

ssize_t root_read(int root_fd, const char *path, char *buf, size_t cap)
{
	AUTO_FD fd = openat(root_fd, relative(path), O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (n == 0)
			break;
		if (len == cap)
			return -E2BIG;
	}
	if (len == cap)
		return -E2BIG;
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t root_readf(int root_fd, char *buf, size_t cap, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	return root_read(root_fd, path, buf, cap);
}

DIR *root_dir(int root_fd, const char *path)
{
	AUTO_FD fd = openat(root_fd, relative(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		(void)take_fd(&fd); /* closedir() owns it from here */
	return d;
}
