/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-work - spawns workers, and measures what the scheduler does to them. */
#include "die.h"
#include "nearest.h"
#include "out.h"
#include "run.h"
#include "serve.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

const char work_help[] =
	"usage: kt-work serve [--cgroup-root DIR]   read ops, write acks and reports\n"
	"       kt-work run [OPTION]...             one group, told by options\n"
	"       kt-work types                       what workers can do\n"
	"Starts worker processes, and measures what the scheduler does to them.\n\n"
	"      --cgroup-root DIR  directory of the cgroup that the groups' cgroups are below\n"
	"  -h, --help             print this help\n"
	"  -V, --version          print the version\n\n"
	"run:\n"
	"  -t, --type TYPE        what the workers do [CpuSpin]\n"
	"      --param NAME=VALUE\n"
	"                         a parameter of the type; may be repeated\n"
	"  -c, --count N          workers, a multiple of the type's group size [that size]\n"
	"  -d, --duration TIME    how long [5s]\n"
	"      --cgroup NAME      start them in this cgroup below --cgroup-root\n"
	"      --policy normal|batch|idle|ext|fifo:N|rr:N\n"
	"                         how they are scheduled, N from 1 to 99\n"
	"      --nice N           -20 to 19\n"
	"      --cpus LIST        CPUs they may use, all the same\n"
	"      --affinity inherit|random|llc|all|single|LIST\n"
	"                         where they may run; LIST is a list for each: 0-1/2/3\n"
	"      --mem MODE[:NODES[:FLAG,...]]\n"
	"                         memory policy, such as bind:0-1\n"
	"      --seed N           of their random numbers [0]\n"
	"      --offsets TIME,...\n"
	"                         when each begins, after the common start\n";

static int serve_main(int argc, char *argv[])
{
	enum {
		OPT_ROOT = CHAR_MAX + 1
	};
	static const struct option longopts[] = {
		{ "cgroup-root", required_argument, NULL, OPT_ROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct serve sv = { 0 };
	const char *root = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_ROOT:
			root = optarg;
			break;
		case 'h':
			return print_help(work_help);
		case 'V':
			return print_version();
		default:
			return KT_USAGE;
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	if (serve_begin(&sv, root) == 0)
		serve_stdin(&sv);
	return serve_end(&sv);
}

int main(int argc, char *argv[])
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	char hint[NEAREST_HINT];
	int c, rc, close_rc;

	while ((c = getopt_long(argc, argv, "+hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(work_help);
		case 'V':
			return print_version();
		default:
			return KT_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	optind = 0; /* glibc: start again, with the subcommand as argv[0] */
	if (argc == 0)
		die_usage("want a subcommand: serve, run or types");
	if (strcmp(argv[0], "serve") == 0)
		rc = serve_main(argc, argv);
	else if (strcmp(argv[0], "run") == 0)
		rc = run_main(argc, argv);
	else if (strcmp(argv[0], "types") == 0 && argc == 1)
		rc = types_main();
	else if (strcmp(argv[0], "types") == 0)
		die_usage("unexpected argument '%s'", argv[1]);
	else
		die_usage("unknown subcommand '%s'%s", argv[0],
			  nearest_command(work_help, argv[0], hint));
	close_rc = out_close(stdout);
	if (close_rc < 0 && rc == KT_OK) {
		warn_rc(close_rc, "write standard output");
		rc = KT_FAIL;
	}
	return rc;
}
