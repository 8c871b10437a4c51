// SPDX-License-Identifier: GPL-2.0-or-later
/* The process that waits to execute a program: here this one. */
#include "rehearse.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* It has no other file: standard error, for one, is closed. */
static int rehearsal(void)
{
	return fcntl(0, F_GETFD) == 0 && fcntl(2, F_GETFD) < 0 ? 42 : 43;
}

int main(int argc, char *argv[])
{
	int fd, status = 0;
	pid_t pid;

	if (argc == 1 && argv[0][0] == '\0')
		return rehearsal();
	fd = rehearse_prepare("/proc/self/exe");
	ok(fd >= 0, "it is there");
	(void)usleep(50000);
	ok(waitpid(-1, &status, WNOHANG) == 0, "and waits");
	rehearse(fd);
	pid = waitpid(-1, &status, 0);
	ok(pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %#x", status);
	close(fd);

	fd = rehearse_prepare("/nosuch");
	rehearse(fd);
	pid = waitpid(-1, &status, 0);
	ok(pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1,
	   "what is not there is its end");
	close(fd);
	ok(waitpid(-1, NULL, 0) < 0 && errno == ECHILD, "nothing is left");
	return tap_done();
}
