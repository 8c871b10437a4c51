/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing run of bytes. */
#include "buf.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *buf_room(struct buf *b, size_t n)
{
	size_t want, cap;
	char *p;

	if (b->err < 0)
		return NULL;
	if (__builtin_add_overflow(b->len, n, &want) || want > SIZE_MAX / 2 - 1) {
		b->err = -ENOMEM;
		return NULL;
	}
	if (want + 1 > b->cap) {
		cap = b->cap ? b->cap : 128;
		while (cap < want + 1)
			cap *= 2;
		p = realloc(b->p, cap);
		if (!p) {
			b->err = -ENOMEM;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->len;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);

	if (!to)
		return b->err;
	if (n)
		memcpy(to, p, n);
	b->len += n;
	b->p[b->len] = '\0';
	return 0;
}

int buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_chr(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->err = -ENOMEM;
		return b->err;
	}
	to = buf_room(b, (size_t)n);
	if (!to)
		return b->err;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

ssize_t buf_fill(struct buf *b, int fd, size_t n)
{
	char *to = buf_room(b, n);
	ssize_t got;

	if (!to)
		return b->err;
	do {
		got = read(fd, to, n);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	b->len += (size_t)got;
	b->p[b->len] = '\0';
	return got;
}

int buf_rest(struct buf *b, int fd, size_t max)
{
	ssize_t n;

	while ((n = buf_fill(b, fd, 64 << 10)) > 0)
		if (b->len > max)
			return -EFBIG;
	return (int)n;
}

int buf_file(struct buf *b, const char *path, size_t max)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : buf_rest(b, fd, max);
}

void buf_drop(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->p)
		b->p[0] = '\0';
}

char *buf_take(struct buf *b)
{
	char *p;

	if (b->err < 0 || (!b->p && buf_add(b, "", 0) < 0))
		return NULL;
	p = b->p;
	*b = (struct buf)BUF_INIT;
	return p;
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT;
}
