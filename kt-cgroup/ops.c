/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup ops: carried out, acknowledged. */
#include "ops.h"
#include "cleanup.h"
#include "cpuset.h"
#include "mono.h"
#include "stat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#define MOVE_LOOK_NS (UINT64_C(100) * 1000000)
#define EBUSY_RETRY_NS (UINT64_C(2) * 1000000000)

/* One op under way: where its result and its message go. */
struct run {
	struct ctx *c;
	const struct op *op;
	char *msg;
	size_t cap;
	uint64_t deadline_ns;
	int cg_fd; /* of the cgroup (move: of `to`), -1 when it is gone */
	const char *how; /* clear */
	bool released[2]; /* move: cpuset, cpu were taken from the children of `to` */
	bool no_errno; /* the failure is not the kernel's */
};

__attribute__((format(printf, 3, 4))) static int fail(struct run *r, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->msg, r->cap, fmt, ap); /* a message that is cut is still one */
	va_end(ap);
	return rc;
}

/* Op names are relative to the parent, ctx functions to the mount. */
static int full_path(struct run *r, const char *name, char *buf, size_t cap)
{
	const char *parent = r->c->parent;
	int n = snprintf(buf, cap, "%s%s%s", parent, *parent && *name ? "/" : "", name);

	return n < 0 || (size_t)n >= cap ? fail(r, -ENAMETOOLONG, "cgroup '%s'", name) : 0;
}

static int open_named(struct run *r, const char *name)
{
	int fd = cg_open(r->c->parent_fd, name);

	return fd < 0 ? fail(r, fd, "open cgroup '%s'", name) : fd;
}

static const char *self(int rc)
{
	return rc == -EDEADLK ? " (this process is inside)" : "";
}

static int do_create(struct run *r)
{
	char path[PATH_MAX];
	int rc = full_path(r, r->op->cgroup, path, sizeof(path));

	if (rc == 0)
		rc = ctx_make(r->c, path, r->msg, r->cap);
	if (rc < 0)
		return rc;
	r->cg_fd = open_named(r, r->op->cgroup);
	return r->cg_fd < 0 ? r->cg_fd : 0;
}

static int do_rm(struct run *r)
{
	char path[PATH_MAX];
	int rc = full_path(r, r->op->cgroup, path, sizeof(path));

	if (rc < 0)
		return rc;
	r->cg_fd = open_named(r, r->op->cgroup); /* one that is not there is an error */
	if (r->cg_fd < 0)
		return r->cg_fd;
	drop_fd(&r->cg_fd);
	rc = cg_rmtree(r->c->root_fd, path, r->c->sig_fd, r->deadline_ns, &r->c->removed);
	if (rc < 0)
		return fail(r, rc, "remove cgroup '%s'%s",
			    *r->op->cgroup ? r->op->cgroup : ctx_show(path), self(rc));
	ctx_forget(r->c, path);
	return 0;
}

static int need_knob(struct run *r, const char *knob, unsigned int ctl)
{
	char path[PATH_MAX];
	int rc;

	if (faccessat(r->cg_fd, knob, F_OK, 0) == 0)
		return 0;
	rc = full_path(r, r->op->cgroup, path, sizeof(path));
	return rc < 0 ? rc : ctx_need(r->c, path, ctl, r->msg, r->cap);
}

static int write_knob(struct run *r, const char *knob, unsigned int ctl, const char *text)
{
	int rc = ctl ? need_knob(r, knob, ctl) : 0;

	if (rc < 0)
		return rc;
	rc = cg_write(r->cg_fd, knob, text);
	return rc < 0 ? fail(r, rc, "write '%s' to %s of '%s'", text, knob, r->op->cgroup) : 0;
}

/* A list none of which the ancestors have is accepted by the kernel, which then uses the parent's
 * whole set: the opposite of what was asked. */
