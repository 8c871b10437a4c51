/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAP for unit tests: `ok(condition, "what must be true")`, at the end `return tap_done();`. */
#ifndef KT_TAP_H
#define KT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned int tap_n, tap_failed;

static bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3), unused));
static bool ok_str(const char *got, const char *want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), unused));

__attribute__((format(printf, 2, 0))) static inline bool tap_line(bool good, const char *fmt,
								  va_list ap)
{
	char text[512], *c;

	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a description that is cut is still one */
	for (c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?'; /* a newline would begin another line of TAP */
	printf("%sok %u - %s\n", good ? "" : "not ", ++tap_n, text);
	tap_failed += !good;
	return good;
}

static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)tap_line(good, fmt, ap);
	va_end(ap);
	return good;
}

/* Two texts are equal; when not, both are shown. NULL equals NULL only. */
static bool ok_str(const char *got, const char *want, const char *fmt, ...)
{
	bool good = got && want ? strcmp(got, want) == 0 : got == want;
	va_list ap;

	va_start(ap, fmt);
	(void)tap_line(good, fmt, ap);
	va_end(ap);
	if (!good)
		printf("#   got: %s\n#  want: %s\n", got ? got : "(null)", want ? want : "(null)");
	return good;
}

/* The plan, and the exit status of the program. A test that checked nothing fails. */
static inline int tap_done(void)
{
	printf("1..%u\n", tap_n);
	return tap_failed || tap_n == 0 || fflush(stdout) != 0;
}

#endif
