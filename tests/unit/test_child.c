// SPDX-License-Identifier: GPL-2.0-or-later
/* Starting programs: by a fork, and by a process that has waited for it. */
#include "child.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct result {
	int rc, status;
	bool left; /* a child that was not waited for */
	char out[256];
};

/* Its files and its directory are those of the moment it is started. */
static struct result run(bool stub, char *prog)
{
	char *argv[] = { prog, (char[]){ "-c" },
			 (char[]){ "read x; echo $x; pwd; ls /proc/self/fd | wc -l; exit 3" },
			 NULL };
	struct child_stub *s = stub ? child_stub() : NULL;
	struct child_spec spec = { .argv = argv };
	struct result r = { .status = -1 };
	int in[2], out[2];
	pid_t pid = -1;
	ssize_t n;

	if ((stub && !s) || chdir("/usr") < 0 || pipe2(in, O_CLOEXEC) < 0 ||
	    pipe2(out, O_CLOEXEC) < 0 || write(in[1], "a line\n", 7) != 7)
		exit(1);
	spec.stdio[0] = in[0];
	spec.stdio[1] = out[1];
	spec.stdio[2] = -1;
	r.rc = stub ? child_stub_start(s, &spec, &pid) : child_start(&spec, &pid);
	close(out[1]);
	if (r.rc == 0)
		(void)waitpid(pid, &r.status, 0);
	r.left = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
	n = read(out[0], r.out, sizeof(r.out) - 1);
	r.out[n > 0 ? n : 0] = '\0';
	close(out[0]);
	close(in[0]);
	close(in[1]);
	if (chdir("/") < 0)
		exit(1);
	return r;
}

static void both(const char *name, int want_rc, int want_status, const char *want_start)
{
	char *prog = strdup(name);
	struct result forked = run(false, prog), stub = run(true, prog);

	ok(forked.rc == want_rc && stub.rc == want_rc, "%s: %d and %d", name, forked.rc, stub.rc);
	ok(forked.status == want_status && stub.status == want_status, "%s: its status", name);
	ok(!forked.left && !stub.left, "%s: no process is left", name);
	ok(strncmp(forked.out, want_start, strlen(want_start)) == 0, "%s: its output", name);
	ok_str(stub.out, forked.out, "%s: the same", name);
	free(prog);
}

/* Nobody else would ever wake it. It has the pipe open as long as it is there. */
static void ends_with_its_creator(void)
{
	int p[2];
	struct pollfd pf = { .events = POLLIN };
	pid_t parent;
	char c;

	if (pipe(p) < 0 || (parent = fork()) < 0)
		exit(1);
	if (parent == 0) {
		(void)!write(p[1], child_stub() ? "y" : "n", 1);
		pause();
	}
	close(p[1]);
	pf.fd = p[0];
	ok(read(p[0], &c, 1) == 1 && c == 'y' && poll(&pf, 1, 100) == 0, "it waits");
	(void)kill(parent, SIGKILL);
	(void)waitpid(parent, NULL, 0);
	ok(poll(&pf, 1, 10000) == 1 && read(p[0], &c, 1) == 0, "and ends with who made it");
	close(p[0]);
}

int main(void)
{
	both("/bin/sh", 0, 3 << 8, "a line\n/usr\n");
	both("sh", 0, 3 << 8, "a line\n/usr\n");
	both("/no/such/program", -ENOENT, -1, "");
	both("/etc/passwd", -EACCES, -1, "");
	ends_with_its_creator();
	return tap_done();
}