static int set_list(struct run *r, const char *knob, const char *list)
{
	char text[CPUSET_TEXT], old[CPUSET_TEXT], eff_knob[64];
	struct cpuset want, got;
	int rc = need_knob(r, knob, CTL_CPUSET);

	if (rc < 0)
		return rc;
	(void)snprintf(eff_knob, sizeof(eff_knob), "%s.effective", knob);
	rc = (int)cg_read(r->cg_fd, knob, old, sizeof(old));
	if (rc < 0)
		return fail(r, rc, "read %s of '%s'", knob, r->op->cgroup);
	if (cpuset_parse(list, &want) < 0)
		return fail(r, -EINVAL, "list '%s'", list);
	rc = write_knob(r, knob, CTL_CPUSET, cpuset_format(&want, text, sizeof(text)));
	if (rc < 0)
		return rc;
	rc = (int)cg_read(r->cg_fd, eff_knob, text, sizeof(text));
	if (rc >= 0)
		rc = cpuset_parse(text, &got);
	if (rc < 0)
		return fail(r, rc, "read %s of '%s'", eff_knob, r->op->cgroup);
	cpuset_and(&want, &got);
	if (!cpuset_empty(&want))
		return 0;
	rc = cg_write(r->cg_fd, knob, *old ? old : "\n");
	r->no_errno = true;
	return fail(r, -EINVAL, "%s '%s' of '%s': the kernel gives none of these, it uses '%s'%s",
		    knob, list, r->op->cgroup, text, rc < 0 ? " (and the old value is lost)" : "");
}

static int do_freeze(struct run *r)
{
	AUTO_FD up = -1;
	uint64_t frozen = 0;
	int rc = write_knob(r, "cgroup.freeze", 0, r->op->freeze ? "1" : "0");

	if (rc < 0)
		return rc;
	/* Below a frozen cgroup, all is frozen whatever its own knob says: then do not wait. */
	up = openat(r->cg_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!r->op->freeze && up >= 0 && cg_event(up, "frozen", &frozen) == 0 && frozen)
		return 0;
	rc = cg_wait(r->cg_fd, "frozen", (uint64_t)r->op->freeze, r->c->sig_fd, r->deadline_ns);
	return rc < 0 ? fail(r, rc, "wait until '%s' is %s", r->op->cgroup,
			     r->op->freeze ? "frozen" : "thawed")
		      : 0;
}

static int do_set(struct run *r)
{
	const struct op *op = r->op;
	char num[24];
	int rc = 0;

	r->cg_fd = open_named(r, op->cgroup);
	if (r->cg_fd < 0)
		return r->cg_fd;
	if (op->cpus)
		rc = set_list(r, "cpuset.cpus", op->cpus);
	if (rc == 0 && op->mems)
		rc = set_list(r, "cpuset.mems", op->mems);
	if (rc == 0 && op->weight > 0) {
		(void)snprintf(num, sizeof(num), "%" PRIu64, op->weight);
		rc = write_knob(r, "cpu.weight", CTL_CPU, num);
	}
	if (rc == 0 && op->max)
		rc = write_knob(r, "cpu.max", CTL_CPU, op->max);
	if (rc == 0 && op->freeze >= 0)
		rc = do_freeze(r);
	return rc;
}

