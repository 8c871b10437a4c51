/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the entries of the cache. */
#include "cache.h"
#include "cleanup.h"
#include "dirs.h"
#include "fragment.h"
#include "metadata.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define KEY_MAX 240 /* with "kernel-" and ".lock" it is a file name still */

bool cache_key_ok(const char *key)
{
	return key[0] && key[0] != '.' && !strchr(key, '/') && strlen(key) <= KEY_MAX;
}

/* Names and sizes of the files that metadata.json has. */
static void look_at_files(int dir_fd, struct kernel *k)
{
	struct stat st;
	size_t i;

	for (i = 0; i < k->n_files; i++) {
		const struct kernel_file *f = &k->files[i];

		if (fstatat(dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			kernel_damage(k, DAMAGE_FILE_MISSING, "%s: %s", f->name, strerror(errno));
		else if (!S_ISREG(st.st_mode))
			kernel_damage(k, DAMAGE_FILE_MISSING, "%s is no file", f->name);
		else if ((uint64_t)st.st_size != f->bytes)
			kernel_damage(k, DAMAGE_SIZE, "%s has %lld bytes, metadata.json says %llu",
				      f->name, (long long)st.st_size, (unsigned long long)f->bytes);
	}
}

static int look_inside(struct kernel *k)
{
	AUTO_BUF config = BUF_INIT;
	struct image im;
	int rc = image_probe(k->path, &im);

	if (rc < 0 || im.kind == IMAGE_NONE) {
		kernel_damage(k, DAMAGE_NO_KERNEL, "%s: %s", k->image,
			      rc < 0 ? strerror(-rc) : im.why);
		return 0;
	}
	k->kind = im.kind;
	if (!kernel_hash(k, "config")[0])
		return 0;
	rc = image_config(k->path, &im, &config, k->config_path, sizeof(k->config_path));
	if (rc == 1)
		config_read(&k->config, config.p, config.len);
	else
		k->config_path[0] = '\0';
	return rc < 0 ? rc : 0;
}

static int load_at(int kernels_fd, const char *dir, const char *key, struct kernel *k)
{
	AUTO_FD fd = openat(kernels_fd, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char now[SHA256_TEXT];
	struct stat st;
	struct tm tm;
	int n, rc;

	kernel_init(k);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	memcpy(k->key, key, strlen(key) + 1); /* cache_key_ok() has looked at its length */
	n = snprintf(k->path, sizeof(k->path), "%s/%s", dir, key);
	if (n < 0 || n >= (int)sizeof(k->path))
		return -ENAMETOOLONG;
	if (gmtime_r(&st.st_mtime, &tm) &&
	    strftime(k->used, sizeof(k->used), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		k->used[0] = '\0';
	rc = metadata_read(fd, k);
	if (rc < 0 || k->damage)
		return rc;
	if (snprintf(k->path + n, sizeof(k->path) - (size_t)n, "/%s", k->image) >=
	    (int)sizeof(k->path) - n)
		return -ENAMETOOLONG;
	if (k->base_hash[0]) {
		fragment_hash(now);
		k->stale = strcmp(now, k->base_hash) != 0 ? TRI_YES : TRI_NO;
	}
	look_at_files(fd, k);
	return k->damage ? 0 : look_inside(k);
}

int cache_load(const char *key, struct kernel *k)
{
	char dir[PATH_MAX];
	AUTO_FD fd = -1;
	int rc;

	if (!cache_key_ok(key))
		return -EINVAL;
	rc = dirs_kernels(dir, sizeof(dir));
	if (rc < 0)
		return rc;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : load_at(fd, dir, key, k);
}

int cache_verify(struct kernel *k)
{
	char dir[PATH_MAX];
	AUTO_FD kernels_fd = -1, dir_fd = -1;
	size_t i;
	int rc = dirs_kernels(dir, sizeof(dir));

	if (rc < 0)
		return rc;
	kernels_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir_fd = kernels_fd < 0 ? -1
				: openat(kernels_fd, k->key,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	for (i = 0; i < k->n_files && !k->damage; i++) {
		const struct kernel_file *f = &k->files[i];
		AUTO_FD fd = openat(dir_fd, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		char sum[SHA256_TEXT];
		uint64_t bytes;

		if (fd < 0) {
			kernel_damage(k, errno == ENOENT ? DAMAGE_FILE_MISSING : DAMAGE_UNREADABLE,
				      "%s: %s", f->name, strerror(errno));
			break;
		}
		rc = sha256_fd(fd, sum, &bytes);
		if (rc < 0)
			kernel_damage(k, DAMAGE_UNREADABLE, "%s: %s", f->name, strerror(-rc));
		else if (strcmp(sum, f->sha256) != 0)
			kernel_damage(k, DAMAGE_SUM,
				      "%s has sha256 %.8s…, metadata.json says %.8s…", f->name, sum,
				      f->sha256);
	}
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct kernel *x = a, *y = b;
	int diff = (x->damage != DAMAGE_NONE) - (y->damage != DAMAGE_NONE);

	if (diff == 0)
		diff = strcmp(y->built, x->built);
	if (diff == 0)
		diff = version_compare(y->version, x->version);
	return diff ? diff : strcmp(x->key, y->key);
}

void cache_sort(struct kernel *v, int n)
{
	if (n > 0)
		qsort(v, (size_t)n, sizeof(*v), newest_first);
}

int cache_list(struct kernel **ret)
{
	char dir[PATH_MAX];
	AUTO_DIR *d = NULL;
	AUTO_FREE struct kernel *v = NULL;
	int n = 0, cap = 0, rc = dirs_kernels(dir, sizeof(dir));

	*ret = NULL;
	if (rc < 0)
		return rc;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		const struct dirent *de;

		errno = 0;
		de = readdir(d);
		if (!de) {
			if (errno)
				return -errno;
			break;
		}
		if (!cache_key_ok(de->d_name))
			continue;
		if (n == cap) {
			struct kernel *w = reallocarray(v, (size_t)cap + 8, sizeof(*v));

			if (!w)
				return -ENOMEM;
			v = w;
			cap += 8;
		}
		rc = load_at(dirfd(d), dir, de->d_name, &v[n]);
		if (rc == -ENOTDIR || rc == -ENOENT)
			continue; /* no entry, or just replaced */
		if (rc < 0)
			return rc;
		n++;
	}
	cache_sort(v, n);
	*ret = take_ptr(&v);
	return n;
}
