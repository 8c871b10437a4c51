/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel get - a prebuilt kernel, of the distribution's archive or of a local package. */
#include "cmd.h"
#include "die.h"
#include "get.h"

#include <getopt.h>
#include <string.h>

static bool plain_name(const char *s)
{
	return *s && !strchr(s, '/') && s[0] != '.' && strlen(s) < 64;
}

/* "A,B" is like twice the option. */
static void add_suites(struct get *g, char *list)
{
	char *save = NULL, *s;

	for (s = strtok_r(list, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		if (!plain_name(s))
			die_usage("bad --suite '%s'", s);
		if (g->n_suites == GET_SUITES)
			die_usage("more than %d suites", GET_SUITES);
		g->suite[g->n_suites++] = s;
	}
	if (g->n_suites == 0)
		die_usage("bad --suite ''");
}

int cmd_get(int argc, char *argv[])
{
	enum {
		OPT_SUITE = 256,
		OPT_FLAVOUR,
		OPT_UPDATE
	};
	static const struct option longopts[] = { { "suite", required_argument, NULL, OPT_SUITE },
						  { "flavour", required_argument, NULL,
						    OPT_FLAVOUR },
						  { "update", no_argument, NULL, OPT_UPDATE },
						  { "quiet", no_argument, NULL, 'q' },
						  CMD_COMMON,
						  { 0 } };
	struct get g = { 0 };
	const char *why;
	struct stream s;
	struct kernel k;
	int c, rc;

	while ((c = getopt_long(argc, argv, "hqV", longopts, NULL)) != -1) {
		switch (c) {
		case 'q':
			g.quiet = true;
			break;
		case OPT_SUITE:
			add_suites(&g, optarg);
			break;
		case OPT_FLAVOUR:
			if (!plain_name(optarg))
				die_usage("bad --flavour '%s'", optarg);
			g.flavour = optarg;
			break;
		case OPT_UPDATE:
			g.update = true;
			break;
		default:
			return cmd_option(c);
		}
	}
	if (argc - optind > 2)
		die_usage("unexpected argument '%s'", argv[optind + 2]);
	if (optind < argc && (g.n_suites || g.flavour || g.update))
		die_usage("--suite, --flavour and --update are about the archive, not about '%s'",
			  argv[optind]);
	if (g.n_suites == 0)
		g.suite[g.n_suites++] = GET_SUITE;
	if (!g.flavour)
		g.flavour = get_flavour();
	if (optind == argc && !g.flavour)
		die_usage("this machine needs a --flavour");
	rc = optind < argc ? get_deb(argv[optind], argv[optind + 1], g.quiet, &k, &why)
			   : get_kernel(&g, &k, &why);
	if (rc < 0)
		return cmd_status(rc);
	stream_open(&s);
	stream_kernel(&s, &k, why);
	return cmd_status(stream_close(&s, "ok"));
}
