/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out work.* ops. */
#include "serve.h"
#include "cleanup.h"
#include "die.h"
#include "gen.h"
#include "jsonr.h"
#include "monitor.h"
#include "mono.h"
#include "ndjson.h"
#include "root.h"
#include "sig.h"
#include "topo.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* ---- records ---- */

static void emitted(struct serve *sv, int rc)
{
	if (rc < 0 && sv->out_rc == 0)
		sv->out_rc = rc;
}

/* The op's own members come back unchanged and in their order. */
static void put_op(struct jsonw *w, json_t *op)
{
	const char *key;
	json_t *v;

	json_object_foreach (op, key, v) {
		AUTO_FREE char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		if (strcmp(key, "type") != 0 && text)
			jsonw_raw(w, key, text, strlen(text));
	}
}

static void op_error(struct serve *sv, json_t *op, int rc, const char *message)
{
	struct jsonw *w = &sv->w;

	sv->n_errors++;
	jsonw_begin(w, "op-error");
	put_op(w, op);
	jsonw_u64(w, "mono_ns", mono_ns());
	jsonw_str(w, "errno", rc < 0 ? strerrorname_np(-rc) : NULL);
	jsonw_str(w, "message", message);
	emitted(sv, jsonw_end(w));
	if (sv->tell)
		warn_msg("%s", message);
}

/* An op that could not even be read: of its members only those that say which one it is. */
static void op_bad(struct serve *sv, const json_t *op, const char *message)
{
	struct jsonw *w = &sv->w;

	sv->n_errors++;
	jsonw_begin(w, "op-error");
	jsonw_id(w, "seq", rec_i64(op, "seq", -1));
	jsonw_id(w, "at_ns", rec_i64(op, "at_ns", -1));
	jsonw_str(w, "op", rec_str(op, "op", NULL));
	jsonw_u64(w, "mono_ns", mono_ns());
	jsonw_null(w, "errno");
	jsonw_str(w, "message", message);
	emitted(sv, jsonw_end(w));
	if (sv->tell)
		warn_msg("%s", message);
}

static void ack_begin(struct serve *sv, json_t *op, uint64_t at_ns, uint64_t began_ns)
{
	jsonw_begin(&sv->w, "ack");
	put_op(&sv->w, op);
	jsonw_u64(&sv->w, "mono_ns", at_ns);
	jsonw_u64(&sv->w, "took_ns", mono_ns() - began_ns);
	jsonw_obj(&sv->w, "effective");
}

static void ack_end(struct serve *sv)
{
	jsonw_obj_end(&sv->w);
	emitted(sv, jsonw_end(&sv->w));
}

static void put_affinity(struct jsonw *w, const struct group *g)
{
	char text[CPUSET_TEXT];
	struct cpuset cpus;
	unsigned int i;

	jsonw_arr(w, "cpus");
	for (i = 0; i < g->spec.count; i++)
		jsonw_str(w, NULL,
			  cpuset_getaffinity(g->m[i].pid, &cpus) < 0
				  ? NULL
				  : cpuset_format(&cpus, text, sizeof(text)));
	jsonw_arr_end(w);
}

static void work_died(void *arg, const struct group *g, unsigned int worker)
{
	struct serve *sv = arg;
	const struct member *m = &g->m[worker];
	struct jsonw *w = &sv->w;

	sv->n_dead++;
	jsonw_begin(w, "work-died");
	jsonw_str(w, "group", g->spec.group);
	jsonw_str(w, "cgroup", g->spec.cgroup);
	jsonw_u64(w, "worker", worker);
	jsonw_i64(w, "tid", m->pid);
	jsonw_id(w, "exit_code", m->exit_code);
	jsonw_id(w, "exit_signal", m->exit_signal);
	jsonw_str(w, "reason", m->t->fail_text[0] ? m->t->fail_text : NULL);
	jsonw_u64(w, "mono_ns", m->died_ns);
	emitted(sv, jsonw_end(w));
}

/* ---- ops ---- */

static void op_spawn(struct serve *sv, struct jsonr *r, json_t *op, uint64_t began)
{
	struct spawn spec;
	struct group *g;
	char why[WHY_LEN];
	int rc;

	spawn_read(r, &spec);
	if (spec.group && group_find(&sv->site, spec.group))
		jsonr_fail(r, "group", "there is a group '%s' already", spec.group);
	if (jsonr_done(r) < 0) {
		spawn_free(&spec);
		op_bad(sv, op, r->doc->err);
		return;
	}
	rc = group_spawn(&sv->site, op, &spec, &g, why);
	if (rc < 0) {
		op_error(sv, op, rc, why);
		return;
	}
	ack_begin(sv, op, mono_ns(), began);
	jsonw_u64(&sv->w, "count", g->spec.count);
	jsonw_str(&sv->w, "policy", g->spec.policy.text);
	jsonw_i64(&sv->w, "nice", g->spec.nice);
	put_affinity(&sv->w, g);
	ack_end(sv);
}

