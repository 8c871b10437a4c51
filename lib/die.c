/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tools say on stderr. */
#include "die.h"
#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One write per message, so that several tools of a pipeline do not mix within a line. */
__attribute__((format(printf, 3, 0))) static void say(int rc, const char *tail, const char *fmt,
						      va_list ap)
{
	char text[2048];
	size_t n;

	(void)snprintf(text, sizeof(text), "%s: ", program_invocation_short_name);
	n = strlen(text);
	(void)vsnprintf(text + n, sizeof(text) - n, fmt, ap); /* a cut-off message still helps */
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", text, strerror(-rc));
	else
		fprintf(stderr, "%s%s\n", text, tail);
}

int warn_rc(int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(rc, "", fmt, ap);
	va_end(ap);
	return rc;
}

void warn_msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(0, "", fmt, ap);
	va_end(ap);
}

void die_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(0, " (see --help)", fmt, ap);
	va_end(ap);
	exit(KT_USAGE);
}

int usage_prefix(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(0, " (see --help)", fmt, ap);
	va_end(ap);
	return KT_PREFIX_FAIL;
}

int print_version(void)
{
	printf("%s %s\n", program_invocation_short_name, KT_VERSION);
	return out_close(stdout) < 0 ? KT_FAIL : KT_OK;
}

int print_help(const char *text)
{
	fputs(text, stdout);
	return out_close(stdout) < 0 ? KT_FAIL : KT_OK;
}
