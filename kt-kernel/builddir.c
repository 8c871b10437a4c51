/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CACHE/build/KEY, where a kernel is built. Whoever holds the lock build-KEY owns it. Nobody holds
 * the lock of one that was left by a kill, and the next build removes it. One whose make failed has
 * a file `failed` in it, and is kept for the user to look at until the same key is built again. */
#include "cachedir.h"
#include "cleanup.h"
#include "die.h"
#include "dirs.h"
#include "job.h"
#include "key.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FAILED "failed"

/* The name of a key's directory: make takes "%" in a path for a pattern. */
static void dir_name(const char *key, char *buf, size_t cap)
{
	char *p;

	(void)snprintf(buf, cap, "%s", key);
	for (p = buf; (p = strchr(p, '%'));)
		*p = '@';
}

/* Remove what killed builds have left: directories whose lock is free and whose make did not fail.
 */
static void sweep(int build_fd)
{
	AUTO_FD fd = openat(build_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;

	if (!d)
		return; /* the caller has it open: it will say so */
	(void)take_fd(&fd); /* closedir() owns it from here */
	while ((de = readdir(d))) {
		AUTO_FD lock = -1;
		AUTO_FREE char *failed = NULL;
		char key[NAME_MAX + 1], *p;

		if (de->d_name[0] == '.' || asprintf(&failed, "%s/" FAILED, de->d_name) < 0)
			continue;
		if (faccessat(dirfd(d), failed, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		(void)snprintf(key, sizeof(key), "%s", de->d_name);
		for (p = key; (p = strchr(p, '@'));)
			*p = '%';
		lock = lock_cache("build", key, LOCK_EXCLUSIVE, 0);
		if (lock >= 0 && dirs_remove(dirfd(d), de->d_name) < 0)
			warn_msg("'%s' in the cache's build/ was left behind and cannot be removed",
				 de->d_name);
	}
}

/* An empty directory for this build. 0 or -errno (said). */
int builddir_open(struct job *j, const char *key)
{
	AUTO_FD fd = cachedir_open("build");
	char name[KEY_MAX];
	int rc;

	if (fd < 0)
		return job_fail_rc(j, fd, "make a directory in the cache");
	dir_name(key, name, sizeof(name));
	sweep(fd);
	rc = dirs_remove(fd, name);
	if (rc < 0 && rc != -ENOENT)
		return job_fail_rc(j, rc, "remove '%s/build/%s'", j->cache, name);
	if (mkdirat(fd, name, 0700) < 0)
		return job_fail_rc(j, -errno, "make '%s/build/%s'", j->cache, name);
	if (snprintf(j->work, sizeof(j->work), "%s/build/%s", j->cache, name) >=
		    (int)sizeof(j->work) ||
	    snprintf(j->log, sizeof(j->log), "%s/build.log", j->work) >= (int)sizeof(j->log))
		return job_fail_rc(j, -ENAMETOOLONG, "name the directory of the build");
	if (strpbrk(j->work, " :"))
		return job_fail(
			j, -EINVAL,
			"a kernel cannot be built in '%s': its Makefile takes no blank and no "
			"colon in a path (KTSTR_CACHE_DIR chooses another)",
			j->work);
	return 0;
}

void builddir_close(struct job *j)
{
	int rc;

	if (!j->work[0])
		return;
	rc = dirs_remove(AT_FDCWD, j->work);
	if (rc < 0 && rc != -ENOENT)
		(void)warn_rc(rc, "remove '%s'", j->work);
}

/* After a failed make: it stays, and sweepers leave it. */
void builddir_keep(struct job *j)
{
	AUTO_FREE char *path = NULL;
	AUTO_FD fd = -1;

	if (asprintf(&path, "%s/" FAILED, j->work) < 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		(void)warn_rc(-errno, "make '%s'", path);
	else if (j->own)
		warn_msg("%s: '%s' is kept until this is built again", j->label, j->work);
}
