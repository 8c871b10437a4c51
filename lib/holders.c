/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds a flock(2) on a file. */
#include "holders.h"
#include "buf.h"
#include "cleanup.h"
#include "num.h"
#include "plocks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INIT_PID_NS UINT64_C(0xEFFFFFFC) /* PROC_PID_INIT_INO, include/linux/proc_ns.h */

/* A file by what stat(2) shows, and by what /proc/locks calls it. */
struct ident {
	size_t file;
	unsigned int major, minor;
	uint64_t ino;
};

/* A process that holds a lock, or waits for one; or one that only has the file open. */
struct row {
	size_t file;
	pid_t pid;
	bool exclusive, waiting;
	bool listed; /* in /proc/locks; else by its descriptor */
	bool confirmed; /* it still has the file open, or we may not look */
	int fd; /* of an open file: its number there */
};

struct rows {
	struct row *row;
	size_t n, cap;
};

struct look {
	struct ident *by_stat, *by_lock; /* ascending */
	size_t n_stat, n_lock;
	bool *search; /* by file: /proc/locks cannot tell all */
	size_t n_files;
	struct rows lock, open;
	pid_t *scanned; /* ascending from 0 to n_listed: those that were listed */
	size_t n_listed;
};

static int ident_cmp(const void *a, const void *b)
{
	const struct ident *x = a, *y = b;

	return x->ino != y->ino	      ? (x->ino < y->ino ? -1 : 1)
	       : x->major != y->major ? (x->major < y->major ? -1 : 1)
	       : x->minor != y->minor ? (x->minor < y->minor ? -1 : 1)
				      : 0;
}

static int row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->file != y->file	      ? (x->file < y->file ? -1 : 1)
	       : x->waiting != y->waiting     ? (x->waiting ? 1 : -1)
	       : x->pid != y->pid	      ? (x->pid < y->pid ? -1 : 1)
	       : x->exclusive != y->exclusive ? (x->exclusive ? -1 : 1)
					      : 0;
}

static int pid_cmp(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

static int mount_cmp(const void *a, const void *b)
{
	int x = ((const struct plocks_mount *)a)->id, y = ((const struct plocks_mount *)b)->id;

	return x < y ? -1 : x > y;
}

/* The first identity that equals key, or NULL; hard links make equal neighbours behind it. */
static const struct ident *find_ident(const struct ident *all, size_t n, const struct ident *key)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ident_cmp(&all[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && ident_cmp(&all[lo], key) == 0 ? &all[lo] : NULL;
}

static int add_row(struct rows *r, const struct row *row)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		void *p = reallocarray(r->row, cap, sizeof(*r->row));

		if (!p)
			return -ENOMEM;
		r->row = p;
		r->cap = cap;
	}
	r->row[r->n++] = *row;
	return 0;
}

/* ---- what the files are ---- */

static int read_mounts(struct plocks_mount **ret, size_t *ret_n)
{
	AUTO_BUF text = BUF_INIT;
	struct plocks_mount *m = NULL;
	size_t n = 0, cap = 0;
	const char *s;
	int rc = buf_file(&text, "/proc/self/mountinfo", SIZE_MAX);

	if (rc < 0)
		return rc;
	for (s = text.p ? text.p : ""; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		if (n == cap) {
			void *p = reallocarray(m, cap ? cap * 2 : 64, sizeof(*m));

			if (!p) {
				free(m);
				return -ENOMEM;
			}
			m = p;
			cap = cap ? cap * 2 : 64;
		}
		if (plocks_mount(s, &m[n]) == 0)
			n++;
	}
	if (n > 0)
		qsort(m, n, sizeof(*m), mount_cmp);
	*ret = m;
	*ret_n = n;
	return 0;
}

