/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-reserve - runs a command on CPUs that it has reserved for it. */
#include "buf.h"
#include "child.h"
#include "cleanup.h"
#include "cpuset.h"
#include "die.h"
#include "dur.h"
#include "jsonw.h"
#include "num.h"
#include "out.h"
#include "reserve.h"
#include "root.h"
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: kt-reserve [OPTION]... [--] CMD [ARG]...\n"
	"       kt-reserve --plan-only [OPTION]...\n"
	"Runs CMD on CPUs that no other reservation has, and exits with its status.\n"
	"\n"
	"      --cpu-cap N    that many CPUs (default: 30 % of those allowed, at least 1)\n"
	"      --exclusive    whole last-level caches that nobody else has any part of\n"
	"      --llcs N       how many of them (default 1; needs --exclusive, as the next three)\n"
	"      --of LIST      only caches of this list\n"
	"      --nodes N      as many of them on each of N nodes, where that can be\n"
	"      --spare N      and N CPUs of other caches, which need not be whole\n"
	"      --share        when too few CPUs are free, use some of others' as well\n"
	"      --wait D       wait so long until they are free (default: not at all)\n"
	"      --plan-only    print the plan as a record; reserve and run nothing\n"
	"      --root DIR     plan for the machine whose /sys and /proc are in DIR\n"
	"      --records      records on standard output; CMD's lines pass as records\n"
	"  -q, --quiet        say nothing but errors\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"Status 77: others have the CPUs; standard error says who.\n";

int main(int argc, char *argv[])
{
	enum {
		OPT_CAP = CHAR_MAX + 1,
		OPT_EXCLUSIVE,
		OPT_LLCS,
		OPT_OF,
		OPT_NODES,
		OPT_SPARE,
		OPT_SHARE,
		OPT_WAIT,
		OPT_PLAN,
		OPT_ROOT,
		OPT_RECORDS,
	};
	static const struct option longopts[] = {
		{ "cpu-cap", required_argument, NULL, OPT_CAP },
		{ "exclusive", no_argument, NULL, OPT_EXCLUSIVE },
		{ "llcs", required_argument, NULL, OPT_LLCS },
		{ "of", required_argument, NULL, OPT_OF },
		{ "nodes", required_argument, NULL, OPT_NODES },
		{ "spare", required_argument, NULL, OPT_SPARE },
		{ "share", no_argument, NULL, OPT_SHARE },
		{ "wait", required_argument, NULL, OPT_WAIT },
		{ "plan-only", no_argument, NULL, OPT_PLAN },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "records", no_argument, NULL, OPT_RECORDS },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct opts o = { 0 };
	const char *cap = NULL;
	uint64_t llcs = 0, nodes = 0, spare = 0;
	char why[512];
	int c, rc = out_open_stdio();

	if (rc < 0)
		return warn_rc(rc, "open '/dev/null'"), KT_PREFIX_FAIL;
	while ((c = getopt_long(argc, argv, "+qhV", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_CAP:
			cap = optarg;
			break;
		case OPT_EXCLUSIVE:
			o.exclusive = true;
			break;
		case OPT_LLCS:
			if (num_u64(optarg, 1, CPUSET_MAX, &llcs) < 0)
				return usage_prefix("bad --llcs '%s': a number of caches is wanted",
						    optarg);
			break;
		case OPT_OF:
			if (cpuset_parse(optarg, &o.of) < 0 || cpuset_empty(&o.of))
				return usage_prefix("bad --of '%s': a list of caches is wanted",
						    optarg);
			break;
		case OPT_NODES:
			if (num_u64(optarg, 1, CPUSET_MAX, &nodes) < 0)
				return usage_prefix("bad --nodes '%s': a number of nodes is wanted",
						    optarg);
			break;
		case OPT_SPARE:
			if (num_u64(optarg, 1, CPUSET_MAX, &spare) < 0)
				return usage_prefix("bad --spare '%s': a number of CPUs is wanted",
						    optarg);
			break;
		case OPT_SHARE:
			o.share = true;
			break;
		case OPT_WAIT:
			if (dur_parse(optarg, &o.wait_ns) < 0)
				return usage_prefix("bad --wait '%s'", optarg);
			break;
		case OPT_PLAN:
			o.plan_only = true;
			break;
		case OPT_ROOT:
			o.root_dir = optarg;
			break;
		case OPT_RECORDS:
			o.records = true;
			break;
		case 'q':
			o.quiet = true;
			break;
		case 'h':
			return print_help(help) == 0 ? KT_OK : KT_PREFIX_FAIL;
		case 'V':
			return print_version() == 0 ? KT_OK : KT_PREFIX_FAIL;
		default:
			return KT_PREFIX_FAIL; /* getopt_long has said what is wrong */
		}
	}
	if (o.exclusive && (cap || o.share))
		return usage_prefix("--exclusive and %s exclude each other",
				    cap ? "--cpu-cap" : "--share");
	if (!o.exclusive && (llcs > 0 || nodes > 0 || spare > 0 || !cpuset_empty(&o.of)))
		return usage_prefix("--%s needs --exclusive", llcs > 0	  ? "llcs"
							      : nodes > 0 ? "nodes"
							      : spare > 0 ? "spare"
									  : "of");
	if (o.root_dir && !o.plan_only)
		return usage_prefix(
			"--root needs --plan-only: only this machine's CPUs can be reserved");
	if (o.plan_only && optind < argc)
		return usage_prefix("--plan-only takes no command");
	if (!o.plan_only && optind == argc)
		return usage_prefix("no command");
	if (o.exclusive && reserve_bypass())
		return usage_prefix(
			"--exclusive and KTSTR_BYPASS_LLC_LOCKS exclude each other: the one is a "
			"resource contract that holds by locks, the other does without them");
	if (o.exclusive)
		o.want = llcs > 0 ? (unsigned int)llcs : 1;
	else if (reserve_cap(cap, &o.want, why, sizeof(why)) < 0)
		return usage_prefix("%s", why);
	o.nodes = (unsigned int)nodes;
	o.spare = (unsigned int)spare;
	o.explicit_cap = o.want > 0;
	o.cmd = argv + optind;
	return run(&o);
}
