/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of /proc and /sys below one directory. */
#include "root.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

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

int root_openat(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT,
	};
	int tries = 0;
	long fd;

	do {
		fd = syscall(SYS_openat2, root_fd, relative(path), &how, sizeof(how));
		/* EAGAIN: something was renamed or mounted while a ".." was looked up. */
	} while (fd < 0 && errno == EAGAIN && ++tries < 16);
	/* Linux has it since 5.6; the filters of some containers answer EPERM. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root_fd, relative(path), flags | O_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

ssize_t root_read(int root_fd, const char *path, char *buf, size_t cap)
{
	AUTO_FD fd = root_openat(root_fd, path, O_RDONLY);
	size_t len = 0;

	if (fd < 0)
		return fd;
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
	AUTO_FD fd = root_openat(root_fd, path, O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd < 0)
		errno = -fd;
	if (d)
		(void)take_fd(&fd); /* closedir() owns it from here */
	return d;
}
