/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels that are kept. */
#include "cache.h"
#include "cachedir.h"
#include "cleanup.h"
#include "jsonr.h"
#include "jsonw.h"
#include "lock.h"
#include "out.h"
#include "sha256.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TEMP_HEAD ".tmp-"
#define WRITER_WAIT_MS 60000

static void put_tri(struct jsonw *w, const char *name, enum tristate v)
{
	if (v == TRI_UNKNOWN)
		jsonw_null(w, name);
	else
		jsonw_bool(w, name, v == TRI_YES);
}

static void put_text(struct jsonw *w, const char *name, const char *s)
{
	jsonw_str(w, name, s[0] ? s : NULL);
}

/* What the kernel can do, and which options it would need to do more. */
static void put_abilities(struct jsonw *w, const struct kernel *k)
{
	size_t i;

	put_tri(w, "boots", config_can(&k->config, NEED_BOOT, k->machine));
	put_tri(w, "sched", config_can(&k->config, NEED_SCHED, k->machine));
	put_tri(w, "sched_ext", config_can(&k->config, NEED_SCHED_EXT, k->machine));
	put_tri(w, "btf", config_has(&k->config, "DEBUG_INFO_BTF"));
	put_tri(w, "kprobes", config_has(&k->config, "KPROBE_EVENTS"));
	put_tri(w, "probe", config_can(&k->config, NEED_PROBE, k->machine));
	if (!k->config.known) {
		jsonw_null(w, "missing");
		return;
	}
	jsonw_arr(w, "missing");
	for (i = 0; config_needs[i].option; i++) {
		char name[64];

		if (!config_lacks(&k->config, i, k->machine))
			continue;
		(void)snprintf(name, sizeof(name), "CONFIG_%s", config_needs[i].option);
		jsonw_str(w, NULL, name);
	}
	jsonw_arr_end(w);
}

int kernel_record(struct jsonw *w, const char *type, const struct kernel *k, const char *why)
{
	jsonw_begin(w, type);
	put_text(w, "key", k->key);
	put_text(w, "version", k->version);
	jsonw_str(w, "source", k->source);
	put_text(w, "arch", k->machine);
	jsonw_str(w, "kind", image_kind_text(k->kind));
	put_abilities(w, k);
	jsonw_str(w, "path", k->path);
	put_text(w, "config", k->config_path);
	if (k->kind == IMAGE_NONE)
		jsonw_null(w, "bytes");
	else
		jsonw_u64(w, "bytes", k->bytes);
	put_text(w, "sha256", k->sha256);
	put_text(w, "suite", k->suite);
	put_text(w, "package", k->package);
	put_text(w, "package_version", k->package_version);
	put_text(w, "built", k->built);
	put_text(w, "corrupt", k->corrupt);
	jsonw_str(w, "why", why);
	return jsonw_end(w);
}

int kernel_file(const char *path, const char *source, struct kernel *k)
{
	AUTO_BUF text = BUF_INIT;
	struct image im;
	int rc;

	memset(k, 0, sizeof(*k));
	if (!realpath(path, k->path))
		return -errno;
	rc = image_probe(k->path, &im);
	if (rc < 0)
		return rc;
	(void)snprintf(k->source, sizeof(k->source), "%s", source);
	k->kind = im.kind;
	k->bytes = im.bytes;
	(void)snprintf(k->machine, sizeof(k->machine), "%s", im.machine ? im.machine : "");
	if (im.kind == IMAGE_NONE) {
		(void)snprintf(k->corrupt, sizeof(k->corrupt), "%s", im.why);
		return 0;
	}
	(void)snprintf(k->version, sizeof(k->version), "%s", im.release);
	rc = image_config(k->path, &im, &text, k->config_path, sizeof(k->config_path));
	if (rc == 1)
		config_read(&k->config, text.p, text.len);
	else
		k->config_path[0] = '\0';
	return rc < 0 && rc != -EACCES ? rc : 0; /* one that may not be read is unknown */
}

static bool plain_name(const char *key)
{
	return key[0] && key[0] != '.' && !strchr(key, '/') && strlen(key) < 256;
}

static void take(char *buf, size_t cap, const json_t *o, const char *name)
{
	(void)snprintf(buf, cap, "%s", rec_str(o, name, ""));
}

