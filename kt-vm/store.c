/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives that are kept. An index is text:
 *
 *	ktstr-initramfs-index 1
 *	KEY.cpio.zst
 *	+ DEV INO MODE SIZE MTIME CTIME /path\0\n		a file in this state
 *	- /path\0\n					a file that was not there
 *	.
 */
#include "store.h"
#include "cachedir.h"
#include "cleanup.h"
#include "lock.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define INDEX_HEAD "ktstr-initramfs-index 1\n"
#define TEMP_HEAD ".tmp-"
#define FRESH_S 600 /* used so lately that its user may not have opened it yet */
#define STALE_S 60 /* a temporary file is locked by then */
/* The kernel stamps files with the time of its last tick, at least 100 a second. */
#define TICK_NS 20000000

static int compare_time(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

void inputs_init(struct inputs *in)
{
	*in = (struct inputs){ 0 };
	clock_gettime(CLOCK_REALTIME, &in->started);
	if (in->started.tv_nsec >= TICK_NS) {
		in->started.tv_nsec -= TICK_NS;
	} else {
		in->started.tv_sec--;
		in->started.tv_nsec += 1000000000 - TICK_NS;
	}
}

/* The state of a file as the index has it. */
static int state(struct buf *b, const struct stat *st)
{
	return buf_fmt(
		b, "+ %" PRIx64 " %" PRIu64 " %o %" PRIi64 " %" PRIi64 ".%09ld %" PRIi64 ".%09ld ",
		(uint64_t)st->st_dev, (uint64_t)st->st_ino, st->st_mode, (int64_t)st->st_size,
		(int64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (int64_t)st->st_ctim.tv_sec,
		st->st_ctim.tv_nsec);
}

int inputs_seen(const char *path, const struct stat *st, void *arg)
{
	struct inputs *in = arg;

	if (!st) {
		buf_str(&in->text, "- ");
	} else if (compare_time(st->st_ctim, in->started) >= 0) {
		/* It could change once more and look the same: never trust this line. */
		buf_str(&in->text, "+ young ");
	} else {
		state(&in->text, st);
	}
	buf_str(&in->text, path);
	return buf_add(&in->text, "\0\n", 2);
}

int store_open(struct store *s, const char *request, size_t len)
{
	char hex[SHA256_TEXT];
	struct sha256 sum;
	size_t n;

	sha256_init(&sum);
	sha256_add(&sum, request, len);
	sha256_hex(&sum, hex);
	memcpy(s->request, hex, STORE_KEY - 1);
	s->request[STORE_KEY - 1] = '\0';
	if (!cachedir_path(s->dir, sizeof(s->dir)))
		return -errno;
	n = strlen(s->dir);
	if (n + sizeof("/initramfs") > sizeof(s->dir))
		return -ENAMETOOLONG;
	memcpy(s->dir + n, "/initramfs", sizeof("/initramfs"));
	s->dir_fd = cachedir_open("initramfs");
	return s->dir_fd < 0 ? s->dir_fd : 0;
}

void store_close(struct store *s)
{
	drop_fd(&s->dir_fd);
}

static void index_name(const struct store *s, char buf[STORE_KEY + 8])
{
	(void)snprintf(buf, STORE_KEY + 8, "%s.index", s->request); /* fits by its type */
}

int store_has(const struct store *s, const char *name)
{
	if (utimensat(s->dir_fd, name, NULL, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* Is every line of the index still so? text..end holds the lines, each ended by NUL and newline. */
static bool unchanged(const char *text, const char *end)
{
	while (text < end && *text != '.') {
		size_t len = strnlen(text, (size_t)(end - text));
		AUTO_BUF now = BUF_INIT;
		struct stat st;
		const char *path;

		if (text + len + 2 > end || text[len + 1] != '\n')
			return false;
		path = strchr(text, '/');
		if (!path)
			return false;
		if (stat(path, &st) < 0) {
			if (text[0] != '-')
				return false;
		} else if (text[0] != '+' || state(&now, &st) < 0 ||
			   now.len != (size_t)(path - text) || memcmp(now.p, text, now.len) != 0) {
			return false;
		}
		text += len + 2;
	}
	return text < end && *text == '.';
}

int store_lookup(const struct store *s, char *ret_name, size_t cap)
{
	char name[STORE_KEY + 8];
	AUTO_FD fd = -1;
	AUTO_BUF b = BUF_INIT;
	char *line;
	size_t n;
	int rc;

	index_name(s, name);
	fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = buf_rest(&b, fd, SIZE_MAX);
	if (rc < 0)
		return rc;
	if (b.len < sizeof(INDEX_HEAD) || memcmp(b.p, INDEX_HEAD, sizeof(INDEX_HEAD) - 1) != 0)
		return 0;
	line = b.p + sizeof(INDEX_HEAD) - 1;
	n = strcspn(line, "\n/"); /* a plain name */
	if (line[n] != '\n' || n >= cap || !unchanged(line + n + 1, b.p + b.len))
		return 0;
	memcpy(ret_name, line, n);
	ret_name[n] = '\0';
	(void)futimens(fd, NULL); /* only makes it live longer */
	return store_has(s, ret_name);
}

int store_temp(const struct store *s, char *ret_name, size_t cap)
{
	struct timespec t;
	int fd, n;

	do {
		clock_gettime(CLOCK_REALTIME, &t);
		n = snprintf(ret_name, cap, TEMP_HEAD "%d-%ld", (int)getpid(), t.tv_nsec);
		if (n < 0 || (size_t)n >= cap)
			return -ENAMETOOLONG;
		fd = openat(s->dir_fd, ret_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		n = -errno;
		(void)unlinkat(s->dir_fd, ret_name, 0); /* n is the news */
		close(fd);
		return n;
	}
	return fd;
}

int store_index(const struct store *s, const char *name, const struct inputs *in)
{
	char index[STORE_KEY + 8];
	AUTO_BUF b = BUF_INIT;

	if (in->text.err < 0)
		return in->text.err;
	buf_fmt(&b, INDEX_HEAD "%s\n", name);
	buf_add(&b, in->text.p, in->text.len);
	buf_str(&b, ".\n");
	if (b.err < 0)
		return b.err;
	index_name(s, index);
	return out_replace(s->dir_fd, index, b.p, b.len);
}

struct kept {
	char name[NAME_MAX + 1];
	struct timespec used;
};

static int last_used_first(const void *a, const void *b)
{
	return compare_time(((const struct kept *)b)->used, ((const struct kept *)a)->used);
}

/* Unlink an archive unless it is locked. */
static int drop(const struct store *s, const char *name)
{
	char key[NAME_MAX + 1];
	AUTO_FD lock = -1;

	(void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(name, "."), name);
	lock = lock_cache("initramfs", key, LOCK_EXCLUSIVE, 0);
	if (lock < 0)
		return lock == -EWOULDBLOCK ? 0 : lock;
	if (unlinkat(s->dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return lock_forget("initramfs", key);
}

/* A temporary file that nobody has locked any more was left by a writer that was killed. */
static void sweep(const struct store *s, const char *name)
{
	AUTO_FD fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(s->dir_fd, name, 0); /* or the next sweep gets it */
}

int store_prune(const struct store *s)
{
	AUTO_FD fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	AUTO_FREE struct kept *v = NULL;
	size_t n = 0, cap = 0, i, archives = 0, indexes = 0;
	time_t now = time(NULL);
	int rc = 0;

	if (!dir)
		return -errno;
	(void)take_fd(&fd); /* closedir() owns it from here */
	for (;;) {
		const struct dirent *de;
		struct stat st;

		errno = 0;
		de = readdir(dir);
		if (!de) {
			if (errno)
				return -errno;
			break;
		}
		if (fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue; /* another one has just removed it */
		if (de->d_name[0] == '.') {
			if (strncmp(de->d_name, TEMP_HEAD, sizeof(TEMP_HEAD) - 1) == 0 &&
			    st.st_mtim.tv_sec < now - STALE_S)
				sweep(s, de->d_name);
			continue;
		}
		if (n == cap) {
			size_t more = cap ? cap * 2 : 32;
			struct kept *w = reallocarray(v, more, sizeof(*v));

			if (!w)
				return -ENOMEM;
			v = w;
			cap = more;
		}
		(void)snprintf(v[n].name, sizeof(v[n].name), "%s", de->d_name); /* a name fits */
		v[n++].used = st.st_mtim;
	}
	if (n > 0)
		qsort(v, n, sizeof(*v), last_used_first);
	for (i = 0; i < n && rc == 0; i++) {
		bool index = strstr(v[i].name, ".index") != NULL;
		size_t rank = index ? indexes++ : archives++;

		if (rank < (index ? 8 * STORE_KEEP : STORE_KEEP) ||
		    v[i].used.tv_sec > now - FRESH_S)
			continue;
		if (!index)
			rc = drop(s, v[i].name);
		else if (unlinkat(s->dir_fd, v[i].name, 0) < 0 && errno != ENOENT)
			rc = -errno;
	}
	return rc;
}
