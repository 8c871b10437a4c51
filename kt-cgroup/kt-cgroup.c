/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-cgroup: carries out cgroup ops from stdin or from the command line, lists, cleans up. */
#include "cleanup.h"
#include "die.h"
#include "mono.h"
#include "ndjson.h"
#include "nearest.h"
#include "num.h"
#include "ops.h"
#include "out.h"
#include "sig.h"
#include "stat.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
	"usage: kt-cgroup apply --parent P [--controllers LIST] [--owner PID]\n"
	"       kt-cgroup create --parent P [--controllers LIST] [--owner PID] CGROUP\n"
	"       kt-cgroup kill|rm|stat --parent P [CGROUP]\n"
	"       kt-cgroup set --parent P [--cpus LIST] [--mems LIST] [--weight N] [--max TEXT]\n"
	"                     [--freeze | --thaw] CGROUP\n"
	"       kt-cgroup clear --parent P CGROUP cpus|mems\n"
	"       kt-cgroup move --parent P FROM TO\n"
	"       kt-cgroup ls [--parent P]\n"
	"       kt-cgroup cleanup [--parent P]\n"
	"Makes, changes, empties and removes cgroups (v2).\n"
	"\n"
	"apply reads ops (NDJSON) on standard input, acknowledges each on standard output,\n"
	"and removes all that it made at the end of its input, on INT, TERM and HUP, and when\n"
	"nobody reads its output any more. The others carry out one op.\n"
	"\n"
	"  -p, --parent P           the cgroup that all names are below: relative to the\n"
	"                           cgroup2 mount, or absolute; apply and create make it\n"
	"  -c, --controllers cpuset|cpu,...\n"
	"                           what cgroups get: cpuset,cpu (default), one of them, or ''\n"
	"  -o, --owner PID          who the cgroups belong to, for cleanup (apply: kt-cgroup)\n"
	"  -C, --cpus LIST          set cpuset.cpus\n"
	"  -M, --mems LIST          set cpuset.mems\n"
	"  -w, --weight N           set cpu.weight, 1 to 10000\n"
	"  -m, --max TEXT           set cpu.max: 'QUOTA PERIOD' in microseconds, or 'max'\n"
	"      --freeze             stop what is in it\n"
	"      --thaw               let it go on\n"
	"  -h, --help               print this\n"
	"  -V, --version            print the version\n"
	"\n"
	"CGROUP may be nested (a/b); without it, or as '', it is the parent itself.\n";

enum {
	OPT_FREEZE = CHAR_MAX + 1,
	OPT_THAW
};

struct opts {
	const char *parent;
	unsigned int want;
	bool want_given;
	const char *owner_pid;
	const char *cpus, *mems, *max, *weight;
	int freeze; /* -1: not given */
};

/* ---- apply ---- */

struct apply {
	struct ctx *c;
	struct jsonw w;
	struct ndjson in;
	uint64_t ops, errors;
	const char *reason; /* why it ended early, NULL: it did not */
	char reason_buf[64];
};

static void begin_stream(struct jsonw *w, const struct ctx *c)
{
	static const unsigned int ctl[] = { CTL_CPUSET, CTL_CPU };
	size_t i;

	jsonw_meta(w, "kt-cgroup", true);
	jsonw_str(w, "mount", c->mounts.v2[0] ? c->mounts.v2 : NULL);
	jsonw_str(w, "parent", c->parent);
	jsonw_arr(w, "controllers");
	for (i = 0; i < KT_ARRAY_LEN(ctl); i++)
		if (c->want & ctl[i])
			jsonw_str(w, NULL, ctl_name(ctl[i]));
	jsonw_arr_end(w);
}

static int end_stream(struct jsonw *w, const struct ctx *c, bool ok, const char *reason,
		      uint64_t ops, uint64_t errors)
{
	jsonw_begin(w, "end");
	jsonw_str(w, "tool", "kt-cgroup");
	jsonw_str(w, "outcome", ok ? "ok" : "error");
	jsonw_str(w, "reason", reason);
	jsonw_u64(w, "ops", ops);
	jsonw_u64(w, "errors", errors);
	jsonw_u64(w, "removed", c->removed);
	jsonw_u64(w, "left", c->left);
	return jsonw_end(w);
}

