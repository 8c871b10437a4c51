/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process between us and a program, so that nothing of the program outlives us. */
#include "keeper.h"
#include "cleanup.h"
#include "num.h"
#include "out.h"
#include "procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define GRACE_MS 5000 /* from SIGTERM to SIGKILL */

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct result {
	int rc;
	siginfo_t info;
};

/* SIGKILL to all our children. Theirs become ours when they die, so the caller repeats it. */
static void kill_children(void)
{
	AUTO_DIR *d = opendir("/proc");
	const struct dirent *de;
	pid_t me = getpid();

	while (d && (de = readdir(d))) {
		struct procstat s;
		int pid;

		if (num_int(de->d_name, 1, INT_MAX, &pid) == 0 && procstat_of(pid, &s) == 0 &&
		    s.ppid == me)
			(void)kill(pid, SIGKILL); /* a child of ours keeps its pid until reaped */
	}
}

/* The program has ended: see to it that nothing of it is left. Its pid, which names the group too,
 * is not reaped yet, so that both are still its own. */
static void sweep(pid_t group)
{
	pid_t pid;

	(void)kill(-group, SIGKILL); /* nobody but the dead one may be there */
	do {
		kill_children();
		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		/* Children come to us as their parents die: there is no descriptor for that. */
		if (pid == 0)
			(void)poll(NULL, 0, 5);
	} while (pid == 0);
}

/* The keeper's life; life_fd ends it, and the result goes to end_fd. */
static void keep(const struct child_spec *asked, int life_fd, int end_fd)
{
	struct child_spec spec = *asked;
	struct result r = { 0 };
	AUTO_FD pid_fd = -1;
	AUTO_FD null_fd = -1;
	pid_t pid;
	bool stop = false;
	int i;

	spec.death_sig = SIGTERM;
	spec.own_group = 1;
	(void)prctl(PR_SET_NAME, "kt-keeper"); /* for who looks at ps */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		r.rc = -errno;
	pid_fd = r.rc < 0 ? r.rc : child_spawn(&spec, &pid);
	if (pid_fd < 0) {
		r.rc = pid_fd;
		goto out;
	}
	/* Nobody is to wait for our ends of what are pipes to others. */
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (i = 0; i < 3; i++)
		(void)dup2(null_fd, i); /* at worst it waits until we end */
	for (i = 0; i < 3; i++)
		if (asked->stdio[i] > 2)
			(void)close(asked->stdio[i]);
	while (!stop) {
		struct pollfd pf[] = { { pid_fd, POLLIN, 0 }, { life_fd, POLLIN, 0 } };

		if (poll(pf, 2, -1) < 0)
			continue; /* EINTR */
		stop = pf[1].revents != 0;
		if (pf[0].revents)
			break;
	}
	if (stop) {
		(void)kill(-pid, SIGTERM); /* it may be gone already */
		if (poll(&(struct pollfd){ pid_fd, POLLIN, 0 }, 1, GRACE_MS) == 0)
			(void)kill(-pid, SIGKILL);
	}
	if (waitid(P_PIDFD, (id_t)pid_fd, &r.info, WEXITED | WNOWAIT) < 0)
		r.rc = -errno;
	sweep(pid);
out:
	(void)out_all(end_fd, &r, sizeof(r)); /* nobody may be there to read it */
}

int keeper_start(const struct child_spec *spec, struct keeper *ret)
{
	AUTO_FD life_rd = -1, life_wr = -1, end_rd = -1, end_wr = -1;
	int p[2], fd;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	life_rd = p[0];
	life_wr = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	end_rd = p[0];
	end_wr = p[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		drop_fd(&life_wr);
		drop_fd(&end_rd);
		keep(spec, life_rd, end_wr);
		_exit(0); /* stdio is our parent's */
	}
	fd = pidfd_open(pid, 0); /* no race: a child we have not reaped keeps its PID */
	if (fd < 0) {
		fd = -errno;
		drop_fd(&life_wr); /* which ends it */
		(void)waitpid(pid, NULL, 0);
		return fd;
	}
	*ret = (struct keeper){ fd, take_fd(&life_wr), take_fd(&end_rd) };
	return 0;
}

void keeper_stop(struct keeper *k)
{
	drop_fd(&k->life_fd);
}

int keeper_wait(const struct keeper *k, int sig_fd, int timeout_ms)
{
	struct pollfd pf[] = { { k->end_fd, POLLIN, 0 }, { sig_fd, POLLIN, 0 } };
	int n = poll(pf, 2, timeout_ms);

	if (n <= 0)
		return n < 0 && errno != EINTR ? -errno : 0;
	return pf[1].revents ? -EINTR : 1;
}

int keeper_end(struct keeper *k, siginfo_t *ret_info)
{
	struct result r = { 0 };
	ssize_t n;
	siginfo_t info;

	do
		n = read(k->end_fd, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	drop_fd(&k->end_fd);
	drop_fd(&k->life_fd);
	if (waitid(P_PIDFD, (id_t)k->pid_fd, &info, WEXITED) < 0)
		r.rc = -errno;
	drop_fd(&k->pid_fd);
	if (n != (ssize_t)sizeof(r))
		return -ECHILD;
	if (r.rc == 0)
		*ret_info = r.info;
	return r.rc;
}
