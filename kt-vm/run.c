/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of one machine. */
#include "cleanup.h"
#include "die.h"
#include "mono.h"
#include "out.h"
#include "perf_host.h"
#include "sig.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#define LOOK_NS (10 * NSEC_PER_MSEC) /* how often files are looked at: see machine.h */
#define SAMPLE_NS (200 * NSEC_PER_MSEC)
#define BACKLOG_STOP (64 << 20) /* QEMU is stopped while this much waits for our reader */
#define BACKLOG_CONT (8 << 20)

static void to_guest(struct vm *v, enum frame_type type, const void *p, uint32_t len)
{
	uint8_t buf[FRAME_HEAD + FRAME_MAX];
	size_t n = frame_make(buf, type, p, len);
	int fd = v->o->spec.virt ? v->m.in_fd : v->m.ctl.fd;

	if (send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n || errno == EPIPE)
		return;
	if (errno == EAGAIN && type == FRAME_WINSIZE)
		v->resize = true; /* later: of the many of a window that is drawn the last counts */
	else
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "the guest takes no messages: %s",
			  strerror(errno));
}

static void to_guest_u64(struct vm *v, enum frame_type type, uint64_t val)
{
	uint8_t p[8];

	put_u64(p, val);
	to_guest(v, type, p, sizeof(p));
}

static void tell_size(struct vm *v)
{
	uint32_t rows, cols;
	uint8_t p[8];

	v->resize = false;
	term_size(&v->o->shell->term, &rows, &cols);
	put_u32(p, rows);
	put_u32(p + 4, cols);
	to_guest(v, FRAME_WINSIZE, p, sizeof(p));
}

static void terminal_rc(struct vm *v, int rc)
{
	if (rc < 0)
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "set up the terminal: %s",
			  strerror(-rc));
}

static void on_terminal(struct vm *v)
{
	int rc = term_signals(&v->o->shell->term);

	terminal_rc(v, rc);
	v->resize = v->resize || rc > 0;
}

static void on_signal(struct vm *v)
{
	int s = sig_read(v->o->sig_fd);
	uint8_t p[4];

	if (s == 0)
		return;
	/* What the guest's shell is to get the person types; who signals us means us. */
	if (v->phase == RUNNING && v->signo == 0 && !v->o->shell) {
		v->signo = s;
		v->t_signal = mono_ns();
		put_u32(p, (uint32_t)s);
		to_guest(v, FRAME_SIGNAL, p, sizeof(p));
		return;
	}
	vm_finish(v, VM_HOST_ERROR, 128 + s, "ended by SIG%s", sigabbrev_np(s));
	queue_drop(&v->to_stdout); /* nor does a slow reader hold us */
	queue_drop(&v->to_stderr);
}