static int do_clear(struct run *r)
{
	char knob[32], eff[64], text[CPUSET_TEXT];
	AUTO_FD up = -1;
	int rc;

	r->cg_fd = open_named(r, r->op->cgroup);
	if (r->cg_fd < 0)
		return r->cg_fd;
	(void)snprintf(knob, sizeof(knob), "cpuset.%s", r->op->what);
	(void)snprintf(eff, sizeof(eff), "cpuset.%s.effective", r->op->what);
	rc = need_knob(r, knob, CTL_CPUSET);
	if (rc < 0)
		return rc;
	r->how = "newline";
	rc = cg_write(r->cg_fd, knob, "\n");
	if (rc != -ENOSPC)
		return rc < 0 ? fail(r, rc, "clear %s of '%s'", knob, r->op->cgroup) : 0;
	/* Linux 6.12 does not empty a cpuset that holds tasks (7.3 does): give it all there is. */
	r->how = "widened";
	up = openat(r->cg_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = up < 0 ? -errno : (int)cg_read(up, eff, text, sizeof(text));
	if (rc < 0)
		return fail(r, rc, "read %s above '%s'", eff, r->op->cgroup);
	return write_knob(r, knob, CTL_CPUSET, text);
}

static int do_kill(struct run *r)
{
	int rc;

	r->cg_fd = open_named(r, r->op->cgroup);
	if (r->cg_fd < 0)
		return r->cg_fd;
	rc = cg_kill(r->cg_fd, r->c->sig_fd, r->deadline_ns);
	return rc < 0 ? fail(r, rc, "kill cgroup '%s'%s", r->op->cgroup, self(rc)) : 0;
}

/* ---- move ---- */

static int release_child(int cg_fd, const char *name, void *arg);

/* Take cpuset and cpu from all below cg_fd, deepest first (a child that gives them on makes it
 * EBUSY). */
static int release(struct run *r, int cg_fd)
{
	static const char *const ctl[] = { "cpuset", "cpu" };
	char have[CG_KNOB];
	ssize_t n = cg_read(cg_fd, "cgroup.subtree_control", have, sizeof(have));
	size_t i;
	int rc;

	if (n < 0)
		return (int)n;
	if (n == 0)
		return 0;
	rc = cg_each_child(cg_fd, release_child, r);
	for (i = 0; rc >= 0 && i < KT_ARRAY_LEN(ctl); i++) {
		if (!cg_has_word(have, ctl[i]))
			continue;
		rc = cg_controller(cg_fd, ctl[i], false);
		r->released[i] |= rc == 0;
	}
	return rc < 0 ? rc : 0;
}

static int release_child(int cg_fd, const char *name, void *arg)
{
	AUTO_FD fd = cg_open(cg_fd, name);
	int rc = fd < 0 ? fd : release(arg, fd);

	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

/* See parent.c for the rules: a cgroup that takes processes gives no controllers on, and neither
 * does one above it that holds processes. */
static int make_room(struct run *r, const char *to)
{
	char path[PATH_MAX];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0; i++) {
		AUTO_FD fd = -1;

		if (to[i] != '/' && to[i] != '\0')
			continue;
		memcpy(path, to, i);
		path[i] = '\0';
		fd = cg_open(r->c->parent_fd, path);
		rc = fd < 0 ? fd : to[i] == '\0' ? 1 : cg_populated_here(fd);
		if (rc > 0)
			rc = release(r, fd);
		if (to[i] == '\0')
			break;
	}
	return rc < 0 ? fail(r, rc, "take the controllers from below '%s'", path) : 0;
}

struct mover {
	struct run *r;
	int to_fd;
	pid_t pid; /* the one that failed */
	bool named; /* one that can be moved was listed */
};

static int move_pid(pid_t pid, void *arg)
{
	struct mover *m = arg;
	uint64_t until = mono_ns() + EBUSY_RETRY_NS;
	struct pollfd p = { m->r->c->sig_fd, POLLIN, 0 };
	char text[16];

	/* One that was reaped while the kernel (6.12) was about to print it, or of another pid
	 * namespace. To write 0 would move this process: see cgroup_procs_write_start() in
	 * kernel/cgroup/cgroup.c. */
	if (pid == 0)
		return 0;
	m->named = true;
	m->pid = pid;
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	for (;;) {
		int rc = cg_write(m->to_fd, "cgroup.procs", text);

		if (rc == 0 || rc == -ESRCH) /* it ended */
			return 0;
		/* A sched_ext scheduler refused (its cgroup_prep_move): it may change its mind, and
		 * nothing tells when. Hence 10 ms. */
		if (rc != -EBUSY || mono_ns() >= until)
			return rc;
		if (poll(&p, 1, 10) > 0)
			return -EINTR;
	}
}

static int is_child(int cg_fd, const char *name, void *arg)
{
	(void)cg_fd;
	(void)name;
	(void)arg;
	return -ECANCELED;
}

/* Nothing is listed in the cgroup. A task that is just dying is not, and still counts as populated
 * for a moment: wait for that, where no child cgroup counts too. 1: look at the list again. */
static int wait_empty(struct run *r, int from_fd)
{
	uint64_t until = mono_ns() + MOVE_LOOK_NS;
	int rc = cg_each_child(from_fd, is_child, NULL);

	if (rc == -ECANCELED)
		return 0;
	if (rc == 0)
		rc = cg_wait(from_fd, "populated", 0, r->c->sig_fd, until);
	return rc == -ETIMEDOUT ? 1 : rc; /* somebody may have joined */
}

/* A move of all processes, again and again until the list is empty: children that were forked
 * meanwhile are born where their parent was. Fork and move exclude each other in the kernel, so an
 * empty list stays empty unless somebody joins from elsewhere. */
static int do_move(struct run *r)
{
	const struct op *op = r->op;
	AUTO_FD from_fd = open_named(r, op->from);
	struct mover m = { .r = r };
	struct pollfd p = { r->c->sig_fd, POLLIN, 0 };
	int rc;

	if (from_fd < 0)
		return from_fd;
	r->cg_fd = open_named(r, op->to);
	if (r->cg_fd < 0)
		return r->cg_fd;
	rc = make_room(r, op->to);
	if (rc < 0)
		return rc;
	m.to_fd = r->cg_fd;
	for (;;) {
		m.named = false;
		rc = cg_each_pid(from_fd, move_pid, &m);
		if (rc < 0)
			return fail(r, rc, "move process %d from '%s' to '%s'", (int)m.pid,
				    op->from, op->to);
		if (rc == 0)
			rc = wait_empty(r, from_fd);
		if (rc == 0)
			return 0;
		if (rc < 0)
			return fail(r, rc, "wait until '%s' is empty", op->from);
		if (mono_ns() >= r->deadline_ns)
			return fail(r, -ETIMEDOUT, "move: '%s' does not stay empty", op->from);
		if (poll(&p, 1, m.named ? 0 : 1) > 0)
			return fail(r, -EINTR, "move from '%s'", op->from);
	}
}

/* ---- records ---- */

static int echo(struct jsonw *w, const json_t *obj)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)obj, key, v) {
		AUTO_FREE char *text = NULL;

		if (strcmp(key, "type") == 0)
			continue;
		text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		if (!text)
			return -ENOMEM;
		jsonw_raw(w, key, text, strlen(text));
	}
	return 0;
}

