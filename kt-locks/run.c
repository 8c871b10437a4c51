/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to a reservation, and a command in it. */
#include "run.h"
#include "buf.h"
#include "cg.h"
#include "child.h"
#include "cleanup.h"
#include "command.h"
#include "die.h"
#include "dur.h"
#include "jsonw.h"
#include "lock.h"
#include "mono.h"
#include "out.h"
#include "plan.h"
#include "reserve.h"
#include "root.h"
#include "sandbox.h"
#include "seize.h"
#include "sig.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NAP_MIN_MS 10 /* flock(2) knows no deadline, and its queue no descriptor to poll */
#define NAP_MAX_MS 100

struct job {
	const struct opts *o;
	struct topo *topo;
	struct cpuset allowed; /* of this process, or of the reservation that it is in */
	unsigned int want;
	bool nested;
	struct plan plan;
	struct seized locks;
	struct sandbox box;
	const char *how; /* "cpuset", "affinity", "none" */
	char why[512]; /* why not "cpuset" */
	unsigned int tries;
	uint64_t begin_ns, waited_ns;
	int sig_fd;
	sigset_t old_mask;
	struct jsonw *w; /* NULL: no records */
	char reason[2048]; /* of the end record; "": none */
};

/* Say what ends all this, and keep it for the end record. */
__attribute__((format(printf, 3, 4))) static int fail(struct job *j, int status, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(j->reason, sizeof(j->reason), fmt, ap); /* cut off it still helps */
	va_end(ap);
	warn_msg("%s", j->reason);
	return status;
}

/* ---- what there is ---- */

/* Cpus_allowed_list of a status file. */
static int status_allowed(int root_fd, struct cpuset *ret)
{
	static const char key[] = "\nCpus_allowed_list:";
	char text[CPUSET_TEXT + 8192], *p;
	ssize_t n = root_read(root_fd, "/proc/self/status", text, sizeof(text));

	if (n < 0)
		return (int)n;
	p = strstr(text, key);
	if (!p)
		return -ENODATA;
	p += sizeof(key) - 1;
	p[strcspn(p, "\n")] = '\0';
	return cpuset_parse(p + strspn(p, " \t"), ret);
}

static int read_machine(struct job *j)
{
	const char *dir = j->o->root_dir;
	AUTO_FD root_fd = root_open(dir);
	int rc = root_fd < 0 ? root_fd : topo_read(root_fd, j->topo);

	if (rc < 0)
		return fail(
			j, KT_PREFIX_FAIL,
			"'%s/sys/devices/system/cpu' does not tell what CPUs there are, so none "
			"can be reserved: %s",
			dir ? dir : "", strerror(-rc));
	if (!dir) {
		rc = cpuset_getaffinity(0, &j->allowed);
		if (rc < 0)
			rc = status_allowed(root_fd, &j->allowed);
		if (rc < 0)
			return fail(j, KT_PREFIX_FAIL,
				    "neither sched_getaffinity(2) nor /proc/self/status tells what "
				    "CPUs are allowed: %s",
				    strerror(-rc));
	} else {
		topo_read_allowed(root_fd, false, j->topo);
		topo_allowed(j->topo, &j->allowed);
	}
	cpuset_and(&j->allowed, &j->topo->online);
	return 0;
}

/* Inside of a reservation that a process above us holds, all is planned within it. Its locks are
 * ours already, and waiting for them would be for ever. */
static void find_outer(struct job *j, struct look *l)
{
	const char *cpus = getenv("KTSTR_CPUS");
	struct cpuset outer;

	j->nested = false;
	if (!cpus || cpuset_parse(cpus, &outer) < 0 || !look_inherited(l, &outer))
		return;
	j->nested = true;
	cpuset_and(&j->allowed, &outer);
	look_forget(l);
}

/* ---- reserving ---- */

