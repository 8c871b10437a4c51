/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines that have booted, kept to be continued. */
#include "template.h"
#include "cachedir.h"
#include "cleanup.h"
#include "fileid.h"
#include "jsonr.h"
#include "jsonw.h"
#include "lock.h"
#include "out.h"
#include "root.h"
#include "sha256.h"
#include "topospec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <time.h>

#define FORMAT "ktstr-template 1" /* of the directory, and of what kt-init does around the stop */
#define SHM "/dev/shm"
#define NEW ".new"
#define LOOK_MS 20 /* how often a lock that others have is tried */
#define METADATA_MAX (64 << 10)

/* ---- Names */

int template_key(const struct vm_spec *spec, const char *archive, char key[TEMPLATE_KEY])
{
	struct vm_spec s = *spec;
	struct args args;
	struct sha256 sum;
	char hex[SHA256_TEXT], id[128];
	int rc;
	size_t i;

	s.role = VM_SAVE;
	s.serial_fd = s.ctl_fd = s.in_fd = s.out_fd = s.err_fd = s.qmp_fd = s.initrd_fd = 0;
	s.page_fd = s.ram_fd = 0;
	sha256_init(&sum);
	sha256_add(&sum, FORMAT, sizeof(FORMAT));
	rc = fileid_program(s.qemu, id, sizeof(id));
	if (rc == 0) {
		sha256_add(&sum, id, strlen(id) + 1);
		rc = fileid_file(s.kernel, id, sizeof(id));
	}
	if (rc == 0) {
		sha256_add(&sum, id, strlen(id) + 1);
		sha256_add(&sum, archive, strlen(archive) + 1);
		rc = qemu_args(&s, &args);
	}
	if (rc < 0)
		return rc;
	for (i = 0; rc == 0 && i < args.n; i++)
		sha256_add(&sum, args.v[i], strlen(args.v[i]) + 1);
	args_free(&args);
	sha256_hex(&sum, hex);
	(void)snprintf(key, TEMPLATE_KEY, "%.*s", TEMPLATE_KEY - 1, hex);
	return rc;
}

/* ---- Places */

enum {
	PLACE_SHM,
	PLACE_CACHE,
	N_PLACES
};

struct places {
	char name[N_PLACES][PATH_MAX];
	int fd[N_PLACES]; /* -1: not there, or not to be used */
};

static void places_close(struct places *p)
{
	drop_fd(&p->fd[PLACE_SHM]);
	drop_fd(&p->fd[PLACE_CACHE]);
}

#define AUTO_PLACES __attribute__((cleanup(places_close))) struct places
#define PLACES_INIT                                                                                \
	{                                                                                          \
		.fd = { -1, -1 }                                                                   \
	}

