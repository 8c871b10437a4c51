/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits, in one poll loop, for whatever comes next: an ack, a moment, a signal, the end of a child,
 * of the reader, of our own cgroup. */
#include "conduct_wait.h"
#include "buf.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "jsonr.h"
#include "mono.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define LAST_NS (2 * NSEC_PER_SEC) /* for a slow reader, once we have been told to stop */

int stage_give_up(struct stage *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!s->why[0])
		(void)vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	return -ECANCELED;
}

/* ---- our own output ---- */

/* Until the reader takes PIPE_BUF more bytes, which then cannot block. A stop signal gives it
 * LAST_NS, so that one that never reads again cannot keep the cgroups alive. */
static int wait_writable(struct stage *s, uint64_t *give_up_ns)
{
	for (;;) {
		struct pollfd p[] = { { s->out_fd, POLLOUT, 0 }, { s->sig_fd, POLLIN, 0 } };
		uint64_t now = mono_ns();
		int ms = -1;

		if (s->signo && *give_up_ns == 0)
			*give_up_ns = now + LAST_NS;
		if (*give_up_ns)
			ms = now < *give_up_ns ? (int)((*give_up_ns - now) / NSEC_PER_MSEC) : 0;
		if (poll(p, 2, ms) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (p[0].revents & (POLLERR | POLLHUP | POLLNVAL))
			return -EPIPE;
		if (p[0].revents & POLLOUT)
			return 0;
		if (p[1].revents)
			s->signo = sig_read(s->sig_fd);
		if (ms == 0)
			return -EPIPE; /* as good as gone */
	}
}

int stage_emit(struct stage *s, const char *line, size_t len)
{
	uint64_t give_up_ns = 0;

	while (len > 0 && !s->out_closed) {
		int rc = wait_writable(s, &give_up_ns);
		ssize_t n = rc < 0 ? rc : write(s->out_fd, line, len < PIPE_BUF ? len : PIPE_BUF);

		if (n < 0 && rc == 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			rc = rc < 0 ? rc : -errno;
			s->out_closed = true;
			if (rc != -EPIPE)
				warn_rc(rc, "write standard output");
			return rc;
		}
		line += n;
		len -= (size_t)n;
	}
	return s->out_closed ? -EPIPE : 0;
}

void stage_emit_record(struct stage *s, struct jsonw *w)
{
	if (jsonw_end(w) == 0)
		(void)stage_emit(s, w->buf.p, w->buf.len); /* out_closed is seen by the loop */
	else
		stage_give_up(s, "out of memory");
}

/* ---- what a child says ---- */

void kid_init(struct kid *k, const char *tool)
{
	*k = (struct kid){ .tool = tool, .pid_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1 };
}

void kid_free(struct kid *k)
{
	ndjson_free(&k->nd);
	ndjson_free(&k->err);
	drop_fd(&k->pid_fd);
	drop_fd(&k->in_fd);
	drop_fd(&k->out_fd);
	drop_fd(&k->err_fd);
}

/* execvp does not write to its arguments, whatever its type says. */
char *const *kid_argv(const char *const argv[])
{
	return (char *const *)(uintptr_t)argv;
}

int kid_start(struct play *pl, struct kid *k, const char *const argv[])
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, rc, i;
	struct child_spec spec = { .argv = kid_argv(argv), .mask = &pl->s->child_mask };

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
		rc = -errno;
	} else {
		spec.stdio[0] = in[0];
		spec.stdio[1] = out[1];
		spec.stdio[2] = err[1];
		/* Not SIGKILL: it is to undo what it made, and the end of its input says the same.
		 */
		spec.death_sig = SIGTERM;
		rc = child_spawn(&spec, NULL);
	}
	if (rc >= 0) {
		k->pid_fd = rc;
		k->in_fd = take_fd(&in[1]);
		k->out_fd = take_fd(&out[0]);
		k->err_fd = take_fd(&err[0]);
		(void)fcntl(k->out_fd, F_SETFL, O_NONBLOCK); /* pipes of our own: cannot fail */
		(void)fcntl(k->err_fd, F_SETFL, O_NONBLOCK);
		ndjson_init(&k->nd, k->out_fd);
		ndjson_init(&k->err, k->err_fd);
	}
	for (i = 0; i < 2; i++) {
		close_fdp(&in[i]);
		close_fdp(&out[i]);
		close_fdp(&err[i]);
	}
	return rc < 0 ? stage_give_up(pl->s, "start %s: %s", argv[0], strerror(-rc)) : 0;
}

