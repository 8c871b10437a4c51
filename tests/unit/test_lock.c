// SPDX-License-Identifier: GPL-2.0-or-later
/* The cache directory, and locks below it. */
#include "cachedir.h"
#include "cleanup.h"
#include "lock.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static int try_lock(enum lock_mode mode)
{
	int fd = lock_cache("test", "key", mode, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static long ms_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - t->tv_sec) * 1000 + (now.tv_nsec - t->tv_nsec) / 1000000;
}

/* A child holds the lock until it may go; then it forgets it, or not. */
static int take_over(int forget)
{
	int to[2], from[2], fd, status;
	char c;
	pid_t pid;

	if (pipe(to) < 0 || pipe(from) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		fd = lock_cache("test", "key", LOCK_EXCLUSIVE, 0);
		(void)!write(from[1], "x", 1);
		(void)!read(to[0], &c, 1);
		poll(NULL, 0, 100); /* the parent waits for the lock by now, or gets it at once */
		_exit(fd < 0 || (forget && lock_forget("test", "key") < 0));
	}
	if (pid < 0 || read(from[0], &c, 1) != 1 || write(to[1], "x", 1) != 1)
		return -EIO;
	fd = lock_cache("test", "key", LOCK_EXCLUSIVE, forget ? -1 : 10000);
	ok(waitpid(pid, &status, 0) == pid && status == 0, "the holder did its part");
	return fd;
}

int main(void)
{
	char dir[] = "/tmp/kt-test-XXXXXX", path[PATH_MAX], again[PATH_MAX + 64];
	struct timespec t;
	struct stat st, named;
	int a, b;

	if (!mkdtemp(dir))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/a/b", dir);
	setenv("KTSTR_CACHE_DIR", path, 1);
	ok_str(cachedir_path(again, sizeof(again)), path, "the variable names the cache");
	a = cachedir_open("x/y");
	ok(a >= 0 && stat(path, &st) == 0 && (st.st_mode & 0777) == 0700,
	   "it is made, for us alone");
	close(a);
	setenv("KTSTR_CACHE_DIR", "a/b", 1);
	ok(!cachedir_path(again, sizeof(again)) && errno == EINVAL, "a relative one is refused");
	ok(cachedir_open(NULL) == -EINVAL, "also for opening");
	setenv("KTSTR_CACHE_DIR", "", 1);
	setenv("XDG_CACHE_HOME", "/x/", 1);
	ok_str(cachedir_path(again, sizeof(again)), "/x//ktstr", "then XDG_CACHE_HOME");
	setenv("XDG_CACHE_HOME", "", 1);
	setenv("HOME", "/h", 1);
	ok_str(cachedir_path(again, sizeof(again)), "/h/.cache/ktstr", "then HOME");
	unsetenv("HOME");
	ok(!cachedir_path(again, sizeof(again)) && errno == ENOENT, "and nothing is left");
	setenv("KTSTR_CACHE_DIR", path, 1);

	a = lock_cache("test", "key", LOCK_SHARED, 0);
	ok(a >= 0, "a shared lock");
	ok(try_lock(LOCK_SHARED) == 0, "and another one");
	ok(try_lock(LOCK_EXCLUSIVE) == -EWOULDBLOCK, "but no exclusive one");
	clock_gettime(CLOCK_MONOTONIC, &t);
	b = lock_cache("test", "key", LOCK_EXCLUSIVE, 150);
	ok(b == -EWOULDBLOCK && ms_since(&t) >= 150, "not until the deadline either");
	ok(fcntl(a, F_GETFD) & FD_CLOEXEC, "children do not inherit it");
	close(a);
	b = lock_cache("test", "key", LOCK_EXCLUSIVE, 0);
	ok(b >= 0, "an exclusive lock");
	ok(try_lock(LOCK_SHARED) == -EWOULDBLOCK, "and no shared one beside it");
	close(b);
	ok(lock_cache("test", "a/b", LOCK_SHARED, 0) == -EINVAL, "a key with a slash");
	ok(lock_cache("test", "", LOCK_SHARED, 0) == -EINVAL, "an empty key");

	a = take_over(0);
	ok(a >= 0, "a waiter gets the lock when it is free");
	close(a);
	a = take_over(1);
	(void)snprintf(again, sizeof(again), "%s/.locks/test-key.lock", path);
	ok(a >= 0 && fstat(a, &st) == 0 && stat(again, &named) == 0 && st.st_ino == named.st_ino,
	   "a waiter on a lock that was forgotten has the new file's");
	ok(try_lock(LOCK_SHARED) == -EWOULDBLOCK, "and nobody else has");
	close(a);

	(void)snprintf(again, sizeof(again), "rm -r '%s'", dir);
	ok(system(again) == 0, "the cache is removed");
	return tap_done();
}