/* What metadata.json and the files say; k->corrupt if they cannot be trusted. */
static void load(const json_t *o, int dir_fd, struct kernel *k)
{
	const json_t *files = json_object_get(o, "files"), *image;
	struct stat st;
	size_t n;

	if (strcmp(rec_str(o, "source", ""), "apt") != 0) {
		(void)snprintf(k->corrupt, sizeof(k->corrupt), "metadata.json names no source");
		return;
	}
	take(k->version, sizeof(k->version), o, "version");
	take(k->machine, sizeof(k->machine), o, "arch");
	take(k->suite, sizeof(k->suite), o, "suite");
	take(k->flavour, sizeof(k->flavour), o, "flavour");
	take(k->package, sizeof(k->package), o, "package");
	take(k->package_version, sizeof(k->package_version), o, "package_version");
	take(k->built, sizeof(k->built), o, "built");
	take(k->image, sizeof(k->image), o, "image");
	image = plain_name(k->image) ? json_object_get(files, k->image) : NULL;
	if (!image || strlen(k->path) + strlen(k->image) + 2 > sizeof(k->path)) {
		(void)snprintf(k->corrupt, sizeof(k->corrupt), "metadata.json names no image");
		return;
	}
	n = strlen(k->path);
	(void)snprintf(k->path + n, sizeof(k->path) - n, "/%s", k->image); /* it fits, see above */
	k->bytes = rec_u64(image, "bytes", 0);
	take(k->sha256, sizeof(k->sha256), image, "sha256");
	take(k->config_sha256, sizeof(k->config_sha256), json_object_get(files, "config"),
	     "sha256");
	if (fstatat(dir_fd, k->image, &st, 0) < 0)
		(void)snprintf(k->corrupt, sizeof(k->corrupt), "%s: %s", k->image, strerror(errno));
	else if ((uint64_t)st.st_size != k->bytes)
		(void)snprintf(k->corrupt, sizeof(k->corrupt),
			       "%s has %lld bytes, metadata.json says %llu", k->image,
			       (long long)st.st_size, (unsigned long long)k->bytes);
}

