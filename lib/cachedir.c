/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where kernels, archives and templates are kept. */
#include "cachedir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *cachedir_path(char *buf, size_t cap)
{
	static const struct {
		const char *env, *tail;
	} place[] = { { "KTSTR_CACHE_DIR", "" },
		      { "XDG_CACHE_HOME", "/ktstr" },
		      { "HOME", "/.cache/ktstr" } };
	size_t i;

	for (i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		const char *v = getenv(place[i].env);
		int n;

		if (!v || !*v)
			continue;
		if (v[0] != '/') { /* it would mean another place in each directory */
			errno = EINVAL;
			return NULL;
		}
		n = snprintf(buf, cap, "%s%s", v, place[i].tail);
		if (n < 0 || (size_t)n >= cap) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		while (n > 1 && buf[n - 1] == '/')
			buf[--n] = '\0';
		return buf;
	}
	errno = ENOENT;
	return NULL;
}

int cachedir_open(const char *sub)
{
	char path[PATH_MAX], *p;
	size_t len;
	int fd;

	if (!cachedir_path(path, sizeof(path)))
		return -errno;
	len = strlen(path);
	if (sub && *sub) {
		int n = snprintf(path + len, sizeof(path) - len, "/%s", sub);

		if (n < 0 || (size_t)n >= sizeof(path) - len)
			return -ENAMETOOLONG;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	for (p = path; p;) {
		p = strchr(p + 1, '/'); /* NULL: the whole path is left */
		if (p)
			*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (p)
			*p = '/';
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
