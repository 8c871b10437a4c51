/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a build says of its progress. */
#include "phase.h"
#include "die.h"
#include "mono.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static double seconds(const struct phase *p)
{
	return (double)(mono_ns() - p->start_ns) / 1e9;
}

void phase_begin(struct phase *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->name, sizeof(p->name), fmt, ap); /* cut, if need be */
	va_end(ap);
	p->start_ns = mono_ns();
	p->tty = isatty(STDERR_FILENO) == 1;
	phase_draw(p, NULL);
}

void phase_draw(struct phase *p, const char *doing)
{
	struct winsize ws = { 0 };
	char line[512];
	int width;

	if (!p->tty || p->quiet || !p->name[0])
		return;
	width = ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 8 ? ws.ws_col - 1 : 79;
	(void)snprintf(line, sizeof(line), "%s: %s, %.0f s%s%s", p->of, p->name, seconds(p),
		       doing ? ": " : "", doing ? doing : "");
	fprintf(stderr, "\r\033[K%.*s", width, line);
	fflush(stderr);
}

void phase_drop(struct phase *p)
{
	if (p->tty && !p->quiet && p->name[0])
		fputs("\r\033[K", stderr);
	p->name[0] = '\0';
}

void phase_end(struct phase *p)
{
	char name[sizeof(p->name)];

	(void)snprintf(name, sizeof(name), "%s", p->name);
	phase_drop(p);
	if (!p->quiet && name[0])
		warn_msg("%s: %s: %.1f s", p->of, name, seconds(p));
}
