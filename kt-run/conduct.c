/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays one plan. One poll loop waits for whatever comes next: an ack, a moment, a signal, the end
 * of a child, of the reader, of our own cgroup. */
#include "conduct.h"
#include "buf.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "jsonr.h"
#include "jsonw.h"
#include "mono.h"
#include "ndjson.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define READY_NS (30 * NSEC_PER_SEC) /* for a child to say its meta: slow machines are slow */
#define ACK_NS (120 * NSEC_PER_SEC) /* for one op; a stop waits for every worker's report */
#define END_NS (20 * NSEC_PER_SEC) /* for a child to undo all it made, at the end of its input */
#define LAST_NS (2 * NSEC_PER_SEC) /* for a slow reader, once we have been told to stop */

/* One of the two tools that do the work. */
struct kid {
	const char *tool; /* as messages name it */
	int pid_fd, in_fd, out_fd, err_fd; /* -1: not there (any more) */
	struct ndjson nd, err;
	bool ready, ended; /* its meta, its end record have come */
	char last[512]; /* its last message: the reason, if it ends badly */
	siginfo_t info; /* how it ended, once pid_fd is gone */
};

struct play {
	struct stage *s;
	struct kid cg, work;
	int timer_fd;
	int watch_fd; /* inotify on the directory that holds our cgroup */
	bool dir_was_there; /* it is not ours to remove */
	bool closing; /* children may go now */
	uint64_t t0; /* mono_ns of the first work.start, 0 before */
	/* the op in flight */
	const struct plan_op *op;
	bool acked;
	uint64_t late_ns, ack_mono_ns;
};

const char *outcome_name(enum outcome o)
{
	return o == OUT_OK ? "ok" : o == OUT_SKIP ? "skip" : "error";
}

/* The first reason is the one that counts. Returns -ECANCELED. */
__attribute__((format(printf, 2, 3))) static int give_up(struct stage *s, const char *fmt, ...)
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

static void emit_record(struct stage *s, struct jsonw *w)
{
	if (jsonw_end(w) == 0)
		(void)stage_emit(s, w->buf.p, w->buf.len); /* out_closed is seen by the loop */
	else
		give_up(s, "out of memory");
}

/* ---- what a child says ---- */

static void kid_init(struct kid *k, const char *tool)
{
	*k = (struct kid){ .tool = tool, .pid_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1 };
}

static void kid_free(struct kid *k)
{
	ndjson_free(&k->nd);
	ndjson_free(&k->err);
	drop_fd(&k->pid_fd);
	drop_fd(&k->in_fd);
	drop_fd(&k->out_fd);
	drop_fd(&k->err_fd);
}

/* execvp does not write to its arguments, whatever its type says. */
static char *const *exec_argv(const char *const argv[])
{
	return (char *const *)(uintptr_t)argv;
}

static int start_kid(struct play *pl, struct kid *k, const char *const argv[])
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, rc, i;
	struct child_spec spec = { .argv = exec_argv(argv), .mask = &pl->s->child_mask };

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
	return rc < 0 ? give_up(pl->s, "start %s: %s", argv[0], strerror(-rc)) : 0;
}

