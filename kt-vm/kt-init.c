/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-init - PID 1 of the guest: mounts, runs one command, passes its output and status out. */
#include "beat.h"
#include "buf.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "frames.h"
#include "furnish.h"
#include "handover.h"
#include "mono.h"
#include "ports.h"
#include "pty.h"
#include "pump.h"
#include "request.h"
#include "sig.h"
#include "unique.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

static const char help[] = "Usage: kt-init\n"
			   "PID 1 of a guest that kt-vm has started; of no use elsewhere.\n"
			   "\n"
			   "  -h, --help     print this help\n"
			   "  -V, --version  print the version\n";

#define PRIORITY 50

struct init {
	struct request req;
	int port[N_PORTS];
	int frames_in; /* port the host's frames come on, borrowed */
	struct buf in; /* part of a frame */
	int sig_fd, tick_fd;
	struct unique unique;
	struct pump in_pump, out_pump, err_pump;
	struct pty pty;
	struct child_stub *stub; /* what becomes the command */
	int pipe[3][2]; /* its standard input, output and error */
	pid_t pid; /* of the command; -1: it could not be started */
	bool ended, bye;
	uint32_t exit_kind, exit_value;
	uint64_t t_init; /* CLOCK_MONOTONIC when we began */
	uint64_t peak; /* bytes of memory in use, the most that was seen */
};

/* There is nobody above to return to: say why and end the machine. The host takes the power-off
 * without an exit frame for what it is. */
__attribute__((noreturn)) static void power_off(void)
{
	sync();
	(void)reboot(RB_POWER_OFF);
	warn_rc(-errno, "power off");
	for (;;)
		pause();
}

__attribute__((noreturn)) static void give_up(int rc, const char *what)
{
	warn_rc(rc, "%s", what);
	power_off();
}

/* Real-time, so that neither a busy guest nor the scheduler under test holds back the output or
 * makes a living guest look dead; what we start is normal again. */
static void be_real_time(void)
{
	struct sched_param sp = { .sched_priority = PRIORITY };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &sp) < 0)
		warn_rc(-errno, "become SCHED_FIFO");
}

/* Frames are few and small: wait until the port has taken the whole. */
static void send_frame(const struct init *it, enum frame_type type, const void *p, uint32_t len)
{
	uint8_t buf[FRAME_HEAD + FRAME_MAX];
	size_t n = frame_make(buf, type, p, len), at = 0;
	struct pollfd pf = { .fd = it->port[PORT_CTL], .events = POLLOUT };

	while (at < n) {
		ssize_t w = write(pf.fd, buf + at, n - at);

		if (w > 0)
			at += (size_t)w;
		else if (w < 0 && errno != EAGAIN && errno != EINTR)
			give_up(-errno, "write to kt.ctl");
		else
			(void)poll(&pf, 1, -1);
	}
}

static void send_time(const struct init *it, enum frame_type type)
{
	uint8_t p[8];

	put_u64(p, mono_ns());
	send_frame(it, type, p, sizeof(p));
}

static void take_frame(struct init *it, const struct frame *f, bool *ret_hello)
{
	uint64_t wall;
	struct timespec ts;
	int rc;

	switch (f->type) {
	case FRAME_HELLO:
		wall = get_u64(f->data);
		ts.tv_sec = (time_t)(wall / NSEC_PER_SEC);
		ts.tv_nsec = (long)(wall % NSEC_PER_SEC);
		if (clock_settime(CLOCK_REALTIME, &ts) < 0)
			warn_rc(-errno, "set the clock");
		*ret_hello = true;
		break;
	case FRAME_STDIN_EOF:
		it->in_pump.limit = get_u64(f->data);
		break;
	case FRAME_SIGNAL:
		if (!it->ended && it->pid > 0 && kill(-it->pid, (int)get_u32(f->data)) < 0)
			warn_rc(-errno, "signal the command");
		break;
	case FRAME_WINSIZE:
		rc = pty_resize(&it->pty, get_u32(f->data), get_u32(f->data + 4));
		if (rc < 0)
			warn_rc(rc, "set the terminal's size");
		break;
	case FRAME_BYE:
		it->bye = true;
		break;
	default:
		warn_msg("unexpected frame '%c'", f->type);
	}
}

