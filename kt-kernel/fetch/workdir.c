/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory beside the one that is wanted, and a process that fills it. */
#include "workdir.h"
#include "cleanup.h"
#include "die.h"
#include "out.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PREFIX ".fetch-"

int workdir_remove(int dir_fd, const char *name)
{
	AUTO_FD fd = -1;
	AUTO_DIR *d = NULL;
	const struct dirent *de;
	int rc = 0;

	if (unlinkat(dir_fd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)fchmod(fd,
		     0700); /* an archive may have made it read-only; if not ours, unlink says */
	d = fdopendir(fd);
	if (!d)
		return -errno;
	(void)take_fd(&fd);
	while (rc == 0 && (errno = 0, de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			rc = workdir_remove(dirfd(d), de->d_name);
	if (rc == 0 && errno != 0)
		rc = -errno;
	if (rc == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
		rc = -errno;
	return rc;
}

static int is_left(const struct dirent *de)
{
	return strncmp(de->d_name, PREFIX, strlen(PREFIX)) == 0;
}

/* Work directories whose process has gone: nobody has them locked. */
static int sweep(int into_fd)
{
	struct dirent **v = NULL;
	int n = scandirat(into_fd, ".", &v, is_left, alphasort), i, rc = 0, one;

	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		AUTO_FD fd = openat(into_fd, v[i]->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			one = workdir_remove(into_fd, v[i]->d_name);
			if (one < 0 && one != -ENOENT)
				rc = one;
		}
		free(v[i]);
	}
	free(v);
	return rc;
}

static int make(struct workdir *w, const char *into)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char draw[6];
	int tries, rc;
	size_t i;

	if (mkdir(into, 0755) < 0 && errno != EEXIST)
		return -errno;
	w->into_fd = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->into_fd < 0)
		return -errno;
	rc = sweep(w->into_fd);
	if (rc < 0)
		return rc;
	for (tries = 0; tries < 100; tries++) {
		if (getentropy(draw, sizeof(draw)) < 0)
			return -errno;
		strcpy(w->name, PREFIX);
		for (i = 0; i < sizeof(draw); i++)
			w->name[strlen(PREFIX) + i] = letters[draw[i] % (sizeof(letters) - 1)];
		w->name[strlen(PREFIX) + i] = '\0';
		if (mkdirat(w->into_fd, w->name, 0755) < 0) {
			if (errno != EEXIST)
				return -errno;
			continue;
		}
		w->fd = openat(w->into_fd, w->name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (w->fd >= 0 && flock(w->fd, LOCK_SH) == 0 &&
		    faccessat(w->into_fd, w->name, F_OK, 0) == 0)
			return 0;
		if (errno != ENOENT) /* else another one's sweep came in between */
			return -errno;
		drop_fd(&w->fd);
	}
	return -EEXIST;
}

/* In the child: it lives no longer than its parent, and any signal ends it at once. */
static _Noreturn void child(struct workdir *w, const sigset_t *mask, pid_t parent, int result_fd,
			    workdir_fn *fn, void *arg, void *result, size_t n)
{
	int rc = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sigprocmask(SIG_SETMASK, mask, NULL) < 0)
		rc = warn_rc(-errno, "set up signals");
	if (getppid() != parent)
		_exit(KT_FAIL);
	if (rc == 0)
		rc = fn(w, arg, result);
	/* Else the parent says that it got nothing. */
	if (out_all(result_fd, &rc, sizeof(rc)) == 0 && rc == 0)
		(void)out_all(result_fd, result, n);
	_exit(rc < 0 ? KT_FAIL : KT_OK);
}

int workdir_run(const char *into, workdir_fn *fn, void *arg, void *result, size_t n)
{
	struct workdir w = { .into_fd = -1, .fd = -1 };
	AUTO_FD sig_fd = -1, pid_fd = -1, rd = -1, wr = -1;
	int p[2], rc, sig = 0, one;
	siginfo_t info;
	sigset_t mask;
	pid_t pid, self = getpid();

	rc = make(&w, into);
	if (rc < 0)
		return warn_rc(rc, "make a directory in '%s'", into);
	sig_fd = sig_block(NULL, &mask);
	if (sig_fd < 0 || pipe2(p, O_CLOEXEC) < 0) {
		rc = warn_rc(sig_fd < 0 ? sig_fd : -errno, "set up signals");
		goto out;
	}
	rd = p[0];
	wr = p[1];
	pid = fork();
	if (pid == 0)
		child(&w, &mask, self, wr, fn, arg, result, n);
	drop_fd(&wr);
	pid_fd = pid < 0 ? -errno : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid_fd < 0) {
		rc = warn_rc(pid < 0 ? pid_fd : -errno, "start a process");
		goto out;
	}
	for (;;) {
		struct pollfd pf[] = { { pid_fd, POLLIN, 0 }, { sig_fd, POLLIN, 0 } };

		if (poll(pf, 2, -1) < 0 && errno != EINTR)
			sig = SIGTERM; /* cannot happen; but then do not wait for ever */
		else if (pf[1].revents)
			sig = sig_read(sig_fd);
		if (sig && kill(pid, SIGKILL) < 0)
			(void)warn_rc(-errno, "end process %d", (int)pid);
		if (sig || pf[0].revents)
			break;
	}
	if (waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED) < 0) {
		rc = warn_rc(-errno, "wait for process %d", (int)pid);
	} else if (info.si_code != CLD_EXITED) {
		rc = -EIO;
		if (sig)
			warn_msg("stopped by a signal: %s", strsignal(sig));
		else
			warn_msg("a signal has ended the process: %s", strsignal(info.si_status));
	} else if (read(rd, &rc, sizeof(rc)) != (ssize_t)sizeof(rc) ||
		   (rc == 0 && read(rd, result, n) != (ssize_t)n)) {
		rc = -EIO; /* it has said why */
	}
out:
	one = workdir_remove(w.into_fd, w.name);
	if (one < 0)
		one = warn_rc(one, "remove '%s/%s'", into, w.name);
	drop_fd(&w.fd);
	drop_fd(&w.into_fd);
	if (sig) { /* end as we were told to, so that the caller sees it */
		(void)signal(sig, SIG_DFL);
		(void)raise(sig);
		(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	}
	return rc < 0 ? rc : one;
}

int workdir_publish(const struct workdir *w, const char *name)
{
	if (renameat2(w->fd, name, w->into_fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST && errno != EINVAL) /* a file system may not know the flag */
		return -errno;
	if (renameat2(w->fd, name, w->into_fd, name, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != ENOENT && errno != EINVAL)
		return -errno;
	if (renameat(w->into_fd, name, w->fd, ".old") < 0 && errno != ENOENT)
		return -errno;
	return renameat(w->fd, name, w->into_fd, name) < 0 ? -errno : 0;
}

int workdir_path(const struct workdir *w, const char *name, char *buf, size_t cap)
{
	char path[PATH_MAX], proc[64];
	ssize_t n;

	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", w->into_fd);
	n = readlink(proc, path, sizeof(path));
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(path) ||
			       snprintf(buf, cap, "%.*s/%s", (int)n, path, name) >= (int)cap
		       ? -ENAMETOOLONG
		       : 0;
}
