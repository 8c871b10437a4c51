/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel build - a kernel of its source. */
#include "build.h"
#include "cleanup.h"
#include "cmd.h"
#include "die.h"
#include "num.h"
#include "reserve.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define MAX_JOBS 8192

static int built(void *arg, const struct kernel *k, const char *why)
{
	struct stream *s = arg;

	stream_kernel(s, k, why);
	return s->rc < 0 ? -EPIPE : 0; /* stream_close() says why */
}

static int failed(void *arg, const char *version, const char *reason)
{
	struct stream *s = arg;

	if (s->rc < 0)
		return -EPIPE;
	jsonw_begin(&s->w, "failed");
	jsonw_str(&s->w, "version", version);
	jsonw_str(&s->w, "reason", reason);
	s->rc = jsonw_end(&s->w);
	return s->rc < 0 ? -EPIPE : 0;
}

static unsigned number(const char *text, const char *what)
{
	uint64_t n;

	if (num_u64(text, 1, MAX_JOBS, &n) < 0)
		die_usage("bad %s '%s': it is a number from 1 to %d", what, text, MAX_JOBS);
	return (unsigned)n;
}

static int run(const struct build *b)
{
	struct stream s;
	const struct build_sink sink = { built, failed, &s };
	int rc, close_rc;

	stream_open(&s);
	s.w.flush = true; /* the first of a range may be there long before the last */
	rc = build_kernels(b, &sink);
	close_rc = stream_close(&s, rc == 0 ? "ok" : rc == -EUSERS ? "skip" : "fail");
	if (close_rc < 0)
		return cmd_status(close_rc);
	return rc == 0 ? KT_OK : rc == -EUSERS ? KT_SKIP : KT_FAIL;
}

/* What does not go together. */
static void check(const struct build *b)
{
	if (!!b->what + !!b->tree + !!b->package + !!b->url > 1)
		die_usage("one of a version, --source, --package and --git at most");
	if (!b->url != !b->ref)
		die_usage("--git and --ref need each other");
	if (b->suite && !b->package)
		die_usage("--suite is for --package");
	if ((b->package && (!*b->package || strchr(b->package, '/') || *b->package == '-')) ||
	    (b->suite && (!*b->suite || strchr(b->suite, '/') || *b->suite == '.')))
		die_usage("bad --package or --suite");
	if ((b->what && (!*b->what || *b->what == '-')) ||
	    (b->url && (!*b->url || *b->url == '-')) || (b->ref && (!*b->ref || *b->ref == '-')))
		die_usage("what to build?");
	if (b->clean && !b->tree && !b->quiet)
		warn_msg("--clean has no effect: what is fetched is always built anew");
}

int cmd_build(int argc, char *argv[])
{
	enum {
		OPT_SOURCE = 256,
		OPT_PACKAGE,
		OPT_SUITE,
		OPT_GIT,
		OPT_REF,
		OPT_CONFIG,
		OPT_FORCE,
		OPT_CLEAN,
		OPT_CAP,
		OPT_PRINT
	};
	static const struct option longopts[] = { { "source", required_argument, NULL, OPT_SOURCE },
						  { "package", required_argument, NULL,
						    OPT_PACKAGE },
						  { "suite", required_argument, NULL, OPT_SUITE },
						  { "git", required_argument, NULL, OPT_GIT },
						  { "ref", required_argument, NULL, OPT_REF },
						  { "config", required_argument, NULL, OPT_CONFIG },
						  { "force", no_argument, NULL, OPT_FORCE },
						  { "clean", no_argument, NULL, OPT_CLEAN },
						  { "jobs", required_argument, NULL, 'j' },
						  { "cpu-cap", required_argument, NULL, OPT_CAP },
						  { "print-config", no_argument, NULL, OPT_PRINT },
						  { "quiet", no_argument, NULL, 'q' },
						  CMD_COMMON,
						  { 0 } };
	AUTO_FREE const char **files = calloc((size_t)argc, sizeof(*files));
	struct build b = { .config = files };
	const char *cap = NULL;
	char why[256];
	bool print = false;
	int c;

	if (!files)
		return cmd_status(warn_rc(-ENOMEM, "read the command line"));
	while ((c = getopt_long(argc, argv, "hj:qV", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_SOURCE:
			b.tree = optarg;
			break;
		case OPT_PACKAGE:
			b.package = optarg;
			break;
		case OPT_SUITE:
			b.suite = optarg;
			break;
		case OPT_GIT:
			b.url = optarg;
			break;
		case OPT_REF:
			b.ref = optarg;
			break;
		case OPT_CONFIG:
			files[b.n_config++] = optarg;
			break;
		case OPT_FORCE:
			b.force = true;
			break;
		case OPT_CLEAN:
			b.clean = true;
			break;
		case 'j':
			b.jobs = number(optarg, "--jobs");
			break;
		case OPT_CAP:
			cap = optarg;
			break;
		case OPT_PRINT:
			print = true;
			break;
		case 'q':
			b.quiet = true;
			break;
		default:
			return cmd_option(c);
		}
	}
	if (optind < argc)
		b.what = argv[optind++];
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	if (reserve_cap(cap, &b.cap, why, sizeof(why)) < 0)
		die_usage("%s", why);
	check(&b);
	if (cap && b.jobs)
		die_usage("--jobs or --cpu-cap: with a cap there are as many jobs as CPUs");
	return print ? cmd_status(build_config(&b)) : run(&b);
}
