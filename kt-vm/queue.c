/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output on its way to a reader who may be slow. */
#include "queue.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FULL (64 << 10)
#define LINE_MAX_BYTES (1 << 20) /* of a record */
#define TEXT_MAX_BYTES (128 << 10) /* of a text line: escaped it may be 6 times as long */

void queue_init(struct queue *q, int fd, bool records)
{
	struct stat st;
	char name[32];

	*q = (struct queue){ .fd = fd, .own_fd = -1, .records = records, .chunk = PIPE_BUF };
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		q->chunk = FULL;
	/* A terminal has room for less than it promises; opened again it need not block. */
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (isatty(fd))
		q->own_fd = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (q->own_fd >= 0)
		q->fd = q->own_fd;
	jsonw_init(&q->w, NULL);
}

void queue_free(struct queue *q)
{
	drop_fd(&q->own_fd);
	buf_free(&q->b);
	buf_free(&q->line);
	jsonw_free(&q->w);
}

bool queue_empty(const struct queue *q)
{
	return q->pos == q->b.len;
}

bool queue_full(const struct queue *q)
{
	return q->b.len - q->pos >= FULL;
}

static void fail(struct queue *q, int err)
{
	q->broken = true;
	q->err = err;
	q->pos = 0;
	buf_reset(&q->b);
}

void queue_drop(struct queue *q)
{
	fail(q, 0);
}

static void put(struct queue *q, const void *p, size_t n)
{
	if (!q->broken && buf_add(&q->b, p, n) < 0)
		fail(q, -ENOMEM);
}

bool queue_is_record(const char *line, size_t n)
{
	static const char head[] = "{\"type\":\"";
	json_t *v;
	bool ok;

	if (n < sizeof(head) || memcmp(line, head, sizeof(head) - 1) != 0)
		return false;
	v = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	ok = json_is_object(v);
	json_decref(v);
	return ok;
}

static void put_line(struct queue *q, const char *line, size_t n)
{
	if (n <= LINE_MAX_BYTES && queue_is_record(line, n)) {
		put(q, line, n);
		put(q, "\n", 1);
		return;
	}
	jsonw_begin(&q->w, "text");
	jsonw_str(&q->w, "tool", "kt-vm");
	jsonw_strn(&q->w, "text", line, n);
	queue_record(q, jsonw_end(&q->w));
}

void queue_record(struct queue *q, int rc)
{
	if (rc < 0)
		fail(q, rc);
	else
		put(q, q->w.buf.p, q->w.buf.len);
	buf_reset(&q->w.buf);
}

void queue_add(struct queue *q, const char *p, size_t n)
{
	if (!q->records) {
		put(q, p, n);
		return;
	}
	while (n > 0 && !q->broken) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n;

		if (buf_add(&q->line, p, len) < 0)
			fail(q, -ENOMEM);
		p += len + (nl ? 1 : 0);
		n -= len + (nl ? 1 : 0);
		/* What is no record need not be complete, and what is too long is none. */
		while (q->line.len > LINE_MAX_BYTES ||
		       (q->line.len > TEXT_MAX_BYTES && q->line.p[0] != '{')) {
			put_line(q, q->line.p, TEXT_MAX_BYTES);
			buf_drop(&q->line, TEXT_MAX_BYTES);
		}
		if (nl) {
			put_line(q, q->line.p ? q->line.p : "", q->line.len);
			buf_reset(&q->line);
		}
	}
}

void queue_flush_line(struct queue *q)
{
	if (q->line.len > 0)
		put_line(q, q->line.p, q->line.len);
	buf_reset(&q->line);
}

void queue_poll(const struct queue *q, struct pollfd *p)
{
	p->fd = q->broken ? -1 : q->fd;
	p->events = queue_empty(q) ? 0 : POLLOUT; /* a reader who leaves is seen in any case */
	p->revents = 0;
}

void queue_step(struct queue *q, short revents)
{
	size_t n = q->b.len - q->pos;
	ssize_t w;

	if (q->broken)
		return;
	if (n == 0) {
		if (revents & (POLLERR | POLLHUP | POLLNVAL))
			fail(q, -EPIPE);
		return;
	}
	w = write(q->fd, q->b.p + q->pos, n < q->chunk ? n : q->chunk);
	if (w < 0 && errno != EAGAIN && errno != EINTR) {
		fail(q, -errno);
	} else if (w > 0) {
		q->pos += (size_t)w;
		if (q->pos == q->b.len) {
			q->pos = 0;
			buf_reset(&q->b);
		}
	}
}

void queue_drain(struct queue *q, int sig_fd, int timeout_ms)
{
	while (!queue_empty(q)) {
		struct pollfd p[2] = { { 0 }, { sig_fd, POLLIN, 0 } };
		int n;

		queue_poll(q, &p[0]);
		n = poll(p, 2, timeout_ms);
		if (n == 0 || p[1].revents || (n < 0 && errno != EINTR))
			return;
		if (n > 0)
			queue_step(q, p[0].revents);
	}
}
