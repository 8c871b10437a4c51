/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sources to a tree: directories are walked, and links in them. */
#include "gather.h"
#include "cleanup.h"
#include "gather_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The directories above one that is being walked, to notice a circle of links. */
struct above {
	const struct above *up;
	dev_t dev;
	ino_t ino;
	const char *top; /* real path of the source that the walk started from */
};

static int walk(struct gather *g, const char *host, const char *dest, const struct above *up,
		const char *top);

static int walk_link(struct gather *g, const char *host, const char *dest, const struct above *up)
{
	char target[PATH_MAX], real[PATH_MAX];
	size_t top_len = strlen(up->top);
	ssize_t n = readlink(host, target, sizeof(target) - 1);
	struct stat st;

	if (n < 0)
		return gather_fail(g, -errno, "read the link '%s'", host);
	target[n] = '\0';
	if (!realpath(host, real) || stat(host, &st) < 0) {
		if (errno != ENOENT)
			return gather_fail(g, -errno, "follow the link '%s'", host);
		if (gather_seen(g, host, NULL) < 0)
			return -ENOMEM;
		/* dangling here, and there too */
		return gather_put_link(g, dest, target, host, NULL);
	}
	if (target[0] != '/' && strncmp(real, up->top, top_len) == 0 &&
	    (real[top_len] == '/' || up->top[1] == '\0'))
		return gather_put_link(g, dest, target, host, &st);
	return S_ISDIR(st.st_mode) ? walk(g, host, dest, up, up->top)
				   : gather_file(g, host, dest, true, 0);
}

static int walk(struct gather *g, const char *host, const char *dest, const struct above *up,
		const char *top)
{
	AUTO_DIR *dir = opendir(host);
	struct above here = { .up = up, .top = top };
	const struct above *a;
	AUTO_FREE char *src = strdup(host);
	struct node n = { .kind = NODE_DIR, .source = src };
	struct stat st;
	int rc;

	if (!src)
		return -ENOMEM;
	if (!dir || fstat(dirfd(dir), &st) < 0)
		return gather_fail(g, -errno, "open directory '%s'", host);
	here.dev = st.st_dev;
	here.ino = st.st_ino;
	for (a = up; a; a = a->up)
		if (a->dev == st.st_dev && a->ino == st.st_ino)
			return gather_fail(g, -ELOOP, "follow the link '%s'", host);
	rc = gather_seen(g, host, &st);
	if (rc < 0)
		return rc;
	n.mode = st.st_mode & 07777;
	rc = gather_put(g, dest, &n, NULL);
	while (rc == 0) {
		AUTO_FREE char *sub = NULL;
		AUTO_FREE char *to = NULL;
		const struct dirent *de;

		errno = 0; /* readdir says NULL for the end and for an error */
		de = readdir(dir);
		if (!de)
			return errno ? gather_fail(g, -errno, "read directory '%s'", host) : 0;
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (asprintf(&sub, "%s/%s", host, de->d_name) < 0)
			sub = NULL;
		if (asprintf(&to, "%s/%s", strcmp(dest, "/") == 0 ? "" : dest, de->d_name) < 0)
			to = NULL;
		if (!sub || !to)
			return -ENOMEM;
		if (fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			rc = gather_fail(g, -errno, "look at '%s'", sub);
		else if (S_ISDIR(st.st_mode))
			rc = walk(g, sub, to, &here, top);
		else if (S_ISLNK(st.st_mode))
			rc = walk_link(g, sub, to, &here);
		else
			rc = gather_file(g, sub, to, true, 0);
	}
	return rc;
}

/* The guest path for a source whose full path is abs. */
static int guest_path(struct gather *g, const char *abs, const char *dest, char *buf, size_t cap)
{
	char joined[2 * PATH_MAX];
	const char *p, *base = strrchr(abs, '/');
	size_t len;
	int n;

	if (!dest)
		dest = abs;
	len = strlen(dest);
	for (p = dest; *p; p += *p == '/') {
		size_t part = strcspn(p, "/");

		if (dest != abs && part == 2 && p[0] == '.' && p[1] == '.') {
			(void)gather_fail(g, 0, "'%s' is no place in an archive: it has '..'",
					  dest);
			return -EINVAL;
		}
		p += part;
	}
	n = snprintf(joined, sizeof(joined), "%s%s", dest,
		     dest != abs && len > 0 && dest[len - 1] == '/' && base ? base + 1 : "");
	if (n < 0 || n >= (int)sizeof(joined) || !path_clean(joined, buf, cap)) {
		(void)gather_fail(g, -ENAMETOOLONG, "add '%s'", dest);
		return -EINVAL;
	}
	return 0;
}

int gather_source(struct gather *g, const char *src, const char *dest)
{
	char found[PATH_MAX], abs[PATH_MAX], to[PATH_MAX], real[PATH_MAX];
	AUTO_FREE char *cwd = NULL;
	AUTO_FREE char *joined = NULL;
	struct stat st;
	int rc;

	if (!*src)
		return gather_fail(g, 0, "an empty name is no source");
	if (!strchr(src, '/') && lstat(src, &st) < 0 && errno == ENOENT &&
	    gather_in_path(g, src, found, sizeof(found)))
		src = found;
	if (src[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return gather_fail(g, -errno, "name the current directory");
	}
	if (asprintf(&joined, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", src) < 0) {
		joined = NULL;
		return -ENOMEM;
	}
	if (stat(src, &st) < 0 || !realpath(src, real))
		return gather_fail(g, -errno, "open '%s'", src);
	if (!path_clean(joined, abs, sizeof(abs)))
		return gather_fail(g, -ENAMETOOLONG, "open '%s'", src);
	if (guest_path(g, abs, dest, to, sizeof(to)) < 0)
		return 0; /* has been said */
	if (S_ISDIR(st.st_mode))
		return walk(g, joined, to, NULL, real);
	if (strcmp(to, "/") == 0)
		return gather_fail(g, 0, "'%s' is a file and cannot be '/'", src);
	rc = gather_file(g, joined, to, false, 0);
	return rc;
}

struct lookup {
	const char *name;
	bool found;
};

static int same_base(const struct node *n, void *arg)
{
	struct lookup *l = arg;
	const char *slash = strrchr(n->path, '/');

	l->found = n->kind != NODE_DIR && strcmp(slash ? slash + 1 : n->path, l->name) == 0;
	return l->found;
}

int gather_done(struct gather *g)
{
	const struct lack *l;

	for (l = g->lacks; l; l = l->next) {
		struct lookup look = { l->name, false };

		(void)tree_each(g->tree, same_base, &look); /* look.found is its answer */
		if (!look.found)
			(void)gather_fail(g, 0, "'%s' needs the library '%s', which is not found",
					  l->who, l->name);
	}
	return g->failed ? -EINVAL : 0;
}

void gather_free(struct gather *g)
{
	while (g->lacks) {
		struct lack *l = g->lacks;

		g->lacks = l->next;
		free(l->who);
		free(l->name);
		free(l);
	}
}
