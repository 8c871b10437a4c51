/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel path: which kernel would be booted, and why. */
#include "cmd.h"
#include "die.h"
#include "find.h"

#include <getopt.h>

int cmd_path(int argc, char *argv[])
{
	static const struct option longopts[] = { CMD_COMMON, { 0 } };
	int c = getopt_long(argc, argv, "hV", longopts, NULL);
	struct stream s;
	struct kernel k;
	char why[FIND_WHY];

	if (c != -1)
		return cmd_option(c);
	if (argc - optind > 1)
		die_usage("path wants one name at most");
	if (find_kernel(argv[optind], &k, why) < 0)
		return KT_FAIL;
	stream_open(&s);
	stream_kernel(&s, &k, why);
	return cmd_status(stream_close(&s, "ok"));
}
