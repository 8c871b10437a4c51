/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a program to its end. */
#include "run.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int run_capture(char *const argv[], struct buf *out)
{
	struct child_spec spec = { .argv = argv,
				   .stdio = { -1, out ? -1 : STDERR_FILENO, -1 },
				   .death_sig = SIGTERM };
	AUTO_FD rd = -1, wr = -1, pid_fd = -1, null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	siginfo_t info;
	ssize_t n = 0;
	int p[2], rc;

	if (null_fd < 0 || pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	rd = p[0];
	wr = p[1];
	spec.stdio[0] = null_fd;
	if (out)
		spec.stdio[1] = wr;
	pid_fd = child_spawn(&spec, NULL);
	if (pid_fd < 0)
		return warn_rc(pid_fd, "run '%s'", argv[0]);
	drop_fd(&wr);
	while (out && (n = buf_fill(out, rd, 65536)) > 0)
		;
	rc = child_wait(pid_fd, -1, -1, &info);
	if (rc == 0 && n < 0)
		rc = (int)n;
	if (rc < 0)
		return warn_rc(rc, "run '%s'", argv[0]);
	if (child_status(&info) != 0) {
		warn_msg("'%s %s' ended with status %d", argv[0], argv[1] ? argv[1] : "",
			 child_status(&info));
		return -EIO;
	}
	return 0;
}