static void on_frame(struct vm *v, const struct frame *f)
{
	struct timespec ts;

	v->t_frame = mono_ns();
	v->cpu_frame = machine_cpu_ns(&v->m);
	v->silent_ns = v->idle_ns = 0;
	v->usage.nudges += v->nudges;
	v->nudges = 0;
	switch (f->type) {
	case FRAME_RELEASE:
		memcpy(v->release, f->data, FRAME_MAX);
		return;
	case FRAME_READY:
		guest_clock_add(&v->clock, get_u64(f->data), v->t_frame);
		v->phase = READY;
		v->end->ready = true;
		v->usage.ready_ns = v->t_frame - v->t_start;
		v->usage.kernel_ns = get_u64(f->data + 8);
		v->usage.init_ns = get_u64(f->data) - v->usage.kernel_ns;
		vm_write_meta(v);
		if (v->o->spec.virt)
			return;
		if (v->o->records && !v->o->spec.perf && qmp_ask_vcpus(&v->qmp) < 0)
			vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "QEMU takes no questions");
		if (v->o->shell) { /* the guest waits for hello: this is before its first byte */
			terminal_rc(v, shell_begin(v->o->shell, &v->o->spec, v->release));
			tell_size(v);
		}
		(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
		to_guest_u64(v, FRAME_HELLO,
			     (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec);
		return;
	case FRAME_PARK:
		return; /* and is not stopped */
	case FRAME_STARTED:
		guest_clock_add(&v->clock, get_u64(f->data), v->t_frame);
		v->phase = RUNNING;
		v->t_started = v->t_frame;
		return;
	case FRAME_TICK:
		guest_clock_add(&v->clock, get_u64(f->data), v->t_frame);
		return;
	case FRAME_EXIT:
		v->phase = EXITED;
		v->t_exit = v->t_frame;
		v->exit_kind = get_u32(f->data);
		v->exit_value = get_u32(f->data + 4);
		v->out_bytes = get_u64(f->data + 8);
		v->err_bytes = get_u64(f->data + 16);
		v->usage.guest_peak = get_u64(f->data + 24);
		v->usage.command_ns = v->t_frame - v->t_started;
		if (v->o->records)
			usage_take(&v->usage, v->m.pid);
		return;
	default:
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "unexpected frame '%c' from the guest",
			  f->type);
	}
}

/* Read once from a source. Returns bytes, 0 when there is nothing (now, or any more). */
static size_t take(struct vm *v, struct source *s, char *buf, size_t cap)
{
	ssize_t n = source_read(&v->m, s, buf, cap);

	if (n < 0)
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "read from QEMU: %s",
			  strerror((int)-n));
	return n < 0 ? 0 : (size_t)n;
}

static void read_ctl(struct vm *v)
{
	char buf[4096];
	size_t n;
	struct frame f;
	int rc = 0;

	while (rc == 0 && (n = take(v, &v->m.ctl, buf, sizeof(buf))) > 0) {
		if (buf_add(&v->frames, buf, n) < 0)
			rc = -ENOMEM;
		while (rc == 0 && (rc = frame_take(&v->frames, &f)) > 0) {
			on_frame(v, &f);
			rc = 0;
		}
	}
	if (rc < 0)
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "frames of the guest: %s",
			  strerror(-rc));
}

static void on_console(struct vm *v, const char *p, size_t n)
{
	int rc;

	console_feed(&v->console, p, n);
	if (v->o->dmesg)
		queue_add(&v->to_stderr, p, n);
	if (v->o->console_fd < 0 || v->console_cut)
		return;
	rc = out_all(v->o->console_fd, p, n);
	if (rc < 0) {
		v->console_cut = true;
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "write the console: %s", strerror(-rc));
	}
}

static void read_serial(struct vm *v)
{
	char buf[16 << 10];
	size_t n;

	while ((!v->o->dmesg || !queue_full(&v->to_stderr)) &&
	       (n = take(v, &v->m.serial, buf, sizeof(buf))) > 0)
		on_console(v, buf, n);
}

static void read_output(struct vm *v, struct source *s, struct queue *q)
{
	char buf[64 << 10];
	size_t n;

	while (!queue_full(q) && (n = take(v, s, buf, sizeof(buf))) > 0)
		queue_add(q, buf, n);
}

/* The person has left, or their terminal has gone: nothing is waited for any more. */
static void left(struct vm *v, bool hangup)
{
	if (hangup)
		vm_finish(v, VM_HOST_ERROR, 128 + SIGHUP, "the terminal has gone");
	else
		vm_finish(v, VM_OK, KT_OK, "%s", "");
	queue_drop(&v->to_stdout);
	queue_drop(&v->to_stderr);
}