/* One line of input. Returns 0 to go on, negative to stop; a->reason says why. */
static int apply_line(struct apply *a, const char *line, size_t len)
{
	struct jsonr_doc doc;
	json_t *obj = jsonr_parse(&doc, "stdin", a->in.line, line, len);
	char msg[1024];
	struct op op;
	int rc;

	a->ops++;
	if (!obj || op_read(&op, &doc, obj, false) < 0) {
		warn_msg("%s", doc.err);
		rc = op_bad(&a->w, obj, doc.err);
		rc = rc < 0 ? rc : -ECANCELED;
	} else {
		rc = op_run(a->c, &op, &a->w, msg, sizeof(msg));
		if (rc == -ECANCELED)
			warn_msg("stdin:%" PRIu64 ": %s: %s", a->in.line, op.name, msg);
	}
	json_decref(obj);
	if (rc == -ECANCELED) {
		a->errors++;
		a->reason = "an op failed";
	} else if (rc < 0) {
		a->reason = "cannot write";
		if (rc != -EPIPE)
			warn_rc(rc, "write standard output");
	}
	return rc;
}

/* Until the end of input, a signal, a failed op, or a reader that has gone. */
static void apply_loop(struct apply *a)
{
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 },
			      { a->c->sig_fd, POLLIN, 0 },
			      { STDOUT_FILENO, 0, 0 } };

	for (;;) {
		char *line;
		size_t len;
		int rc, sig;

		while ((rc = ndjson_line(&a->in, &line, &len)) > 0) {
			if (apply_line(a, line, len) < 0)
				break;
			if (poll(&p[1], 1, 0) > 0) /* a signal is not kept waiting by input */
				break;
		}
		sig = sig_read(a->c->sig_fd);
		if (sig) { /* also the reason for an op that was cut short */
			(void)snprintf(a->reason_buf, sizeof(a->reason_buf), "SIG%s",
				       sigabbrev_np(sig));
			a->reason = a->reason_buf;
			return;
		}
		if (a->reason)
			return;
		if (rc == -EMSGSIZE) {
			warn_msg("stdin:%" PRIu64 ": line too long", a->in.line);
			a->reason = "bad input";
			return;
		}
		if (rc > 0)
			continue;
		if (a->in.eof)
			return;
		if (poll(p, 3, -1) < 0 && errno != EINTR) {
			warn_rc(-errno, "poll");
			a->reason = "cannot read";
			return;
		}
		if (p[2].revents & (POLLERR | POLLNVAL)) {
			a->reason = "cannot write";
			return;
		}
		if (p[0].revents == 0)
			continue;
		rc = ndjson_fill(&a->in);
		if (rc < 0 && rc != -EAGAIN && rc != -EINTR) {
			warn_rc(rc, "read standard input");
			a->reason = "cannot read";
			return;
		}
	}
}

static int run_apply(struct ctx *c, const char *parent)
{
	struct apply a = { .c = c };
	bool ok;
	int rc;

	jsonw_init(&a.w, stdout);
	a.w.flush = true;
	ndjson_init(&a.in, STDIN_FILENO);
	if (ctx_open(c, parent, true) < 0)
		a.reason = "cannot set up the parent";
	/* After the parent is ready: a reader that has the meta record may use it. */
	begin_stream(&a.w, c);
	rc = jsonw_end(&a.w);
	if (rc == 0 && !a.reason)
		apply_loop(&a);
	if (ctx_undo(c) < 0 && !a.reason)
		a.reason = "not all could be undone";
	ok = rc == 0 && !a.reason;
	if (rc == 0)
		rc = end_stream(&a.w, c, ok, a.reason, a.ops, a.errors);
	ndjson_free(&a.in);
	jsonw_free(&a.w);
	if (rc < 0 && rc != -EPIPE)
		warn_rc(rc, "write standard output");
	return ok ? rc : -ECANCELED;
}

/* ---- the same words as subcommands ---- */

