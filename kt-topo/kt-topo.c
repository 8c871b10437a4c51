/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-topo - the CPUs, caches and NUMA nodes of a machine, as records. */
#include "buf.h"
#include "cleanup.h"
#include "cpuspec.h"
#include "die.h"
#include "emit.h"
#include "nearest.h"
#include "out.h"
#include "root.h"
#include "topo.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: kt-topo [--root DIR | --spec TOPOLOGY] [--shape]\n"
	"       kt-topo cpuset [--root DIR | --spec TOPOLOGY] CPUSPEC...\n"
	"Print this machine's CPUs, last-level caches and NUMA nodes as records.\n"
	"\n"
	"      --root DIR       read DIR/sys and DIR/proc instead of this machine\n"
	"      --spec TOPOLOGY  the machine of that name, such as 2n4l4c2t (4 LLCs in all)\n"
	"      --shape          only what must be equal for two machines to be alike\n"
	"  -h, --help           print this help\n"
	"  -V, --version        print the version\n"
	"\n"
	"cpuset prints the CPU list of each CPUSPEC: llc:I, numa:I, range:A,B,\n"
	"disjoint:I,N, overlap:I,N,F, cpus:LIST.\n";

struct opts {
	const char *root_dir; /* NULL: this machine */
	const char *spec; /* NULL: a machine or a root */
	bool shape;
	char *const *cpuspecs; /* NULL: print records */
};

static int load(const struct opts *o, struct topo *ret)
{
	AUTO_FD root_fd = -1;
	struct topospec spec;
	int rc;

	if (o->spec) {
		rc = topospec_parse(o->spec, &spec); /* main has seen that it is one */
		if (rc == 0)
			rc = topo_from_spec(&spec, ret);
		return rc < 0 ? warn_rc(rc, "topology '%s'", o->spec) : 0;
	}
	root_fd = root_open(o->root_dir);
	if (root_fd < 0)
		return warn_rc(root_fd, "open '%s'", o->root_dir ? o->root_dir : "/");
	rc = topo_read(root_fd, ret);
	if (rc < 0)
		return warn_rc(rc, "read the CPUs in '%s/sys/devices/system/cpu'",
			       o->root_dir ? o->root_dir : "");
	if (!o->shape && !o->cpuspecs)
		topo_read_allowed(root_fd, !o->root_dir, ret);
	return 0;
}

/* All or nothing: line n belongs to argument n. */
static int print_cpusets(const struct topo *t, char *const *specs, FILE *out)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	for (; *specs; specs++) {
		char list[CPUSET_TEXT], why[CPUSPEC_WHY];
		struct cpuset set;
		int one = cpuspec_resolve(t, *specs, &set, why);

		if (one < 0) {
			warn_msg("'%s': %s", *specs, why);
			rc = one;
			continue;
		}
		buf_str(&text, cpuset_format(&set, list, sizeof(list)));
		buf_chr(&text, '\n');
	}
	if (text.err < 0)
		rc = warn_rc(text.err, "print the CPU lists");
	else if (rc == 0 && fwrite(text.p, 1, text.len, out) != text.len)
		rc = warn_rc(-errno, "write standard output");
	buf_free(&text);
	return rc;
}

static int run(const struct opts *o, FILE *out)
{
	struct topo *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return warn_rc(-ENOMEM, "hold a topology");
	rc = load(o, t);
	if (rc == 0 && o->cpuspecs) {
		rc = print_cpusets(t, o->cpuspecs, out);
	} else if (rc == 0) {
		rc = o->shape ? emit_shape(out, t)
			      : emit_topo(out, t,
					  o->spec	? "spec"
					  : o->root_dir ? "root"
							: "machine");
		if (rc < 0)
			(void)warn_rc(rc, "write standard output"); /* rc is passed on */
	}
	topo_free(t);
	free(t);
	return rc;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_ROOT = CHAR_MAX + 1,
		OPT_SPEC,
		OPT_SHAPE
	};
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "spec", required_argument, NULL, OPT_SPEC },
		{ "shape", no_argument, NULL, OPT_SHAPE },
		{ 0 },
	};
	const char *env_root = getenv("KTSTR_ROOT");
	struct opts o = { 0 };
	struct topospec spec;
	char why[CPUSPEC_WHY], hint[NEAREST_HINT];
	int c, i, rc, close_rc;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case OPT_ROOT:
			o.root_dir = optarg;
			break;
		case OPT_SPEC:
			rc = topospec_parse(optarg, &spec);
			if (rc < 0)
				die_usage("bad --spec '%s': %s", optarg, topospec_why(rc));
			o.spec = optarg;
			break;
		case OPT_SHAPE:
			o.shape = true;
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (o.root_dir && o.spec)
		die_usage("--root and --spec exclude each other");
	if (!o.root_dir && !o.spec && env_root && *env_root)
		o.root_dir = env_root;
	if (optind < argc && strcmp(argv[optind], "cpuset") == 0) {
		if (o.shape)
			die_usage("cpuset and --shape exclude each other");
		o.cpuspecs = argv + optind + 1;
		if (!*o.cpuspecs)
			die_usage("cpuset: which CPUs?");
		for (i = optind + 1; i < argc; i++)
			if (cpuspec_resolve(NULL, argv[i], NULL, why) < 0)
				die_usage("bad CPU spec '%s': %s", argv[i], why);
	} else if (optind < argc) {
		die_usage("unexpected argument '%s'%s", argv[optind],
			  nearest_command(help, argv[optind], hint));
	}
	rc = run(&o, stdout); /* has reported its own failure */
	close_rc = out_close(stdout); /* a full disk may show up only here */
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