/* What is wanted, after its number. */
static const char *unit(const struct job *j)
{
	return j->o->exclusive ? (j->want == 1 ? "last-level cache" : "last-level caches")
			       : (j->want == 1 ? "CPU" : "CPUs");
}

static int too_many(struct job *j, const struct plan_in *in)
{
	unsigned int most = plan_allowed(in);

	if (j->o->exclusive && in->want <= most)
		return fail(j, KT_SKIP,
			    "beside %u %s %u more %s wanted, and this process may use none there",
			    in->want, unit(j), in->spare, in->spare == 1 ? "CPU is" : "CPUs are");
	if (j->o->exclusive)
		return fail(j, KT_PREFIX_FAIL,
			    "%u last-level caches are wanted, and of only %u%s has this process "
			    "any CPU that it may use",
			    in->want, most, in->of ? " of those that will do" : "");
	if (j->nested)
		return fail(j, KT_SKIP,
			    "%u %s wanted, and the reservation that this runs in has only %u",
			    in->want, in->want == 1 ? "CPU is" : "CPUs are", most);
	return fail(j, KT_SKIP,
		    "%u %s wanted, and this process may use only %u (by its affinity and cgroup, "
		    "however many the machine has): ask for fewer, lift the limit of taskset or "
		    "the cgroup, or drop the cap",
		    in->want, in->want == 1 ? "CPU is" : "CPUs are", most);
}

/* Others have too much. What they have is looked at anew. */
static int contention(struct job *j)
{
	AUTO_BUF who = BUF_INIT;
	char more[48] = "";
	struct look l;

	if (look_take(j->topo, NULL, &l) == 0)
		look_explain(&l, &j->allowed, j->o->exclusive, !j->o->exclusive || j->o->spare > 0,
			     &who);
	look_free(&l);
	if (j->o->spare > 0)
		(void)snprintf(more, sizeof(more), ", with %u CPU%s beside", j->o->spare,
			       j->o->spare == 1 ? "" : "s");
	return fail(j, KT_SKIP, "%u %s cannot be had%s%s (%u tr%s): %s; kt-locks shows all locks",
		    j->want, unit(j), j->o->exclusive ? " alone" : "", more, j->tries,
		    j->tries == 1 ? "y" : "ies", who.len > 0 ? who.p : "somebody else was faster");
}

/* Plan and lock; when somebody is faster once more, after a fresh look. Returns 0, -EWOULDBLOCK, or
 * a status > 0. */
static int try_now(struct job *j)
{
	struct cpuset busy = { 0 };
	int again;

	for (again = 0; again < 2; again++) {
		bool no_look = j->o->root_dir && !getenv("KTSTR_LOCK_DIR");
		enum plan_result res;
		char failed[PATH_MAX];
		struct plan_in in;
		struct look l;
		int llc, rc;

		rc = no_look ? look_nothing(j->topo, &l) : look_take(j->topo, &busy, &l);
		if (rc < 0) {
			look_free(&l);
			return fail(j, KT_PREFIX_FAIL, "look who holds locks: %s", strerror(-rc));
		}
		if (!j->o->root_dir)
			find_outer(j, &l);
		in = (struct plan_in){ .topo = j->topo,
				       .allowed = j->allowed,
				       .taken = l.taken,
				       .llc = l.llc,
				       .exclusive = j->o->exclusive,
				       .of = cpuset_empty(&j->o->of) ? NULL : &j->o->of,
				       .nodes = j->o->nodes,
				       .spare = j->o->spare,
				       .share = j->o->share,
				       .want = j->o->want };
		if (in.want == 0) /* 30 % of what is allowed */
			in.want = (cpuset_count(&j->allowed) * 30 + 99) / 100;
		if (in.want == 0)
			in.want = 1;
		j->want = in.want;
		j->tries++;
		res = plan_make(&in, &j->plan);
		rc = res == PLAN_TOO_MANY ? too_many(j, &in)
		     : res == PLAN_NOWHERE
			     ? fail(j, KT_PREFIX_FAIL,
				    "no last-level cache has a CPU that this process may "
				    "use: sysfs and its affinity disagree")
		     : res == PLAN_BUSY ? -EWOULDBLOCK
					: 0;
		if (rc == 0 && j->nested && j->o->exclusive && !look_alone(&l, &j->plan.llcs))
			rc = fail(j, KT_PREFIX_FAIL,
				  "a whole last-level cache is wanted, and the reservation that "
				  "this runs in has only CPUs of it");
		look_free(&l);
		if (rc != 0 || j->o->plan_only || j->nested)
			return rc;
		rc = seize(&j->plan, j->o->exclusive, &j->locks, &llc, failed, sizeof(failed));
		if (rc == 0)
			return 0;
		if (rc != -EWOULDBLOCK)
			return fail(j, KT_PREFIX_FAIL, "lock '%s': %s", failed, lock_why(rc));
		if (llc >= 0)
			cpuset_add(&busy, (unsigned int)llc);
	}
	return -EWOULDBLOCK;
}

