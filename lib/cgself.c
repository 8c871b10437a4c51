/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroup hierarchies are mounted, and where in them this process is. */
#include "cgself.h"
#include "buf.h"
#include "cleanup.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Field n (from 0) of a line of blank-separated fields, its octal escapes ("\040") undone. False,
 * and
 * "", when there is none or it is too long. */
static bool field(const char *line, const char *end, unsigned int n, char *ret, size_t cap)
{
	const char *s = line;
	size_t len = 0;

	ret[0] = '\0';
	for (; n > 0; n--) {
		s = memchr(s, ' ', (size_t)(end - s));
		if (!s)
			return false;
		s++;
	}
	for (; s < end && *s != ' '; s++) {
		char c = *s;

		if (c == '\\' && end - s > 3 && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			c = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		}
		if (len + 1 >= cap) {
			ret[0] = '\0';
			return false;
		}
		ret[len++] = c;
	}
	ret[len] = '\0';
	return true;
}

/* Whether a list "rw,cpuset,cpu" has an item. */
static bool list_has(const char *list, size_t len, const char *item)
{
	size_t n = strlen(item);
	const char *s = list, *end = list + len;

	while (s < end) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		size_t k = (size_t)((comma ? comma : end) - s);

		if (k == n && memcmp(s, item, n) == 0)
			return true;
		s += k + 1;
	}
	return false;
}

/* The directory of cgroup `path` where the hierarchy is mounted at mount with `root` as its root.
 * "" when it lies outside of what is mounted, as "/.." does in a cgroup namespace. */
static void locate(const char *mount, const char *root, const char *path, char ret[PATH_MAX])
{
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
	int len;

	ret[0] = '\0';
	if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0') ||
	    strncmp(path, "/..", 3) == 0)
		return;
	path += n;
	len = snprintf(ret, PATH_MAX, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
	if (len < 0 || len >= PATH_MAX)
		ret[0] = '\0';
}

/* 31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
 *            4 5                                   behind " - ": type, source, options */
static void parse_mount(const char *line, const char *end, struct cgself *cg,
			char v2_root[PATH_MAX], char set_root[PATH_MAX])
{
	const char *dash = memmem(line, (size_t)(end - line), " - ", 3);
	char type[16], options[512];

	if (!dash || !field(dash + 3, end, 0, type, sizeof(type)) ||
	    strncmp(type, "cgroup", 6) != 0)
		return;
	if (strcmp(type, "cgroup2") == 0) {
		/* The first is where it belongs; later ones are copies bound elsewhere. */
		if (!cg->v2)
			cg->v2 = field(line, dash, 3, v2_root, PATH_MAX) &&
				 field(line, dash, 4, cg->v2_mount, PATH_MAX);
	} else if (strcmp(type, "cgroup") == 0) {
		cg->v1 = true;
		if (!cg->set_mount[0] && field(dash + 3, end, 2, options, sizeof(options)) &&
		    list_has(options, strlen(options), "cpuset") &&
		    field(line, dash, 3, set_root, PATH_MAX))
			(void)field(line, dash, 4, cg->set_mount, PATH_MAX); /* or it stays "" */
	}
}

void cgself_parse(const char *mountinfo, const char *cgroup, struct cgself *ret)
{
	char v2_root[PATH_MAX] = "/", set_root[PATH_MAX] = "/", path[PATH_MAX];
	const char *line, *end, *list, *colon;

	*ret = (struct cgself){ 0 };
	for (line = mountinfo; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		parse_mount(line, end, ret, v2_root, set_root);
	}
	/* 4:cpu,cpuset:/user.slice     0::/user.slice/session-2.scope */
	for (line = cgroup; *line; line = *end ? end + 1 : end) {
		int n;

		end = line + strcspn(line, "\n");
		list = memchr(line, ':', (size_t)(end - line));
		colon = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
		if (!colon)
			continue;
		list++;
		n = snprintf(path, sizeof(path), "%.*s", (int)(end - colon - 1), colon + 1);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		if (colon == list && ret->v2)
			locate(ret->v2_mount, v2_root, path, ret->v2_dir);
		else if (list_has(list, (size_t)(colon - list), "cpuset") && ret->set_mount[0])
			locate(ret->set_mount, set_root, path, ret->set_dir);
	}
}

/* All of a file of any length, NUL-terminated; NULL with errno. The caller frees it. */
static char *slurp(int root_fd, const char *path)
{
	AUTO_FD fd = root_openat(root_fd, path, O_RDONLY);
	AUTO_BUF b = BUF_INIT;
	int rc = fd < 0 ? fd : buf_rest(&b, fd, SIZE_MAX);

	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	return buf_take(&b);
}

int cgself_read(int root_fd, struct cgself *ret)
{
	AUTO_FREE char *mounts = slurp(root_fd, "proc/self/mountinfo");
	AUTO_FREE char *cgroup = mounts ? slurp(root_fd, "proc/self/cgroup") : NULL;

	if (!cgroup)
		return errno ? -errno : -ENOMEM;
	cgself_parse(mounts, cgroup, ret);
	return 0;
}

/* The first of file (or other) in dir or above it, up to mount. */
static int nearest(int root_fd, const char *mount, const char *from, const char *file,
		   const char *other, struct cpuset *ret)
{
	char dir[PATH_MAX], text[CPUSET_TEXT];
	ssize_t n;

	if (!from[0])
		return -ENOENT;
	(void)snprintf(dir, sizeof(dir), "%s", from); /* of the same size */
	for (;;) {
		char *slash = strrchr(dir, '/');

		n = root_readf(root_fd, text, sizeof(text), "%s/%s", dir, file);
		if (n == -ENOENT && other)
			n = root_readf(root_fd, text, sizeof(text), "%s/%s", dir, other);
		if (n != -ENOENT || strlen(dir) <= strlen(mount) || !slash)
			break;
		*slash = '\0';
	}
	return n < 0 ? (int)n : cpuset_parse(text, ret);
}

int cgself_cpus(int root_fd, const struct cgself *cg, struct cpuset *ret)
{
	/* A controller is in one hierarchy only: if v1 has cpuset, v2 has not. */
	int rc = nearest(root_fd, cg->set_mount, cg->set_dir, "cpuset.effective_cpus",
			 "cpuset.cpus", ret);

	if (rc == -ENOENT)
		rc = nearest(root_fd, cg->v2_mount, cg->v2_dir, "cpuset.cpus.effective", NULL, ret);
	return rc;
}
