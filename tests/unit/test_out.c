// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that are replaced as a whole. */
#include "buf.h"
#include "cleanup.h"
#include "out.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define WRITERS 8
#define ROUNDS 50

/* What is in the directory, each name with a blank behind it. */
static const char *names(int dir_fd, char *buf, size_t cap)
{
	AUTO_DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *de;

	buf[0] = '\0';
	while (d && (de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			(void)snprintf(buf + strlen(buf), cap - strlen(buf), "%s ", de->d_name);
	return buf;
}

static void make(int dir_fd, const char *name, const char *text)
{
	AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || out_all(fd, text, strlen(text)) < 0)
		exit(1);
}

static bool holds(int dir_fd, const char *name, const char *want)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY);
	AUTO_BUF b = BUF_INIT;

	return fd >= 0 && buf_rest(&b, fd, SIZE_MAX) == 0 && b.len == strlen(want) &&
	       memcmp(b.p, want, b.len) == 0;
}

/* Letters of one kind, a different number of them for each writer. */
static void many_writers(int dir_fd)
{
	int i, k, failed = 0, whole = 0;

	for (i = 0; i < WRITERS; i++) {
		char text[WRITERS * 1000 + 1] = "";

		if (fork() != 0)
			continue;
		memset(text, 'a' + i, (size_t)(i + 1) * 1000);
		for (k = 0; k < ROUNDS; k++)
			if (out_replace(dir_fd, "many", text, strlen(text)) < 0)
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < WRITERS; i++) {
		int status;

		if (wait(&status) < 0 || status != 0)
			failed++;
	}
	for (i = 0; i < WRITERS; i++) {
		char text[WRITERS * 1000 + 1] = "";

		memset(text, 'a' + i, (size_t)(i + 1) * 1000);
		whole += holds(dir_fd, "many", text);
	}
	ok(failed == 0 && whole == 1, "many at once: %d failed, what is there is whole", failed);
}

/* Killed at any moment, in a loop: what is left is taken over. */
static void kills(int dir_fd)
{
	int i, torn = 0;

	for (i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				(void)out_replace(dir_fd, "killed", "a longer text\n", 14);
		(void)usleep((useconds_t)(500 + 37 * i));
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		torn += faccessat(dir_fd, "killed", F_OK, 0) == 0 &&
			!holds(dir_fd, "killed", "a longer text\n");
	}
	ok(torn == 0, "killed, the file is whole or not there");
}

int main(void)
{
	char dir[] = "/tmp/test_out.XXXXXX", buf[1000];
	int fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY) : -1;

	if (fd < 0)
		return 1;
	ok(out_replace(fd, "f", "one", 3) == 0 && holds(fd, "f", "one"), "a new file");
	ok(out_replace(fd, "f", "", 0) == 0 && holds(fd, "f", ""), "a file that is there");
	make(fd, ".f.tmp", "more than comes now");
	ok(out_replace(fd, "f", "two", 3) == 0 && holds(fd, "f", "two"),
	   "what a killed writer has left does not show");
	ok_str(names(fd, buf, sizeof(buf)), "f ", "nor stay");
	ok(mkdirat(fd, "d", 0755) == 0 && out_replace(fd, "d", "x", 1) == -EISDIR,
	   "a directory is not replaced");
	ok(symlinkat("f", fd, ".l.tmp") == 0 && out_replace(fd, "l", "x", 1) == -ELOOP &&
		   holds(fd, "f", "two"),
	   "a link in the temporary file's place is not followed");
	(void)unlinkat(fd, ".l.tmp", 0);
	(void)unlinkat(fd, "d", AT_REMOVEDIR);
	(void)unlinkat(fd, "f", 0);
	ok_str(names(fd, buf, sizeof(buf)), "", "a failure leaves nothing");
	many_writers(fd);
	ok_str(names(fd, buf, sizeof(buf)), "many ", "and nothing else");
	(void)unlinkat(fd, "many", 0);
	kills(fd);
	ok(out_replace(fd, "killed", "new", 3) == 0 && holds(fd, "killed", "new"), "and replaced");
	ok_str(names(fd, buf, sizeof(buf)), "killed ", "with nothing beside it");
	(void)unlinkat(fd, "killed", 0);
	close(fd);
	return rmdir(dir) == 0 ? tap_done() : 1;
}