static int load_at(int kernels_fd, const char *dir, const char *key, struct kernel *k)
{
	AUTO_FD fd = openat(kernels_fd, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *meta = NULL;
	struct jsonr_doc doc = { 0 };
	struct image im;
	json_t *o;
	int n, rc;

	memset(k, 0, sizeof(*k));
	if (fd < 0)
		return -errno;
	(void)snprintf(k->key, sizeof(k->key), "%s",
		       key); /* plain_name() has looked at its length */
	(void)snprintf(k->source, sizeof(k->source), "apt");
	n = snprintf(k->path, sizeof(k->path), "%s/%s", dir, key);
	if (n < 0 || n >= (int)sizeof(k->path))
		return -ENAMETOOLONG;
	if (asprintf(&meta, "%s/metadata.json", k->path) < 0) {
		meta = NULL;
		return -ENOMEM;
	}
	o = jsonr_load(&doc, meta, &text);
	if (!o) {
		(void)snprintf(k->corrupt, sizeof(k->corrupt), "%.*s", (int)sizeof(k->corrupt) - 1,
			       doc.err);
		return 0;
	}
	load(o, fd, k);
	json_decref(o);
	if (k->corrupt[0])
		return 0;
	rc = image_probe(k->path, &im);
	if (rc < 0 || im.kind == IMAGE_NONE) {
		(void)snprintf(k->corrupt, sizeof(k->corrupt), "%s: %s", k->image,
			       rc < 0 ? strerror(-rc) : im.why);
		return 0;
	}
	k->kind = im.kind;
	if (faccessat(fd, "config", R_OK, 0) == 0) {
		AUTO_BUF config = BUF_INIT;

		rc = image_config(k->path, &im, &config, k->config_path, sizeof(k->config_path));
		if (rc < 0)
			return rc;
		if (rc == 1)
			config_read(&k->config, config.p, config.len);
	}
	return 0;
}

static int kernels_dir(char *buf, size_t cap)
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

int cache_load(const char *key, struct kernel *k)
{
	char dir[PATH_MAX];
	AUTO_FD fd = -1;
	int rc;

	if (!plain_name(key))
		return -EINVAL;
	rc = kernels_dir(dir, sizeof(dir));
	if (rc < 0)
		return rc;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : load_at(fd, dir, key, k);
}

static int newest_first(const void *a, const void *b)
{
	const struct kernel *x = a, *y = b;
	int diff = version_compare(y->version, x->version);

	return diff ? diff : strcmp(y->built, x->built);
}

int cache_list(struct kernel **ret)
{
	char dir[PATH_MAX];
	AUTO_DIR *d = NULL;
	AUTO_FREE struct kernel *v = NULL;
	int n = 0, cap = 0, rc = kernels_dir(dir, sizeof(dir));

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
		if (!plain_name(de->d_name))
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
	if (n > 0)
		qsort(v, (size_t)n, sizeof(*v), newest_first);
	*ret = take_ptr(&v);
	return n;
}

/* Remove a directory of plain files. */
static int remove_dir(int parent_fd, const char *name)
{
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;

	if (!d)
		return -errno;
	(void)take_fd(&fd); /* closedir() owns it from here */
	while ((de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			(void)unlinkat(dirfd(d), de->d_name, 0); /* the rmdir below would tell */
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int cache_unstage(const char *staged)
{
	return remove_dir(AT_FDCWD, staged);
}

static int sweep(int kernels_fd)
{
	AUTO_FD fd = openat(kernels_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;
	int rc = 0;

	if (!d)
		return -errno;
	(void)take_fd(&fd);
	while (rc == 0 && (de = readdir(d)))
		if (strncmp(de->d_name, TEMP_HEAD, sizeof(TEMP_HEAD) - 1) == 0)
			rc = remove_dir(dirfd(d), de->d_name);
	return rc;
}

int cache_stage(char *buf, size_t cap)
{
	AUTO_FD fd = cachedir_open("kernels");
	char dir[PATH_MAX];
	int n, rc;

	if (fd < 0)
		return fd;
	rc = sweep(fd);
	if (rc == 0)
		rc = kernels_dir(dir, sizeof(dir));
	if (rc < 0)
		return rc;
	n = snprintf(buf, cap, "%s/" TEMP_HEAD "XXXXXX", dir);
	if (n < 0 || (size_t)n >= cap)
		return -ENAMETOOLONG;
	return mkdtemp(buf) ? 0 : -errno;
}

/* Sum and size of a staged file; it is on the disk afterwards. */
static int seal(int dir_fd, const char *name, char sum[SHA256_TEXT], uint64_t *ret_bytes)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = sha256_fd(fd, sum, ret_bytes);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

static void put_sealed(struct jsonw *w, const char *name, const char *sum, uint64_t bytes)
{
	jsonw_obj(w, name);
	jsonw_u64(w, "bytes", bytes);
	jsonw_str(w, "sha256", sum);
	jsonw_obj_end(w);
}

static int write_metadata(int dir_fd, struct kernel *k)
{
	uint64_t config_bytes = 0;
	struct jsonw w;
	struct tm tm;
	time_t now = time(NULL);
	int rc = seal(dir_fd, k->image, k->sha256, &k->bytes);

	if (rc == 0)
		rc = seal(dir_fd, "config", k->config_sha256, &config_bytes);
	if (rc < 0)
		return rc;
	if (!gmtime_r(&now, &tm) ||
	    strftime(k->built, sizeof(k->built), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -EOVERFLOW;
	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	jsonw_u64(&w, "schema", 1);
	jsonw_str(&w, "version", k->version);
	jsonw_str(&w, "source", k->source);
	jsonw_str(&w, "arch", k->machine);
	put_text(&w, "suite", k->suite);
	put_text(&w, "flavour", k->flavour);
	put_text(&w, "package", k->package);
	put_text(&w, "package_version", k->package_version);
	jsonw_str(&w, "image", k->image);
	jsonw_obj(&w, "files");
	put_sealed(&w, k->image, k->sha256, k->bytes);
	put_sealed(&w, "config", k->config_sha256, config_bytes);
	jsonw_obj_end(&w);
	put_abilities(&w, k);
	jsonw_str(&w, "built", k->built);
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = out_replace(dir_fd, "metadata.json", w.buf.p, w.buf.len);
	jsonw_free(&w);
	return rc;
}

int cache_publish(const char *staged, struct kernel *k)
{
	AUTO_FD kernels_fd = cachedir_open("kernels");
	AUTO_FD dir_fd = open(staged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD lock = -1;
	const char *name = strrchr(staged, '/');
	int rc;

	if (kernels_fd < 0 || dir_fd < 0 || !name)
		return kernels_fd < 0 ? kernels_fd : -errno;
	name++;
	if (!plain_name(k->key))
		return -EINVAL;
	rc = write_metadata(dir_fd, k);
	if (rc < 0)
		return rc;
	if (fchmod(dir_fd, 0755) < 0 || fsync(dir_fd) < 0)
		return -errno;
	lock = lock_cache("kernel", k->key, LOCK_EXCLUSIVE, WRITER_WAIT_MS);
	if (lock < 0)
		return lock;
	if (renameat(kernels_fd, name, kernels_fd, k->key) < 0) {
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		/* readers see the old entry or the new one, never none */
		if (renameat2(kernels_fd, name, kernels_fd, k->key, RENAME_EXCHANGE) < 0)
			return -errno;
		rc = remove_dir(kernels_fd, name);
	}
	if (rc == 0 && fsync(kernels_fd) < 0)
		rc = -errno;
	return rc;
}