static int reserve(struct job *j)
{
	struct pollfd p = { j->sig_fd, POLLIN, 0 };
	int nap_ms = NAP_MIN_MS, rc;
	bool told = j->o->quiet;

	for (;;) {
		rc = try_now(j);
		j->waited_ns = mono_ns() - j->begin_ns;
		if (rc != -EWOULDBLOCK)
			return rc;
		if (j->waited_ns >= j->o->wait_ns)
			return contention(j);
		if (!told)
			warn_msg("waiting for %u %s", j->want, unit(j));
		told = true;
		if (poll(&p, 1, nap_ms) > 0)
			return fail(j, 128 + sig_read(j->sig_fd), "interrupted while it waited");
		nap_ms = nap_ms * 2 < NAP_MAX_MS ? nap_ms * 2 : NAP_MAX_MS;
	}
}

/* More than one node is worth a word: memory is then near to a part of the CPUs only. */
static void tell_nodes(const struct job *j)
{
	AUTO_BUF b = BUF_INIT;
	struct cpuset nodes = { 0 };
	int i;

	for (i = -1; (i = cpuset_next(&j->plan.llcs, i + 1)) >= 0;) {
		int node = topo_llc_node(&j->topo->llc[i]);

		if (node < 0)
			continue;
		cpuset_add(&nodes, (unsigned int)node);
		buf_fmt(&b, "%s%d (node %d)", b.len ? ", " : "", i, node);
	}
	if (cpuset_count(&nodes) > 1 && b.p)
		warn_msg("the CPUs are on %u nodes: LLCs %s", cpuset_count(&nodes), b.p);
}

/* ---- holding the command to it ---- */

/* What this process, and so the command, may really use now. */
static bool confined(const struct job *j)
{
	struct cpuset is;

	return cpuset_getaffinity(0, &is) == 0 && cpuset_equal(&is, &j->plan.cpus);
}

static int enter(struct job *j)
{
	char list[CPUSET_TEXT];
	int rc = sandbox_make(&j->plan.cpus, &j->plan.mems, &j->box, j->why, sizeof(j->why));

	if (rc == -ERANGE)
		return fail(
			j, KT_PREFIX_FAIL,
			"cgroup '/%s' got other CPUs or memory nodes than '%s': its parent does "
			"not have them any more",
			j->box.path, cpuset_format(&j->plan.cpus, list, sizeof(list)));
	if (rc == 0) {
		rc = sandbox_enter(&j->box);
		if (rc == 0 && confined(j)) {
			j->how = "cpuset";
			return 0;
		}
		(void)snprintf(j->why, sizeof(j->why), "the cgroup made for it %s%s",
			       rc < 0 ? "cannot be entered: " : "does not hold",
			       rc < 0 ? strerror(-rc) : "");
		(void)sandbox_remove(&j->box); /* what matters is told */
	}
	rc = cpuset_setaffinity(0, &j->plan.cpus);
	if (rc < 0 || !confined(j))
		return fail(j, KT_PREFIX_FAIL, "CPUs %s cannot be made this process's affinity: %s",
			    cpuset_format(&j->plan.cpus, list, sizeof(list)),
			    rc < 0 ? strerror(-rc) : "the kernel has set another one");
	j->how = "affinity";
	if (j->o->explicit_cap && !j->o->quiet)
		warn_msg(
			"the command is held to CPU%s %s by its affinity, which it can change (%s)",
			cpuset_count(&j->plan.cpus) > 1 ? "s" : "",
			cpuset_format(&j->plan.cpus, list, sizeof(list)), j->why);
	return 0;
}