/* The op that the arguments stand for. NULL: no memory. */
static json_t *op_object(const char *word, const struct opts *o, int argc, char **argv)
{
	json_t *obj;
	uint64_t weight;

	json_object_seed(1); /* as in jsonr_parse */
	if (strcmp(word, "move") == 0)
		return json_pack("{s:s, s:i, s:i, s:s, s:s, s:s}", "type", "op", "seq", 1, "at_ns",
				 0, "op", "cgroup.move", "from", argv[0], "to", argv[1]);
	obj = json_pack("{s:s, s:i, s:i, s:s+, s:s}", "type", "op", "seq", 1, "at_ns", 0, "op",
			"cgroup.", word, "cgroup", argc > 0 ? argv[0] : "");
	if (obj && strcmp(word, "clear") == 0)
		json_object_set_new(obj, "what", json_string(argv[1]));
	if (!obj || strcmp(word, "set") != 0)
		return obj;
	if (o->cpus)
		json_object_set_new(obj, "cpus", json_string(o->cpus));
	if (o->mems)
		json_object_set_new(obj, "mems", json_string(o->mems));
	if (o->weight && num_u64(o->weight, 1, 10000, &weight) < 0)
		die_usage("bad --weight '%s'", o->weight);
	if (o->weight)
		json_object_set_new(obj, "weight", json_integer((json_int_t)weight));
	if (o->max)
		json_object_set_new(obj, "max", json_string(o->max));
	if (o->freeze >= 0)
		json_object_set_new(obj, "freeze", json_boolean(o->freeze));
	return obj;
}

static int run_word(struct ctx *c, const char *word, const struct opts *o, int argc, char **argv)
{
	json_t *obj = op_object(word, o, argc, argv);
	struct jsonr_doc doc = { .file = "arguments", .line = 1, .text = "" };
	bool make = strcmp(word, "create") == 0;
	struct jsonw w;
	struct op op;
	char msg[1024];
	int rc, end_rc;

	if (!obj)
		return warn_rc(-ENOMEM, "read the arguments");
	if (op_read(&op, &doc, obj, true) < 0) {
		const char *at = strstr(doc.err, ": ");

		json_decref(obj);
		die_usage("%s", at ? at + 2 : doc.err);
	}
	jsonw_init(&w, stdout);
	rc = ctx_open(c, o->parent, make);
	if (rc == 0) {
		begin_stream(&w, c);
		rc = jsonw_end(&w);
	}
	if (rc == 0) {
		rc = op_run(c, &op, &w, msg, sizeof(msg));
		if (rc == -ECANCELED)
			warn_msg("%s: %s", op.name, msg);
		end_rc = end_stream(&w, c, rc == 0, rc == 0 ? NULL : "the op failed", 1, rc != 0);
		rc = rc == 0 ? end_rc : rc;
		if (rc < 0 && rc != -ECANCELED)
			warn_rc(rc, "write standard output");
	}
	if (rc < 0)
		(void)ctx_undo(c); /* speaks for itself, and rc is the news */
	json_decref(obj);
	jsonw_free(&w);
	return rc;
}

/* ---- ls and cleanup ---- */

static int run_ls(struct ctx *c, const char *parent)
{
	struct jsonw w;
	int rc = ctx_open(c, parent ? parent : "", false);

	if (rc < 0)
		return rc;
	c->want = 0;
	jsonw_init(&w, stdout);
	begin_stream(&w, c);
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = stat_ls(&w, c->root_fd, c->parent, parent == NULL);
	if (rc < 0)
		warn_rc(rc, "list the cgroups below '%s'", ctx_show(c->parent));
	else
		rc = end_stream(&w, c, true, NULL, 0, 0);
	jsonw_free(&w);
	return rc;
}

struct cleanup {
	struct ctx *c;
	struct jsonw *w;
	const char *path;
};

/* A cgroup with the name but without the mark: made before Linux 5.7, by hand, or in the instant
 * before it was marked. "ktstr-PID" then stands for its owner; the start time is not known. */
static int unmarked_live(const char *name, bool *ret_known)
{
	struct cg_owner o;
	int pid, rc;

	*ret_known = num_int(name + 6, 1, INT_MAX, &pid) == 0;
	if (!*ret_known)
		return 0;
	rc = cg_owner_of((pid_t)pid, &o);
	return rc == 0 ? 1 : rc == -ESRCH ? 0 : rc;
}

static int cleanup_record(struct cleanup *k, const char *path, const struct cg_owner *o,
			  const char *outcome, const char *reason)
{
	jsonw_begin(k->w, "cleanup");
	jsonw_str(k->w, "path", path);
	jsonw_id(k->w, "owner_pid", o ? o->pid : -1);
	jsonw_str(k->w, "outcome", outcome);
	jsonw_str(k->w, "reason", reason);
	return jsonw_end(k->w);
}

