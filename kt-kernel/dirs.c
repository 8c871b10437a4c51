/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories of the kernel cache. */
#include "dirs.h"
#include "cachedir.h"
#include "cleanup.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MAX_DEPTH 64

int dirs_kernels(char *buf, size_t cap)
{
	size_t n;

	if (!cachedir_path(buf, cap))
		return -errno;
	n = strlen(buf);
	if (n + sizeof("/kernels") > cap)
		return -ENAMETOOLONG;
	memcpy(buf + n, "/kernels", sizeof("/kernels"));
	return 0;
}

static DIR *open_dir(int parent_fd, const char *name)
{
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		(void)take_fd(&fd); /* closedir() owns it from here */
	return d;
}

static bool dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int remove_at(int parent_fd, const char *name, int depth)
{
	AUTO_DIR *d = open_dir(parent_fd, name);

	if (!d)
		return -errno;
	for (;;) {
		const struct dirent *de;

		errno = 0;
		de = readdir(d);
		if (!de && errno)
			return -errno;
		if (!de)
			break;
		if (dots(de->d_name))
			continue;
		if (unlinkat(dirfd(d), de->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno == EISDIR) { /* what unlink(2) says of a directory on Linux */
			int rc = depth < MAX_DEPTH ? remove_at(dirfd(d), de->d_name, depth + 1)
						   : -ELOOP;

			if (rc < 0 && rc != -ENOENT)
				return rc;
			continue;
		}
		return -errno;
	}
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int dirs_remove(int parent_fd, const char *name)
{
	return remove_at(parent_fd, name, 0);
}

static unsigned long long bytes_at(int parent_fd, const char *name, int depth)
{
	AUTO_DIR *d = open_dir(parent_fd, name);
	unsigned long long sum = 0;
	const struct dirent *de;
	struct stat st;

	while (d && (de = readdir(d))) {
		if (dots(de->d_name) || fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* it has just gone */
		if (S_ISREG(st.st_mode))
			sum += (unsigned long long)st.st_size;
		else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
			sum += bytes_at(dirfd(d), de->d_name, depth + 1);
	}
	return sum;
}

unsigned long long dirs_bytes(int parent_fd, const char *name)
{
	return bytes_at(parent_fd, name, 0);
}

int dirs_sweep(int kernels_fd, unsigned *ret_n, unsigned long long *ret_bytes)
{
	AUTO_DIR *d = open_dir(kernels_fd, ".");
	int rc = 0;

	if (!d)
		return -errno;
	while (rc == 0) {
		AUTO_FD fd = -1;
		unsigned long long bytes;
		const struct dirent *de;

		errno = 0;
		de = readdir(d);
		if (!de)
			return -errno;
		if (strncmp(de->d_name, DIRS_TEMP, sizeof(DIRS_TEMP) - 1) != 0)
			continue;
		fd = openat(dirfd(d), de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			continue; /* somebody else swept it, or it is none of ours */
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EWOULDBLOCK)
				continue; /* its writer lives */
			return -errno;
		}
		/* Between openat and flock it may have become an entry: then the name is gone, or
		 * means what was replaced, and the lock on what it is now does no harm. */
		if (!lock_means(fd, dirfd(d), de->d_name))
			continue;
		bytes = dirs_bytes(dirfd(d), de->d_name);
		rc = dirs_remove(dirfd(d), de->d_name);
		if (rc == 0 && ret_n)
			++*ret_n;
		if (rc == 0 && ret_bytes)
			*ret_bytes += bytes;
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}
