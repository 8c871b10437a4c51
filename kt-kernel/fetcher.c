/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs kt-kernel-fetch. */
#include "fetcher.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "jsonr.h"
#include "keeper.h"
#include "mono.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#define MAX_SAID (64 << 10) /* messages that are kept */

static int64_t now_ms(void)
{
	return (int64_t)(mono_ns() / 1000000);
}

/* One read of what is there. Returns 0 at the end, 1, or -errno. */
static int take_some(int fd, struct buf *b)
{
	ssize_t got = buf_fill(b, fd, 65536);

	return got == -EINTR || got > 0 ? 1 : (int)got;
}

/* Read all it writes, until it closes its output (and its messages, err_fd, -1: not ours). -EINTR
 * at a stop signal, -ETIMEDOUT at the end (-1: none), by now_ms(). */
static int collect(int fd, int err_fd, const struct fetcher *f, int64_t end, struct buf *out)
{
	while (fd >= 0 || err_fd >= 0) {
		struct pollfd pf[] = { { fd, POLLIN, 0 },
				       { f->sig_fd, POLLIN, 0 },
				       { err_fd, POLLIN, 0 } };
		int64_t left = end < 0 ? -1 : end - now_ms();
		int rc = 0;

		if (end >= 0 && left <= 0)
			return -ETIMEDOUT;
		if (poll(pf, 3, (int)left) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (pf[1].revents)
			return -EINTR;
		if (pf[0].revents) {
			rc = take_some(fd, out);
			if (rc == 0)
				fd = -1;
		}
		if (pf[2].revents && f->said && rc >= 0) {
			size_t from = f->said->len;

			rc = take_some(err_fd, f->said);
			if (rc == 0)
				err_fd = -1;
			if (f->echo && f->said->len > from) /* there is nowhere to tell a failure */
				(void)out_all(STDERR_FILENO, f->said->p + from,
					      f->said->len - from);
			if (f->said->len > MAX_SAID)
				buf_drop(f->said, f->said->len - MAX_SAID);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int fetcher_run(const struct fetcher *f, const char *const *args, struct buf *out)
{
	char tool[PATH_MAX], *argv[32], quiet[] = "-q";
	struct child_spec spec = { .argv = argv, .mask = f->mask };
	struct keeper keeper = KEEPER_INIT;
	AUTO_FD rd = -1, wr = -1, err_rd = -1, err_wr = -1;
	int64_t end = f->timeout_ms > 0 ? now_ms() + f->timeout_ms : -1;
	AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	siginfo_t info;
	size_t n = 0;
	int p[2], rc, ended;

	argv[n++] = child_tool("kt-kernel-fetch", tool, sizeof(tool));
	if (!argv[0])
		return warn_rc(-ENOENT, "find kt-kernel-fetch");
	if (f->quiet)
		argv[n++] = quiet;
	for (; *args; args++) {
		if (n + 1 == KT_ARRAY_LEN(argv))
			return warn_rc(-E2BIG, "start '%s'", tool);
		/* execvp(3) knows no const, and changes nothing */
		memcpy(&argv[n++], args, sizeof(*args));
	}
	argv[n] = NULL;
	if (null_fd < 0 || pipe2(p, O_CLOEXEC) < 0)
		return warn_rc(-errno, "start '%s'", tool);
	rd = p[0];
	wr = p[1];
	if (f->said) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return warn_rc(-errno, "start '%s'", tool);
		err_rd = p[0];
		err_wr = p[1];
	}
	spec.stdio[0] = null_fd;
	spec.stdio[1] = wr;
	spec.stdio[2] = err_wr;
	rc = keeper_start(&spec, &keeper);
	if (rc < 0)
		return warn_rc(rc, "start '%s'", tool);
	drop_fd(&wr);
	drop_fd(&err_wr);
	rc = collect(rd, err_rd, f, end, out);
	while (rc == 0)
		rc = keeper_wait(&keeper, f->sig_fd, -1);
	if (rc < 0)
		keeper_stop(&keeper);
	ended = keeper_end(&keeper, &info);
	if (rc > 0)
		rc = ended;
	if (rc < 0 && f->said && !f->echo)
		return rc;
	if (rc == -EINTR) {
		warn_msg("stopped by a signal");
		return rc;
	}
	if (rc < 0)
		return warn_rc(rc, "run '%s'", tool);
	if (info.si_code != CLD_EXITED && !f->said)
		warn_msg("'%s' ended by signal %d", tool, info.si_status);
	return child_status(&info) == 0 ? 0 : -EIO;
}

int fetcher_each(struct buf *out, const char *type, int (*fn)(const json_t *rec, void *arg),
		 void *arg)
{
	char *line, *save = NULL;
	unsigned long number = 0;
	bool whole = false;
	int n = 0, rc = 0;

	for (line = out->len ? strtok_r(out->p, "\n", &save) : NULL; line && rc >= 0;
	     line = strtok_r(NULL, "\n", &save)) {
		struct jsonr_doc doc = { 0 };
		json_t *o = jsonr_parse(&doc, "kt-kernel-fetch", ++number, line, strlen(line));
		const char *is;

		if (!o) {
			warn_msg("%s", doc.err);
			return -EBADMSG;
		}
		is = rec_str(o, "type", "");
		whole = strcmp(is, "end") == 0;
		if (strcmp(is, type) == 0) {
			rc = fn(o, arg);
			n++;
		}
		json_decref(o);
	}
	return rc < 0 ? rc : whole ? n : -EPIPE;
}
