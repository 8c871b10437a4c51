/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings entries into the cache. A writer may be killed at any line: what it leaves then is a
 * directory that nobody takes for an entry, and whose lock has gone with the writer. */
#include "cache.h"
#include "cachedir.h"
#include "cleanup.h"
#include "dirs.h"
#include "lock.h"
#include "metadata.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define WRITER_WAIT_MS 60000

int cache_unstage(const char *staged)
{
	return dirs_remove(AT_FDCWD, staged);
}

/* Sweepers may come between the making of the directory and the lock: then it is gone. */
static int make_held(char *path)
{
	AUTO_FD fd = -1;

	if (!mkdtemp(path))
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return lock_means(fd, AT_FDCWD, path) ? take_fd(&fd) : -EAGAIN;
}

int cache_stage(char *buf, size_t cap)
{
	AUTO_FD fd = cachedir_open("kernels");
	char dir[PATH_MAX];
	int n, rc;

	if (fd < 0)
		return fd;
	rc = dirs_sweep(fd, NULL, NULL);
	if (rc == 0)
		rc = dirs_kernels(dir, sizeof(dir));
	if (rc < 0)
		return rc;
	do {
		n = snprintf(buf, cap, "%s/" DIRS_TEMP "XXXXXX", dir);
		if (n < 0 || (size_t)n >= cap)
			return -ENAMETOOLONG;
		rc = make_held(buf);
	} while (rc == -EAGAIN);
	return rc;
}

/* Sum and size of a staged file; it is on the disk afterwards. */
static int seal(int dir_fd, struct kernel_file *f)
{
	AUTO_FD fd = openat(dir_fd, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	rc = sha256_fd(fd, f->sha256, &f->bytes);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kernel_file *)a)->name, ((const struct kernel_file *)b)->name);
}

static int seal_all(int dir_fd, struct kernel *k)
{
	AUTO_FD fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -errno;
	(void)take_fd(&fd); /* closedir() owns it from here */
	k->n_files = 0;
	for (;;) {
		const struct dirent *de;
		struct kernel_file *f = &k->files[k->n_files];
		int rc;

		errno = 0;
		de = readdir(d);
		if (!de && errno)
			return -errno;
		if (!de)
			break;
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, "metadata.json") == 0)
			continue;
		if (k->n_files == KERNEL_FILES || de->d_name[0] == '.' ||
		    strlen(de->d_name) >= sizeof(f->name))
			return -EINVAL;
		memcpy(f->name, de->d_name, strlen(de->d_name) + 1);
		rc = seal(dir_fd, f);
		if (rc < 0)
			return rc;
		if (strcmp(f->name, k->image) == 0)
			k->bytes = f->bytes;
		k->n_files++;
	}
	qsort(k->files, k->n_files, sizeof(k->files[0]), by_name);
	return kernel_hash(k, k->image)[0] && kernel_hash(k, "config")[0] ? 0 : -EINVAL;
}

static int stamp(struct kernel *k)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) ||
	    strftime(k->built, sizeof(k->built), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -EOVERFLOW;
	memcpy(k->used, k->built, sizeof(k->used));
	return 0;
}

/* Under its lock. Readers see the old entry or the new one, never none. */
static int rename_to(int kernels_fd, const char *name, const char *key)
{
	int rc = 0;

	if (renameat(kernels_fd, name, kernels_fd, key) < 0) {
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		if (renameat2(kernels_fd, name, kernels_fd, key, RENAME_EXCHANGE) < 0)
			return -errno;
		rc = fsync(kernels_fd) < 0 ? -errno : dirs_remove(kernels_fd, name);
		if (rc == -ENOENT)
			rc = 0; /* a sweeper was faster: nobody holds the old one */
	}
	if (rc == 0 && fsync(kernels_fd) < 0)
		rc = -errno;
	return rc;
}

int cache_publish(const char *staged, struct kernel *k)
{
	AUTO_FD kernels_fd = cachedir_open("kernels");
	AUTO_FD dir_fd = open(staged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD lock = -1;
	const char *name = strrchr(staged, '/');
	char dir[PATH_MAX];
	int rc;

	if (kernels_fd < 0 || dir_fd < 0)
		return kernels_fd < 0 ? kernels_fd : -errno;
	if (!name || !cache_key_ok(k->key))
		return -EINVAL;
	rc = dirs_kernels(dir, sizeof(dir));
	if (rc == 0)
		rc = seal_all(dir_fd, k);
	if (rc == 0)
		rc = stamp(k);
	if (rc == 0)
		rc = metadata_write(dir_fd, k);
	if (rc < 0)
		return rc;
	if (fchmod(dir_fd, 0755) < 0 || fsync(dir_fd) < 0)
		return -errno;
	lock = lock_cache("kernel", k->key, LOCK_EXCLUSIVE, WRITER_WAIT_MS);
	if (lock < 0)
		return lock;
	rc = rename_to(kernels_fd, name + 1, k->key);
	if (rc < 0)
		return rc;
	if (snprintf(k->path, sizeof(k->path), "%s/%s/%s", dir, k->key, k->image) >=
		    (int)sizeof(k->path) ||
	    snprintf(k->config_path, sizeof(k->config_path), "%s/%s/config", dir, k->key) >=
		    (int)sizeof(k->config_path))
		return -ENAMETOOLONG;
	return 0;
}

int cache_remove(const char *key)
{
	AUTO_FD kernels_fd = cachedir_open("kernels");
	char dir[PATH_MAX], aside[PATH_MAX + 16];
	int rc;

	if (kernels_fd < 0)
		return kernels_fd;
	rc = cache_key_ok(key) ? dirs_kernels(dir, sizeof(dir)) : -EINVAL;
	if (rc < 0)
		return rc;
	(void)snprintf(aside, sizeof(aside), "%s/" DIRS_TEMP "XXXXXX", dir);
	if (!mkdtemp(aside))
		return -errno;
	/* rename(2) replaces an empty directory; a sweeper may have removed that one, which is as
	 * good */
	if (renameat(kernels_fd, key, AT_FDCWD, aside) < 0) {
		rc = -errno;
		(void)rmdir(aside); /* rc is the news */
		return rc;
	}
	rc = fsync(kernels_fd) < 0 ? -errno : dirs_remove(AT_FDCWD, aside);
	return rc == -ENOENT ? 0 : rc; /* a sweeper was faster */
}
