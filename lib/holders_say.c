/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holders of a lock as people know them: in words and in records. */
#include "cleanup.h"
#include "dur.h"
#include "holders.h"
#include "procstat.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMED_MAX 4 /* holders that a message names */

static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t cap)
{
	char path[64];
	AUTO_FD fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, cap - 1);
	buf[n < 0 ? 0 : n] = '\0';
	return n;
}

/* The time of a process's start, from its clock ticks since boot. */
static void start_text(uint64_t ticks, char *buf, size_t cap)
{
	long hz = sysconf(_SC_CLK_TCK);
	struct timespec real, boot;
	struct tm tm;
	int64_t ns;
	time_t sec;
	size_t n;

	if (hz <= 0 || clock_gettime(CLOCK_REALTIME, &real) < 0 ||
	    clock_gettime(CLOCK_BOOTTIME, &boot) < 0 || ticks / (uint64_t)hz > INT32_MAX)
		return;
	ns = ((int64_t)real.tv_sec - boot.tv_sec) * (int64_t)NSEC_PER_SEC + real.tv_nsec -
	     boot.tv_nsec + (int64_t)(ticks * (NSEC_PER_SEC / (uint64_t)hz));
	sec = (time_t)(ns / (int64_t)NSEC_PER_SEC);
	if (!gmtime_r(&sec, &tm))
		return;
	n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf + n, cap - n, ".%02dZ",
		       (int)(ns % (int64_t)NSEC_PER_SEC / (int64_t)(NSEC_PER_SEC / 100)));
}

void holders_describe(struct holder *h)
{
	char line[sizeof(h->cmdline)];
	struct procstat s;
	ssize_t n, i;

	if (h->pid <= 0 || h->ended)
		return; /* whoever has that number now is somebody else */
	if (procstat_of(h->pid, &s) == 0)
		start_text(s.start, h->start, sizeof(h->start));
	if (read_proc(h->pid, "comm", h->comm, sizeof(h->comm)) > 0)
		h->comm[strcspn(h->comm, "\n")] = '\0';
	n = read_proc(h->pid, "cmdline", line, HOLDERS_CMDLINE + 2);
	for (i = 0; i < n; i++)
		if (line[i] == '\0')
			line[i] = ' ';
	while (n > 0 && line[n - 1] == ' ')
		line[--n] = '\0';
	if (n > HOLDERS_CMDLINE) {
		n = HOLDERS_CMDLINE;
		while (n > 0 && ((unsigned char)line[n] & 0xC0) == 0x80)
			n--; /* not inside a character */
		memcpy(line + n, "\u2026", sizeof("\u2026"));
	}
	if (n > 0)
		memcpy(h->cmdline, line, sizeof(line));
}

static void name_one(const struct holder *h, struct buf *b)
{
	const char *what = h->cmdline[0] ? h->cmdline : h->comm, *c;

	if (h->pid <= 0) {
		buf_str(b, "a process that cannot be seen from here");
		return;
	}
	buf_fmt(b, "pid %d", (int)h->pid);
	if (h->ended) {
		buf_str(b, " (ended; its children may have it)");
	} else if (*what) {
		buf_str(b, " (");
		for (c = what; *c; c++)
			buf_chr(b, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
		buf_chr(b, ')');
	}
}

char *holders_text(const struct holders *file, char *buf, size_t cap)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < file->n_holders && i < NAMED_MAX; i++) {
		if (i > 0)
			buf_str(&b, ", ");
		name_one(&file->holder[i], &b);
	}
	if (file->n_holders > NAMED_MAX)
		buf_fmt(&b, " and %zu more", file->n_holders - NAMED_MAX);
	if (file->n_holders == 0)
		buf_str(&b, "nobody any more");
	(void)snprintf(buf, cap, "%s", b.p ? b.p : ""); /* cut off it still helps */
	buf_free(&b);
	return buf;
}

char *holders_text_of(const char *path, char *buf, size_t cap)
{
	struct holders file = { .path = path };
	int rc = holders_find(&file, 1);

	if (rc == 0)
		rc = file.err;
	if (rc < 0)
		(void)snprintf(buf, cap, "unknown (%s)", strerror(-rc));
	else
		holders_text(&file, buf, cap);
	holders_free(&file, 1);
	return buf;
}

static void write_some(const struct holder *h, size_t n, const char *key, struct jsonw *w)
{
	size_t i;

	jsonw_arr(w, key);
	for (i = 0; i < n; i++) {
		jsonw_obj(w, NULL);
		jsonw_id(w, "pid", h[i].pid > 0 ? h[i].pid : -1);
		jsonw_str(w, "comm", h[i].comm[0] ? h[i].comm : NULL);
		jsonw_str(w, "cmdline", h[i].cmdline[0] ? h[i].cmdline : NULL);
		jsonw_str(w, "process_start", h[i].start[0] ? h[i].start : NULL);
		jsonw_str(w, "mode", h[i].exclusive ? "exclusive" : "shared");
		jsonw_bool(w, "ended", h[i].ended);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

void holders_write(const struct holders *file, struct jsonw *w)
{
	write_some(file->holder, file->n_holders, "holders", w);
	write_some(file->holder + file->n_holders, file->n_waiters, "waiters", w);
	jsonw_str(w, "route", file->route == HOLDERS_LOCKS ? "locks" : "fdinfo");
}