/* Standard input into the guest, one buffer full at a time. */
static void stdin_step(struct vm *v)
{
	ssize_t n;

	if (v->in.len == 0 && !v->in_eof) {
		n = v->o->shell ? shell_read(v->o->shell, &v->in)
				: buf_fill(&v->in, v->o->stdin_fd, 64 << 10);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (v->o->shell && (n == 0 || n == -ECANCELED)) {
			left(v, n == 0);
			return;
		}
		if (n < 0)
			vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "read standard input: %s",
				  strerror((int)-n));
		else
			v->in_total += (uint64_t)n;
		v->in_eof = n <= 0;
	}
	if (v->in.len > 0) {
		n = send(v->m.in_fd, v->in.p, v->in.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_drop(&v->in, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			v->in_eof = v->in_told = true; /* QEMU has gone, which others handle */
	}
	if (v->in.len == 0 && v->in_eof && !v->in_told) {
		v->in_told = true;
		to_guest_u64(v, FRAME_STDIN_EOF, v->in_total);
	}
}

/* Stop QEMU while our reader is far behind: in virtual time the guest does not notice. */
static void backlog(struct vm *v)
{
	struct stat out, err;
	uint64_t waits;
	bool stop;

	if (!v->o->spec.virt || v->m.gone || fstat(v->m.out.fd, &out) < 0 ||
	    fstat(v->m.err.fd, &err) < 0)
		return;
	waits = (uint64_t)out.st_size - v->m.out.got + (uint64_t)err.st_size - v->m.err.got;
	stop = waits > (v->stopped ? BACKLOG_CONT : BACKLOG_STOP);
	if (stop != v->stopped &&
	    pidfd_send_signal(v->m.pid_fd, stop ? SIGSTOP : SIGCONT, NULL, 0) == 0)
		v->stopped = stop;
}

static bool drained(const struct vm *v)
{
	return v->m.serial.ended && v->m.ctl.ended && v->m.out.ended && v->m.err.ended;
}

/* The timer has gone off n times since we last looked. */
static void on_timer(struct vm *v, uint64_t n)
{
	uint64_t now = mono_ns(), late = now > v->t_timer ? now - v->t_timer : 0;
	struct queue *q = &v->to_stdout;

	v->t_timer += n * v->each;
	if (v->o->records && !v->o->spec.virt && v->phase == RUNNING && v->qmp.n_tids > 0)
		queue_record(q, sample_write(&q->w, &v->clock, now, late, v->m.pid, v->qmp.tids,
					     v->qmp.n_tids));
}

static void on_qmp(struct vm *v)
{
	bool greeted = v->qmp.version[0], known = v->qmp.n_tids > 0;
	int rc = qmp_read(&v->qmp);

	if (v->o->spec.perf && !greeted && v->qmp.version[0] && qmp_ask_vcpus(&v->qmp) < 0)
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "QEMU takes no questions");
	if (v->o->spec.perf && !known && v->qmp.n_tids > 0)
		perf_host_apply(v->o->spec.perf, v->qmp.tids, v->qmp.n_tids);
	if (rc == 0)
		drop_fd(&v->m.qmp_fd);
	if (v->qmp.moving == QMP_MOVED && !v->going) {
		v->going = true;
		rc = qmp_go(&v->qmp);
	}
	if (v->qmp.moving == QMP_NOT_MOVED || (rc < 0 && rc != -EAGAIN && !v->end->ready))
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "QEMU: %s",
			  v->qmp.error[0] ? v->qmp.error : "it could not load the state");
}

/* The command has ended and all that it has said is here. How its machine powers off is of interest
 * only to who looks at the console. */
static void on_last_byte(struct vm *v)
{
	if (!v->o->dmesg && v->o->console_fd < 0) {
		v->bye = true;
		machine_kill(&v->m);
	} else if (!v->o->spec.virt && queue_empty(&v->to_stdout) && queue_empty(&v->to_stderr)) {
		v->bye = true;
		v->t_exit = mono_ns();
		to_guest(v, FRAME_BYE, NULL, 0);
	}
}