static int cleanup_child(int cg_fd, const char *name, void *arg)
{
	const struct cleanup *up = arg;
	char path[PATH_MAX], reason[128];
	struct cleanup sub = { up->c, up->w, path };
	AUTO_FD fd = cg_open(cg_fd, name);
	struct cg_owner o;
	bool owned, known = true;
	uint64_t populated = 1;
	int live, rc;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENODEV ? 0 : fd;
	if (snprintf(path, sizeof(path), "%s%s%s", up->path, *up->path ? "/" : "", name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	owned = cg_owner_get(fd, &o) == 0;
	if (!owned && strncmp(name, "ktstr-", 6) != 0) {
		rc = cg_each_child(fd, cleanup_child, &sub);
		return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
	}
	live = owned ? cg_owner_live(&o) : unmarked_live(name, &known);
	if (live != 0) {
		(void)snprintf(reason, sizeof(reason), live > 0 ? "its owner lives" : "%s",
			       strerror(-live));
		up->c->left += live < 0;
		return cleanup_record(&sub, path, owned ? &o : NULL, "kept", reason);
	}
	if (!known && (cg_event(fd, "populated", &populated) < 0 || populated)) {
		up->c->left++;
		warn_msg("'%s' holds processes and has no owner mark: left", path);
		return cleanup_record(&sub, path, NULL, "left", "populated, and its owner unknown");
	}
	rc = cg_rmtree(up->c->root_fd, path, up->c->sig_fd, mono_ns() + CGROUP_DEADLINE_NS,
		       &up->c->removed);
	if (rc == 0)
		return cleanup_record(&sub, path, owned ? &o : NULL, "removed", NULL);
	up->c->left++;
	warn_rc(rc, "remove cgroup '%s'", path);
	(void)snprintf(reason, sizeof(reason), "%s", strerror(-rc));
	rc = cleanup_record(&sub, path, owned ? &o : NULL, "left", reason);
	return rc == 0 && poll(&(struct pollfd){ up->c->sig_fd, POLLIN, 0 }, 1, 0) > 0 ? -EINTR
										       : rc;
}

static int run_cleanup(struct ctx *c, const char *parent)
{
	struct cleanup k = { .c = c };
	struct jsonw w;
	int rc = ctx_open(c, parent ? parent : "", false), end_rc;

	if (rc < 0)
		return rc;
	c->want = 0;
	jsonw_init(&w, stdout);
	k.w = &w;
	k.path = c->parent;
	begin_stream(&w, c);
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = cg_each_child(c->parent_fd, cleanup_child, &k);
	if (rc < 0)
		warn_rc(rc, "clean up below '%s'", ctx_show(c->parent));
	rc = rc < 0 ? rc : c->left > 0 ? -ECANCELED : 0;
	end_rc = end_stream(&w, c, rc == 0, rc == 0 ? NULL : "something was left", 0, 0);
	jsonw_free(&w);
	return rc < 0 ? rc : end_rc;
}

/* ---- command line ---- */

static unsigned int parse_controllers(const char *list)
{
	unsigned int want = 0;

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == 6 && memcmp(list, "cpuset", 6) == 0)
			want |= CTL_CPUSET;
		else if (n == 3 && memcmp(list, "cpu", 3) == 0)
			want |= CTL_CPU;
		else
			die_usage("--controllers '%s': want cpuset, cpu, both or ''", list);
		list += n + (list[n] == ',');
	}
	return want;
}

static void parse_opts(struct opts *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "parent", required_argument, NULL, 'p' },
		{ "controllers", required_argument, NULL, 'c' },
		{ "owner", required_argument, NULL, 'o' },
		{ "cpus", required_argument, NULL, 'C' },
		{ "mems", required_argument, NULL, 'M' },
		{ "weight", required_argument, NULL, 'w' },
		{ "max", required_argument, NULL, 'm' },
		{ "freeze", no_argument, NULL, OPT_FREEZE },
		{ "thaw", no_argument, NULL, OPT_THAW },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	*o = (struct opts){ .want = CTL_CPUSET | CTL_CPU, .freeze = -1 };
	while ((c = getopt_long(argc, argv, "p:c:o:C:M:w:m:hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'p':
			o->parent = optarg;
			break;
		case 'c':
			o->want = parse_controllers(optarg);
			o->want_given = true;
			break;
		case 'o':
			o->owner_pid = optarg;
			break;
		case 'C':
			o->cpus = optarg;
			break;
		case 'M':
			o->mems = optarg;
			break;
		case 'w':
			o->weight = optarg;
			break;
		case 'm':
			o->max = optarg;
			break;
		case OPT_FREEZE:
			o->freeze = 1;
			break;
		case OPT_THAW:
			o->freeze = 0;
			break;
		case 'h':
			exit(print_help(help));
		case 'V':
			exit(print_version());
		default:
			exit(KT_USAGE);
		}
	}
}