static void read_frames(struct init *it, bool *ret_hello)
{
	struct frame f;
	ssize_t n = buf_fill(&it->in, it->frames_in, 4096);
	int rc;

	if (n < 0 && n != -EAGAIN && n != -EINTR)
		give_up((int)n, "read the host's frames");
	while ((rc = frame_take(&it->in, &f)) > 0)
		take_frame(it, &f, ret_hello);
	if (rc < 0)
		give_up(rc, "read the host's frames");
}

/* One of the command's outputs: read while it has something, but give the other one its turn. */
static void pump_out(struct pump *p, const char *name)
{
	int rc = pump_step(p);

	if (rc == 0 && p->pos < p->len)
		rc = pump_step(p);
	if (rc < 0)
		give_up(rc, name);
}

static void pump_in(struct pump *p)
{
	int rc = pump_step(p);

	if (rc == -EPIPE || rc == -EIO)
		drop_fd(&p->to); /* the command has closed its input: the rest is for nobody */
	else if (rc < 0)
		give_up(rc, "pass standard input on");
	if (p->pos == p->len && p->total == p->limit) {
		p->from = -1; /* the port itself stays open */
		drop_fd(&p->to);
	}
}

static void drop_pipe(int p[2])
{
	close(p[0]);
	close(p[1]);
}

/* One terminal is all three of the command's. */
static int open_terminal(struct init *it, int *theirs)
{
	int rc = pty_open(&it->pty), i;

	if (rc < 0)
		return rc;
	for (i = 0; i < 3; i++)
		drop_pipe(it->pipe[i]);
	for (i = 0; i < 3; i++)
		if ((theirs[i] = fcntl(it->pty.slave, F_DUPFD_CLOEXEC, 3)) < 0)
			return -errno;
	it->in_pump.from = it->port[PORT_IN];
	it->in_pump.to = fcntl(it->pty.master, F_DUPFD_CLOEXEC, 3);
	it->out_pump.from = fcntl(it->pty.master, F_DUPFD_CLOEXEC, 3);
	return it->in_pump.to < 0 || it->out_pump.from < 0 ? -errno : 0;
}

/* Returns a descriptor, or -1 with errno. */
static int open_input(const struct request *req)
{
	int fd = req->stdin_file ? open(REQUEST_STDIN, O_RDONLY | O_CLOEXEC) : -1;

	return fd < 0 && (!req->stdin_file || errno == ENOENT)
		       ? open("/dev/null", O_RDONLY | O_CLOEXEC)
		       : fd;
}

/* Of no use when the command gets a terminal, or no input, which is not known yet. */
static int make_pipes(struct init *it)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (pipe2(it->pipe[i], O_CLOEXEC) < 0)
			return -errno;
		(void)fcntl(it->pipe[i][i == 0], F_SETFL, O_NONBLOCK); /* our end; it takes it */
	}
	return 0;
}

static int use_pipes(struct init *it, int *theirs)
{
	if (it->req.stdin_port) {
		it->in_pump.from = it->port[PORT_IN];
		it->in_pump.to = it->pipe[0][1];
		theirs[0] = it->pipe[0][0];
	} else {
		drop_pipe(it->pipe[0]);
		theirs[0] = open_input(&it->req);
	}
	it->out_pump.from = it->pipe[1][0];
	it->err_pump.from = it->pipe[2][0];
	theirs[1] = it->pipe[1][1];
	theirs[2] = it->pipe[2][1];
	return theirs[0] < 0 ? -errno : 0;
}