static void turn(struct vm *v)
{
	enum {
		P_SIG,
		P_TERMINAL,
		P_QEMU,
		P_TIMER,
		P_QMP,
		P_SAYS,
		P_CTL,
		P_SERIAL,
		P_OUT,
		P_ERR,
		P_STDIN,
		P_STDOUT,
		P_STDERR,
		N_P
	};
	struct pollfd p[N_P] = {
		[P_SIG] = { v->o->sig_fd, POLLIN, 0 },
		[P_TERMINAL] = { v->o->shell ? v->o->shell->term.sig_fd : -1, POLLIN, 0 },
		[P_QEMU] = { v->m.gone ? -1 : v->m.pid_fd, POLLIN, 0 },
		[P_TIMER] = { v->timer_fd, POLLIN, 0 },
		[P_QMP] = { v->m.qmp_fd, POLLIN, 0 },
		[P_SAYS] = { v->m.says_fd, POLLIN, 0 },
		[P_CTL] = { v->m.ctl.file || v->m.ctl.ended ? -1 : v->m.ctl.fd, POLLIN, 0 },
		[P_SERIAL] = { v->m.serial.file || v->m.serial.ended ||
					       (v->o->dmesg && queue_full(&v->to_stderr))
				       ? -1
				       : v->m.serial.fd,
			       POLLIN, 0 },
		[P_OUT] = { v->m.out.file || v->m.out.ended || queue_full(&v->to_stdout)
				    ? -1
				    : v->m.out.fd,
			    POLLIN, 0 },
		[P_ERR] = { v->m.err.file || v->m.err.ended || queue_full(&v->to_stderr)
				    ? -1
				    : v->m.err.fd,
			    POLLIN, 0 },
		[P_STDIN] = { -1, POLLIN, 0 },
	};
	uint64_t n;

	if (v->o->stdin_fd >= 0 && v->phase == RUNNING && !v->in_told) {
		p[P_STDIN].fd = v->in.len > 0 ? v->m.in_fd : v->o->stdin_fd;
		p[P_STDIN].events = v->in.len > 0 ? POLLOUT : POLLIN;
	}
	queue_poll(&v->to_stdout, &p[P_STDOUT]);
	queue_poll(&v->to_stderr, &p[P_STDERR]);
	if (poll(p, N_P, -1) < 0 && errno != EINTR) {
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "poll: %s", strerror(errno));
		return;
	}
	if (p[P_TERMINAL].revents)
		on_terminal(v);
	if (v->resize)
		tell_size(v);
	if (p[P_TIMER].revents && read(v->timer_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		on_timer(v, n);
	if (p[P_STDOUT].revents)
		queue_step(&v->to_stdout, p[P_STDOUT].revents);
	if (p[P_STDERR].revents)
		queue_step(&v->to_stderr, p[P_STDERR].revents);
	if (v->to_stdout.err && v->o->shell)
		left(v, true);
	else if (v->to_stdout.err && !v->decided)
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "write standard output: %s",
			  strerror(-v->to_stdout.err));
	if (p[P_QMP].revents)
		on_qmp(v);
	if (v->qmp.version[0] && v->usage.qemu_ns == 0)
		v->usage.qemu_ns = mono_ns() - v->t_start;
	if (p[P_SAYS].revents)
		machine_hear(&v->m);
	if (p[P_QEMU].revents)
		machine_reap(&v->m);
	read_ctl(v);
	read_serial(v);
	read_output(v, &v->m.out, &v->to_stdout);
	read_output(v, &v->m.err, &v->to_stderr);
	if (p[P_STDIN].revents)
		stdin_step(v);
	if (p[P_SIG].revents)
		on_signal(v);
	backlog(v);
	if (v->phase == EXITED && !v->bye && vm_all_there(v))
		on_last_byte(v);
	vm_deadlines(v);
}

static void vm_free(struct vm *v)
{
	machine_free(&v->m);
	drop_fd(&v->timer_fd);
	buf_free(&v->frames);
	buf_free(&v->in);
	qmp_free(&v->qmp);
	usage_free(&v->usage);
	queue_free(&v->to_stdout);
	queue_free(&v->to_stderr);
	free(v);
}

