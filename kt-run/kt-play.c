/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-play - plays plans: options, the machine as it is, one plan after the other. */
#include "buf.h"
#include "cg.h"
#include "child.h"
#include "cleanup.h"
#include "conduct.h"
#include "die.h"
#include "dur.h"
#include "jsonw.h"
#include "mono.h"
#include "ndjson.h"
#include "planfile.h"
#include "root.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <string.h>
#include <sys/utsname.h>

static const char help[] =
	"Usage: kt-play [-h] [-V] [--parent CGROUP] [--quiet MAX] [PLAN]\n"
	"\n"
	"Plays the plans of a file or of standard input and prints their events.\n"
	"\n"
	"      --parent CGROUP  the cgroup to work in, below /sys/fs/cgroup (default ktstr-PID)\n"
	"      --quiet MAX      wait at most so long for a quiet machine first (default 2s)\n"
	"  -h, --help           print this help\n"
	"  -V, --version        print the version\n";

struct opts {
	const char *parent; /* NULL: ktstr-PID */
	const char *plan; /* file, or NULL for standard input */
	uint64_t quiet_ns;
};

/* ---- input ---- */

/* The whole stream, so that a bad fourth plan is found before the first is played. Returns 0 or
 * -errno; the reason is in ps->err, but for -EINTR: a stop signal came. */
