/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a long step is, on stderr. */
#include "progress.h"
#include "die.h"
#include "dur.h"
#include "mono.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_NS (NSEC_PER_SEC / 10)

const char *progress_bytes(uint64_t bytes, char buf[32])
{
	if (bytes < 10000)
		(void)snprintf(buf, 32, "%u bytes", (unsigned int)bytes);
	else if (bytes < 1000000)
		(void)snprintf(buf, 32, "%.1f kB", (double)bytes / 1e3);
	else
		(void)snprintf(buf, 32, "%.1f MB", (double)bytes / 1e6);
	return buf;
}

void progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){ .quiet = quiet, .tty = isatty(STDERR_FILENO) };
}

void progress_begin(struct progress *p, uint64_t first, uint64_t total, const char *fmt, ...)
{
	char a[32], b[32];
	va_list ap;

	progress_end(p);
	va_start(ap, fmt);
	(void)vsnprintf(p->what, sizeof(p->what), fmt, ap); /* cut: it is for the eye */
	va_end(ap);
	p->first = first;
	p->total = total;
	p->start_ns = mono_ns();
	p->last_ns = 0;
	if (p->quiet)
		return;
	if (p->tty)
		progress_at(p, first);
	else if (first > 0 && total > 0)
		warn_msg("%s (%s, the last %s are missing)", p->what, progress_bytes(total, a),
			 progress_bytes(total - first, b));
	else if (total > 0)
		warn_msg("%s (%s)", p->what, progress_bytes(total, a));
	else
		warn_msg("%s", p->what);
}

void progress_at(struct progress *p, uint64_t bytes)
{
	uint64_t now;
	char text[320], a[32], b[32];
	double secs, rate;
	int n;

	if (p->quiet || !p->tty)
		return;
	now = mono_ns();
	if (now - p->last_ns < REDRAW_NS)
		return;
	p->last_ns = now;
	secs = (double)(now - p->start_ns) / 1e9;
	rate = secs > 0.5 && bytes > p->first ? (double)(bytes - p->first) / secs : 0;
	if (p->total > 0)
		n = snprintf(text, sizeof(text), "%s: %u%% of %s", p->what,
			     (unsigned int)((double)bytes * 100 / (double)p->total),
			     progress_bytes(p->total, a));
	else
		n = snprintf(text, sizeof(text), "%s: %s", p->what, progress_bytes(bytes, a));
	if (rate > 0 && n > 0 && (size_t)n < sizeof(text))
		(void)snprintf(text + n, sizeof(text) - (size_t)n, ", %s/s",
			       progress_bytes((uint64_t)rate, b));
	fprintf(stderr, "\r%s\033[K", text);
	p->drawn = true;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
