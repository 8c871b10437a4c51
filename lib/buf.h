/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing run of bytes, always followed by a NUL that is not counted. */
#ifndef KT_BUF_H
#define KT_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf {
	char *p; /* NULL as long as nothing was added; owned by the buf */
	size_t len, cap;
	int err; /* -ENOMEM once an append failed; later appends do nothing */
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

/* Appends return 0 or -ENOMEM, which is also kept in err: a caller may check once, at the end. */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_str(struct buf *b, const char *s);
int buf_chr(struct buf *b, char c);
int buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* buf_room - make room for n more bytes and return where they go, or NULL. */
void *buf_room(struct buf *b, size_t n);

/* buf_fill - append one read(2) of at most n bytes. Returns what read returned, or -errno. */
ssize_t buf_fill(struct buf *b, int fd, size_t n);

/* buf_rest - append all that is left to be read of fd. Returns 0, -EFBIG once the buf holds more
 * than max bytes, or another -errno; what was read is there in any case. */
int buf_rest(struct buf *b, int fd, size_t max);

/* buf_file - the same of a file by its path. */
int buf_file(struct buf *b, const char *path, size_t max);

/* buf_drop - forget the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* buf_reset - forget the contents, keep the memory. */
void buf_reset(struct buf *b);

/* buf_take - the text; the caller frees it. NULL after an error; an empty buf gives "". */
char *buf_take(struct buf *b);

void buf_free(struct buf *b);

#define AUTO_BUF __attribute__((cleanup(buf_free))) struct buf

#endif