/* Start the command. A failure to execute it is its end. */
static int start(struct init *it)
{
	struct child_spec spec = { .argv = it->req.argv,
				   .own_group = !it->req.tty,
				   .terminal = it->req.tty };
	int i, rc;

	it->in_pump.limit = it->out_pump.limit = it->err_pump.limit = UINT64_MAX;
	it->out_pump.to = it->port[PORT_OUT];
	it->err_pump.to = it->port[PORT_ERR];
	rc = it->req.tty ? open_terminal(it, spec.stdio) : use_pipes(it, spec.stdio);
	if (rc < 0)
		return rc;
	if (chdir(it->req.cwd) < 0 && (mkdir(it->req.cwd, 0755) < 0 || chdir(it->req.cwd) < 0))
		return -errno;
	environ = it->req.envp; /* execvp() looks into its PATH */
	/* We learn of its end as the parent of everybody. */
	rc = child_stub_start(it->stub, &spec, &it->pid);
	for (i = 0; i < 3; i++)
		close(spec.stdio[i]);
	if (rc < 0) {
		drop_fd(&it->pty.slave);
		it->pid = -1;
		it->ended = true;
		it->exit_kind = EXIT_NO_EXEC;
		it->exit_value = (uint32_t)-rc;
	}
	return 0;
}

/* Collect whoever has ended. After the command itself everything else goes too: only then do the
 * pipes end, and what is left of the guest would have nobody to talk to. */