static int export(struct job *j)
{
	char list[CPUSET_TEXT], llcs[CPUSET_TEXT], jobs[16];

	(void)snprintf(jobs, sizeof(jobs), "%u", cpuset_count(&j->plan.cpus));
	if (j->o->exclusive
		    ? setenv("KTSTR_LLCS", cpuset_format(&j->plan.llcs, llcs, sizeof(llcs)), 1) < 0
		    : unsetenv("KTSTR_LLCS") < 0)
		return fail(j, KT_PREFIX_FAIL, "set the environment: %s", strerror(errno));
	if (setenv("KTSTR_CPUS", cpuset_format(&j->plan.cpus, list, sizeof(list)), 1) < 0 ||
	    setenv("KTSTR_JOBS", jobs, 1) < 0 || unsetenv("KTSTR_CPU_CAP") < 0)
		return fail(j, KT_PREFIX_FAIL, "set the environment: %s", strerror(errno));
	return 0;
}

/* ---- records ---- */

static void member_list(struct jsonw *w, const char *key, const struct cpuset *s)
{
	char list[CPUSET_TEXT];

	jsonw_str(w, key, cpuset_empty(s) ? NULL : cpuset_format(s, list, sizeof(list)));
}

static int write_reservation(struct job *j)
{
	bool none = reserve_bypass(), live = !j->o->root_dir;
	struct jsonw *w = j->w;

	if (!w)
		return 0;
	jsonw_begin(w, "reservation");
	member_list(w, "cpus", &j->plan.cpus);
	jsonw_u64(w, "jobs", cpuset_count(&j->plan.cpus));
	jsonw_u64(w, "allowed", cpuset_count(&j->allowed));
	member_list(w, "llcs", &j->plan.llcs);
	jsonw_id(w, "partial_llc", j->plan.partial);
	member_list(w, "mems", &j->plan.mems);
	member_list(w, "shared_cpus", &j->plan.shared);
	member_list(w, "spare_cpus", &j->plan.spare);
	jsonw_str(w, "mode", none ? NULL : j->o->exclusive ? "exclusive" : "shared");
	jsonw_bool(w, "nested", j->nested);
	jsonw_str(w, "how", j->how);
	jsonw_str(w, "cgroup", strcmp(j->how, "cpuset") == 0 ? j->box.path : NULL);
	jsonw_str(w, "why_no_cpuset", j->why[0] ? j->why : NULL);
	jsonw_u64(w, "tries", j->tries);
	jsonw_u64(w, "waited_ns", j->waited_ns);
	if (live)
		jsonw_u64(w, "mono_ns", mono_ns());
	else
		jsonw_null(w, "mono_ns");
	return jsonw_end(w);
}

static int write_end(struct job *j, int status, bool ran)
{
	if (!j->w)
		return 0;
	jsonw_begin(j->w, "end");
	jsonw_str(j->w, "tool", "kt-reserve");
	jsonw_str(j->w, "outcome",
		  status == 0	      ? "ok"
		  : ran		      ? "fail"
		  : status == KT_SKIP ? "skip"
				      : "error");
	jsonw_u64(j->w, "status", (uint64_t)status);
	jsonw_str(j->w, "reason", j->reason[0] ? j->reason : NULL);
	jsonw_u64(j->w, "wall_ns", mono_ns() - j->begin_ns);
	return jsonw_end(j->w);
}