/* Is there anything left to wait for? Once it is decided, a reader that does not read holds us no
 * longer than VM_GRACE_NS. */
static bool over(const struct vm *v)
{
	if (!v->m.gone)
		return false;
	if (drained(v) && queue_empty(&v->to_stdout) && queue_empty(&v->to_stderr))
		return true;
	return v->decided && mono_ns() - v->t_stop > VM_GRACE_NS;
}

static struct vm *vm_new(const struct vm_opts *o, struct vm_end *ret)
{
	struct vm *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	*ret = (struct vm_end){ 0 };
	v->o = o;
	v->end = ret;
	machine_init(&v->m, o->spec.virt);
	v->timer_fd = -1;
	queue_init(&v->to_stdout, STDOUT_FILENO, o->records);
	queue_init(&v->to_stderr, STDERR_FILENO, false);
	if (o->earlier)
		on_console(v, o->earlier->p, o->earlier->len);
	return v;
}

int vm_refuse(const struct vm_opts *o, struct vm_end *ret, enum vm_outcome outcome, int status,
	      const char *fmt, ...)
{
	struct vm *v = vm_new(o, ret);
	va_list ap;

	if (!v)
		return warn_rc(-ENOMEM, "start a machine");
	v->m.gone = true;
	va_start(ap, fmt);
	(void)vsnprintf(ret->reason, sizeof(ret->reason), fmt, ap); /* cut off it still helps */
	va_end(ap);
	ret->outcome = outcome;
	ret->status = status;
	vm_write_end(v, 0);
	queue_drain(&v->to_stdout, o->sig_fd, -1);
	vm_tell(v);
	vm_free(v);
	return 0;
}

int vm_run(const struct vm_opts *o, struct vm_end *ret)
{
	struct vm *v = vm_new(o, ret);
	struct vm_spec spec = o->spec;
	struct itimerspec it = { 0 };
	int rc = 0;

	if (!v)
		return warn_rc(-ENOMEM, "start a machine");
	v->each = o->spec.virt ? LOOK_NS : SAMPLE_NS;
	v->t_timer = mono_ns() + v->each;
	it.it_interval.tv_nsec = it.it_value.tv_nsec = (long)v->each;
	v->t_start = v->t_frame = v->t_check = mono_ns();
	v->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (v->timer_fd < 0 || timerfd_settime(v->timer_fd, 0, &it, NULL) < 0)
		rc = warn_rc(-errno, "set up a timer");
	else if (spec.perf)
		perf_host_begin(spec.perf, spec.kvm);
	if (rc == 0)
		rc = machine_start(&v->m, &spec);
	if (rc == 0) {
		qmp_init(&v->qmp, v->m.qmp_fd);
		if (o->template && (rc = qmp_restore(&v->qmp, o->state_fd)) < 0)
			vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "QEMU takes no questions: %s",
				  strerror(-rc));
		rc = 0;
		while (!over(v)) {
			turn(v);
			if (v->m.gone && drained(v))
				vm_judge(v);
		}
		vm_judge(v);
		if (o->shell)
			shell_end(o->shell, v->phase == EXITED, !vm_stuck(v));
		ret->again = o->retry && ret->outcome == VM_BOOT_FAIL && v->console.int3;
		/* What kt-init says is of this run, not of what was saved. */
		ret->stale = o->template && !ret->ready && ret->status < 128 && !v->console.init[0];
		if (!ret->again && !ret->stale && !(o->probe && !ret->ready && ret->status < 128)) {
			vm_write_end(v, mono_ns() - v->t_start);
			queue_drain(&v->to_stdout, o->sig_fd, v->decided ? 5000 : -1);
			vm_tell(v);
		}
	}
	vm_free(v);
	return rc;
}