static int read_plans(struct stage *s, const struct opts *o, struct plans *ps)
{
	const char *file = o->plan ? o->plan : "stdin";
	AUTO_FD opened = o->plan ? open(o->plan, O_RDONLY | O_CLOEXEC) : -1;
	int fd = o->plan ? opened : STDIN_FILENO, rc = 0;
	struct ndjson nd;
	char *line;
	size_t len;

	if (fd < 0) {
		rc = -errno;
		(void)snprintf(ps->err, sizeof(ps->err), "%s: %s", file, strerror(errno));
		return rc;
	}
	ndjson_init(&nd, fd);
	while (rc == 0 && !nd.eof) {
		struct pollfd p[] = { { fd, POLLIN, 0 }, { s->sig_fd, POLLIN, 0 } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			rc = -errno;
		else if (p[1].revents && (s->signo = sig_read(s->sig_fd)) != 0)
			rc = -EINTR;
		else if (p[0].revents)
			rc = ndjson_fill(&nd);
		while (rc >= 0 && (rc = ndjson_line(&nd, &line, &len)) > 0)
			rc = plans_add_line(ps, file, (unsigned long)nd.line, line, len);
	}
	if (rc == 0)
		rc = plans_done(ps, file);
	if (rc < 0 && !ps->err[0])
		(void)snprintf(ps->err, sizeof(ps->err), "%s:%lu: %s", file, (unsigned long)nd.line,
			       strerror(-rc));
	ndjson_free(&nd);
	return rc;
}

/* ---- the machine ---- */

/* The name of what schedules: "EEVDF", "CFS" before 6.6, or that of the sched_ext scheduler. */
static void scheduler_name(int root_fd, const char *release, char *buf, size_t cap)
{
	char state[32];

	if (root_read(root_fd, "/sys/kernel/sched_ext/state", state, sizeof(state)) > 0 &&
	    strncmp(state, "enabled", 7) == 0 &&
	    root_read(root_fd, "/sys/kernel/sched_ext/root/ops", buf, cap) > 0)
		buf[strcspn(buf, "\n")] = '\0';
	else
		(void)snprintf(buf, cap, "%s", strverscmp(release, "6.6") < 0 ? "CFS" : "EEVDF");
}

static int find_machine(struct stage *s, int root_fd)
{
	char text[4096];
	int rc = cpuset_getaffinity(0, &s->cpus);

	if (rc < 0)
		return warn_rc(rc, "read my own affinity");
	if (root_read(root_fd, "/sys/devices/system/node/online", text, sizeof(text)) < 0 ||
	    cpuset_parse(text, &s->nodes) < 0) {
		s->nodes = (struct cpuset){ 0 };
		cpuset_add(&s->nodes, 0); /* a kernel without NUMA has one node */
	}
	return 0;
}

/* Where our cgroup will be. Without a cgroup2 mount there is no such place, and kt-cgroup, which
 * says so well, is asked all the same. */
static int find_dir(struct stage *s)
{
	struct cg_mounts *m = calloc(1, sizeof(*m));
	char rel[PATH_MAX];
	int rc = m ? cg_mounts_read(m) : -ENOMEM;

	if (rc < 0) {
		warn_rc(rc, "find the cgroup2 mount");
	} else if (m->v2[0]) {
		rc = cg_rel(m->v2, s->parent, rel, sizeof(rel));
		if (rc == 0 && !rel[0])
			rc = -EINVAL; /* the root itself is nobody's to work in */
		if (rc < 0)
			warn_rc(rc, "bad --parent '%s'", s->parent);
		else
			(void)snprintf(s->dir, sizeof(s->dir), "%s/%s", m->v2, rel);
	}
	free(m);
	return rc;
}

/* Busy and all ticks of the machine. /proc/stat: "cpu  user nice system idle iowait irq softirq
 * steal guest guest_nice". */
static int cpu_ticks(int root_fd, uint64_t *ret_busy, uint64_t *ret_all)
{
	char text[256], *p = text + 4;
	uint64_t all = 0, idle = 0;
	AUTO_FD fd = openat(root_fd, "proc/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int i;

	if (n < 5 || memcmp(text, "cpu ", 4) != 0)
		return -EINVAL;
	text[n] = '\0';
	for (i = 0; i < 8; i++) {
		char *end;
		unsigned long long v = strtoull(p, &end, 10);

		if (end == p)
			break;
		all += v;
		idle += i == 3 || i == 4 ? v : 0;
		p = end;
	}
	*ret_busy = all - idle;
	*ret_all = all;
	return i < 4 ? -EINVAL : 0;
}

/* Late boot work, or the tools that came before us in the pipe, would be part of the first plan:
 * wait until a window of 200 ms is idle to 95 %, at most max_ns. Returns false after a signal. */
static bool wait_quiet(struct stage *s, int root_fd, uint64_t max_ns)
{
	enum {
		WINDOW_MS = 200,
		BUSY_PCT = 5
	};
	uint64_t end = mono_ns() + max_ns, busy, all, busy0 = 0, all0 = 0;
	bool known = cpu_ticks(root_fd, &busy0, &all0) == 0;

	while (known && mono_ns() < end) {
		struct pollfd p = { s->sig_fd, POLLIN, 0 };

		if (poll(&p, 1, WINDOW_MS) > 0 && (s->signo = sig_read(s->sig_fd)) != 0)
			return false;
		known = cpu_ticks(root_fd, &busy, &all) == 0;
		if (known && all > all0 && (busy - busy0) * 100 <= (all - all0) * BUSY_PCT)
			break;
		busy0 = busy;
		all0 = all;
	}
	return true;
}

/* ---- main ---- */

static int write_meta(struct stage *s, int root_fd)
{
	char list[CPUSET_TEXT], sched[64];
	struct utsname un;
	struct jsonw w;
	int rc;

	if (uname(&un) < 0)
		return warn_rc(-errno, "uname");
	scheduler_name(root_fd, un.release, sched, sizeof(sched));
	jsonw_init(&w, NULL);
	jsonw_meta(&w, "kt-play", true);
	jsonw_str(&w, "kernel", un.release);
	jsonw_str(&w, "sched", sched);
	jsonw_str(&w, "cpus", cpuset_format(&s->cpus, list, sizeof(list)));
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = stage_emit(s, w.buf.p, w.buf.len);
	jsonw_free(&w);
	return rc;
}

static void write_end(struct stage *s, const char *outcome, const unsigned int count[3])
{
	struct jsonw w;
	int i;

	jsonw_init(&w, NULL);
	jsonw_begin(&w, "end");
	jsonw_str(&w, "tool", "kt-play");
	jsonw_str(&w, "outcome", outcome);
	jsonw_obj(&w, "plans");
	for (i = 0; i < 3; i++)
		jsonw_u64(&w, outcome_name((enum outcome)i), count[i]);
	jsonw_obj_end(&w);
	if (jsonw_end(&w) == 0)
		(void)stage_emit(s, w.buf.p, w.buf.len); /* the caller looks at out_closed */
	jsonw_free(&w);
}

static int play_plans(struct stage *s, const struct opts *o, int root_fd)
{
	unsigned int count[3] = { 0 };
	struct plans ps = { 0 };
	enum outcome all = OUT_ERROR;
	size_t i = 0;
	int rc;

	rc = read_plans(s, o, &ps);
	if (rc < 0 && rc != -EINTR)
		warn_msg("%s", ps.err);
	if (write_meta(s, root_fd) == 0 && rc == 0 && wait_quiet(s, root_fd, o->quiet_ns)) {
		for (; i < ps.n && !s->signo && !s->out_closed; i++) {
			enum outcome got = conduct(s, &ps.p[i]);

			count[got]++;
			if (got == OUT_ERROR)
				warn_msg("%s: %s", ps.p[i].id, s->why);
		}
		if (i == ps.n && count[OUT_ERROR] == 0)
			all = count[OUT_OK] ? OUT_OK : OUT_SKIP;
	}
	if (s->signo && i < ps.n)
		warn_msg("stopped by SIG%s, %zu of %zu plans not played", sigabbrev_np(s->signo),
			 ps.n - i, ps.n);
	write_end(s, outcome_name(all), count);
	plans_free(&ps);
	if (s->out_closed || all == OUT_ERROR)
		return KT_FAIL;
	return all == OUT_SKIP ? KT_SKIP : KT_OK;
}

static int run(const struct opts *o)
{
	struct stage *s = calloc(1, sizeof(*s));
	AUTO_FD root_fd = root_open(NULL);
	char parent[32];
	int rc = KT_FAIL;

	if (!s)
		return KT_FAIL;
	(void)snprintf(parent, sizeof(parent), "ktstr-%d", (int)getpid());
	s->parent = o->parent ? o->parent : parent;
	s->out_fd = STDOUT_FILENO;
	s->sig_fd = sig_block(NULL, &s->child_mask);
	if (s->sig_fd < 0)
		warn_rc(s->sig_fd, "set up signals");
	else if (!child_tool("kt-cgroup", s->cgroup_tool, sizeof(s->cgroup_tool)))
		warn_rc(-errno, "find kt-cgroup");
	else if (!child_tool("kt-work", s->work_tool, sizeof(s->work_tool)))
		warn_rc(-errno, "find kt-work");
	else if (find_machine(s, root_fd) == 0 && find_dir(s) == 0)
		rc = play_plans(s, o, root_fd);
	close_fdp(&s->sig_fd);
	free(s);
	return rc;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_PARENT = CHAR_MAX + 1,
		OPT_QUIET
	};
	static const struct option longopts[] = { { "parent", required_argument, NULL, OPT_PARENT },
						  { "quiet", required_argument, NULL, OPT_QUIET },
						  { "help", no_argument, NULL, 'h' },
						  { "version", no_argument, NULL, 'V' },
						  { 0 } };
	struct opts o = { .quiet_ns = 2 * NSEC_PER_SEC };
	int c;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case OPT_PARENT:
			if (!*optarg)
				die_usage("bad --parent ''");
			o.parent = optarg;
			break;
		case OPT_QUIET:
			if (dur_parse(optarg, &o.quiet_ns) < 0)
				die_usage("bad --quiet '%s'", optarg);
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind < argc && strcmp(argv[optind], "-") != 0)
		o.plan = argv[optind];
	if (optind + 1 < argc)
		die_usage("unexpected argument '%s'", argv[optind + 1]);
	return run(&o);
}