/* ---- all of it ---- */

/* Reserve and be on the CPUs. Returns 0 or a status. */
static int prepare(struct job *j)
{
	int rc = read_machine(j);

	if (rc != 0)
		return rc;
	if (reserve_bypass()) {
		j->plan.cpus = j->allowed;
		(void)snprintf(j->why, sizeof(j->why), "KTSTR_BYPASS_LLC_LOCKS is set");
		return export(j);
	}
	rc = reserve(j);
	if (rc != 0)
		return rc;
	if (!j->o->quiet)
		tell_nodes(j);
	if (j->o->plan_only)
		return 0;
	rc = enter(j);
	return rc != 0 ? rc : export(j);
}

static int run_command(struct job *j, bool *ret_ran)
{
	struct command c = {
		.argv = j->o->cmd, .mask = &j->old_mask, .sig_fd = j->sig_fd, .w = j->w
	};
	int status, rc = command_start(&c);

	if (j->box.fd >= 0)
		(void)sandbox_leave(&j->box); /* if not, sandbox_remove() moves us with the rest */
	if (rc == -ENOENT || rc == -EACCES || rc == -ENOEXEC || rc == -ELIBBAD || rc == -EPERM ||
	    rc == -EISDIR || rc == -ENOTDIR)
		return fail(j, rc == -ENOENT || rc == -ENOTDIR ? KT_NOTFOUND : KT_NOEXEC,
			    "'%s': %s", j->o->cmd[0], strerror(-rc));
	if (rc < 0)
		return fail(j, KT_PREFIX_FAIL, "start '%s': %s", j->o->cmd[0], strerror(-rc));
	*ret_ran = true;
	rc = command_wait(&c, &status);
	if (rc < 0 && rc != -EPIPE)
		return fail(j, KT_PREFIX_FAIL, "write standard output: %s", strerror(-rc));
	return status;
}

int run(const struct opts *o)
{
	static const int also[] = { SIGQUIT, SIGUSR1, SIGUSR2, 0 };
	struct job j = { .o = o,
			 .how = "none",
			 .plan = { .partial = -1 },
			 .box = { .own_fd = -1, .fd = -1 },
			 .begin_ns = mono_ns() };
	AUTO_FREE struct topo *topo = calloc(1, sizeof(*topo));
	int status, rc = topo ? 0 : -ENOMEM;
	bool ran = false;
	struct jsonw w;

	if (rc == 0)
		rc = j.sig_fd = sig_block(also, &j.old_mask);
	if (rc < 0)
		return warn_rc(rc, "set up"), KT_PREFIX_FAIL;
	j.topo = topo;
	jsonw_init(&w, stdout);
	w.flush = true;
	rc = 0;
	if (o->records || o->plan_only) {
		j.w = &w;
		jsonw_meta(&w, "kt-reserve", !o->root_dir);
		rc = jsonw_end(&w);
	}
	status = prepare(&j);
	if (status == 0 && rc == 0)
		rc = write_reservation(&j);
	if (status == 0 && rc == 0 && !o->plan_only)
		status = run_command(&j, &ran);
	if (j.box.fd >= 0) { /* before the locks: nobody else is to be on these CPUs with it */
		int left = sandbox_remove(&j.box);

		if (left < 0)
			warn_rc(left, "remove cgroup '/%s'", j.box.path);
	}
	seized_release(&j.locks);
	if (rc == 0)
		rc = write_end(&j, status, ran);
	jsonw_free(&w);
	topo_free(topo);
	close(j.sig_fd);
	if (rc == 0)
		rc = out_close(stdout);
	if (rc < 0 && !ran && status == 0) {
		warn_rc(rc, "write standard output");
		status = KT_PREFIX_FAIL;
	}
	return status;
}
