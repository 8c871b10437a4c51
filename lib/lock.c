/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flock(2): at once, or with a deadline. */
#include "lock.h"
#include "cachedir.h"
#include "cleanup.h"
#include "dur.h"
#include "mono.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static int lock_name(char *buf, size_t cap, const char *kind, const char *key)
{
	int n;

	if (!*key || strchr(key, '/'))
		return -EINVAL;
	n = snprintf(buf, cap, "%s-%s.lock", kind, key);
	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

/* By f_type of statfs(2); linux/magic.h has not all of them. */
static bool is_network(int fd)
{
	static const uint32_t types[] = {
		0x6969, /* NFS */
		0xFF534D42, /* CIFS */
		0xFE534D42, /* SMB2 */
		0x00C36400, /* Ceph */
		0x6B414653, /* AFS */
		0x5346414F, /* OpenAFS */
		0x65735546, /* FUSE: may be sshfs as well */
	};
	struct statfs st;
	size_t i;

	if (fstatfs(fd, &st) < 0)
		return false;
	for (i = 0; i < KT_ARRAY_LEN(types); i++)
		if ((uint32_t)st.f_type == types[i])
			return true;
	return false;
}

/* See the head of lock.h. */
static int open_lock(int dir_fd, const char *name)
{
	struct stat st;
	int fd, rc;

	do {
		fd = openat(dir_fd, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT) {
			fd = openat(dir_fd, name,
				    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
			if (fd >= 0 && fstat(fd, &st) == 0)
				/* A umask of 077 would keep other users out; if not, so be it. */
				(void)fchmod(fd, st.st_mode | 0444);
		}
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) < 0	    ? -errno
	     : !S_ISREG(st.st_mode) ? -EINVAL
	     : is_network(fd)	    ? -EREMOTE
				    : 0;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

const char *lock_dir(void)
{
	const char *dir = getenv("KTSTR_LOCK_DIR");

	return dir && *dir ? dir : "/tmp";
}

int lock_dir_open(void)
{
	AUTO_FD fd = open(lock_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return is_network(fd) ? -EREMOTE : take_fd(&fd);
}

int lock_try(int dir_fd, const char *name, enum lock_mode mode)
{
	AUTO_FD fd = open_lock(dir_fd, name);
	int op = mode == LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH;

	if (fd < 0)
		return fd;
	while (flock(fd, op | LOCK_NB) < 0)
		if (errno != EINTR)
			return -errno;
	return take_fd(&fd);
}

const char *lock_why(int rc)
{
	switch (-rc) {
	case ELOOP:
		return "it is a symbolic link, which is not followed";
	case EINVAL:
		return "it is no regular file";
	case EREMOTE:
		return "it is on a network file system, where flock(2) does not mean this machine "
		       "(tmpfs, ext4, xfs, btrfs and the like will do)";
	default:
		return strerror(-rc);
	}
}

bool lock_means(int fd, int dir_fd, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int lock_cache(const char *kind, const char *key, enum lock_mode mode, int wait_ms)
{
	AUTO_FD dir_fd = cachedir_open(".locks");
	int op = mode == LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH;
	uint64_t end = mono_ns() + (uint64_t)(wait_ms < 0 ? 0 : wait_ms) * NSEC_PER_MSEC;
	char name[NAME_MAX + 1];
	int nap_ms = 1, rc;

	if (dir_fd < 0)
		return dir_fd;
	rc = lock_name(name, sizeof(name), kind, key);
	if (rc < 0)
		return rc;
	for (;;) {
		AUTO_FD fd = open_lock(dir_fd, name);

		if (fd < 0)
			return fd;
		if (flock(fd, wait_ms < 0 ? op : op | LOCK_NB) == 0) {
			if (lock_means(fd, dir_fd, name))
				return take_fd(&fd);
			continue; /* lock_forget() has come between */
		}
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (mono_ns() >= end)
			return -EWOULDBLOCK;
		/* flock(2) knows no deadline and its queue no descriptor to poll */
		(void)poll(NULL, 0, nap_ms);
		nap_ms = nap_ms < 50 ? nap_ms * 2 : 50;
	}
}

char *lock_cache_path(const char *kind, const char *key, char *buf, size_t cap)
{
	char name[NAME_MAX + 1], dir[PATH_MAX];
	int n, rc = lock_name(name, sizeof(name), kind, key);

	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	if (!cachedir_path(dir, sizeof(dir)))
		return NULL;
	n = snprintf(buf, cap, "%s/.locks/%s", dir, name);
	if (n < 0 || (size_t)n >= cap) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return buf;
}

int lock_forget(const char *kind, const char *key)
{
	AUTO_FD dir_fd = cachedir_open(".locks");
	char name[NAME_MAX + 1];
	int rc;

	if (dir_fd < 0)
		return dir_fd;
	rc = lock_name(name, sizeof(name), kind, key);
	if (rc < 0)
		return rc;
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}
