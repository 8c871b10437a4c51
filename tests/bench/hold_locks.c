// SPDX-License-Identifier: GPL-2.0-or-later
/* hold_locks DIR N - makes N files kernel-K.lock in DIR, takes an exclusive flock on each, says so
 * with a line, and holds them until standard input ends. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	int n = argc == 3 ? atoi(argv[2]) : 0, i;
	struct rlimit most = { (rlim_t)n + 64, (rlim_t)n + 64 };
	char c;

	if (n <= 0 || chdir(argv[1]) < 0)
		return 2;
	if (setrlimit(RLIMIT_NOFILE, &most) < 0) {
		perror("setrlimit");
		return 1;
	}
	for (i = 0; i < n; i++) {
		char name[64];
		int fd;

		(void)snprintf(name, sizeof(name), "kernel-%d.lock", i); /* it fits */
		fd = open(name, O_RDONLY | O_CREAT, 0644);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
			perror(name);
			return 1;
		}
	}
	puts("held");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
