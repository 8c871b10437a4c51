/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-host - what a measurement on a machine must say about it, as one record. */
#include "cleanup.h"
#include "die.h"
#include "hostctx.h"
#include "jsonw.h"
#include "out.h"
#include "root.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"Usage: kt-host [--root DIR]\n"
	"Print kernel, CPU model, memory, scheduler settings, cgroups, KVM and the state of\n"
	"sched_ext of this machine as one record. Needs no privileges.\n"
	"\n"
	"      --root DIR   read DIR/sys and DIR/proc instead of this machine\n"
	"  -h, --help       print this help\n"
	"  -V, --version    print the version\n";

static int emit(FILE *out, const struct hostctx *h, bool live)
{
	struct jsonw w;
	int rc;

	jsonw_init(&w, out);
	jsonw_meta(&w, "kt-host", live);
	jsonw_str(&w, "source", live ? "machine" : "root");
	rc = jsonw_end(&w);
	if (rc == 0) {
		jsonw_begin(&w, "host");
		hostctx_write(h, &w);
		rc = jsonw_end(&w);
	}
	if (rc == 0) {
		jsonw_begin(&w, "end");
		jsonw_str(&w, "tool", "kt-host");
		jsonw_str(&w, "outcome", "ok");
		missing_write(&h->missing, &w);
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	return rc;
}

static int run(const char *root_dir, FILE *out)
{
	AUTO_FD root_fd = root_open(root_dir);
	struct hostctx h;
	int rc;

	if (root_fd < 0)
		return warn_rc(root_fd, "open '%s'", root_dir ? root_dir : "/");
	rc = hostctx_read(root_fd, !root_dir, &h);
	if (rc < 0)
		return warn_rc(rc, "read the host");
	rc = emit(out, &h, !root_dir);
	hostctx_free(&h);
	return rc < 0 ? warn_rc(rc, "write standard output") : 0;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_ROOT = CHAR_MAX + 1
	};
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ 0 },
	};
	const char *root_dir = getenv("KTSTR_ROOT");
	int c, rc, close_rc;

	if (root_dir && !*root_dir)
		root_dir = NULL;
	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case OPT_ROOT:
			root_dir = optarg;
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	rc = run(root_dir, stdout); /* has reported its own failure */
	close_rc = out_close(stdout); /* a full disk may show up only here */
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