/* A directory below /dev/shm that is ours alone; it is made if `make` is set. */
static int open_shm(const char *cache, char *name, bool make)
{
	const char *set = getenv("KTSTR_CACHE_DIR");
	AUTO_FD fd = -1;
	struct sha256 sum;
	char hex[SHA256_TEXT];
	struct statfs fs;
	struct stat st;

	if ((set && *set) || statfs(SHM, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return -ENOENT;
	sha256_init(&sum);
	sha256_add(&sum, cache, strlen(cache));
	sha256_hex(&sum, hex);
	(void)snprintf(name, PATH_MAX, SHM "/ktstr-%u-%.8s", (unsigned int)geteuid(), hex);
	if (make && mkdir(name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() && (st.st_mode & 077) == 0 ? take_fd(&fd) : -EPERM;
}

static int places_open(struct places *p, bool make_shm)
{
	static const char sub[] = "/templates";
	char *cache = p->name[PLACE_CACHE];

	p->fd[PLACE_SHM] = p->fd[PLACE_CACHE] = -1;
	if (!cachedir_path(cache, PATH_MAX - sizeof(sub)))
		return -errno;
	p->fd[PLACE_SHM] = open_shm(cache, p->name[PLACE_SHM], make_shm);
	p->fd[PLACE_CACHE] = cachedir_open(&sub[1]);
	strcat(cache, sub);
	return p->fd[PLACE_CACHE] < 0 ? p->fd[PLACE_CACHE] : 0;
}

/* Twice the memory: what is there now may be wanted by others soon. */
static bool roomy(int fd, uint64_t mem_mib)
{
	struct statfs fs;
	struct sysinfo si;

	return fstatfs(fd, &fs) == 0 && sysinfo(&si) == 0 &&
	       (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize >> 20 >= 2 * mem_mib &&
	       (uint64_t)(si.freeram + si.bufferram) * si.mem_unit >> 20 >= 2 * mem_mib;
}

/* ---- Locks */

void template_init(struct template *t, const char *key)
{
	*t = (struct template){ .dir_fd = -1, .lock_fd = -1, .state_fd = -1 };
	(void)snprintf(t->key, sizeof(t->key), "%s", key); /* a key is no longer */
}

void template_unlock(struct template *t)
{
	drop_fd(&t->lock_fd);
}

void template_free(struct template *t)
{
	drop_fd(&t->dir_fd);
	drop_fd(&t->state_fd);
	template_unlock(t);
	buf_free(&t->console);
}

int template_lock(struct template *t, bool exclusive, bool wait, int sig_fd)
{
	enum lock_mode mode = exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED;
	struct pollfd p = { sig_fd, POLLIN, 0 };
	int fd;

	template_unlock(t);
	while ((fd = lock_cache("template", t->key, mode, 0)) == -EWOULDBLOCK && wait)
		if (poll(&p, 1, LOOK_MS) > 0)
			return -EINTR;
	t->lock_fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

/* ---- Contents */

static int read_all(int dir_fd, const char *name, size_t max, struct buf *b)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : buf_rest(b, fd, max);
}

static json_t *read_metadata(int dir_fd)
{
	AUTO_BUF b = BUF_INIT;
	json_error_t err;

	if (read_all(dir_fd, "metadata.json", METADATA_MAX, &b) < 0 || b.len == 0)
		return NULL;
	return rec_load(b.p, b.len, &err);
}

/* Memory that the system has not written out is lost with it, and what a machine has seen of the
 * CPU may have changed with the next boot. */
static bool of_this_boot(const json_t *metadata)
{
	char boot[64];

	return metadata && fileid_boot(boot, sizeof(boot)) == 0 &&
	       strcmp(rec_str(metadata, "boot_id", ""), boot) == 0;
}

int template_open(struct template *t)
{
	AUTO_PLACES p = PLACES_INIT;
	int rc = places_open(&p, false), i;

	for (i = 0; rc == 0 && i < N_PLACES && t->dir_fd < 0; i++)
		if (p.fd[i] >= 0)
			t->dir_fd = openat(p.fd[i], t->key,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rc == 0 && t->dir_fd < 0)
		rc = -ENOENT;
	if (rc == 0) {
		json_t *metadata = read_metadata(t->dir_fd);

		rc = of_this_boot(metadata) ? 0 : -ENOENT;
		json_decref(metadata);
	}
	if (rc == 0) {
		t->state_fd = openat(t->dir_fd, "state", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		rc = t->state_fd < 0 ? -errno
				     : read_all(t->dir_fd, "console", 16 << 20, &t->console);
	}
	if (rc == 0)
		(void)futimens(t->dir_fd, NULL); /* a time that is off is no reason to boot */
	else
		drop_fd(&t->dir_fd);
	return rc;
}

static void new_name(const char *key, char name[TEMPLATE_KEY + sizeof(NEW)])
{
	(void)snprintf(name, TEMPLATE_KEY + sizeof(NEW), "%s" NEW, key); /* fits by its type */
}

/* The files of a directory and the directory: there are no others below it. Returns 0 or -errno.
 * *bytes grows by what they took. */
static int remove_dir(int place_fd, const char *name, uint64_t *bytes)
{
	AUTO_FD fd = openat(place_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;
	struct stat st;

	if (!dir)
		return -errno;
	(void)take_fd(&fd); /* closedir() owns it from here */
	/* Without its metadata it is none any more, whatever comes between. */
	(void)unlinkat(dirfd(dir), "metadata.json", 0);
	while ((de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			*bytes += (uint64_t)st.st_blocks * 512;
		if (unlinkat(dirfd(dir), de->d_name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return unlinkat(place_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int template_remove(struct template *t, uint64_t *ret_bytes)
{
	AUTO_PLACES p = PLACES_INIT;
	char name[TEMPLATE_KEY + sizeof(NEW)];
	int rc = places_open(&p, false), ret = -ENOENT, i;
	uint64_t bytes = 0;

	if (rc < 0)
		return rc;
	new_name(t->key, name);
	for (i = 0; i < N_PLACES; i++) {
		if (p.fd[i] < 0)
			continue;
		rc = remove_dir(p.fd[i], t->key, &bytes);
		if (rc != -ENOENT)
			ret = rc;
		rc = remove_dir(p.fd[i], name, &bytes);
		if (rc != -ENOENT && ret == -ENOENT)
			ret = rc;
	}
	if (p.fd[PLACE_SHM] >= 0)
		(void)rmdir(p.name[PLACE_SHM]); /* the last one has gone, or others are there */
	if (ret_bytes)
		*ret_bytes = bytes;
	return ret;
}

int template_stage(struct template *t, uint64_t mem_mib)
{
	AUTO_PLACES p = PLACES_INIT;
	char name[TEMPLATE_KEY + sizeof(NEW)];
	int rc = template_remove(t, NULL), at;

	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = places_open(&p, true);
	if (rc < 0)
		return rc;
	at = p.fd[PLACE_SHM] >= 0 && roomy(p.fd[PLACE_SHM], mem_mib) ? PLACE_SHM : PLACE_CACHE;
	new_name(t->key, name);
	if (mkdirat(p.fd[at], name, 0700) < 0)
		return -errno;
	drop_fd(&t->dir_fd);
	t->dir_fd = openat(p.fd[at], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return t->dir_fd < 0 ? -errno : 0;
}

static int write_metadata(const struct template *t, const struct vm_spec *s)
{
	char topo[TOPOSPEC_TEXT], boot[64];
	struct jsonw w;
	int rc = fileid_boot(boot, sizeof(boot));

	if (rc < 0)
		return rc;
	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	jsonw_str(&w, "boot_id", boot);
	jsonw_i64(&w, "made_s", (int64_t)time(NULL));
	jsonw_str(&w, "kernel", s->kernel);
	jsonw_str(&w, "topology", topospec_format(&s->topo, topo));
	jsonw_u64(&w, "memory_bytes", s->mem_mib << 20);
	jsonw_str(&w, "clock", s->virt ? "virtual" : "real");
	jsonw_str(&w, "accel", s->kvm ? "kvm" : "tcg");
	jsonw_str(&w, "append", s->append);
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = out_replace(t->dir_fd, "metadata.json", w.buf.p, w.buf.len);
	jsonw_free(&w);
	return rc;
}

int template_publish(struct template *t, const struct vm_spec *spec)
{
	AUTO_PLACES p = PLACES_INIT;
	char name[TEMPLATE_KEY + sizeof(NEW)];
	int rc = write_metadata(t, spec), i;

	if (rc == 0)
		rc = places_open(&p, false);
	new_name(t->key, name);
	for (i = 0; rc == 0 && i < N_PLACES; i++)
		if (p.fd[i] >= 0 && lock_means(t->dir_fd, p.fd[i], name) &&
		    renameat(p.fd[i], name, p.fd[i], t->key) < 0)
			rc = -errno;
	drop_fd(&t->dir_fd);
	if (rc < 0)
		(void)template_remove(t, NULL); /* rc is the news */
	return rc;
}

/* ---- All of them */

static uint64_t dir_bytes(int dir_fd)
{
	AUTO_DIR *dir = fdopendir(dup(dir_fd));
	const struct dirent *de;
	struct stat st;
	uint64_t sum = 0;

	while (dir && (de = readdir(dir)) != NULL)
		if (fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_blocks * 512;
	return sum;
}

static bool is_key(const char *name)
{
	return strspn(name, "0123456789abcdef") == TEMPLATE_KEY - 1 &&
	       (name[TEMPLATE_KEY - 1] == '\0' || strcmp(name + TEMPLATE_KEY - 1, NEW) == 0);
}

static int visit(int place_fd, const char *place, const char *name,
		 int (*fn)(const struct template_info *info, void *arg), void *arg)
{
	AUTO_FD fd = openat(place_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct template_info info = { .place = place, .name = name };
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0; /* it has just been removed */
	(void)snprintf(info.key, sizeof(info.key), "%.*s", TEMPLATE_KEY - 1, name);
	info.used_s = st.st_mtim.tv_sec;
	info.bytes = dir_bytes(fd);
	info.metadata = read_metadata(fd);
	info.finished = name[TEMPLATE_KEY - 1] == '\0' && of_this_boot(info.metadata);
	rc = fn(&info, arg);
	json_decref(info.metadata);
	return rc;
}

int template_each(int (*fn)(const struct template_info *info, void *arg), void *arg)
{
	AUTO_PLACES p = PLACES_INIT;
	int rc = places_open(&p, false), i;

	for (i = 0; rc == 0 && i < N_PLACES; i++) {
		int copy = p.fd[i] < 0 ? -1 : openat(p.fd[i], ".", O_RDONLY | O_CLOEXEC);
		AUTO_DIR *dir = copy < 0 ? NULL : fdopendir(copy);
		const struct dirent *de;

		while (rc == 0 && dir && (de = readdir(dir)) != NULL)
			if (is_key(de->d_name))
				rc = visit(p.fd[i], p.name[i], de->d_name, fn, arg);
	}
	return rc;
}

struct aged {
	char key[TEMPLATE_KEY];
	uint64_t bytes;
	int64_t used_s;
	bool finished;
};

struct ages {
	struct aged *v;
	size_t n, cap;
};

static int collect(const struct template_info *info, void *arg)
{
	struct ages *a = arg;
	struct aged *v;

	if (a->n == a->cap) {
		v = reallocarray(a->v, a->cap + 64, sizeof(*v));
		if (!v)
			return -ENOMEM;
		a->v = v;
		a->cap += 64;
	}
	v = &a->v[a->n++];
	*v = (struct aged){ "", info->bytes, info->used_s, info->finished };
	memcpy(v->key, info->key, sizeof(v->key));
	return 0;
}

static int newest_first(const void *x, const void *y)
{
	const struct aged *a = x, *b = y;

	return a->used_s > b->used_s ? -1 : a->used_s < b->used_s;
}

void template_prune(uint64_t max_bytes, const char *but)
{
	struct ages a = { 0 };
	int64_t now = (int64_t)time(NULL);
	uint64_t sum = 0;
	size_t i;

	/* What cannot be tidied up today can be tomorrow. */
	if (template_each(collect, &a) == 0 && a.n > 0)
		qsort(a.v, a.n, sizeof(*a.v), newest_first);
	for (i = 0; i < a.n; i++) {
		struct template t;

		sum += a.v[i].bytes;
		if ((but && strcmp(a.v[i].key, but) == 0) ||
		    (a.v[i].finished && sum <= max_bytes &&
		     now - a.v[i].used_s < TEMPLATE_MAX_AGE_S))
			continue;
		template_init(&t, a.v[i].key);
		if (template_lock(&t, true, false, -1) == 0 && template_remove(&t, NULL) == 0) {
			(void)lock_forget("template", t.key); /* an empty file too many */
			sum -= a.v[i].bytes;
		}
		template_free(&t);
	}
	free(a.v);
}
