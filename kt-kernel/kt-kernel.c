/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel - kernels for the virtual machine: gets them, keeps them, finds them. */
#include "cleanup.h"
#include "cmd.h"
#include "die.h"
#include "get.h"
#include "nearest.h"
#include "out.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: kt-kernel get [--suite SUITE,...] [--flavour FLAVOUR] [--update] [-q]\n"
	"       kt-kernel get FILE.deb [CONFIG.deb] [-q]\n"
	"       kt-kernel build [VERSION|SERIES|FROM..TO | --source DIR | --git URL --ref REF |\n"
	"                       --package NAME [--suite SUITE]] [OPTION...]\n"
	"       kt-kernel list [--range A..B] [--verify] [--offline] [-q]\n"
	"       kt-kernel clean [--keep N | --corrupt-only | KEY...] [--force]\n"
	"       kt-kernel path [KEY|VERSION|SERIES|FILE]\n"
	"       kt-kernel check KEY|VERSION|SERIES|FILE\n"
	"Gets kernels for the virtual machine, keeps them, finds them; prints records.\n"
	"\n"
	"  get    brings the newest kernel with sched_ext from the distribution's archive into\n"
	"         the cache, unless one is there\n"
	"  build  makes one of its source, unless it is in the cache: a release of kernel.org (by\n"
	"         default the latest stable one), a tree, a repository, a source package\n"
	"  list   what is in the cache, what came last first\n"
	"  clean  removes from the cache what is not in use, after asking\n"
	"  path   which kernel kt-vm would boot: the named one, else KTSTR_KERNEL, else what came\n"
	"         last into the cache with sched_ext, else this host's own if it can be used\n"
	"  check  holds an image against what ktstr needs\n"
	"\n"
	"get:\n"
	"      --suite SUITE,...\n"
	"                        of the archive (default " GET_SUITE "); of several the first\n"
	"                        that has a kernel that will do\n"
	"      --flavour FLAVOUR\n"
	"                        of the kernel (default cloud-amd64 or cloud-arm64)\n"
	"      --update          look for a newer kernel even if one is in the cache\n"
	"build:\n"
	"      --source DIR      the tree of a kernel\n"
	"      --package NAME    the distribution's source package, like linux-source-6.12\n"
	"      --suite SUITE     of the package (default: the newest that this system's sources "
	"have)\n"
	"      --git URL         a repository\n"
	"      --ref REF         a branch, tag or commit of it (--git), as it is now\n"
	"      --config FILE     more of a configuration; of several lines for an option the last "
	"counts\n"
	"      --print-config    print the configuration that would be asked for, and end\n"
	"      --force           build even what is in the cache\n"
	"      --clean           make mrproper before (--source)\n"
	"  -j, --jobs N          of make (default: as many as there are CPUs to use)\n"
	"      --cpu-cap N       run make on N reserved CPUs (default KTSTR_CPU_CAP)\n"
	"list:\n"
	"      --range A..B      the versions of kernel.org that a build of A..B would build\n"
	"      --verify          read all files and compare their sums\n"
	"      --offline         leave the network alone\n"
	"clean:\n"
	"      --keep N          keep the newest N that are not damaged (default 0)\n"
	"      --corrupt-only    remove damaged ones only\n"
	"      --force           do not ask\n"
	"\n"
	"  -q, --quiet           say nothing about progress\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

int cmd_option(int c)
{
	switch (c) {
	case 'h': /* both close stdout, which main() would do again */
		exit(print_help(help));
	case 'V':
		exit(print_version());
	default:
		return KT_USAGE; /* getopt_long has said what is wrong */
	}
}

int cmd_status(int rc)
{
	return rc < 0 ? KT_FAIL : KT_OK;
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*run)(int argc, char *argv[]);
	} commands[] = { { "get", cmd_get },	 { "build", cmd_build }, { "list", cmd_list },
			 { "clean", cmd_clean }, { "path", cmd_path },	 { "check", cmd_check } };
	static const struct option longopts[] = { CMD_COMMON, { 0 } };
	char hint[NEAREST_HINT];
	int c, rc, close_rc;
	size_t i;

	if (argc < 2 || argv[1][0] == '-') {
		c = getopt_long(argc, argv, "+hV", longopts, NULL);
		if (c != -1)
			return cmd_option(c);
		die_usage("what to do: get, build, list, clean, path or check");
	}
	for (i = 0; i < KT_ARRAY_LEN(commands) && strcmp(argv[1], commands[i].name) != 0; i++)
		;
	if (i == KT_ARRAY_LEN(commands))
		die_usage("no command '%s'%s", argv[1], nearest_command(help, argv[1], hint));
	argv[1] = argv[0];
	rc = commands[i].run(argc - 1, argv + 1);
	close_rc = out_close(stdout);
	if (rc == KT_OK && close_rc < 0)
		rc = cmd_status(warn_rc(close_rc, "write standard output"));
	return rc;
}
