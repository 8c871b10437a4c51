/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command of a prefix command. */
#include "command.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>

int command_start(struct command *c)
{
	struct child_spec spec = {
		.argv = c->argv, .mask = c->mask, .stdio = { -1, -1, -1 }, .death_sig = SIGKILL
	};
	int p[2], rc;

	c->pid_fd = c->out_fd = -1;
	if (c->w) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return -errno;
		c->out_fd = p[0];
		spec.stdio[1] = p[1];
		rc = relay_init(&c->relay, c->out_fd, "kt-reserve", c->w);
		if (rc < 0)
			goto fail;
	}
	rc = child_spawn(&spec, NULL);
	if (rc < 0)
		goto fail;
	close_fdp(&spec.stdio[1]); /* the command has its own */
	c->pid_fd = rc;
	return 0;
fail:
	close_fdp(&spec.stdio[1]);
	drop_fd(&c->out_fd);
	return rc;
}

/* A signal that somebody sent to us alone. What the terminal sends has reached the command too: it
 * is in our process group. */
static void pass_on(const struct command *c)
{
	struct signalfd_siginfo si;

	while (read(c->sig_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_code != SI_KERNEL)
			(void)pidfd_send_signal(c->pid_fd, (int)si.ssi_signo, NULL,
						0); /* it may just have ended */
}

static void stop_relay(struct command *c)
{
	relay_free(&c->relay);
	drop_fd(&c->out_fd);
}

/* What is in the pipe when the command has ended; others who have it open are not waited for. */
static int drain(struct command *c)
{
	struct pollfd p = { c->out_fd, POLLIN, 0 };
	int rc = 1;

	while (rc == 1 && poll(&p, 1, 0) > 0)
		rc = relay_step(&c->relay);
	return rc < 0 ? rc : relay_rest(&c->relay);
}

int command_wait(struct command *c, int *ret_status)
{
	siginfo_t info;
	int rc = 0, n;

	for (;;) {
		struct pollfd p[] = { { c->pid_fd, POLLIN, 0 },
				      { c->sig_fd, POLLIN, 0 },
				      { c->out_fd, POLLIN, 0 } };

		while (poll(p, 3, -1) < 0 && errno == EINTR)
			; /* stopped and continued */
		if (p[1].revents)
			pass_on(c);
		if (p[0].revents)
			break;
		if (p[2].revents) {
			n = relay_step(&c->relay);
			if (n < 0)
				rc = n;
			if (n <= 0)
				stop_relay(c);
		}
	}
	if (c->out_fd >= 0) {
		n = drain(c);
		rc = rc < 0 ? rc : n;
		stop_relay(c);
	}
	n = child_wait(c->pid_fd, -1, -1, &info);
	drop_fd(&c->pid_fd);
	*ret_status = n < 0 ? KT_PREFIX_FAIL : child_status(&info);
	return rc;
}
