/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a stream goes. */
#include "zfile.h"
#include "cleanup.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <zstd.h>

struct zfile {
	int fd, dir_fd; /* dir_fd -1: standard output */
	char name[NAME_MAX + 1], tmp[NAME_MAX + 1]; /* tmp "": the file has no name yet */
	ZSTD_CCtx *zstd; /* NULL: as it is */
	char *out;
	size_t out_cap;
};

static int zstd_setup(struct zfile *z, int level, int threads)
{
	z->zstd = ZSTD_createCCtx();
	z->out_cap = ZSTD_CStreamOutSize();
	z->out = malloc(z->out_cap);
	if (!z->zstd || !z->out)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z->zstd, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->zstd, ZSTD_c_checksumFlag, 1)) ||
	    (threads > 0 &&
	     ZSTD_isError(ZSTD_CCtx_setParameter(z->zstd, ZSTD_c_nbWorkers, threads))))
		return -EINVAL;
	return 0;
}

/* A file without a name vanishes with us, however we end; not every file system has such. */
static int create(struct zfile *z)
{
	int n;

	z->fd = openat(z->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (z->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return z->fd < 0 ? -errno : 0;
	n = snprintf(z->tmp, sizeof(z->tmp), ".%s.%d.tmp", z->name, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(z->tmp)) {
		z->tmp[0] = '\0';
		return -ENAMETOOLONG;
	}
	z->fd = openat(z->dir_fd, z->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (z->fd >= 0)
		return 0;
	z->tmp[0] = '\0'; /* it is not ours */
	return -errno;
}

static int open_path(struct zfile *z, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	AUTO_FREE char *dir = slash ? strndup(path, (size_t)(name - path)) : strdup(".");

	if (!dir)
		return -ENOMEM;
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EISDIR;
	if (strlen(name) >= sizeof(z->name))
		return -ENAMETOOLONG;
	strcpy(z->name, name);
	z->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return z->dir_fd < 0 ? -errno : create(z);
}

int zfile_open(const char *path, int level, int threads, struct zfile **ret)
{
	struct zfile *z = calloc(1, sizeof(*z));
	size_t n = path ? strlen(path) : 0;
	int rc = 0;

	if (!z)
		return -ENOMEM;
	z->dir_fd = -1;
	z->fd = path ? -1 : STDOUT_FILENO;
	if (n > 4 && strcmp(path + n - 4, ".zst") == 0)
		rc = zstd_setup(z, level, threads);
	if (rc == 0 && path)
		rc = open_path(z, path);
	if (rc < 0) {
		zfile_close(z);
		return rc;
	}
	*ret = z;
	return 0;
}

/* Give zstd n bytes; how: go on, flush or end. */
static int compress(struct zfile *z, const void *p, size_t n, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = { p, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { z->out, z->out_cap, 0 };
		int rc;

		left = ZSTD_compressStream2(z->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return -ENOMEM; /* nothing else can be wrong here */
		rc = out_all(z->fd, z->out, out.pos);
		if (rc < 0)
			return rc;
	} while (how == ZSTD_e_continue ? in.pos < in.size : left > 0);
	return 0;
}

int zfile_write(struct zfile *z, const void *p, size_t n)
{
	return z->zstd ? compress(z, p, n, ZSTD_e_continue) : out_all(z->fd, p, n);
}

int zfile_flush(struct zfile *z)
{
	return z->zstd ? compress(z, NULL, 0, ZSTD_e_flush) : 0;
}

/* Give the file a name of its own, beside the one it is to have. */
static int name_it(struct zfile *z)
{
	char self[64];
	unsigned int i;

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", z->fd); /* it fits */
	for (i = 0; i < 100; i++) { /* names left by others are passed over */
		int n = snprintf(z->tmp, sizeof(z->tmp), ".%s.%d.%u.tmp", z->name, (int)getpid(),
				 i);

		if (n < 0 || (size_t)n >= sizeof(z->tmp))
			break;
		if (linkat(AT_FDCWD, self, z->dir_fd, z->tmp, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST) {
			z->tmp[0] = '\0';
			return -errno;
		}
	}
	z->tmp[0] = '\0';
	return -ENAMETOOLONG;
}

int zfile_commit(struct zfile *z)
{
	int rc = z->zstd ? compress(z, NULL, 0, ZSTD_e_end) : 0;

	if (rc == 0 && z->dir_fd >= 0 && fsync(z->fd) < 0)
		rc = -errno;
	if (rc == 0 && z->dir_fd >= 0 && z->tmp[0] == '\0')
		rc = name_it(z);
	if (rc == 0 && close(take_fd(&z->fd)) < 0)
		rc = -errno;
	if (rc == 0 && z->dir_fd >= 0 && renameat(z->dir_fd, z->tmp, z->dir_fd, z->name) < 0)
		rc = -errno;
	if (rc == 0)
		z->tmp[0] = '\0'; /* it has its name */
	return rc;
}

void zfile_close(struct zfile *z)
{
	if (!z)
		return;
	if (z->tmp[0] != '\0')
		(void)unlinkat(z->dir_fd, z->tmp, 0); /* what went wrong has been said */
	if (z->fd != STDOUT_FILENO)
		close_fdp(&z->fd);
	close_fdp(&z->dir_fd);
	ZSTD_freeCCtx(z->zstd);
	free(z->out);
	free(z);
}