void play_pass_ack(struct play *pl, bool good, const char *line, size_t len)
{
	struct buf b = BUF_INIT;

	if (pl->op->at_ns > 0 && good && len > 0 && line[len - 1] == '}') {
		buf_add(&b, line, len - 1);
		buf_fmt(&b, ",\"late_ns\":%" PRIu64 "}\n", pl->late_ns);
	} else {
		buf_add(&b, line, len);
		buf_chr(&b, '\n');
	}
	if (b.err < 0)
		stage_give_up(pl->s, "out of memory");
	else
		(void)stage_emit(pl->s, b.p, b.len); /* out_closed is seen by the loop */
	buf_free(&b);
}

static int take_ack(struct play *pl, const struct kid *k, const json_t *v, bool good,
		    const char *line, size_t len)
{
	const struct plan_op *op = pl->op;

	if (!op || pl->acked || rec_u64(v, "seq", 0) != op->seq ||
	    strcmp(rec_str(v, "op", ""), op->name) != 0)
		return stage_give_up(pl->s, "%s answers an op that it was not given: %.200s",
				     k->tool, line);
	play_pass_ack(pl, good, line, len);
	if (!good)
		return stage_give_up(pl->s, "op %" PRIu64 " (%s): %s", op->seq, op->name,
				     rec_str(v, "message", "failed"));
	pl->acked = true;
	pl->ack_mono_ns = rec_u64(v, "mono_ns", 0);
	return 0;
}

static int take_line(struct play *pl, struct kid *k, char *line, size_t len)
{
	json_t *v = json_loadb(line, len, 0, NULL);
	const char *type = rec_str(v, "type", NULL);
	int rc = 0;

	if (!type) {
		rc = stage_give_up(pl->s, "%s wrote a line that is no record: %.200s", k->tool,
				   line);
	} else if (strcmp(type, "meta") == 0) {
		k->ready = true;
	} else if (strcmp(type, "end") == 0) {
		k->ended = true;
		if (strcmp(rec_str(v, "outcome", ""), "ok") != 0)
			rc = stage_give_up(pl->s, "%s: %s", k->tool,
					   rec_str(v, "reason", "its outcome was not ok"));
	} else if (strcmp(type, "ack") == 0 || strcmp(type, "op-error") == 0) {
		rc = take_ack(pl, k, v, type[0] == 'a', line, len);
	} else {
		line[len] = '\n'; /* where its NUL was */
		(void)stage_emit(pl->s, line, len + 1); /* out_closed is seen by the loop */
	}
	json_decref(v);
	return rc;
}

/* All that is there to read. Returns 0 or -ECANCELED. */
static int hear_kid(struct play *pl, struct kid *k)
{
	char *line;
	size_t len;
	int rc = 0, n;

	while (k->out_fd >= 0 && rc == 0) {
		while (rc == 0 && (n = ndjson_line(&k->nd, &line, &len)) > 0) {
			rc = take_line(pl, k, line, len);
			if (pl->closing)
				rc = 0; /* why knows; hear it out */
		}
		if (rc < 0)
			break;
		if (n < 0)
			return stage_give_up(pl->s, "%s wrote a line of more than 1 MiB", k->tool);
		if (k->nd.eof)
			drop_fd(&k->out_fd);
		else if ((n = ndjson_fill(&k->nd)) < 0)
			return n == -EAGAIN ? 0
					    : stage_give_up(pl->s, "read from %s: %s", k->tool,
							    strerror(-n));
	}
	return rc;
}

/* Its messages go to our stderr. */
static void hear_err(struct kid *k)
{
	char *line;
	size_t len;
	int n;

	while (k->err_fd >= 0) {
		while ((n = ndjson_line(&k->err, &line, &len)) > 0) {
			fprintf(stderr, "%s\n", line);
			(void)snprintf(k->last, sizeof(k->last), "%s", line);
		}
		if (n == 0 && !k->err.eof) {
			n = ndjson_fill(&k->err);
			if (n == -EAGAIN)
				return;
			if (n >= 0)
				continue; /* at the end there may be a line without a newline */
		}
		drop_fd(&k->err_fd);
	}
}