static int identify(struct look *l, struct holders *files, size_t n)
{
	AUTO_FREE struct plocks_mount *mounts = NULL;
	bool blind = false; /* in a pid namespace that is not the first one */
	size_t n_mounts = 0, i;
	struct stat ns;
	int rc = read_mounts(&mounts, &n_mounts);

	if (rc < 0)
		return rc;
	if (stat("/proc/self/ns/pid", &ns) == 0)
		blind = ns.st_ino != INIT_PID_NS;
	for (i = 0; i < n; i++) {
		struct plocks_mount key = { 0 };
		const struct plocks_mount *m = NULL;
		struct statx st;
		struct ident id;

		if (statx(AT_FDCWD, files[i].path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
			  STATX_TYPE | STATX_INO | STATX_MNT_ID, &st) < 0) {
			files[i].err = -errno;
			continue;
		}
		id = (struct ident){ i, st.stx_dev_major, st.stx_dev_minor, st.stx_ino };
		l->by_stat[l->n_stat++] = id;
		if (st.stx_mask & STATX_MNT_ID) { /* Linux 5.8 */
			key.id = (int)st.stx_mnt_id;
			m = n_mounts > 0 ? bsearch(&key, mounts, n_mounts, sizeof(key), mount_cmp)
					 : NULL;
		}
		l->search[i] = blind || (m && m->overlay);
		if (m && m->overlay)
			continue; /* its inode number would be another file's */
		if (m) {
			id.major = m->major;
			id.minor = m->minor;
		}
		l->by_lock[l->n_lock++] = id;
	}
	if (l->n_stat > 0)
		qsort(l->by_stat, l->n_stat, sizeof(*l->by_stat), ident_cmp);
	if (l->n_lock > 0)
		qsort(l->by_lock, l->n_lock, sizeof(*l->by_lock), ident_cmp);
	return 0;
}

/* ---- /proc/locks ---- */

static int read_locks(struct look *l)
{
	AUTO_BUF text = BUF_INIT;
	struct plocks_line line;
	const char *s;
	size_t i, n;
	int rc = buf_file(&text, "/proc/locks", SIZE_MAX);

	for (s = text.p ? text.p : ""; rc == 0 && *s; s += strcspn(s, "\n"), s += *s == '\n') {
		const struct ident *id;
		struct ident key = { 0 };

		if (plocks_parse(s, &line) < 0)
			continue;
		key.major = line.major;
		key.minor = line.minor;
		key.ino = line.ino;
		for (id = find_ident(l->by_lock, l->n_lock, &key);
		     rc == 0 && id && id < l->by_lock + l->n_lock && ident_cmp(id, &key) == 0; id++)
			rc = add_row(&l->lock, &(struct row){ .file = id->file,
							      .pid = line.pid,
							      .exclusive = line.exclusive,
							      .waiting = line.waiting,
							      .listed = true });
	}
	if (rc < 0)
		return rc;
	/* A list that changes while it is read can show a lock twice. */
	if (l->lock.n > 0)
		qsort(l->lock.row, l->lock.n, sizeof(*l->lock.row), row_cmp);
	for (i = n = 0; i < l->lock.n; i++)
		if (n == 0 || row_cmp(&l->lock.row[n - 1], &l->lock.row[i]) != 0)
			l->lock.row[n++] = l->lock.row[i];
	l->lock.n = n;
	return 0;
}

/* ---- the open files of processes ---- */

/* Add to l->open which of our files a process has open. Threads with descriptors of their own
 * (CLONE_FILES not given) are not looked at. Returns 0; -ESRCH: it is gone; -EACCES: we may not. */
static int scan(struct look *l, pid_t pid)
{
	AUTO_DIR *dir = NULL;
	char path[40];
	int rc = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir) {
		/* With hidepid= others are not there to us, and kill(2) tells that they are. */
		if (errno == EACCES || errno == EPERM || (kill(pid, 0) < 0 && errno == EPERM))
			return -EACCES;
		return -ESRCH;
	}
	while (rc == 0) {
		const struct dirent *de = readdir(dir);
		const struct ident *id;
		struct ident key = { 0 };
		struct statx st;
		int fd;

		if (!de)
			break; /* also when it ended meanwhile */
		if (num_int(de->d_name, 0, INT_MAX, &fd) < 0 ||
		    statx(dirfd(dir), de->d_name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) <
			    0)
			continue; /* ".", "..", closed meanwhile */
		key.major = st.stx_dev_major;
		key.minor = st.stx_dev_minor;
		key.ino = st.stx_ino;
		for (id = find_ident(l->by_stat, l->n_stat, &key);
		     rc == 0 && id && id < l->by_stat + l->n_stat && ident_cmp(id, &key) == 0; id++)
			rc = add_row(&l->open,
				     &(struct row){ .file = id->file, .pid = pid, .fd = fd });
	}
	return rc;
}