/* Member "groups": names of groups that exist, each once. */
static struct group **read_groups(struct serve *sv, struct jsonr *r, size_t *ret_n)
{
	struct group **gs = NULL;
	json_t *list = NULL, *v;
	size_t i, k;

	if (jsonr_arr(r, "groups", &list) == 0)
		jsonr_fail(r, NULL, "member 'groups' is missing");
	if (!jsonr_ok(r))
		return NULL;
	*ret_n = json_array_size(list);
	if (*ret_n == 0) {
		jsonr_fail(r, "groups", "want at least one group");
		return NULL;
	}
	gs = calloc(*ret_n, sizeof(struct group *));
	if (!gs) {
		jsonr_fail(r, "groups", "no memory");
		return NULL;
	}
	json_array_foreach (list, i, v) {
		const char *name = json_string_value(v);

		gs[i] = name ? group_find(&sv->site, name) : NULL;
		if (!gs[i]) {
			jsonr_fail(r, "groups", "there is no group '%s'", name ? name : "");
			free(gs);
			return NULL;
		}
		for (k = 0; k < i; k++)
			if (gs[k] == gs[i])
				jsonr_fail(r, "groups", "group '%s' is there twice", name);
	}
	return gs;
}

/* read_groups() has filled the array, or the op is refused: the analyzer does not see that. */
static unsigned int count_workers(struct group **gs, size_t n)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += gs[i]->spec.count; /* NOLINT(*-core.NullDereference) */
	return sum;
}

static void op_groups(struct serve *sv, struct jsonr *r, json_t *op, uint64_t began,
		      const char *what)
{
	bool start = strcmp(what, "work.start") == 0, stop = strcmp(what, "work.stop") == 0;
	size_t n = 0, i;
	AUTO_FREE struct group **gs = read_groups(sv, r, &n);
	uint64_t mono;
	unsigned int workers, k, killed;

	for (i = 0; gs && jsonr_ok(r) && i < n; i++) {
		if (start && gs[i]->started) /* NOLINT(*-core.NullDereference) */
			jsonr_fail(r, "groups", "'%s' has been started already", gs[i]->spec.group);
		if (stop && !gs[i]->started) /* NOLINT(*-core.NullDereference) */
			jsonr_fail(r, "groups", "'%s' was never started", gs[i]->spec.group);
	}
	if (jsonr_done(r) < 0 || !gs) {
		op_bad(sv, op, r->doc->err);
		return;
	}
	workers = count_workers(gs, n);
	if (start) {
		mono = groups_start(&sv->site, gs, n);
		ack_begin(sv, op, mono, began);
		jsonw_u64(&sv->w, "workers", workers);
		ack_end(sv);
		return;
	}
	killed = stop ? groups_stop(&sv->site, gs, n) : groups_kill(&sv->site, gs, n);
	mono = mono_ns();
	for (i = 0; i < n; i++) {
		for (k = 0; stop && k < gs[i]->spec.count; k++) {
			sv->n_incomplete += !gs[i]->m[k].t->completed;
			emitted(sv, report_write(&sv->w, &sv->site, gs[i], k, &sv->missing));
		}
		group_drop(&sv->site, gs[i]);
	}
	ack_begin(sv, op, mono, began);
	jsonw_u64(&sv->w, "workers", workers);
	jsonw_u64(&sv->w, stop ? "killed" : "left", killed);
	ack_end(sv);
}

static int affinity_apply(const struct group *g, const struct cpuset *sets, unsigned int n,
			  char *why)
{
	unsigned int i;

	for (i = 0; i < g->spec.count; i++) {
		const struct cpuset *want = &sets[n == 1 ? 0 : i];
		struct cpuset now;
		int rc = g->m[i].alive ? cpuset_setaffinity(g->m[i].pid, want) : -ESRCH;

		if (rc == 0)
			rc = cpuset_getaffinity(g->m[i].pid, &now);
		if (rc == 0 && !cpuset_subset(&now, want))
			rc = -EBUSY;
		if (rc < 0) {
			(void)snprintf(why, WHY_LEN, "worker %u: set affinity: %s", i,
				       rc == -EBUSY ? "other CPUs were read back" : strerror(-rc));
			return rc;
		}
	}
	return 0;
}

