/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting other programs. */
#include "child.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* In the child: returns the errno of a failure only. */
static int exec_child(const struct child_spec *spec, pid_t parent)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	int fds[3], i;
	const char *const *env;
	sigset_t none;

	sigemptyset(&none);
	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, &dfl, NULL); /* KILL, STOP and libc's own refuse */
	if (spec->death_sig &&
	    (prctl(PR_SET_PDEATHSIG, spec->death_sig) < 0 || getppid() != parent))
		_exit(127);
	if (spec->own_group)
		(void)setpgid(0, 0);
	/* First out of the way of 0-2, so that no dup2 overwrites a source of a later one. */
	for (i = 0; i < 3; i++) {
		fds[i] = spec->stdio[i] < 0 ? i : fcntl(spec->stdio[i], F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			return errno;
	}
	for (i = 0; i < 3; i++)
		if (fds[i] != i && dup2(fds[i], i) < 0)
			return errno;
	if (spec->terminal && (setsid() < 0 || ioctl(0, TIOCSCTTY, 0) < 0))
		return errno;
	sigprocmask(SIG_SETMASK, spec->mask ? spec->mask : &none, NULL); /* it would survive exec */
	for (env = spec->env; env && *env; env += 2)
		if (setenv(env[0], env[1], 0) < 0)
			return errno;
	execvp(spec->argv[0], spec->argv);
	return errno;
}

int child_start(const struct child_spec *spec, pid_t *ret_pid)
{
	AUTO_FD rd = -1;
	AUTO_FD wr = -1;
	int p[2], e = 0;
	pid_t parent = getpid(), pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	rd = p[0];
	wr = fcntl(p[1], F_DUPFD_CLOEXEC, 3); /* stays clear of the child's 0-2 */
	close(p[1]);
	if (wr < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		e = exec_child(spec, parent);
		(void)!write(wr, &e, sizeof(e)); /* the parent sees the end of file otherwise */
		_exit(127);
	}
	drop_fd(&wr);
	while (read(rd, &e, sizeof(e)) < 0 && errno == EINTR)
		;
	if (e != 0) {
		(void)waitpid(pid, NULL, 0);
		return -e;
	}
	*ret_pid = pid;
	return 0;
}

int child_spawn(const struct child_spec *spec, pid_t *ret_pid)
{
	pid_t pid = -1;
	int rc = child_start(spec, &pid), fd;

	if (rc < 0)
		return rc;
	fd = pidfd_open(pid, 0); /* no race: a child we have not reaped keeps its PID */
	if (fd < 0) {
		fd = -errno;
		kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return fd;
	}
	if (ret_pid)
		*ret_pid = pid;
	return fd;
}

struct child_stub { /* on top of the stack that it runs on */
	uint32_t go; /* futex */
	uint32_t shares; /* futex; the kernel clears it when the child leaves our memory */
	const struct child_spec *spec;
	void *map;
	pid_t pid, parent;
	int err;
};

#define STUB_BYTES (8 << 20) /* as much as a process has, of which little is ever touched */
#define STUB_HEAD 64
_Static_assert(sizeof(struct child_stub) <= STUB_HEAD, "it does not fit");

static void futex_wait(uint32_t *p, uint32_t while_it_is)
{
	while (__atomic_load_n(p, __ATOMIC_ACQUIRE) == while_it_is)
		(void)syscall(SYS_futex, p, FUTEX_WAIT, while_it_is, NULL, NULL, 0);
}

static int stub_main(void *arg)
{
	struct child_stub *s = arg;

	/* After our creator nobody would ever wake us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != s->parent)
		_exit(127);
	futex_wait(&s->go, 0);
	s->err = unshare(CLONE_FILES | CLONE_FS) < 0 || prctl(PR_SET_PDEATHSIG, 0) < 0
			 ? errno
			 : exec_child(s->spec, s->parent);
	_exit(127);
}

struct child_stub *child_stub(void)
{
	struct child_stub *s;
	char *map = mmap(NULL, STUB_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	s = (struct child_stub *)(void *)(map + STUB_BYTES - STUB_HEAD);
	*s = (struct child_stub){ .shares = 1, .map = map, .parent = getpid() };
	s->pid = clone(stub_main, s,
		       CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD, s, NULL,
		       NULL, &s->shares);
	if (s->pid >= 0)
		return s;
	(void)munmap(map, STUB_BYTES);
	return NULL;
}

/* The two share errno, too; one of them waits all the time. */
int child_stub_start(struct child_stub *s, const struct child_spec *spec, pid_t *ret_pid)
{
	int rc;

	s->spec = spec;
	__atomic_store_n(&s->go, 1, __ATOMIC_RELEASE);
	(void)syscall(SYS_futex, &s->go, FUTEX_WAKE, 1, NULL, NULL, 0);
	futex_wait(&s->shares, 1);
	rc = -s->err;
	if (rc < 0)
		(void)waitpid(s->pid, NULL, 0);
	else
		*ret_pid = s->pid;
	(void)munmap(s->map, STUB_BYTES);
	return rc;
}

int child_wait(int pid_fd, int sig_fd, int timeout_ms, siginfo_t *ret_info)
{
	struct pollfd p[] = { { pid_fd, POLLIN, 0 }, { sig_fd, POLLIN, 0 } };
	int n, rc;

	while ((n = poll(p, 2, timeout_ms)) < 0 && errno == EINTR)
		; /* stopped and continued */
	rc = n < 0 ? -errno : n == 0 ? -ETIMEDOUT : p[0].revents ? 0 : -EINTR;
	if (rc < 0)
		(void)pidfd_send_signal(pid_fd, SIGKILL, NULL, 0); /* it may just have ended */
	return waitid(P_PIDFD, (id_t)pid_fd, ret_info, WEXITED) < 0 ? -errno : rc;
}

int child_status(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

/* "DIR/REL" where DIR holds /proc/self/exe, when that exists. */
static char *beside(const char *rel, const char *name, char *buf, size_t cap)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;
	int len;

	if (n < 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	len = snprintf(buf, cap, "%s/%s%s", exe, rel, name);
	return len > 0 && (size_t)len < cap && access(buf, F_OK) == 0 ? buf : NULL;
}

static char *below(const char *dir, const char *name, char *buf, size_t cap)
{
	int len;

	if (!dir || !*dir)
		return NULL;
	len = snprintf(buf, cap, "%s%s%s", dir, *name ? "/" : "", name);
	return len > 0 && (size_t)len < cap && access(buf, F_OK) == 0 ? buf : NULL;
}

char *child_tool(const char *name, char *buf, size_t cap)
{
	if (beside("", name, buf, cap) || beside("../libexec/ktstr/", name, buf, cap) ||
	    beside("../../bin/", name, buf, cap) || below(KT_PREFIX "/bin", name, buf, cap) ||
	    below(KT_PREFIX "/libexec/ktstr", name, buf, cap) ||
	    below(getenv("KTSTR_LIBEXEC"), name, buf, cap))
		return buf;
	errno = ENOENT;
	return NULL;
}

char *child_data(const char *name, const char *env, char *buf, size_t cap)
{
	if (beside("../share/ktstr/", name, buf, cap) ||
	    beside("../../share/ktstr/", name, buf, cap) ||
	    below(KT_PREFIX "/share/ktstr", name, buf, cap) || below(getenv(env), "", buf, cap))
		return buf;
	errno = ENOENT;
	return NULL;
}