/* The answer, an ack with what only we know: how late the op was sent. */
static void pass_ack(struct play *pl, bool good, const char *line, size_t len)
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
		give_up(pl->s, "out of memory");
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
		return give_up(pl->s, "%s answers an op that it was not given: %.200s", k->tool,
			       line);
	pass_ack(pl, good, line, len);
	if (!good)
		return give_up(pl->s, "op %" PRIu64 " (%s): %s", op->seq, op->name,
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
		rc = give_up(pl->s, "%s wrote a line that is no record: %.200s", k->tool, line);
	} else if (strcmp(type, "meta") == 0) {
		k->ready = true;
	} else if (strcmp(type, "end") == 0) {
		k->ended = true;
		if (strcmp(rec_str(v, "outcome", ""), "ok") != 0)
			rc = give_up(pl->s, "%s: %s", k->tool,
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
			return give_up(pl->s, "%s wrote a line of more than 1 MiB", k->tool);
		if (k->nd.eof)
			drop_fd(&k->out_fd);
		else if ((n = ndjson_fill(&k->nd)) < 0)
			return n == -EAGAIN
				       ? 0
				       : give_up(pl->s, "read from %s: %s", k->tool, strerror(-n));
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
		give_up(pl->s, "%s was killed by signal %d (%s)", k->tool, k->info.si_status,
			strsignal(k->info.si_status));
	else if (k->last[0])
		give_up(pl->s, "%s", k->last);
	else
		give_up(pl->s, "%s ended with status %d", k->tool, k->info.si_status);
}

/* ---- the loop ---- */

static int our_cgroup_event(struct play *pl)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct stat st;

	while (read(pl->watch_fd, buf, sizeof(buf)) > 0)
		; /* whichever it was: ours is there, or it is not */
	if (!pl->closing && stat(pl->s->dir, &st) < 0)
		return give_up(pl->s, "the cgroup '%s' was removed by somebody else", pl->s->dir);
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
		return give_up(s, "stopped by SIG%s", sigabbrev_np(s->signo));
	return s->out_closed ? give_up(s, "nobody reads the events any more") : 0;
}

/* Wait until `done` says so, or until the clock says at_ns. Returns 1 when done, 0 at that time,
 * -ECANCELED when the play is over, with the reason in why. */