static void op_affinity(struct serve *sv, struct jsonr *r, json_t *op, uint64_t began)
{
	AUTO_FREE struct cpuset *sets = NULL;
	struct group *g = NULL;
	char why[WHY_LEN];
	const char *name;
	unsigned int n = 0;
	int rc;

	if (jsonr_need_str(r, "group", &name) > 0) {
		g = group_find(&sv->site, name);
		if (!g)
			jsonr_fail(r, "group", "there is no group '%s'", name);
		else
			affinity_read(r, "cpus", g->spec.count, &sets, &n);
	}
	if (!sets)
		jsonr_fail(r, "cpus", "want a CPU list, or one per worker");
	if (jsonr_done(r) < 0 || !sets) {
		op_bad(sv, op, r->doc->err);
		return;
	}
	rc = affinity_apply(g, sets, n, why);
	if (rc < 0) {
		op_error(sv, op, rc, why);
		return;
	}
	ack_begin(sv, op, mono_ns(), began);
	put_affinity(&sv->w, g);
	ack_end(sv);
}

void serve_line(struct serve *sv, const char *file, unsigned long line, const char *text,
		size_t len)
{
	uint64_t began = mono_ns(), seq = 0, at_ns = 0;
	const char *type = "op", *what = "";
	struct jsonr_doc doc;
	struct jsonr r;
	json_t *op = jsonr_parse(&doc, file, line, text, len);

	if (!op) {
		warn_msg("%s", doc.err);
		sv->unreadable = true;
		return;
	}
	sv->n_ops++;
	jsonr_open(&r, &doc, op, "");
	(void)jsonr_need_str(&r, "type", &type); /* all kept in the document */
	(void)jsonr_need_u64(&r, "seq", 0, INT64_MAX, &seq);
	(void)jsonr_need_u64(&r, "at_ns", 0, INT64_MAX, &at_ns);
	if (strcmp(type, "op") != 0)
		jsonr_fail(&r, "type", "want 'op', not '%s'", type);
	(void)jsonr_need_str(&r, "op", &what);
	if (!jsonr_ok(&r))
		op_bad(sv, op, doc.err);
	else if (strcmp(what, "work.spawn") == 0)
		op_spawn(sv, &r, op, began);
	else if (strcmp(what, "work.start") == 0 || strcmp(what, "work.stop") == 0 ||
		 strcmp(what, "work.kill") == 0)
		op_groups(sv, &r, op, began, what);
	else if (strcmp(what, "work.affinity") == 0)
		op_affinity(sv, &r, op, began);
	else {
		jsonr_fail(&r, "op", "no op '%s'", what);
		op_bad(sv, op, doc.err);
	}
	json_decref(op);
}

/* ---- the frame ---- */

/* CPU numbers to cores, LLCs and nodes. Memory lives as long as the process. */
static int read_places(struct places *ret)
{
	AUTO_FD root = root_open(NULL);
	struct topo *t = calloc(1, sizeof(*t));
	unsigned int n = 1, nodes = 0, i;
	int rc, *core, *llc, *node;

	if (!t)
		return warn_rc(-ENOMEM, "read the topology");
	rc = root < 0 ? root : topo_read(root, t);
	if (rc < 0) {
		free(t);
		return warn_rc(rc, "read the topology");
	}
	for (i = 0; i < t->n_cpus; i++)
		if ((unsigned int)t->cpu[i].cpu >= n)
			n = (unsigned int)t->cpu[i].cpu + 1;
	for (i = 0; t->numa && i < t->n_nodes; i++)
		if ((unsigned int)t->node[i].node >= nodes)
			nodes = (unsigned int)t->node[i].node + 1;
	core = malloc(3 * n * sizeof(*core));
	if (!core) {
		topo_free(t);
		free(t);
		return warn_rc(-ENOMEM, "read the topology");
	}
	llc = core + n;
	node = llc + n;
	for (i = 0; i < 3 * n; i++)
		core[i] = -1;
	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		core[c->cpu] = c->core;
		llc[c->cpu] = c->llc;
		node[c->cpu] = c->node;
	}
	*ret = (struct places){
		.n_cpus = n, .n_nodes = nodes, .core = core, .llc = llc, .node = node
	};
	topo_free(t);
	free(t);
	return 0;
}

/* A pair of workers needs pipes while it is made, and a user may have a small limit. */
static void raise_limits(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim); /* enough without it for most */
	}
}

