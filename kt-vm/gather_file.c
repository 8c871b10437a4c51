/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file into the tree, and what it needs to run: ELF files bring their libraries and
 * interpreter, executable scripts theirs. */
#include "gather_file.h"
#include "cleanup.h"
#include "die.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_FILE UINT32_MAX /* eight hexadecimal digits in a newc header */
#define MAX_DEPTH 8 /* of scripts run by scripts; the kernel gives up at 5 */

int gather_fail(struct gather *g, int rc, const char *fmt, ...)
{
	char text[2 * PATH_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut-off message still helps */
	va_end(ap);
	g->failed = 1;
	if (rc == -ENOMEM)
		return warn_rc(rc, "%s", text);
	if (rc < 0)
		warn_rc(rc, "%s", text);
	else
		warn_msg("%s", text);
	return 0;
}

static bool have(const struct gather *g, const char *path)
{
	const char *const *h;

	for (h = g->have; h && *h; h++)
		if (strcmp(*h, path) == 0)
			return true;
	return false;
}

int gather_seen(const struct gather *g, const char *path, const struct stat *st)
{
	return g->ldso.seen ? g->ldso.seen(path, st, g->ldso.arg) : 0;
}

int gather_put(struct gather *g, const char *dest, const struct node *n, bool *ret_new)
{
	int rc = tree_add(g->tree, dest, n, ret_new);

	return rc == -EEXIST ? gather_fail(g, 0, "%s", g->tree->err)
	       : rc < 0	     ? gather_fail(g, rc, "add '%s'", dest)
			     : 0;
}

int gather_put_link(struct gather *g, const char *dest, const char *target, const char *source,
		    const struct stat *st)
{
	struct node n = { .kind = NODE_LINK, .mode = 0777 };
	AUTO_FREE char *src = strdup(source);
	AUTO_FREE char *to = strdup(target);

	if (!src || !to)
		return -ENOMEM;
	n.source = src;
	n.target = to;
	if (st)
		n.st = *st;
	return gather_put(g, dest, &n, NULL);
}

/* Can this machine run it (and so its guest)? Others are data. */
static bool runs_here(const struct elf *e)
{
	if (e->foreign)
		return false;
#if defined(__x86_64__)
	return e->machine == EM_X86_64 || e->machine == EM_386;
#elif defined(__aarch64__)
	return e->machine == EM_AARCH64 || e->machine == EM_ARM;
#elif defined(__riscv)
	return e->machine == EM_RISCV;
#elif defined(__s390x__)
	return e->machine == EM_S390;
#else
	return true;
#endif
}

/* A library alone does not say which loader will load it. */
static const char *usual_interp(const struct elf *e)
{
	switch (e->machine) {
	case EM_X86_64:
		return e->class == ELFCLASS64 ? "/lib64/ld-linux-x86-64.so.2"
					      : "/libx32/ld-linux-x32.so.2";
	case EM_386:
		return "/lib/ld-linux.so.2";
	case EM_AARCH64:
		return "/lib/ld-linux-aarch64.so.1";
	case EM_RISCV:
		return "/lib/ld-linux-riscv64-lp64d.so.1";
	case EM_S390:
		return "/lib/ld64.so.1";
	default:
		return NULL;
	}
}

static void obj_free(struct ldso_obj *o)
{
	if (!o)
		return;
	elf_free(&o->elf);
	if (o->map)
		munmap(o->map, o->map_len);
	free(o->host);
	free(o->guest);
	free(o);
}

/* Open and map a file. Returns 1 with *ret when it is a program or library for this machine, 0 when
 * it is something else, or a failure's -errno. */
static int load(const char *host, const char *guest, struct ldso_obj **ret)
{
	struct ldso_obj *o = calloc(1, sizeof(*o));
	AUTO_FD fd = open(host, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc;

	if (!o || fd < 0 || fstat(fd, &st) < 0) {
		rc = o ? -errno : -ENOMEM;
		goto out;
	}
	rc = 0;
	if (!S_ISREG(st.st_mode) || st.st_size < EI_NIDENT)
		goto out;
	o->host = strdup(host);
	o->guest = strdup(guest);
	if (!o->host || !o->guest) {
		rc = -ENOMEM;
		goto out;
	}
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	o->map_len = (size_t)st.st_size;
	o->map = mmap(NULL, o->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (o->map == MAP_FAILED) {
		o->map = NULL;
		rc = -errno;
		goto out;
	}
	rc = elf_parse(o->map, o->map_len, &o->elf);
	if (rc == 1 && !runs_here(&o->elf))
		rc = 0;
out:
	if (rc == 1)
		*ret = o;
	else
		obj_free(o);
	return rc;
}

/* Put the file `host` at the guest path by which it will be asked for, and at its real path when
 * that is another one and the two machines agree on it. */
static int put_found(struct gather *g, const char *host, const char *guest, const struct stat *st,
		     const struct elf *e)
{
	char real[PATH_MAX], clean[PATH_MAX];
	struct node n = { .kind = NODE_FILE, .mode = st->st_mode & 07777, .st = *st };
	AUTO_FREE char *src = NULL;
	int rc;

	if (!realpath(host, real) || !path_clean(host, clean, sizeof(clean)))
		return gather_fail(g, -errno, "resolve '%s'", host);
	if (strcmp(clean, guest) != 0) /* elsewhere in the guest: it stands there by itself */
		(void)snprintf(real, sizeof(real), "%s", guest);
	src = strdup(host);
	if (!src)
		return -ENOMEM;
	n.source = src;
	n.size = g->strip && e && e->loaded_end ? e->loaded_end : (uint64_t)st->st_size;
	if (n.size > MAX_FILE)
		return gather_fail(g, -EFBIG, "put '%s' into a cpio archive", host);
	rc = have(g, real) ? 0 : gather_put(g, real, &n, NULL);
	if (rc == 0 && strcmp(real, guest) != 0)
		rc = gather_put_link(g, guest, real, host, st);
	return rc;
}

static int note_lack(struct gather *g, const char *who, const char *name)
{
	struct lack *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->who = strdup(who);
	l->name = strdup(name);
	l->next = g->lacks;
	g->lacks = l;
	return l->who && l->name ? 0 : -ENOMEM;
}

/* The objects of one program, in the order in which they are found. */
struct objs {
	struct ldso_obj **v;
	size_t n, cap;
	char libc_dir[PATH_MAX]; /* where the guest finds its C library */
};

static int objs_add(struct objs *os, struct ldso_obj *o)
{
	if (os->n == os->cap) {
		size_t cap = os->cap ? os->cap * 2 : 16;
		struct ldso_obj **v = reallocarray(os->v, cap, sizeof(struct ldso_obj *));

		if (!v)
			return -ENOMEM;
		os->v = v;
		os->cap = cap;
	}
	os->v[os->n++] = o;
	return 0;
}

static void objs_free(struct objs *os)
{
	size_t i;

	for (i = 0; i < os->n; i++)
		obj_free(os->v[i]);
	free(os->v);
}

/* Was the name asked for by an object before i, or by i itself before its j-th? */
static bool asked_before(const struct objs *os, size_t i, size_t j)
{
	const char *name = os->v[i]->elf.needed[j];
	size_t a, b;

	for (a = 0; a <= i; a++)
		for (b = 0; b < (a == i ? j : os->v[a]->elf.n_needed); b++)
			if (strcmp(os->v[a]->elf.needed[b], name) == 0)
				return true;
	return false;
}

static bool is_interp(const char *interp, const char *name)
{
	const char *slash = interp ? strrchr(interp, '/') : NULL;

	if (!slash)
		return false;
	if (strstr(interp, "/ld-musl-") &&
	    (strcmp(name, "libc.so") == 0 || strncmp(name, "libc.musl-", 10) == 0))
		return true; /* there the loader is the C library */
	return strcmp(slash + 1, name) == 0;
}

/* A library that only the library cache knew where to find needs one more name in the guest, which
 * has no such cache: beside the C library. */
static int put_odd(struct gather *g, const struct objs *os, const char *interp,
		   const struct ldso_obj *o)
{
	char dir[PATH_MAX], at[PATH_MAX];
	const char *name = o->asked;
	struct stat st = { .st_dev = o->dev, .st_ino = o->ino };
	char *slash;
	int n;

	(void)snprintf(dir, sizeof(dir), "%s", o->guest); /* it is a path, so it fits */
	slash = strrchr(dir, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	if (!os->libc_dir[0] || strcmp(dir, os->libc_dir) == 0 ||
	    ldso_is_default_dir(interp, o->elf.class, dir))
		return 0;
	n = snprintf(at, sizeof(at), "%s/%s", os->libc_dir, name);
	if (n < 0 || n >= (int)sizeof(at))
		return gather_fail(g, -ENAMETOOLONG, "add '%s/%s'", os->libc_dir, name);
	return gather_put_link(g, at, o->guest, o->host, &st);
}

/* All libraries of os->v[0], breadth first, into the tree. */
static int libraries(struct gather *g, struct objs *os, bool walked)
{
	const struct ldso_obj *root = os->v[0];
	const char *interp = root->elf.interp ? root->elf.interp : usual_interp(&root->elf);
	size_t i, j, k;
	int rc = 0;

	for (i = 0; i < os->n && rc == 0; i++) {
		for (j = 0; j < os->v[i]->elf.n_needed && rc == 0; j++) {
			const struct ldso_obj *by = os->v[i];
			const char *name = by->elf.needed[j];
			struct ldso_found f = { 0 };
			AUTO_FREE char *host = NULL;
			AUTO_FREE char *guest = NULL;
			struct ldso_obj *o = NULL;

			if (asked_before(os, i, j) || is_interp(interp, name))
				continue;
			rc = ldso_find(&g->ldso, by, interp, name, &f);
			if (rc < 0)
				return gather_fail(g, rc, "look for '%s', which '%s' needs", name,
						   by->host);
			if (rc == 0) {
				if (walked && !root->elf.interp)
					rc = note_lack(g, by->host, name);
				else if (i == 0)
					rc = gather_fail(
						g, 0,
						"'%s' needs the library '%s', which is not found",
						by->host, name);
				else
					rc = gather_fail(
						g, 0,
						"'%s' needs the library '%s', which is not found "
						"(it is loaded for '%s')",
						by->host, name, root->host);
				continue;
			}
			host = f.host;
			guest = f.guest;
			if (strncmp(name, "libc.so", 7) == 0) {
				char *slash = strrchr(guest, '/');

				(void)snprintf(os->libc_dir, sizeof(os->libc_dir), "%.*s",
					       (int)(slash - guest), guest);
			}
			if (have(g, guest)) {
				rc = 0;
				continue;
			}
			rc = load(host, guest, &o);
			if (rc != 1)
				return gather_fail(g, rc < 0 ? rc : -EBADMSG, "read '%s'", host);
			rc = put_found(g, host, guest, &f.st, &o->elf);
			for (k = 0; k < os->n; k++)
				if (os->v[k]->dev == o->dev && os->v[k]->ino == o->ino)
					break;
			o->loader = by;
			o->asked = name;
			o->via = f.via;
			if (rc != 0 || k < os->n || objs_add(os, o) < 0) {
				rc = rc == 0 && k == os->n ? -ENOMEM : rc;
				obj_free(o);
				continue;
			}
		}
	}
	for (k = 1; k < os->n && rc == 0; k++)
		if (os->v[k]->via == LDSO_CACHE || os->v[k]->via == LDSO_DEFAULT)
			rc = put_odd(g, os, interp, os->v[k]);
	return rc;
}

/* A program that others name by its path: interpreters of programs and of scripts. */
static int put_program(struct gather *g, const char *path, const char *who, int depth)
{
	char clean[PATH_MAX], real[PATH_MAX];
	struct stat st;
	int rc;

	if (path[0] != '/' || !path_clean(path, clean, sizeof(clean)))
		return gather_fail(g, 0,
				   "'%s' names '%s' as its interpreter, which is no full path", who,
				   path);
	if (have(g, clean))
		return 0;
	if (stat(path, &st) < 0 || !realpath(path, real))
		return gather_fail(g, -errno, "'%s' needs its interpreter '%s'", who, path);
	rc = gather_seen(g, path, &st);
	if (rc == 0 && strcmp(real, clean) != 0)
		rc = gather_put_link(g, clean, real, path, &st);
	return rc < 0 || have(g, real) ? rc : gather_file(g, real, real, false, depth + 1);
}

char *gather_in_path(struct gather *g, const char *name, char *buf, size_t cap)
{
	const char *dir = getenv("PATH");

	for (; dir && *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
		struct stat st;
		int n = snprintf(buf, cap, "%.*s/%s", (int)strcspn(dir, ":"), dir, name);

		if (n < 0 || (size_t)n >= cap || dir[0] != '/')
			continue;
		if (stat(buf, &st) == 0 && S_ISREG(st.st_mode) && access(buf, X_OK) == 0)
			return gather_seen(g, buf, &st) == 0 ? buf : NULL;
		if (gather_seen(g, buf, NULL) < 0)
			return NULL;
	}
	return NULL;
}

/* "#!/bin/sh -e" or "#!/usr/bin/env -S python3 -u": what must be there to run it. */
static int script(struct gather *g, const char *host, char *line, int depth)
{
	char found[PATH_MAX], *save = NULL;
	char *interp = strtok_r(line + 2, " \t", &save), *word;
	const char *base;
	int rc;

	if (!interp)
		return gather_fail(g, 0, "the first line of '%s' names no interpreter", host);
	if (depth > MAX_DEPTH)
		return gather_fail(g, -ELOOP, "follow the interpreters of '%s'", host);
	rc = put_program(g, interp, host, depth);
	base = strrchr(interp, '/');
	if (rc < 0 || !base || strcmp(base, "/env") != 0)
		return rc;
	while ((word = strtok_r(NULL, " \t", &save)))
		if (word[0] != '-' && !strchr(word, '='))
			break;
	if (!word)
		return 0;
	if (word[0] == '/')
		return put_program(g, word, host, depth);
	if (!gather_in_path(g, word, found, sizeof(found)))
		return gather_fail(g, 0, "'%s' runs '%s' by env, which is not found in PATH", host,
				   word);
	return put_program(g, found, host, depth);
}

int gather_file(struct gather *g, const char *host, const char *dest, bool walked, int depth)
{
	struct node n = { .kind = NODE_FILE };
	struct objs os = { 0 };
	struct ldso_obj *o = NULL;
	AUTO_FREE char *src = strdup(host);
	AUTO_FD fd = open(host, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char real[PATH_MAX], line[257];
	bool is_new;
	ssize_t got;
	int rc, is_elf;

	if (!src)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &n.st) < 0 || !realpath(host, real))
		return gather_fail(g, -errno, "open '%s'", host);
	if (!S_ISREG(n.st.st_mode))
		return gather_fail(g, 0, "'%s' is neither a file nor a directory", host);
	rc = gather_seen(g, host, &n.st);
	if (rc < 0)
		return rc;
	is_elf = load(real, dest, &o);
	if (is_elf == -EBADMSG)
		return gather_fail(g, 0, "'%s' is a damaged ELF file", host);
	if (is_elf < 0)
		return gather_fail(g, is_elf, "read '%s' as an ELF file", host);
	n.source = src;
	n.mode = n.st.st_mode & 07777;
	n.size = g->strip && o && o->elf.loaded_end ? o->elf.loaded_end : (uint64_t)n.st.st_size;
	rc = n.size > MAX_FILE ? gather_fail(g, -EFBIG, "put '%s' into a cpio archive", host)
			       : gather_put(g, dest, &n, &is_new);
	if (rc < 0 || n.size > MAX_FILE || !is_new) {
		obj_free(o);
		return rc;
	}
	if (o) {
		if (objs_add(&os, o) < 0) {
			obj_free(o);
			return -ENOMEM;
		}
		if (o->elf.interp)
			rc = put_program(g, o->elf.interp, host, depth);
		if (rc == 0)
			rc = libraries(g, &os, walked);
		objs_free(&os);
		return rc;
	}
	if (!(n.mode & 0111))
		return 0;
	got = pread(fd, line, sizeof(line) - 1, 0);
	if (got < 0)
		return gather_fail(g, -errno, "read '%s'", host);
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line[0] == '#' && line[1] == '!' ? script(g, host, line, depth) : 0;
}