/* It has ended: reap it, hear its last words. */
static void reap_kid(struct play *pl, struct kid *k)
{
	if (waitid(P_PIDFD, (id_t)k->pid_fd, &k->info, WEXITED) < 0)
		k->info.si_code = 0;
	drop_fd(&k->pid_fd);
	(void)hear_kid(pl, k); /* what went wrong there is in why */
	hear_err(k);
	drop_fd(&k->in_fd);
	if (k->info.si_code == CLD_EXITED && k->info.si_status == 0 && pl->closing)
		return;
	if (k->info.si_code != CLD_EXITED)
		stage_give_up(pl->s, "%s was killed by signal %d (%s)", k->tool, k->info.si_status,
			      strsignal(k->info.si_status));
	else if (k->last[0])
		stage_give_up(pl->s, "%s", k->last);
	else
		stage_give_up(pl->s, "%s ended with status %d", k->tool, k->info.si_status);
}

/* ---- the loop ---- */

static int our_cgroup_event(struct play *pl)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct stat st;

	while (read(pl->watch_fd, buf, sizeof(buf)) > 0)
		; /* whichever it was: ours is there, or it is not */
	if (!pl->closing && stat(pl->s->dir, &st) < 0)
		return stage_give_up(pl->s, "the cgroup '%s' was removed by somebody else",
				     pl->s->dir);
	return 0;
}

static int set_timer(struct play *pl, uint64_t at_ns)
{
	struct itimerspec it = { .it_value = { .tv_sec = (time_t)(at_ns / NSEC_PER_SEC),
					       .tv_nsec = (long)(at_ns % NSEC_PER_SEC) } };

	return timerfd_settime(pl->timer_fd, TFD_TIMER_ABSTIME, &it, NULL) < 0 ? -errno : 0;
}

/* Both may have been noticed elsewhere, while an event was written. */
static int told_to_stop(struct play *pl)
{
	struct stage *s = pl->s;

	if (pl->closing)
		return 0;
	if (s->signo)
		return stage_give_up(s, "stopped by SIG%s", sigabbrev_np(s->signo));
	return s->out_closed ? stage_give_up(s, "nobody reads the events any more") : 0;
}

int play_wait_for(struct play *pl, bool (*done)(const struct play *), uint64_t at_ns)
{
	struct stage *s = pl->s;
	struct kid *kids[] = { &pl->cg, &pl->work };
	int rc, i;

	rc = set_timer(pl, at_ns ? at_ns : 1);
	if (rc < 0)
		return stage_give_up(s, "set a timer: %s", strerror(-rc));
	while (!done || !done(pl)) {
		struct pollfd p[10] = {
			{ s->sig_fd, POLLIN, 0 },
			{ s->out_closed ? -1 : s->out_fd, 0, 0 }, /* POLLERR: the reader left */
			{ pl->timer_fd, POLLIN, 0 },
			{ pl->watch_fd, POLLIN, 0 },
		};
		for (i = 0; i < 2; i++) {
			p[4 + 3 * i] = (struct pollfd){ kids[i]->out_fd, POLLIN, 0 };
			p[5 + 3 * i] = (struct pollfd){ kids[i]->err_fd, POLLIN, 0 };
			p[6 + 3 * i] = (struct pollfd){ kids[i]->pid_fd, POLLIN, 0 };
		}
		if (told_to_stop(pl) < 0)
			return -ECANCELED;
		if (poll(p, KT_ARRAY_LEN(p), -1) < 0) {
			if (errno == EINTR)
				continue;
			return stage_give_up(s, "poll: %s", strerror(errno));
		}
		if (p[0].revents)
			s->signo = sig_read(s->sig_fd);
		if (p[1].revents & (POLLERR | POLLHUP | POLLNVAL))
			s->out_closed = true;
		if (told_to_stop(pl) < 0)
			return -ECANCELED;
		for (i = 0; i < 2; i++) {
			if (p[4 + 3 * i].revents && hear_kid(pl, kids[i]) < 0 && !pl->closing)
				return -ECANCELED;
			if (p[5 + 3 * i].revents)
				hear_err(kids[i]);
			if (p[6 + 3 * i].revents)
				reap_kid(pl, kids[i]);
			if (s->why[0] && !pl->closing)
				return -ECANCELED;
		}
		if (p[3].revents && our_cgroup_event(pl) < 0)
			return -ECANCELED;
		if (p[2].revents)
			return done && done(pl) ? 1 : 0;
	}
	return 1;
}
