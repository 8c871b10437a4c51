// SPDX-License-Identifier: GPL-2.0-or-later
/* A buf that is filled from files: to the end, within a limit, after what it holds. */
#include "buf.h"
#include "cleanup.h"
#include "tap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LONG 200000 /* more than three reads of buf_rest */

/* A file of n bytes 'x', at its beginning. */
static int file_of(size_t n)
{
	AUTO_FREE char *text = malloc(n);
	int fd = memfd_create("test_buf", MFD_CLOEXEC);

	memset(text, 'x', n);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) < 0)
		exit(1);
	return fd;
}

int main(void)
{
	AUTO_FD fd = file_of(LONG);
	AUTO_BUF b = BUF_INIT, empty = BUF_INIT, text = BUF_INIT;
	char path[32];

	buf_str(&b, "begin");
	ok(buf_rest(&b, fd, SIZE_MAX) == 0 && b.len == 5 + LONG, "all of a long file, appended");
	ok(strncmp(b.p, "beginxx", 7) == 0 && b.p[b.len - 1] == 'x' && b.p[b.len] == '\0',
	   "what was there comes first, a NUL last");
	ok(buf_rest(&empty, fd, SIZE_MAX) == 0 && empty.len == 0,
	   "at the end: nothing, and no error");

	lseek(fd, LONG - 10, SEEK_SET);
	buf_reset(&b);
	ok(buf_rest(&b, fd, 10) == 0 && b.len == 10, "just as many bytes as allowed");
	lseek(fd, LONG - 11, SEEK_SET);
	buf_reset(&b);
	ok(buf_rest(&b, fd, 10) == -EFBIG, "one more: EFBIG");

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	buf_reset(&b);
	ok(buf_file(&b, path, SIZE_MAX) == 0 && b.len == LONG, "by path");
	ok(buf_file(&text, "/proc/self/stat", SIZE_MAX) == 0 && atoi(text.p) == getpid(),
	   "a file whose size is said to be 0");
	ok(buf_file(&b, "/nowhere/file", SIZE_MAX) == -ENOENT && b.len == LONG,
	   "no such file: ENOENT, the buf as it was");
	ok(buf_file(&b, "/", SIZE_MAX) == -EISDIR, "a directory: EISDIR");
	ok(buf_rest(&b, -1, SIZE_MAX) == -EBADF, "no descriptor: EBADF");
	return tap_done();
}
