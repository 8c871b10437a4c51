// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds a lock: lines of /proc, and real locks. */
#include "holders.h"
#include "plocks.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void lines(void)
{
	struct plocks_line l = { 0 };
	struct plocks_mount m;

	ok(plocks_parse("1: FLOCK  ADVISORY  WRITE 30620 fe:00:10952719 0 EOF\nx", &l) == 0 &&
		   l.pid == 30620 && l.exclusive && !l.waiting && l.major == 0xfe && l.minor == 0 &&
		   l.ino == 10952719,
	   "a lock");
	ok(plocks_parse("12:  -> FLOCK  ADVISORY  READ 7 103:1a:18446744073709551615 0 EOF", &l) ==
			   0 &&
		   l.waiting && !l.exclusive && l.major == 0x103 && l.minor == 0x1a &&
		   l.ino == UINT64_MAX,
	   "one who waits, a long device, the highest inode");
	ok(plocks_parse("1: FLOCK  ADVISORY  WRITE 0 00:2e:9 0 EOF", &l) == 0 && l.pid == 0,
	   "a holder of another pid namespace");
	ok(plocks_parse("2: POSIX  ADVISORY  WRITE 1 08:02:22 0 EOF", &l) == -ENOMSG &&
		   plocks_parse("2: OFDLCK ADVISORY  WRITE -1 08:02:22 0 EOF", &l) == -ENOMSG &&
		   plocks_parse("2: LEASE  ACTIVE    READ 1 08:02:22 0 EOF", &l) == -ENOMSG &&
		   plocks_parse("2: FLOCK  ADVISORY  WRITE -5 08:02:22 0 EOF", &l) == -ENOMSG &&
		   plocks_parse("2: FLOCK  ADVISORY  WRITE 5 <none>:0 0 EOF", &l) == -ENOMSG,
	   "locks of other kinds");
	l.pid = 99;
	ok(plocks_parse("", &l) == -EINVAL && plocks_parse("FLOCK", &l) == -EINVAL &&
		   plocks_parse("1:", &l) == -EINVAL && plocks_parse("1: ->", &l) == -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE", &l) == -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE x 08:02:22 0 EOF", &l) == -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE 5", &l) == -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE 5 08:02", &l) == -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE 5 08:02:2x 0 EOF", &l) == -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE 99999999999 08:02:2 0 EOF", &l) ==
			   -EINVAL &&
		   plocks_parse("1: FLOCK ADVISORY WRITE 5 08:02:18446744073709551616 0 EOF", &l) ==
			   -EINVAL &&
		   l.pid == 99,
	   "what is no line of that file changes nothing");
	ok(plocks_fdinfo("pos:\t0\nflags:\t0100001\nmnt_id:\t27\nino:\t5\n"
			 "lock:\t1: POSIX  ADVISORY  WRITE 9 fe:00:5 0 EOF\n"
			 "lock:\t2: FLOCK  ADVISORY  READ 8 fe:00:5 0 EOF\n",
			 &l) == 1 &&
		   l.pid == 8 && !l.exclusive,
	   "the flock among the locks of a descriptor");
	ok(plocks_fdinfo("pos:\t0\nlock:\t1: POSIX  ADVISORY  WRITE 9 fe:00:5 0 EOF\n", &l) == 0 &&
		   plocks_fdinfo("", &l) == 0,
	   "a descriptor without one");
	ok(plocks_mount("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n", &m) ==
			   0 &&
		   m.id == 36 && m.major == 98 && m.minor == 0 && !m.overlay,
	   "a mount");
	ok(plocks_mount("40 35 0:52 / /m/a\\040b rw shared:1 master:2 - overlay none rw", &m) ==
			   0 &&
		   m.overlay && m.minor == 52,
	   "an overlay, with optional fields");
	ok(plocks_mount("40 35 0:52 / /m rw", &m) == -EINVAL && plocks_mount("", &m) == -EINVAL &&
		   plocks_mount("40 35 x / /m rw - ext4 a rw", &m) == -EINVAL,
	   "what is no mount");
}

/* ---- real locks ---- */

enum how {
	HOLD, /* the process itself */
	LEAVE, /* its child, after its own end */
};

/* A child that locks the file and ends by SIGKILL, or after a minute. *ret_holder is who has the
 * lock in the end. */
