/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays one plan. */
#include "conduct.h"
#include "child.h"
#include "cleanup.h"
#include "conduct_wait.h"
#include "die.h"
#include "dur.h"
#include "jsonw.h"
#include "mono.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#define READY_NS (30 * NSEC_PER_SEC) /* for a child to say its meta: slow machines are slow */
#define ACK_NS (120 * NSEC_PER_SEC) /* for one op; a stop waits for every worker's report */
#define END_NS (20 * NSEC_PER_SEC) /* for a child to undo all it made, at the end of its input */

const char *outcome_name(enum outcome o)
{
	return o == OUT_OK ? "ok" : o == OUT_SKIP ? "skip" : "error";
}

/* ---- what is waited for ---- */

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
	int rc = play_wait_for(pl, ready, mono_ns() + READY_NS);

	return rc == 0	? stage_give_up(pl->s, "%s did not start within %d s", k->tool,
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
	rc = kid_start(pl, &pl->cg, argv);
	if (rc == 0)
		rc = await_ready(pl, &pl->cg, cg_ready);
	/* It says its meta also when it could not make the directory: then it ends, with the
	 * reason. */
	if (rc == 0 && stat(pl->s->dir, &st) < 0) {
		rc = play_wait_for(pl, cg_gone, mono_ns() + READY_NS);
		if (rc >= 0)
			rc = stage_give_up(pl->s, "kt-cgroup did not make '%s'", pl->s->dir);
	}
	if (rc < 0)
		return rc;
	(void)snprintf(up, sizeof(up), "%s", pl->s->dir);
	slash = strrchr(up, '/');
	if (slash && slash != up)
		*slash = '\0';
	if (inotify_add_watch(pl->watch_fd, up, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0)
		return stage_give_up(pl->s, "watch '%s': %s", up, strerror(errno));
	return 0;
}

static int start_work(struct play *pl)
{
	const char *argv[] = { pl->s->work_tool, "serve", "--cgroup-root", pl->s->dir, NULL };
	int rc = kid_start(pl, &pl->work, argv);

	return rc < 0 ? rc : await_ready(pl, &pl->work, work_ready);
}

/* An op for kt-play itself. */
static int play_wait(struct play *pl, const struct plan_op *op)
{
	uint64_t begin = mono_ns();
	struct jsonw w;
	int rc = play_wait_for(pl, NULL, begin + op->wait_ns);

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
		play_pass_ack(pl, true, w.buf.p, w.buf.len - 1);
	else
		rc = stage_give_up(pl->s, "out of memory");
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
		rc = play_wait_for(pl, NULL, due);
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
		(void)play_wait_for(pl, NULL, mono_ns() + NSEC_PER_SEC);
		return stage_give_up(pl->s, "%s takes no more ops", k->tool);
	}
	rc = play_wait_for(pl, op_acked, mono_ns() + ACK_NS);
	if (rc == 0)
		return stage_give_up(pl->s, "op %" PRIu64 " (%s): no answer from %s within %d s",
				     op->seq, op->name, k->tool, (int)(ACK_NS / NSEC_PER_SEC));
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
	if (play_wait_for(pl, gone, mono_ns() + END_NS) == 1)
		return;
	if (k->pid_fd < 0)
		return;
	warn_msg("%s did not end within %d s: killed", k->tool, (int)(END_NS / NSEC_PER_SEC));
	(void)pidfd_send_signal(k->pid_fd, SIGKILL, NULL, 0); /* it may just have ended */
	(void)play_wait_for(pl, gone, mono_ns() + END_NS);
}

/* kt-cgroup is gone and left our cgroup behind. */
static void sweep(struct play *pl)
{
	const char *argv[] = { pl->s->cgroup_tool, "rm", "--parent", pl->s->parent, NULL };
	struct child_spec spec = { .argv = kid_argv(argv),
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
			stage_give_up(pl->s, "%s ended without its end record", kids[i]->tool);
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
		stage_give_up(s, "%s %s are not there: this machine allows %s", what[i],
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
		rc = stage_give_up(s, "set up: %s", strerror(errno));
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
		stage_give_up(s, "%s", p->skip);
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
	stage_emit_record(s, &w);
	jsonw_free(&w);
	return o;
}