/* Look whether the listed holders still have their files open; else l->search of the file. */
static int confirm(struct look *l)
{
	AUTO_FREE pid_t *denied = calloc(l->lock.n + 1, sizeof(*denied));
	size_t i, n_denied = 0, n = 0;
	int rc;

	if (!denied)
		return -ENOMEM;
	for (i = 0; i < l->lock.n; i++)
		if (!l->lock.row[i].waiting && l->lock.row[i].pid > 0)
			l->scanned[n++] = l->lock.row[i].pid;
	qsort(l->scanned, n, sizeof(*l->scanned), pid_cmp);
	for (i = 0; i < n; i++) {
		if (l->n_listed > 0 && l->scanned[l->n_listed - 1] == l->scanned[i])
			continue;
		l->scanned[l->n_listed++] = l->scanned[i];
		rc = scan(l, l->scanned[i]);
		if (rc == -EACCES)
			denied[n_denied++] = l->scanned[i];
		else if (rc < 0 && rc != -ESRCH)
			return rc;
	}
	if (l->open.n > 0)
		qsort(l->open.row, l->open.n, sizeof(*l->open.row), row_cmp);
	for (i = 0; i < l->lock.n; i++) {
		struct row *r = &l->lock.row[i];
		struct row key = { .file = r->file, .pid = r->pid };

		if (r->waiting)
			continue;
		r->confirmed = (l->open.n > 0 &&
				bsearch(&key, l->open.row, l->open.n, sizeof(key), row_cmp)) ||
			       bsearch(&r->pid, denied, n_denied, sizeof(*denied), pid_cmp);
		l->search[r->file] |= !r->confirmed;
	}
	return 0;
}

/* Whether a listed holder of the file with this pid was confirmed; n_listed rows are sorted. */
static bool known(const struct look *l, size_t n_listed, size_t file, pid_t pid)
{
	size_t lo = 0, hi = n_listed;
	struct row key = { .file = file, .pid = pid, .exclusive = true };

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (row_cmp(&l->lock.row[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n_listed; lo++) {
		const struct row *r = &l->lock.row[lo];

		if (r->file != file || r->waiting || r->pid != pid)
			return false;
		if (r->confirmed)
			return true;
	}
	return false;
}

/* The locks of one file that /proc/locks did not tell of. */
static int find_descriptors(struct look *l, size_t n_listed)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->open.n; i++) {
		struct row r = l->open.row[i];
		AUTO_BUF text = BUF_INIT;
		struct plocks_line line;
		char path[64];

		if (!l->search[r.file] || known(l, n_listed, r.file, r.pid))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)r.pid, r.fd);
		if (buf_file(&text, path, SIZE_MAX) < 0 ||
		    !plocks_fdinfo(text.p ? text.p : "", &line))
			continue; /* closed meanwhile, or open without a lock */
		if (line.pid > 0 && known(l, n_listed, r.file, line.pid))
			continue; /* a copy of a descriptor whose owner we have */
		r.exclusive = line.exclusive;
		r.confirmed = true;
		rc = add_row(&l->lock, &r);
	}
	return rc;
}

/* Look through all processes for the files that need it. */
static int search(struct look *l)
{
	size_t n_listed = l->lock.n, i, n;
	bool any = false;
	AUTO_FREE bool *found = calloc(l->n_files, sizeof(*found));
	AUTO_DIR *proc = NULL;
	int rc = 0;

	for (i = 0; i < l->n_files; i++)
		any |= l->search[i];
	if (!any)
		return 0;
	if (!found)
		return -ENOMEM;
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	while (rc == 0) {
		const struct dirent *de = readdir(proc);
		int pid;

		if (!de)
			break;
		if (num_int(de->d_name, 1, INT_MAX, &pid) < 0 ||
		    bsearch(&(pid_t){ pid }, l->scanned, l->n_listed, sizeof(pid_t), pid_cmp))
			continue;
		rc = scan(l, pid);
		if (rc == -ESRCH || rc == -EACCES)
			rc = 0;
	}
	if (rc == 0)
		rc = find_descriptors(l, n_listed);
	if (rc < 0)
		return rc;
	for (i = n_listed; i < l->lock.n; i++)
		found[l->lock.row[i].file] = true;
	for (i = n = 0; i < l->lock.n; i++) {
		const struct row *r = &l->lock.row[i];

		if (r->waiting || r->confirmed || !found[r->file])
			l->lock.row[n++] = *r; /* the one that ended is explained by those found */
	}
	l->lock.n = n;
	if (n > 0)
		qsort(l->lock.row, n, sizeof(*l->lock.row), row_cmp);
	for (i = n = 0; i < l->lock.n; i++) /* two descriptors of one process */
		if (n == 0 || row_cmp(&l->lock.row[n - 1], &l->lock.row[i]) != 0)
			l->lock.row[n++] = l->lock.row[i];
	l->lock.n = n;
	return 0;
}

