/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal of this side. */
#include "term.h"
#include "cleanup.h"
#include "sig.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* SIGTTIN is not here: who reads in the background is to stop, and the terminal is not ours then.
 */
static const int signals[] = { SIGWINCH, SIGCONT, SIGTSTP, SIGTTOU };

void term_init(struct term *t, int fd)
{
	*t = (struct term){ .fd = fd, .sig_fd = -1 };
}

/* Until sigprocmask(SIG_SETMASK, ret_old) the signal does what it does by default. */
static void unblock(int signo, sigset_t *ret_old)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signo);
	(void)sigprocmask(SIG_UNBLOCK, &one, ret_old); /* fails for a bad `how` only */
}

static void stop(int signo)
{
	sigset_t old;

	(void)raise(signo);
	unblock(signo, &old); /* here we stop, and go on when somebody continues us */
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* With SIGTTOU in force the kernel itself keeps a background process from doing so. Nothing waits
 * for output to go: a terminal that takes none must not hold us. */
static int make_raw(struct term *t)
{
	struct termios raw = t->saved;
	sigset_t old;
	int rc;

	cfmakeraw(&raw);
	unblock(SIGTTOU, &old);
	rc = tcsetattr(t->fd, TCSANOW, &raw) < 0 ? -errno : 0;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	t->raw = rc == 0;
	return rc;
}

static void restore(struct term *t, bool flush)
{
	pid_t owner = tcgetpgrp(t->fd);
	bool raw = t->raw;

	t->raw = false;
	/* Another group in the foreground has set it as it wants it. No group at all: it is not the
	 * terminal of our session, and nobody else looks after it. */
	if (!raw || (owner >= 0 && owner != getpgrp()))
		return;
	if (flush)
		(void)tcflush(t->fd, TCIFLUSH); /* a terminal that has been hung up needs neither */
	(void)tcsetattr(t->fd, TCSANOW, &t->saved);
}

int term_begin(struct term *t)
{
	sigset_t set;
	size_t i;
	int rc;

	sigemptyset(&set);
	for (i = 0; i < KT_ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i]);
	t->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->sig_fd < 0)
		return -errno;
	(void)sigprocmask(SIG_BLOCK, &set, &t->old_mask); /* as above */
	rc = tcgetattr(t->fd, &t->saved) < 0 ? -errno : make_raw(t);
	if (rc < 0)
		term_end(t, false);
	return rc;
}

int term_signals(struct term *t)
{
	int s, rc, seen = 0;

	while ((s = sig_read(t->sig_fd)) > 0) {
		if (s == SIGTSTP || s == SIGTTOU) {
			restore(t, false);
			stop(s);
		}
		rc = s == SIGWINCH ? 0 : make_raw(t);
		if (rc < 0)
			return rc;
		seen = 1;
	}
	return seen;
}

void term_end(struct term *t, bool flush)
{
	if (t->sig_fd < 0)
		return;
	restore(t, flush);
	drop_fd(&t->sig_fd);
	(void)sigprocmask(SIG_SETMASK, &t->old_mask, NULL);
}

void term_size(const struct term *t, uint32_t *ret_rows, uint32_t *ret_cols)
{
	struct winsize ws = { 0 };

	(void)ioctl(t->fd, TIOCGWINSZ, &ws); /* what fails is not known */
	*ret_rows = ws.ws_row;
	*ret_cols = ws.ws_col;
}
