/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a file that may be compressed. */
#include "input.h"
#include "ndjson.h"
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define CHUNK (256 << 10)
#define BUF_SIZE (NDJSON_MAX + 1 + CHUNK) /* the longest line, and something to add to it */

static int fail(struct input *in, int rc, const char *what)
{
	(void)snprintf(in->err, sizeof(in->err), "%s", what);
	return rc;
}

int input_open(struct input *in, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;

	*in = (struct input){ .name = is_stdin ? "stdin" : path, .fd = -1 };
	in->buf = calloc(1, BUF_SIZE + SCAN_SLACK);
	in->raw = malloc(CHUNK);
	in->fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0 || !in->buf || !in->raw) {
		int rc = in->fd < 0 ? -errno : -ENOMEM;

		input_close(in);
		return rc;
	}
	return 0;
}

void input_close(struct input *in)
{
	ZSTD_freeDCtx(in->zstd);
	free(in->raw);
	free(in->buf);
	if (in->fd >= 0)
		close(in->fd);
	in->zstd = NULL;
	in->raw = in->buf = NULL;
	in->fd = -1;
}

bool input_seekable(const struct input *in)
{
	struct stat st;

	return fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(in->fd, 0, SEEK_CUR) >= 0;
}

int input_rewind(struct input *in)
{
	if (lseek(in->fd, 0, SEEK_SET) < 0)
		return -errno;
	ZSTD_freeDCtx(in->zstd);
	in->zstd = NULL;
	in->raw_pos = in->raw_len = in->pos = in->len = 0;
	in->line = in->bytes = 0;
	in->frame_open = in->sniffed = in->eof = false;
	in->err[0] = '\0';
	return 0;
}

/* One read(2). Returns bytes, 0 at the end, or -errno. */
static ssize_t fetch(struct input *in, char *to, size_t cap)
{
	ssize_t n;

	do {
		n = read(in->fd, to, cap);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? fail(in, -errno, strerror(errno)) : n;
}

/* Compressed or not? Reads the first bytes into raw; plain text goes on to buf. */
static int sniff(struct input *in)
{
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	ssize_t n;

	in->sniffed = true;
	while (in->raw_len < sizeof(magic)) {
		n = fetch(in, in->raw + in->raw_len, CHUNK - in->raw_len);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		in->raw_len += (size_t)n;
		/* A short first line of text need not wait for more. */
		if (memcmp(in->raw, magic,
			   in->raw_len < sizeof(magic) ? in->raw_len : sizeof(magic)) != 0)
			break;
	}
	if (in->raw_len >= sizeof(magic) && memcmp(in->raw, magic, sizeof(magic)) == 0) {
		in->zstd = ZSTD_createDCtx();
		in->frame_open = true;
		return in->zstd ? 0 : fail(in, -ENOMEM, strerror(ENOMEM));
	}
	memcpy(in->buf, in->raw, in->raw_len);
	in->len = in->raw_len;
	in->eof = in->len == 0;
	return 0;
}

static int inflate(struct input *in)
{
	ZSTD_outBuffer out = { .dst = in->buf + in->len, .size = BUF_SIZE - in->len };
	ZSTD_inBuffer src;
	size_t rc;
	ssize_t n;

	for (;;) {
		if (in->raw_pos == in->raw_len) {
			n = fetch(in, in->raw, CHUNK);
			if (n < 0)
				return (int)n;
			in->raw_pos = 0;
			in->raw_len = (size_t)n;
			if (n == 0) {
				in->eof = true;
				return in->frame_open ? fail(in, -EBADMSG,
							     "the compressed data is cut off")
						      : 0;
			}
		}
		src = (ZSTD_inBuffer){ .src = in->raw, .size = in->raw_len, .pos = in->raw_pos };
		rc = ZSTD_decompressStream(in->zstd, &out, &src);
		if (ZSTD_isError(rc)) {
			(void)snprintf(in->err, sizeof(in->err),
				       "the compressed data is damaged: %s", ZSTD_getErrorName(rc));
			return -EBADMSG;
		}
		in->raw_pos = src.pos;
		in->frame_open = rc != 0;
		if (out.pos > 0) {
			in->len += out.pos;
			return 0;
		}
	}
}

/* Adds to buf. Returns 0, also at the end, or -errno. */
static int fill(struct input *in)
{
	ssize_t n;
	int rc;

	memmove(in->buf, in->buf + in->pos, in->len - in->pos);
	in->len -= in->pos;
	in->pos = 0;
	if (!in->sniffed) {
		rc = sniff(in);
		if (rc < 0 || !in->zstd)
			return rc;
	}
	if (in->zstd)
		return inflate(in);
	n = fetch(in, in->buf + in->len, CHUNK < BUF_SIZE - in->len ? CHUNK : BUF_SIZE - in->len);
	if (n < 0)
		return (int)n;
	in->eof = n == 0;
	in->len += (size_t)n;
	return 0;
}

int input_line(struct input *in, const char **ret_line, size_t *ret_len)
{
	size_t seen = in->pos;
	int rc;

	for (;;) {
		char *start = in->buf + in->pos, *nl;
		size_t done = in->len - in->pos;

		nl = memchr(in->buf + seen, '\n', in->len - seen);
		if (nl) {
			in->line++;
			*ret_line = start;
			*ret_len = (size_t)(nl - start);
			in->pos += *ret_len + 1;
			if (*ret_len > NDJSON_MAX)
				return fail(in, -EMSGSIZE, "a line over 1 MiB");
			in->bytes += *ret_len + 1;
			return 1;
		}
		if (done > NDJSON_MAX) {
			in->line++;
			return fail(in, -EMSGSIZE, "a line over 1 MiB");
		}
		if (in->eof) {
			if (done == 0)
				return 0;
			in->line++;
			return fail(in, -EBADMSG, "half a line");
		}
		rc = fill(in);
		if (rc < 0)
			return rc;
		seen = in->pos + done;
	}
}