/* Who starts and stops must not wait for a CPU that is full of what it started. Workers do not
 * inherit it. Without the privilege it stays as it is. */
static void raise_self(void)
{
	struct sched_param sp = { .sched_priority = MONITOR_PRIO - 1 };

	(void)syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &sp);
}

int serve_begin(struct serve *sv, const char *cgroup_root)
{
	static const int extra[] = { SIGCHLD, 0 };
	sigset_t old;
	int rc;

	sv->site = (struct site){ .root_fd = -1, .null_fd = -1, .sig_fd = -1 };
	sv->site.died = work_died;
	sv->site.died_arg = sv;
	jsonw_init(&sv->w, stdout);
	sv->w.flush = true;
	rc = sig_block(extra, &old);
	if (rc < 0)
		return warn_rc(rc, "set up signals");
	sv->site.sig_fd = rc;
	if (cgroup_root) {
		sv->site.root_fd = open(cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sv->site.root_fd < 0)
			return warn_rc(-errno, "open cgroup '%s'", cgroup_root);
	}
	sv->site.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sv->site.null_fd < 0)
		return warn_rc(-errno, "open '/dev/null'");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return warn_rc(-errno, "become the reaper of orphans");
	rc = read_places(&sv->site.places);
	if (rc < 0)
		return rc;
	raise_limits();
	raise_self();
	rc = monitor_start(&sv->site.monitor);
	if (rc < 0)
		return warn_rc(rc, "start the monitor thread");
	jsonw_meta(&sv->w, "kt-work", true);
	jsonw_str(&sv->w, "monitor", monitor_is_fifo(sv->site.monitor) ? "fifo" : "normal");
	jsonw_u64(&sv->w, "monitor_period_ns", MONITOR_PERIOD_NS);
	emitted(sv, jsonw_end(&sv->w));
	return 0;
}

void serve_stdin(struct serve *sv)
{
	struct ndjson in;
	char *line;
	size_t len;
	int rc;

	ndjson_init(&in, STDIN_FILENO);
	while (!sv->site.stop_signal && sv->out_rc == 0 && !sv->unreadable) {
		rc = ndjson_line(&in, &line, &len);
		if (rc > 0) {
			if (len > 0)
				serve_line(sv, "stdin", (unsigned long)in.line, line, len);
			continue;
		}
		if (rc < 0) {
			sv->unreadable = true;
			warn_rc(rc, "stdin:%lu", (unsigned long)in.line);
			break;
		}
		if (in.eof)
			break;
		rc = site_poll(&sv->site, STDIN_FILENO, STDOUT_FILENO, UINT64_MAX);
		if (rc > 0)
			rc = ndjson_fill(&in);
		if (rc == -EPIPE) {
			emitted(sv, rc);
		} else if (rc < 0 && rc != -EAGAIN && rc != -EINTR) {
			sv->unreadable = true;
			warn_rc(rc, "read standard input");
		}
	}
	ndjson_free(&in);
}

int serve_end(struct serve *sv)
{
	unsigned int left = sv->site.sig_fd >= 0 ? site_clear(&sv->site) : 0;
	bool ok = sv->n_errors == 0 && !sv->unreadable && !sv->site.stop_signal && left == 0;

	if (left > 0)
		warn_msg("%u workers did not end when killed", left);
	if (sv->site.monitor) {
		monitor_end(sv->site.monitor);
		jsonw_begin(&sv->w, "end");
		jsonw_str(&sv->w, "tool", "kt-work");
		jsonw_str(&sv->w, "outcome", ok ? "ok" : "error");
		jsonw_u64(&sv->w, "ops", sv->n_ops);
		jsonw_u64(&sv->w, "op_errors", sv->n_errors);
		jsonw_u64(&sv->w, "workers", sv->site.n_spawned);
		jsonw_u64(&sv->w, "died", sv->n_dead);
		jsonw_u64(&sv->w, "killed", sv->site.n_killed);
		jsonw_id(&sv->w, "signal", sv->site.stop_signal ? sv->site.stop_signal : -1);
		missing_write(&sv->missing, &sv->w);
		emitted(sv, jsonw_end(&sv->w));
	} else {
		ok = false;
	}
	jsonw_free(&sv->w);
	free((void *)(uintptr_t)sv->site.places.core);
	close_fdp(&sv->site.root_fd);
	close_fdp(&sv->site.null_fd);
	close_fdp(&sv->site.sig_fd);
	if (sv->out_rc < 0)
		warn_rc(sv->out_rc, "write standard output");
	return ok && sv->out_rc == 0 ? KT_OK : KT_FAIL;
}