static int write_ack(struct run *r, struct jsonw *w, uint64_t began_ns)
{
	static const char *const ctl[] = { "cpuset", "cpu" };
	uint64_t now = mono_ns();
	size_t i;
	int rc;

	jsonw_begin(w, "ack");
	rc = echo(w, r->op->obj);
	jsonw_u64(w, "mono_ns", now);
	jsonw_u64(w, "took_ns", now - began_ns);
	stat_effective(w, r->cg_fd);
	if (r->op->kind == OP_CLEAR)
		jsonw_str(w, "how", r->how);
	if (r->op->kind == OP_MOVE) {
		jsonw_arr(w, "released");
		for (i = 0; i < KT_ARRAY_LEN(ctl); i++)
			if (r->released[i])
				jsonw_str(w, NULL, ctl[i]);
		jsonw_arr_end(w);
	}
	return rc < 0 ? rc : jsonw_end(w);
}

static int write_error(struct run *r, struct jsonw *w, int err)
{
	int rc;

	jsonw_begin(w, "op-error");
	rc = echo(w, r->op->obj);
	jsonw_u64(w, "mono_ns", mono_ns());
	jsonw_str(w, "errno", r->no_errno ? NULL : strerrorname_np(-err));
	jsonw_str(w, "message", r->msg);
	return rc < 0 ? rc : jsonw_end(w);
}

int op_run(struct ctx *c, const struct op *op, struct jsonw *w, char *msg, size_t cap)
{
	static int (*const run[])(struct run *) = {
		[OP_CREATE] = do_create, [OP_RM] = do_rm,     [OP_SET] = do_set,
		[OP_CLEAR] = do_clear,	 [OP_MOVE] = do_move, [OP_KILL] = do_kill,
	};
	uint64_t began_ns = mono_ns();
	struct run r = { .c = c, .op = op, .msg = msg, .cap = cap, .cg_fd = -1 };
	int rc;

	r.deadline_ns = began_ns + CGROUP_DEADLINE_NS;
	msg[0] = '\0';
	if (op->kind == OP_STAT) {
		rc = r.cg_fd = open_named(&r, op->cgroup);
		if (rc >= 0)
			rc = stat_record(w, r.cg_fd, op->cgroup);
		if (rc < 0 && msg[0] == '\0')
			(void)fail(&r, rc, "read the statistics of '%s'", op->cgroup);
	} else {
		rc = run[op->kind](&r);
	}
	if (rc >= 0) {
		rc = write_ack(&r, w, began_ns);
	} else {
		size_t n = strlen(msg);

		if (!r.no_errno && n < cap)
			(void)snprintf(msg + n, cap - n, ": %s", strerror(-rc));
		rc = write_error(&r, w, rc);
		if (rc == 0)
			rc = -ECANCELED;
	}
	close_fdp(&r.cg_fd);
	return rc;
}

int op_bad(struct jsonw *w, const json_t *obj, const char *message)
{
	const json_t *seq = json_object_get(obj, "seq"), *at = json_object_get(obj, "at_ns");

	jsonw_begin(w, "op-error");
	jsonw_id(w, "seq", json_is_integer(seq) ? json_integer_value(seq) : -1);
	jsonw_id(w, "at_ns", json_is_integer(at) ? json_integer_value(at) : -1);
	jsonw_str(w, "op", rec_str(obj, "op", NULL));
	jsonw_u64(w, "mono_ns", mono_ns());
	jsonw_null(w, "errno");
	jsonw_str(w, "message", message);
	return jsonw_end(w);
}