static pid_t start(const char *path, int op, enum how how, pid_t *ret_holder)
{
	int from[2], fd;
	pid_t pid, holder = 0;

	if (pipe2(from, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || flock(fd, op) < 0)
			_exit(1);
		if (how == LEAVE && fork() != 0)
			_exit(0);
		(void)alarm(60);
		holder = getpid();
		if (write(from[1], &holder, sizeof(holder)) != sizeof(holder))
			_exit(1);
		for (;;)
			(void)pause();
	}
	close(from[1]);
	if (pid < 0 || read(from[0], &holder, sizeof(holder)) != sizeof(holder))
		abort();
	close(from[0]);
	if (how == LEAVE)
		(void)waitpid(pid, NULL, 0); /* its number is free from now on */
	*ret_holder = holder;
	return pid;
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void held(const char *path)
{
	struct holders f = { .path = path };
	char text[HOLDERS_TEXT], want[64];
	int n;
	pid_t a, b, w, pid;

	ok(holders_find(&f, 1) == 0 && f.err == 0 && f.n_holders == 0 && f.n_waiters == 0,
	   "a file that nobody holds");
	ok_str(holders_text(&f, text, sizeof(text)), "nobody any more", "and in words");
	holders_free(&f, 1);

	pid = start(path, LOCK_EX, HOLD, &a);
	ok(holders_find(&f, 1) == 0 && f.n_holders == 1 && f.holder[0].pid == a &&
		   f.holder[0].exclusive && !f.holder[0].ended && f.holder[0].comm[0] &&
		   f.holder[0].cmdline[0] && strlen(f.holder[0].start) == 23,
	   "an exclusive holder, its name, command line and start");
	(void)snprintf(want, sizeof(want), "pid %d (", (int)a);
	ok(strncmp(holders_text(&f, text, sizeof(text)), want, strlen(want)) == 0, "in words: %s",
	   text);
	holders_free(&f, 1);

	w = fork();
	if (w == 0) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		_exit(fd < 0 || flock(fd, LOCK_SH) < 0);
	}
	for (n = 0; n < 500; n++) { /* until it waits */
		if (holders_find(&f, 1) == 0 && f.n_waiters == 1)
			break;
		holders_free(&f, 1);
		(void)poll(NULL, 0, 10);
	}
	ok(f.n_holders == 1 && f.n_waiters == 1 && f.holder[0].pid == a && f.holder[1].pid == w &&
		   f.holder[1].waiting && !f.holder[1].exclusive,
	   "one who waits for it comes behind");
	holders_free(&f, 1);
	end(pid);
	(void)waitpid(w, NULL, 0); /* it has it, and ends */

	pid = start(path, LOCK_SH, HOLD, &a);
	w = start(path, LOCK_SH, HOLD, &b);
	ok(holders_find(&f, 1) == 0 && f.n_holders == 2 && f.holder[0].pid < f.holder[1].pid &&
		   (f.holder[0].pid == a || f.holder[1].pid == a) &&
		   (f.holder[0].pid == b || f.holder[1].pid == b) && !f.holder[0].exclusive,
	   "two who share it, by pid");
	holders_free(&f, 1);
	end(pid);
	end(w);

	(void)start(path, LOCK_EX, LEAVE, &a);
	ok(holders_find(&f, 1) == 0 && f.n_holders == 1 && f.holder[0].pid == a &&
		   f.holder[0].exclusive && !f.holder[0].ended && f.route == HOLDERS_FDINFO,
	   "a child to whom a process has left it, found by its descriptor");
	holders_free(&f, 1);
	end(a);
	for (n = 0; n < 500; n++) { /* it is nobody's child here */
		if (holders_find(&f, 1) < 0 || f.n_holders == 0)
			break;
		holders_free(&f, 1);
		(void)poll(NULL, 0, 10);
	}
	ok(f.n_holders == 0, "and then nobody");
	holders_free(&f, 1);
}

/* Several files at once, in any order, one of them under two names, one that is not there. */
static void many(const char *dir)
{
	char path[4][PATH_MAX];
	struct holders f[4] = { 0 };
	int i;
	pid_t a, b, p, q;

	for (i = 0; i < 4; i++) {
		(void)snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
		f[i].path = path[i];
	}
	close(open(path[2], O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	close(open(path[0], O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	if (link(path[2], path[1]) < 0)
		abort();
	p = start(path[0], LOCK_SH, HOLD, &a);
	q = start(path[2], LOCK_EX, HOLD, &b);
	ok(holders_find(f, 4) == 0 && f[0].n_holders == 1 && f[0].holder[0].pid == a &&
		   !f[0].holder[0].exclusive && f[1].n_holders == 1 && f[1].holder[0].pid == b &&
		   f[2].n_holders == 1 && f[2].holder[0].pid == b && f[2].holder[0].exclusive,
	   "of many files each has its own holders, under all its names");
	ok(f[3].err == -ENOENT && f[3].n_holders == 0, "and one that is not there has none");
	holders_free(f, 4);
	end(p);
	end(q);
	ok(holders_find(f, 0) == 0, "no file at all is fine");
	for (i = 0; i < 3; i++)
		(void)unlink(path[i]);
}

static void words(void)
{
	struct holder h[6] = {
		{ .pid = 1, .comm = "a", .cmdline = "a\nb" },
		{ .pid = 2, .comm = "kworker/0" },
		{ .pid = 0 },
		{ .pid = 4, .ended = true, .comm = "x" },
		{ .pid = 5 },
		{ .pid = 6 },
	};
	struct holders f = { .holder = h, .n_holders = 6 };
	char text[HOLDERS_TEXT], small[12];

	ok_str(holders_text(&f, text, sizeof(text)),
	       "pid 1 (a?b), pid 2 (kworker/0), a process that cannot be seen from here, pid 4 "
	       "(ended; "
	       "its children may have it) and 2 more",
	       "holders in words");
	ok_str(holders_text(&f, small, sizeof(small)), "pid 1 (a?b)", "cut to the room there is");
	ok_str(holders_text_of("/nonexistent/file", text, sizeof(text)),
	       "unknown (No such file or directory)", "of a file that is not there");
}

int main(void)
{
	char dir[] = "/tmp/kt-test-XXXXXX", path[PATH_MAX];

	if (!mkdtemp(dir))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	lines();
	held(path);
	many(dir);
	words();
	(void)unlink(path);
	ok(rmdir(dir) == 0, "nothing is left");
	return tap_done();
}
