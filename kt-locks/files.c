/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock files that there are. */
#include "files.h"
#include "cleanup.h"
#include "cpuset.h"
#include "die.h"
#include "num.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX ".lock"

/* "ktstr-llc-12.lock", "ktstr-cpu-3.lock". Returns whether it is one. */
static bool parse_machine(const char *name, struct lock_file *f)
{
	static const char *const kinds[] = { "llc", "cpu" };
	size_t len = strlen(name), k;

	if (len < strlen(SUFFIX) || strcmp(name + len - strlen(SUFFIX), SUFFIX) != 0 ||
	    strncmp(name, "ktstr-", 6) != 0)
		return false;
	for (k = 0; k < KT_ARRAY_LEN(kinds); k++) {
		char digits[16];
		const char *from = name + 10;
		uint64_t v;

		if (strncmp(name + 6, kinds[k], 3) != 0 || name[9] != '-')
			continue;
		len -= 10 + strlen(SUFFIX);
		if (len == 0 || len >= sizeof(digits) || (*from == '0' && len > 1))
			return false;
		memcpy(digits, from, len);
		digits[len] = '\0';
		if (num_u64(digits, 0, CPUSET_MAX - 1, &v) < 0)
			return false;
		f->kind = strdup(kinds[k]);
		f->index = (uint32_t)v;
		return true;
	}
	return false;
}

/* "kernel-6.12-x86_64.lock" is kind and key. */
static bool parse_cache(const char *name, struct lock_file *f)
{
	size_t len = strlen(name);
	const char *dash = strchr(name, '-');

	if (len < strlen(SUFFIX) || strcmp(name + len - strlen(SUFFIX), SUFFIX) != 0 || !dash ||
	    dash == name || dash + 1 >= name + len - strlen(SUFFIX))
		return false;
	f->kind = strndup(name, (size_t)(dash - name));
	f->key = strndup(dash + 1, (size_t)(name + len - strlen(SUFFIX) - dash - 1));
	return true;
}

static int add(struct lock_files *l, struct lock_file *f)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		void *p = reallocarray(l->file, cap, sizeof(*l->file));

		if (!p)
			return -ENOMEM;
		l->file = p;
		l->cap = cap;
	}
	l->file[l->n++] = *f;
	return 0;
}

static void release(struct lock_file *f)
{
	free(f->path);
	free(f->kind);
	free(f->key);
}

/* As d_type says, or lstat(2) where a file system does not fill that in. Or -errno. */
static int file_type(int dir_fd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type != DT_UNKNOWN)
		return de->d_type;
	if (fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return IFTODT(st.st_mode);
}

/* The lock files in dir/sub. A directory that is not there has none. */
static int list_dir(struct lock_files *l, const char *dir, const char *sub,
		    bool (*parse)(const char *name, struct lock_file *f))
{
	AUTO_FREE char *where = NULL;
	AUTO_DIR *d = NULL;
	int rc = 0;

	if (asprintf(&where, "%s%s", dir, sub) < 0) {
		where = NULL;
		return warn_rc(-ENOMEM, "list locks");
	}
	d = opendir(where);
	if (!d)
		return errno == ENOENT ? 0 : warn_rc(-errno, "read '%s'", where);
	for (;;) {
		const struct dirent *de;
		struct lock_file f = { 0 };
		int one;

		errno = 0;
		de = readdir(d);
		if (!de)
			return errno ? warn_rc(-errno, "read '%s'", where) : rc;
		if (!parse(de->d_name, &f))
			continue;
		one = !f.kind || asprintf(&f.path, "%s/%s", where, de->d_name) < 0 ? -ENOMEM : 0;
		one = one == 0 ? file_type(dirfd(d), de) : one;
		if (one == -ENOENT) { /* gone meanwhile */
			release(&f);
			continue;
		}
		if (one == -ENOMEM || (one == DT_REG && add(l, &f) < 0)) {
			release(&f);
			return warn_rc(-ENOMEM, "list locks");
		}
		if (one == DT_REG)
			continue;
		if (one < 0)
			warn_rc(one, "look at '%s'", f.path);
		else
			warn_msg("'%s' is no regular file", f.path);
		rc = -EINVAL;
		release(&f);
	}
}

static int rank(const struct lock_file *f)
{
	return f->key ? 2 : f->kind[0] == 'l' ? 0 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct lock_file *x = a, *y = b;
	int c = rank(x) - rank(y);

	if (c != 0)
		return c;
	if (!x->key)
		return x->index < y->index ? -1 : x->index > y->index;
	c = strcmp(x->kind, y->kind);
	return c ? c : strcmp(x->key, y->key);
}

int files_list(const char *lock_dir, const char *cache, struct lock_files *ret)
{
	int rc, one;

	*ret = (struct lock_files){ 0 };
	rc = list_dir(ret, lock_dir, "", parse_machine);
	if (cache) {
		one = list_dir(ret, cache, "/.locks", parse_cache);
		rc = one < 0 ? one : rc;
	}
	if (ret->n > 0)
		qsort(ret->file, ret->n, sizeof(*ret->file), by_place);
	return rc;
}

void files_free(struct lock_files *l)
{
	while (l->n > 0)
		release(&l->file[--l->n]);
	free(l->file);
	*l = (struct lock_files){ 0 };
}
