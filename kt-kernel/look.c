/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel list and path: they look, and change nothing. */
#include "cache.h"
#include "cleanup.h"
#include "cmd.h"
#include "die.h"
#include "find.h"

#include <getopt.h>

/* Commands without options of their own: how many arguments they take. */
static int arguments(int argc, char *argv[], int min, int max, const char *cmd)
{
	static const struct option longopts[] = { CMD_COMMON, { 0 } };
	int c = getopt_long(argc, argv, "hV", longopts, NULL);

	if (c != -1)
		return cmd_option(c);
	if (argc - optind < min || argc - optind > max)
		die_usage("wrong number of arguments for '%s'", cmd);
	return -1;
}

int cmd_path(int argc, char *argv[])
{
	int rc = arguments(argc, argv, 0, 1, "path");
	struct stream s;
	struct kernel k;
	const char *why;

	if (rc >= 0)
		return rc;
	rc = find_kernel(argv[optind], &k, &why);
	if (rc < 0)
		return KT_FAIL;
	stream_open(&s);
	stream_kernel(&s, &k, why);
	return cmd_status(stream_close(&s, "ok"));
}

int cmd_list(int argc, char *argv[])
{
	AUTO_FREE struct kernel *v = NULL;
	int n, i, rc = arguments(argc, argv, 0, 0, "list");
	struct stream s;

	if (rc >= 0)
		return rc;
	n = cache_list(&v);
	if (n < 0)
		return cmd_status(warn_rc(n, "list the kernels in the cache"));
	stream_open(&s);
	for (i = 0; i < n; i++)
		stream_kernel(&s, &v[i], NULL);
	return cmd_status(stream_close(&s, "ok"));
}
