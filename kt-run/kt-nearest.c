/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-nearest - "did you mean" for shell scripts: the nearest of the names on standard input. */
#include "cleanup.h"
#include "die.h"
#include "nearest.h"
#include "out.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: kt-nearest WORD < NAMES\n"
	"Prints \"; did you mean 'NAME'?\" with the name, one a line, that is nearest to WORD;\n"
	"nothing when none is near.\n"
	"\n"
	"  -h, --help     this text\n"
	"  -V, --version  the version\n";

static int run(const char *word)
{
	struct nearest near = { .want = word };
	AUTO_FREE char *line = NULL;
	AUTO_FREE char *kept = NULL;
	char hint[NEAREST_HINT];
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		nearest_offer(&near, line);
		if (near.name != line)
			continue;
		free(kept);
		near.name = kept = line;
		line = NULL;
		cap = 0;
	}
	if (ferror(stdin))
		return warn_rc(-errno, "read standard input");
	fputs(nearest_hint(&near, hint), stdout);
	return 0;
}

int main(int argc, char *argv[])
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c, rc, close_rc;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (argc - optind != 1)
		die_usage("want one word");
	rc = run(argv[optind]);
	close_rc = out_close(stdout);
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