static void look_free(struct look *l)
{
	free(l->by_stat);
	free(l->by_lock);
	free(l->search);
	free(l->lock.row);
	free(l->open.row);
	free(l->scanned);
	*l = (struct look){ 0 };
}

static int look_once(struct look *l, struct holders *files, size_t n)
{
	int rc;

	l->n_files = n;
	l->by_stat = calloc(n, sizeof(*l->by_stat));
	l->by_lock = calloc(n, sizeof(*l->by_lock));
	l->search = calloc(n, sizeof(*l->search));
	if (!l->by_stat || !l->by_lock || !l->search)
		return -ENOMEM;
	rc = identify(l, files, n);
	if (rc == 0)
		rc = read_locks(l);
	if (rc < 0)
		return rc;
	l->scanned = calloc(l->lock.n + 1, sizeof(*l->scanned));
	if (!l->scanned)
		return -ENOMEM;
	rc = confirm(l);
	return rc < 0 ? rc : search(l);
}

static bool doubtful(const struct look *l)
{
	size_t i;

	for (i = 0; i < l->lock.n; i++)
		if (!l->lock.row[i].waiting && !l->lock.row[i].confirmed)
			return true;
	return false;
}

/* ---- the answer ---- */

/* Hand the rows, which are sorted by file, to the files. A process is read once. */
static int hand_out(const struct look *l, struct holders *files)
{
	AUTO_FREE struct holder **by_pid = calloc(l->lock.n + 1, sizeof(struct holder *));
	size_t i, j, k;

	if (!by_pid)
		return -ENOMEM;
	for (i = 0; i < l->n_files; i++)
		files[i].route = l->search[i] ? HOLDERS_FDINFO : HOLDERS_LOCKS;
	for (i = 0; i < l->lock.n; i = j) {
		struct holders *f = &files[l->lock.row[i].file];

		for (j = i; j < l->lock.n && l->lock.row[j].file == l->lock.row[i].file; j++)
			;
		f->holder = calloc(j - i, sizeof(*f->holder));
		if (!f->holder)
			return -ENOMEM;
		for (k = i; k < j; k++) {
			const struct row *r = &l->lock.row[k];

			f->holder[k - i] = (struct holder){ .pid = r->pid,
							    .exclusive = r->exclusive,
							    .waiting = r->waiting,
							    .ended = !r->waiting && !r->confirmed };
			f->n_waiters += r->waiting;
			f->n_holders += !r->waiting;
			by_pid[k] = &f->holder[k - i];
		}
	}
	/* Most often one process has many neighbouring rows; else it is read again. */
	for (i = 0; i < l->lock.n; i++) {
		struct holder *h = by_pid[i];
		const struct holder *was = i > 0 ? by_pid[i - 1] : NULL;

		if (was && was->pid == h->pid && !was->ended && !h->ended) {
			memcpy(h->comm, was->comm, sizeof(h->comm));
			memcpy(h->cmdline, was->cmdline, sizeof(h->cmdline));
			memcpy(h->start, was->start, sizeof(h->start));
		} else {
			holders_describe(h);
		}
	}
	return 0;
}

int holders_find(struct holders *files, size_t n)
{
	struct look l = { 0 };
	size_t i;
	int rc, tries;

	for (i = 0; i < n; i++)
		files[i] = (struct holders){ .path = files[i].path };
	if (n == 0)
		return 0;
	/* A holder without the file may have let go between two looks: look once more. */
	for (tries = 0; tries < 2; tries++) {
		look_free(&l);
		for (i = 0; i < n; i++)
			files[i].err = 0;
		rc = look_once(&l, files, n);
		if (rc < 0 || !doubtful(&l))
			break;
	}
	if (rc == 0)
		rc = hand_out(&l, files);
	look_free(&l);
	if (rc < 0)
		holders_free(files, n);
	return rc;
}

void holders_free(struct holders *files, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(files[i].holder);
		files[i].holder = NULL;
		files[i].n_holders = files[i].n_waiters = 0;
	}
}
