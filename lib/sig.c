/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stop signals as a descriptor. */
#include "sig.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int sig_block(const int *extra, sigset_t *ret_old)
{
	sigset_t stop;
	int fd;

	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	for (; extra && *extra; extra++)
		sigaddset(&stop, *extra);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &stop, ret_old) < 0)
		return -errno;
	fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int sig_read(int sig_fd)
{
	struct signalfd_siginfo si;

	return read(sig_fd, &si, sizeof(si)) == (ssize_t)sizeof(si) ? (int)si.ssi_signo : 0;
}
