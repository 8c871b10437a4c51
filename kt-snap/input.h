/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a file that may be compressed, fast. */
#ifndef KT_SNAP_INPUT_H
#define KT_SNAP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
	const char *name; /* as messages have it: "stdin", "a.hst.zst" */
	int fd;
	struct ZSTD_DCtx_s *zstd; /* NULL: plain text */
	char *raw; /* compressed bytes */
	size_t raw_pos, raw_len;
	bool frame_open; /* the compressed data must go on */
	char *buf;
	size_t pos, len;
	uint64_t line; /* number of the line handed out last, from 1 */
	uint64_t bytes; /* of text in the lines handed out, newlines too */
	bool sniffed, eof;
	char err[200]; /* after a failure: what is wrong */
};

/* input_open - a file by its path, or standard input for "-". Zstandard is told from plain text by
 * its first bytes, not by the name. Returns 0 or -errno. */
int input_open(struct input *in, const char *path);
void input_close(struct input *in);

/* input_rewind - from the beginning again, which only a regular file can. Returns 0 or -errno. */
int input_rewind(struct input *in);
bool input_seekable(const struct input *in);

/* input_line - the next line, without its newline, which follows it; SCAN_SLACK bytes more can be
 * read. It is valid until the next call. Returns 1; 0 at the end of whole input; or -errno with
 * in->err: -EBADMSG for a last line without a newline and for compressed data that is damaged or
 * ends early, -EMSGSIZE for a line over 1 MiB, -ENOMEM, or what read(2) gave. */
int input_line(struct input *in, const char **ret_line, size_t *ret_len);

#endif