static void reap(struct init *it)
{
	int status;
	pid_t pid;

	while (sig_read(it->sig_fd) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != it->pid)
			continue;
		it->ended = true;
		it->exit_kind = WIFSIGNALED(status) ? EXIT_SIGNAL : EXIT_CODE;
		it->exit_value =
			(uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	/* Without a child of ours there is nobody. */
	if (it->ended && pid == 0 && kill(-1, SIGKILL) < 0 && errno != ESRCH)
		warn_rc(-errno, "end the command's children");
	if (it->ended)
		drop_fd(&it->pty.slave);
}

static void measure(struct init *it)
{
	struct sysinfo si;
	uint64_t used;

	if (sysinfo(&si) < 0)
		return;
	used = (si.totalram - si.freeram) * (uint64_t)si.mem_unit;
	if (used > it->peak)
		it->peak = used;
}

static void tick(struct init *it)
{
	uint64_t n;

	measure(it);
	if (read(it->tick_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		send_time(it, FRAME_TICK);
}

/* Everything there is to wait for, once. hello may be NULL. */
static void turn(struct init *it, bool *hello)
{
	enum {
		P_SIG,
		P_TICK,
		P_FRAMES,
		P_IN,
		P_OUT,
		P_ERR,
		N_P
	};
	struct pollfd p[N_P] = {
		[P_SIG] = { .fd = it->sig_fd, .events = POLLIN },
		[P_TICK] = { .fd = it->tick_fd, .events = POLLIN },
		[P_FRAMES] = { .fd = it->frames_in, .events = POLLIN },
	};
	bool seen = false;

	pump_poll(&it->in_pump, &p[P_IN]);
	pump_poll(&it->out_pump, &p[P_OUT]);
	pump_poll(&it->err_pump, &p[P_ERR]);
	if (poll(p, N_P, -1) < 0 && errno != EINTR)
		give_up(-errno, "poll");
	if (p[P_FRAMES].revents)
		read_frames(it, &seen);
	if (p[P_IN].revents || (it->in_pump.from >= 0 && it->in_pump.total == it->in_pump.limit) ||
	    (it->in_pump.to < 0 && it->in_pump.pos < it->in_pump.len))
		pump_in(&it->in_pump);
	if (p[P_OUT].revents)
		pump_out(&it->out_pump, "pass standard output on");
	if (p[P_ERR].revents)
		pump_out(&it->err_pump, "pass standard error on");
	if (p[P_TICK].revents)
		tick(it);
	if (p[P_SIG].revents)
		reap(it);
	if (hello)
		*hello = seen;
}

static void tell_exit(struct init *it)
{
	uint8_t p[32];

	measure(it);
	put_u32(p, it->exit_kind);
	put_u32(p + 4, it->exit_value);
	put_u64(p + 8, it->out_pump.total);
	put_u64(p + 16, it->err_pump.total);
	put_u64(p + 24, it->peak);
	send_frame(it, FRAME_EXIT, p, sizeof(p));
}

/* All that is the same for every command, so that it is there already in a machine that is
 * continued: of what begin() does each step costs there. */
static int prepare(struct init *it)
{
	static const int extra[] = { SIGCHLD, 0 };
	int busybox = furnish_rest(), rc = ports_open(it->port);
	sigset_t old;

	if (rc < 0)
		return warn_rc(rc, "open the virtio ports");
	furnish_done(busybox);
	rc = unique_open(&it->unique);
	if (rc < 0)
		return warn_rc(rc, "open what differs between machines");
	/* The first seed of all makes the kernel patch its code and say so: let that be in the
	 * saved machine. Every run has its own seed, see begin(). */
	rc = unique_seed(&it->unique, "ktstr");
	if (rc < 0)
		warn_rc(rc, "seed the random pool");
	it->sig_fd = sig_block(extra, &old);
	if (it->sig_fd < 0)
		return warn_rc(it->sig_fd, "set up signals");
	it->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (it->tick_fd < 0)
		return warn_rc(-errno, "set up the tick");
	be_real_time();
	rc = make_pipes(it);
	if (rc < 0)
		return warn_rc(rc, "make the command's pipes");
	it->stub = child_stub();
	return it->stub ? 0 : warn_rc(-errno, "make the command's process");
}

/* What this run is to do, and what must differ from that of others. */
static int begin(struct init *it)
{
	struct itimerspec each = { { 1, 0 }, { 1, 0 } };
	int rc = request_parse(&it->req);

	if (rc < 0)
		return warn_rc(rc, "understand the request");
	if (it->req.seed && (rc = unique_seed(&it->unique, it->req.seed)) < 0)
		return warn_rc(rc, "seed the random pool");
	rc = unique_machine_id(&it->unique);
	if (rc < 0)
		warn_rc(rc, "write '/etc/machine-id'");
	it->frames_in = it->port[it->req.virt ? PORT_IN : PORT_CTL];
	if (it->req.virt && (rc = beats_start(PRIORITY)) < 0)
		warn_rc(rc, "start the beats");
	if (timerfd_settime(it->tick_fd, 0, &each, NULL) < 0)
		return warn_rc(-errno, "set up the tick");
	return 0;
}

static void before_park(void *arg)
{
	send_frame(arg, FRAME_PARK, NULL, 0);
}

static void tell_ready(const struct init *it)
{
	uint8_t p[16];

	put_u64(p, mono_ns());
	put_u64(p + 8, it->t_init);
	send_frame(it, FRAME_READY, p, sizeof(p));
}

static void tell_release(const struct init *it)
{
	char p[FRAME_MAX] = "";
	struct utsname u;

	(void)uname(&u); /* cannot fail */
	memcpy(p, u.release, strnlen(u.release, sizeof(p)));
	send_frame(it, FRAME_RELEASE, p, sizeof(p));
}

static void run(struct init *it)
{
	bool hello = it->req.virt;
	int rc;

	if (it->req.tty)
		tell_release(it);
	tell_ready(it);
	while (!hello)
		turn(it, &hello);
	send_time(it, FRAME_STARTED);
	rc = start(it);
	if (rc < 0)
		give_up(rc, "start the command");
	while (!it->ended || !pump_eof(&it->out_pump) || !pump_eof(&it->err_pump))
		turn(it, NULL);
	tell_exit(it);
	while (!it->bye && !it->req.virt)
		turn(it, NULL);
}

int main(int argc, char *argv[])
{
	static struct init it = { /* too large for the stack that PID 1 starts with */
				  .in_pump = { -1, -1 },
				  .out_pump = { -1, -1 },
				  .err_pump = { -1, -1 },
				  .pty = { -1, -1 }
	};

	if (getpid() != 1) {
		if (argc == 2 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
			return print_version();
		if (argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
			return print_help(help);
		die_usage("this is PID 1 of a guest");
	}
	program_invocation_short_name = (char[]){ "kt-init" }; /* the kernel calls us init */
	it.t_init = mono_ns();
	if (furnish_mounts() < 0)
		power_off();
	(void)setsid(); /* fails only for the leader of a group, who has a session already */
	if (prepare(&it) == 0 && handover(before_park, &it, &it.req.text) == 0 && begin(&it) == 0)
		run(&it);
	power_off();
}
