/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines from a descriptor: in pieces, without a newline, too long. */
#include "cleanup.h"
#include "ndjson.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file with n bytes of s, `times` times, then tail. */
static int file_of(const char *s, size_t times, const char *tail)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);
	AUTO_BUF b = BUF_INIT;
	size_t i;

	for (i = 0; i < times; i++)
		buf_str(&b, s);
	buf_str(&b, tail);
	if (fd >= 0 && (write(fd, b.p, b.len) != (ssize_t)b.len || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void test_lines(void)
{
	AUTO_FD fd = file_of("", 0, "one\n\nthree\nfour");
	static const char *const want[] = { "one", "", "three", "four" };
	struct ndjson nd;
	char *line = NULL;
	size_t len, i;

	ndjson_init(&nd, fd);
	for (i = 0; i < KT_ARRAY_LEN(want); i++) {
		if (!ok(ndjson_next(&nd, &line, &len) == 1 && len == strlen(want[i]) &&
				nd.line == i + 1,
			"line %zu", i + 1))
			break;
		ok_str(line, want[i], "and its text");
	}
	ok(ndjson_next(&nd, &line, &len) == 0, "then the end");
	ok(ndjson_next(&nd, &line, &len) == 0, "and it stays");
	ndjson_free(&nd);
}

static void test_empty(void)
{
	AUTO_FD fd = file_of("", 0, "");
	struct ndjson nd;
	char *line = NULL;
	size_t len;

	ndjson_init(&nd, fd);
	ok(ndjson_line(&nd, &line, &len) == 0, "no line before the first read");
	ok(ndjson_next(&nd, &line, &len) == 0 && nd.line == 0, "an empty input has no line");
	ndjson_free(&nd);
	ndjson_init(&nd, -1);
	ok(ndjson_next(&nd, &line, &len) == -EBADF, "a read that fails is told");
	ndjson_free(&nd);
}

static void test_many(void)
{
	AUTO_FD fd = file_of("0123456789abcdef0123456789abcdef\n", 20000, "last");
	struct ndjson nd;
	size_t n = 0, len, bytes = 0;
	char *line = NULL;
	int rc;

	ndjson_init(&nd, fd);
	while ((rc = ndjson_next(&nd, &line, &len)) == 1) {
		n++;
		bytes += len;
	}
	ok(rc == 0 && n == 20001 && nd.line == 20001 && bytes == 20000 * 32 + 4,
	   "20001 lines over many reads");
	ndjson_free(&nd);
}

static void test_pieces(void)
{
	int fds[2];
	struct ndjson nd;
	char *line = NULL;
	size_t len;

	if (!ok(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe"))
		return;
	ndjson_init(&nd, fds[0]);
	ok(ndjson_fill(&nd) == -EAGAIN, "nothing there yet");
	ok(write(fds[1], "{\"a\"", 4) == 4 && ndjson_fill(&nd) == 1 &&
		   ndjson_line(&nd, &line, &len) == 0,
	   "half a line is none");
	ok(write(fds[1], ":1}\n{", 5) == 5 && ndjson_fill(&nd) == 1 &&
		   ndjson_line(&nd, &line, &len) == 1,
	   "its other half completes it");
	ok_str(line, "{\"a\":1}", "whole");
	ok(ndjson_line(&nd, &line, &len) == 0, "what follows is half a line again");
	close(fds[1]);
	ok(ndjson_fill(&nd) == 0 && ndjson_line(&nd, &line, &len) == 1 && len == 1,
	   "which counts at the end");
	ok(ndjson_line(&nd, &line, &len) == 0, "once");
	ndjson_free(&nd);
	close(fds[0]);
}

static void test_bounds(void)
{
	AUTO_FD fits = file_of("x", NDJSON_MAX, "\nnext\n");
	AUTO_FD over = file_of("x", NDJSON_MAX + 1, "\nnext\n");
	struct ndjson nd;
	char *line = NULL;
	size_t len;

	ndjson_init(&nd, fits);
	ok(ndjson_next(&nd, &line, &len) == 1 && len == NDJSON_MAX, "the longest line");
	ok(ndjson_next(&nd, &line, &len) == 1 && len == 4 && nd.line == 2, "and one behind it");
	ndjson_free(&nd);
	ndjson_init(&nd, over);
	ok(ndjson_next(&nd, &line, &len) == -EMSGSIZE && nd.line == 1,
	   "a longer one is an error that has its number");
	ndjson_free(&nd);
}

int main(void)
{
	test_lines();
	test_empty();
	test_many();
	test_pieces();
	test_bounds();
	return tap_done();
}
