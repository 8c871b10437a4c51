/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What belongs to no kernel: downloads, directories of writers that died, locks. */
#include "cache.h"
#include "cachedir.h"
#include "clean.h"
#include "cleanup.h"
#include "die.h"
#include "dirs.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* CACHE/sub, which is not made. Returns an fd, -ENOENT, or another -errno. */
static int open_sub(const char *sub)
{
	char path[PATH_MAX];
	size_t n;
	int fd;

	if (!cachedir_path(path, sizeof(path)))
		return -errno;
	n = strlen(path);
	if (snprintf(path + n, sizeof(path) - n, "/%s", sub) >= (int)(sizeof(path) - n))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Call fn for each name in a directory until it returns something else than 0. */
static int each_name(int dir_fd, int (*fn)(int dir_fd, const char *name, void *arg), void *arg)
{
	AUTO_FD fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int rc = 0;

	if (!d)
		return -errno;
	(void)take_fd(&fd); /* closedir() owns it from here */
	while (rc == 0) {
		const struct dirent *de;

		errno = 0;
		de = readdir(d);
		if (!de)
			return -errno;
		if (de->d_name[0] != '.')
			rc = fn(dirfd(d), de->d_name, arg);
	}
	return rc;
}

/* Held by one who builds? 1 or 0. */
static int is_building(int dir_fd, const char *name, void *arg)
{
	AUTO_FD fd = -1;

	(void)arg;
	if (strncmp(name, "build-", 6) != 0)
		return 0;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

struct downloads {
	struct clean *c; /* NULL: they are only counted */
	bool building; /* what was fetched may be wanted in the next moment */
	int n;
	uint64_t bytes;
};

static int one_download(int dir_fd, const char *name, void *arg)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct downloads *d = arg;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0; /* gone, or nothing of ours */
	d->n++;
	d->bytes += (uint64_t)st.st_size;
	if (!d->c)
		return 0;
	/* kt-kernel-fetch locks the file that it writes */
	if (d->building || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		clean_put(d->c, "kept", "download", name, "it is being used for a build",
			  st.st_size, NULL);
	} else if (unlinkat(dir_fd, name, 0) == 0) {
		clean_put(d->c, "removed", "download", name, "it can be fetched again", st.st_size,
			  NULL);
	} else if (errno != ENOENT) {
		clean_put(d->c, "kept", "download", name, strerror(errno), st.st_size, NULL);
		warn_rc(-errno, "remove the download '%s'", name);
		d->c->failed++;
	}
	return 0;
}

int clean_downloads(struct clean *c, uint64_t *ret_bytes)
{
	AUTO_FD dir_fd = open_sub("downloads"), locks_fd = open_sub(".locks");
	struct downloads d = { .c = c };
	int rc = locks_fd < 0 ? 0 : each_name(locks_fd, is_building, NULL);

	d.building = rc == 1;
	if (dir_fd >= 0 && rc >= 0)
		rc = each_name(dir_fd, one_download, &d);
	else if (dir_fd < 0 && dir_fd != -ENOENT)
		rc = dir_fd;
	*ret_bytes = d.bytes;
	return rc < 0 ? rc : d.n;
}

/* "kernel-KEY.lock" and "build-KEY.lock" without an entry KEY, which nobody holds. */
static int one_lock(int dir_fd, const char *name, void *arg)
{
	static const char *const kinds[] = { "kernel", "build" };
	size_t len = strlen(name), i;
	struct clean *c = arg;

	(void)dir_fd;
	for (i = 0; i < KT_ARRAY_LEN(kinds); i++) {
		size_t head = strlen(kinds[i]) + 1;
		char key[NAME_MAX + 1];
		struct kernel k;
		AUTO_FD lock = -1;

		if (len <= head + 5 || strncmp(name, kinds[i], head - 1) != 0 ||
		    name[head - 1] != '-' || strcmp(name + len - 5, ".lock") != 0)
			continue;
		(void)snprintf(key, sizeof(key), "%.*s", (int)(len - head - 5), name + head);
		if (strcmp(key, "get") == 0 || cache_load(key, &k) != -ENOENT)
			continue;
		lock = lock_cache(kinds[i], key, LOCK_EXCLUSIVE, 0);
		if (lock < 0 || cache_load(key, &k) != -ENOENT)
			continue; /* somebody makes that kernel just now */
		if (lock_forget(kinds[i], key) == 0)
			clean_put(c, "removed", "lock", name, "its kernel has gone", 0, NULL);
	}
	return 0;
}

/* The directory of a build, which is removed when the build is over; one that failed is left for
 * the user to look at, until now. In its name "%" is "@", see build.c. */
static int one_build(int dir_fd, const char *name, void *arg)
{
	struct clean *c = arg;
	AUTO_FD lock = -1;
	char key[NAME_MAX + 1], *p;
	unsigned long long bytes;
	int rc;

	(void)snprintf(key, sizeof(key), "%s", name); /* it was a file name already */
	for (p = key; (p = strchr(p, '@'));)
		*p = '%';
	lock = lock_cache("build", key, LOCK_EXCLUSIVE, 0);
	if (lock < 0)
		return 0; /* it is running */
	bytes = dirs_bytes(dir_fd, name);
	rc = dirs_remove(dir_fd, name);
	if (rc == 0) {
		clean_put(c, "removed", "leftover", name, "its build is over", (int64_t)bytes,
			  NULL);
	} else if (rc != -ENOENT && rc != -ENOTDIR) {
		warn_rc(rc, "remove the directory of the build '%s'", name);
		clean_put(c, "kept", "leftover", name, strerror(-rc), (int64_t)bytes, NULL);
		c->failed++;
	}
	return 0;
}

int clean_leavings(struct clean *c)
{
	AUTO_FD build_fd = open_sub("build");
	AUTO_FD kernels_fd = open_sub("kernels"), locks_fd = open_sub(".locks");
	unsigned long long bytes = 0;
	unsigned n = 0;
	int rc = 0;

	if (kernels_fd >= 0)
		rc = dirs_sweep(kernels_fd, &n, &bytes);
	if (rc < 0)
		return warn_rc(rc, "remove what was left in the cache");
	if (n > 0)
		clean_put(c, "removed", "leftover", DIRS_TEMP "*", "its writer died",
			  (int64_t)bytes, NULL);
	if (build_fd >= 0)
		rc = each_name(build_fd, one_build, c);
	if (rc == 0 && locks_fd >= 0)
		rc = each_name(locks_fd, one_lock, c);
	return rc < 0 ? warn_rc(rc, "remove what builds have left") : 0;
}
