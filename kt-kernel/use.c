/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses an entry of the cache. */
#include "use.h"
#include "lock.h"

#include <errno.h>
#include <stdlib.h>

int use_look(struct kernel *v, size_t n, struct use *ret)
{
	size_t i;
	int rc;

	*ret = (struct use){ 0 };
	if (n == 0)
		return 0;
	ret->file = calloc(n, sizeof(*ret->file));
	ret->path = calloc(n, sizeof(*ret->path));
	if (!ret->file || !ret->path)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!lock_cache_path("kernel", v[i].key, ret->path[i], sizeof(ret->path[i])))
			return -errno;
		ret->file[i].path = ret->path[i];
	}
	ret->n = n;
	rc = holders_find(ret->file, n);
	for (i = 0; rc == 0 && i < n; i++)
		/* without a lock file nobody has ever locked it */
		if (ret->file[i].err == 0 || ret->file[i].err == -ENOENT)
			v[i].in_use = &ret->file[i];
	return rc;
}

void use_free(struct use *u)
{
	if (u->n > 0)
		holders_free(u->file, u->n);
	free(u->file);
	free(u->path);
	*u = (struct use){ 0 };
}

int use_claim(const char *key, char *who, size_t cap)
{
	char path[PATH_MAX];
	int fd = lock_cache("kernel", key, LOCK_EXCLUSIVE, 0);

	who[0] = '\0';
	if (fd == -EWOULDBLOCK && lock_cache_path("kernel", key, path, sizeof(path)))
		holders_text_of(path, who, cap);
	return fd;
}