struct word {
	const char *name;
	int min_args, max_args;
	bool sets, makes; /* takes the options of set; those of making */
	bool parent_optional;
};

static const struct word words[] = {
	{ "apply", 0, 0, .makes = true },
	{ "create", 1, 1, .makes = true },
	{ "rm", 0, 1 },
	{ "kill", 0, 1 },
	{ "stat", 0, 1 },
	{ "set", 0, 1, .sets = true },
	{ "clear", 2, 2 },
	{ "move", 2, 2 },
	{ "ls", 0, 0, .parent_optional = true },
	{ "cleanup", 0, 0, .parent_optional = true },
};

static const struct word *check_usage(const struct opts *o, int argc, char **argv)
{
	const struct word *w = NULL;
	char hint[NEAREST_HINT];
	size_t i;

	if (argc == 0)
		die_usage("want a subcommand");
	for (i = 0; i < KT_ARRAY_LEN(words); i++)
		if (strcmp(words[i].name, argv[0]) == 0)
			w = &words[i];
	if (!w)
		die_usage("unknown subcommand '%s'%s", argv[0],
			  nearest_command(help, argv[0], hint));
	if (argc - 1 < w->min_args)
		die_usage("%s: too few arguments", w->name);
	if (argc - 1 > w->max_args)
		die_usage("%s: unexpected argument '%s'", w->name, argv[w->max_args + 1]);
	if (!o->parent && !w->parent_optional)
		die_usage("%s: --parent is missing", w->name);
	if (!w->sets && (o->cpus || o->mems || o->weight || o->max || o->freeze >= 0))
		die_usage("%s: --cpus, --mems, --weight, --max, --freeze and --thaw belong to set",
			  w->name);
	if (!w->makes && (o->want_given || o->owner_pid))
		die_usage("%s: --controllers and --owner belong to apply and create", w->name);
	return w;
}

int main(int argc, char *argv[])
{
	struct ctx c = { .root_fd = -1, .parent_fd = -1 };
	const struct word *w;
	struct cg_owner owner;
	struct opts o;
	int rc, close_rc, pid = (int)getpid();
	AUTO_FD sig_fd = -1;

	parse_opts(&o, argc, argv);
	argc -= optind;
	argv += optind;
	if (!o.parent && argc == 2 && strcmp(argv[0], "rm") == 0)
		o.parent = argv[--argc]; /* rm P is rm --parent P */
	w = check_usage(&o, argc, argv);
	sig_fd = sig_block(NULL, &(sigset_t){ 0 });
	if (sig_fd < 0)
		return warn_rc(sig_fd, "set up signals"), KT_FAIL;
	c.sig_fd = sig_fd;
	c.want = o.want;
	if (o.owner_pid && num_int(o.owner_pid, 1, INT_MAX, &pid) < 0)
		die_usage("bad --owner '%s'", o.owner_pid);
	if (o.owner_pid || strcmp(w->name, "apply") == 0) {
		rc = cg_owner_of((pid_t)pid, &owner);
		if (rc < 0)
			return warn_rc(rc, "owner %d", pid), KT_FAIL;
		c.owner = &owner;
	}
	if (strcmp(w->name, "apply") == 0)
		rc = run_apply(&c, o.parent);
	else if (strcmp(w->name, "ls") == 0)
		rc = run_ls(&c, o.parent);
	else if (strcmp(w->name, "cleanup") == 0)
		rc = run_cleanup(&c, o.parent);
	else
		rc = run_word(&c, w->name, &o, argc - 1, argv + 1);
	ctx_close(&c);
	close_rc = out_close(stdout);
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