static int wait_for(struct play *pl, bool (*done)(const struct play *), uint64_t at_ns)
{
	struct stage *s = pl->s;
	struct kid *kids[] = { &pl->cg, &pl->work };
	int rc, i;

	rc = set_timer(pl, at_ns ? at_ns : 1);
	if (rc < 0)
		return give_up(s, "set a timer: %s", strerror(-rc));
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
			return give_up(s, "poll: %s", strerror(errno));
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

static bool cg_ready(const struct play *pl)
{
	return pl->cg.ready;
}

static bool work_ready(const struct play *pl)
{
	return pl->work.ready;
}

static bool op_acked(const struct play *pl)
{
	return pl->acked;
}

static bool cg_gone(const struct play *pl)
{
	return pl->cg.pid_fd < 0;
}

static bool work_gone(const struct play *pl)
{
	return pl->work.pid_fd < 0;
}

static int await_ready(struct play *pl, const struct kid *k, bool (*ready)(const struct play *))
{
	int rc = wait_for(pl, ready, mono_ns() + READY_NS);

	return rc == 0	? give_up(pl->s, "%s did not start within %d s", k->tool,
				  (int)(READY_NS / NSEC_PER_SEC))
	       : rc < 0 ? rc
			: 0;
}

/* ---- ops ---- */

static int start_cgroup(struct play *pl, const struct plan *p)
{
	const char *argv[] = { pl->s->cgroup_tool, "apply",	   "--parent", pl->s->parent,
			       "--controllers",	   p->controllers, NULL };
	char up[sizeof(pl->s->dir)], *slash;
	struct stat st;
	int rc;

	pl->dir_was_there = stat(pl->s->dir, &st) == 0;
	rc = start_kid(pl, &pl->cg, argv);
	if (rc == 0)
		rc = await_ready(pl, &pl->cg, cg_ready);
	/* It says its meta also when it could not make the directory: then it ends, with the
	 * reason. */
	if (rc == 0 && stat(pl->s->dir, &st) < 0) {
		rc = wait_for(pl, cg_gone, mono_ns() + READY_NS);
		if (rc >= 0)
			rc = give_up(pl->s, "kt-cgroup did not make '%s'", pl->s->dir);
	}
	if (rc < 0)
		return rc;
	(void)snprintf(up, sizeof(up), "%s", pl->s->dir);
	slash = strrchr(up, '/');
	if (slash && slash != up)
		*slash = '\0';
	if (inotify_add_watch(pl->watch_fd, up, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0)
		return give_up(pl->s, "watch '%s': %s", up, strerror(errno));
	return 0;
}

static int start_work(struct play *pl)
{
	const char *argv[] = { pl->s->work_tool, "serve", "--cgroup-root", pl->s->dir, NULL };
	int rc = start_kid(pl, &pl->work, argv);

	return rc < 0 ? rc : await_ready(pl, &pl->work, work_ready);
}

/* An op for kt-play itself. */
static int play_wait(struct play *pl, const struct plan_op *op)
{
	uint64_t begin = mono_ns();
	struct jsonw w;
	int rc = wait_for(pl, NULL, begin + op->wait_ns);

	if (rc < 0)
		return rc;
	jsonw_init(&w, NULL);
	jsonw_begin(&w, "ack");
	jsonw_u64(&w, "seq", op->seq);
	jsonw_u64(&w, "at_ns", op->at_ns);
	jsonw_str(&w, "op", op->name);
	jsonw_u64(&w, "ns", op->wait_ns);
	jsonw_u64(&w, "mono_ns", begin);
	jsonw_u64(&w, "took_ns", mono_ns() - begin);
	jsonw_obj(&w, "effective");
	jsonw_obj_end(&w);
	if (jsonw_end(&w) == 0)
		pass_ack(pl, true, w.buf.p, w.buf.len - 1);
	else
		rc = give_up(pl->s, "out of memory");
	jsonw_free(&w);
	return rc;
}

static int play_op(struct play *pl, const struct plan_op *op)
{
	struct kid *k = op->target == OP_CGROUP ? &pl->cg : &pl->work;
	uint64_t due = pl->t0 + op->at_ns, now;
	int rc = 0;

	pl->op = op;
	pl->acked = false;
	if (pl->t0 && op->at_ns > 0 && mono_ns() < due)
		rc = wait_for(pl, NULL, due);
	if (rc < 0)
		return rc;
	now = mono_ns();
	pl->late_ns = pl->t0 && now > due ? now - due : 0;
	if (op->target == OP_PLAY)
		return play_wait(pl, op);
	if (op->target == OP_WORK && pl->work.pid_fd < 0)
		rc = start_work(pl);
	if (rc < 0)
		return rc;
	if (write(k->in_fd, op->line, op->len) != (ssize_t)op->len) {
		/* It has closed its input, so it is about to end and will say why. Room is no
		 * question: it has answered every op before this one. */
		(void)wait_for(pl, NULL, mono_ns() + NSEC_PER_SEC);
		return give_up(pl->s, "%s takes no more ops", k->tool);
	}
	rc = wait_for(pl, op_acked, mono_ns() + ACK_NS);
	if (rc == 0)
		return give_up(pl->s, "op %" PRIu64 " (%s): no answer from %s within %d s", op->seq,
			       op->name, k->tool, (int)(ACK_NS / NSEC_PER_SEC));
	if (rc > 0 && op->start && pl->t0 == 0)
		pl->t0 = pl->ack_mono_ns;
	return rc < 0 ? rc : 0;
}

/* ---- the end ---- */

static void end_kid(struct play *pl, struct kid *k, bool (*gone)(const struct play *))
{
	if (k->pid_fd < 0)
		return;
	drop_fd(&k->in_fd); /* it undoes all it made, and ends */
	if (wait_for(pl, gone, mono_ns() + END_NS) == 1)
		return;
	if (k->pid_fd < 0)
		return;
	warn_msg("%s did not end within %d s: killed", k->tool, (int)(END_NS / NSEC_PER_SEC));
	(void)pidfd_send_signal(k->pid_fd, SIGKILL, NULL, 0); /* it may just have ended */
	(void)wait_for(pl, gone, mono_ns() + END_NS);
}

/* kt-cgroup is gone and left our cgroup behind. */
static void sweep(struct play *pl)
{
	const char *argv[] = { pl->s->cgroup_tool, "rm", "--parent", pl->s->parent, NULL };
	struct child_spec spec = { .argv = exec_argv(argv),
				   .mask = &pl->s->child_mask,
				   .stdio = { -1, STDERR_FILENO, -1 } };
	siginfo_t info = { 0 };
	struct stat st;
	AUTO_FD fd = -1;
	int rc;

	if (pl->dir_was_there || stat(pl->s->dir, &st) < 0)
		return;
	fd = child_spawn(&spec, NULL);
	rc = fd < 0 ? fd : child_wait(fd, -1, (int)(END_NS / NSEC_PER_MSEC), &info);
	if (rc < 0 || child_status(&info) != 0)
		warn_msg("the cgroup '%s' could not be removed; 'kt-cgroup cleanup' can",
			 pl->s->dir);
}

static void tear_down(struct play *pl)
{
	struct kid *kids[] = { &pl->cg, &pl->work };
	int i;

	pl->closing = true;
	pl->op = NULL;
	end_kid(pl, &pl->work, work_gone);
	end_kid(pl, &pl->cg, cg_gone);
	for (i = 0; i < 2; i++)
		if (kids[i]->ready && !kids[i]->ended)
			give_up(pl->s, "%s ended without its end record", kids[i]->tool);
	sweep(pl);
}

/* Whether the machine has the CPUs and nodes of the plan; else why says which are missing. */
static bool machine_fits(struct stage *s, const struct plan *p)
{
	static const char *const what[] = { "CPUs", "NUMA nodes" };
	const struct cpuset *have[] = { &s->cpus, &s->nodes }, *want[] = { &p->cpus, &p->nodes };
	char miss[256], got[256];
	struct cpuset d;
	int i;

	for (i = 0; i < 2; i++) {
		d = *want[i];
		cpuset_andnot(&d, have[i]);
		if (cpuset_empty(&d))
			continue;
		give_up(s, "%s %s are not there: this machine allows %s", what[i],
			cpuset_format(&d, miss, sizeof(miss)),
			cpuset_format(have[i], got, sizeof(got)));
		return false;
	}
	return true;
}

static int play_all(struct stage *s, const struct plan *p)
{
	struct play pl = { .s = s, .timer_fd = -1, .watch_fd = -1 };
	size_t i;
	int rc;

	kid_init(&pl.cg, "kt-cgroup");
	kid_init(&pl.work, "kt-work");
	pl.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	pl.watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (pl.timer_fd < 0 || pl.watch_fd < 0)
		rc = give_up(s, "set up: %s", strerror(errno));
	else
		rc = start_cgroup(&pl, p);
	for (i = 0; rc == 0 && i < p->n_ops; i++)
		rc = play_op(&pl, &p->ops[i]);
	tear_down(&pl);
	kid_free(&pl.cg);
	kid_free(&pl.work);
	drop_fd(&pl.timer_fd);
	drop_fd(&pl.watch_fd);
	return s->why[0] ? -ECANCELED : rc;
}

enum outcome conduct(struct stage *s, const struct plan *p)
{
	enum outcome o = OUT_OK;
	struct jsonw w;

	s->why[0] = '\0';
	(void)stage_emit(s, p->line, p->len); /* out_closed is seen by the loop */
	if (p->skip) {
		give_up(s, "%s", p->skip);
		o = OUT_SKIP;
	} else if (!machine_fits(s, p)) {
		o = OUT_SKIP;
	} else if (play_all(s, p) < 0) {
		o = OUT_ERROR;
	}
	jsonw_init(&w, NULL);
	jsonw_begin(&w, "plan-end");
	jsonw_str(&w, "id", p->id);
	jsonw_str(&w, "outcome", outcome_name(o));
	jsonw_str(&w, "reason", s->why[0] ? s->why : NULL);
	jsonw_u64(&w, "mono_ns", mono_ns());
	emit_record(s, &w);
	jsonw_free(&w);
	return o;
}
