/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a run ends: who decides it, when, and what is said about it. */
#include "die.h"
#include "dur.h"
#include "mono.h"
#include "vm.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

/* A kernel's report of a fault is some 25 lines with registers, and half as many again when an
 * interrupt has left its traces on the stack. */
#define TAIL_LINES 40

#define SILENCE_NS (30 * NSEC_PER_SEC) /* without a tick: the guest hangs */
#define SILENCE_CPU_NS (120 * NSEC_PER_SEC) /* the same in QEMU's CPU time: about 100 s there */
#define NUDGE_CPU_NS (15 * NSEC_PER_SEC) /* of it, without a sign of life */

const char *vm_outcome_name(enum vm_outcome o)
{
	static const char *const names[] = { "ok",	  "guest-exit", "panic", "timeout",
					     "boot-fail", "host-error", "skip" };

	return names[o];
}

__attribute__((format(printf, 4, 5))) void vm_finish(struct vm *v, enum vm_outcome outcome,
						     int status, const char *fmt, ...)
{
	va_list ap;

	if (!v->decided) {
		v->decided = true;
		v->end->outcome = outcome;
		v->end->status = status;
		va_start(ap, fmt);
		(void)vsnprintf(v->end->reason, sizeof(v->end->reason), fmt, ap);
		va_end(ap);
		v->t_stop = mono_ns();
	}
	machine_kill(&v->m);
}

static void finish_panic(struct vm *v)
{
	vm_finish(v, v->end->ready ? VM_PANIC : VM_BOOT_FAIL, KT_PREFIX_FAIL, "kernel panic: %s",
		  v->console.panic);
}

static void finish_hung(struct vm *v)
{
	const char *where = v->console.where;
	const char *then = where[0] ? ": " : "";
	char threads[400];

	if (!where[0] && !v->m.gone) {
		then = ", nor an answer to an NMI; QEMU: ";
		where = machine_threads(&v->m, threads, sizeof(threads));
	}
	vm_finish(v, VM_TIMEOUT, KT_TIMEOUT,
		  "no-tick: no sign of life from the guest for %llu s%s%s",
		  (unsigned long long)((v->t_nmi - v->t_frame) / NSEC_PER_SEC), then, where);
}

/* If QEMU has forgotten a vCPU, and kt-init could not help it (see beat.h): to stop them all ends a
 * turn too. It is not where another run of the same guest would have it, so it is told. */
static void nudge(struct vm *v, uint64_t silent_cpu_ns)
{
	if (silent_cpu_ns / NUDGE_CPU_NS <= v->nudges)
		return;
	v->nudges++;
	(void)qmp_nudge(&v->qmp); /* without QMP it stays as it is */
}

/* Is the guest alive? With the real clock it must tick. In virtual time how long it takes between
 * two ticks depends on this machine, so QEMU's CPU time is what counts; when it uses none at all
 * the guest has halted for good. But a QEMU that wants a CPU and gets none, as a pinned thread of
 * a session that has many others (sched_autogroup), says nothing about its guest. */
static void watchdog(struct vm *v, uint64_t now)
{
	bool booting = v->phase == BOOTING, virt = v->o->spec.virt, idle, held;
	uint64_t cpu, used, limit, dt = now - v->t_check;

	if (v->phase == EXITED || dt < NSEC_PER_SEC)
		return;
	cpu = machine_cpu_ns(&v->m);
	if (dt > 2 * NSEC_PER_SEC)
		dt = 2 * NSEC_PER_SEC; /* we were stopped ourselves, and perhaps QEMU too */
	idle = cpu - v->cpu_check <= 5 * NSEC_PER_MSEC;
	held = v->stopped || (idle && machine_waits(&v->m));
	v->silent_ns += held ? 0 : dt;
	v->idle_ns = idle && !held ? v->idle_ns + dt : 0;
	v->t_check = now;
	v->cpu_check = cpu;
	used = virt ? cpu - v->cpu_frame : v->silent_ns;
	limit = booting ? v->o->boot_ns : virt ? SILENCE_CPU_NS : SILENCE_NS;
	if (virt && !booting)
		nudge(v, used);
	if (used < limit && (!virt || v->idle_ns < SILENCE_NS))
		return;
	if (v->console.panic[0]) /* and hung before it could reset */
		finish_panic(v);
	else if (booting)
		vm_finish(v, VM_BOOT_FAIL, KT_PREFIX_FAIL, "the guest was not ready after %llu s",
			  (unsigned long long)((now - v->t_start) / NSEC_PER_SEC));
	else
		v->t_nmi = now;
	if (v->t_nmi && qmp_nmi(&v->qmp) < 0)
		finish_hung(v);
}

void vm_deadlines(struct vm *v)
{
	uint64_t now = mono_ns();
	char text[32];

	if (v->m.gone)
		return;
	if (v->signo && now - v->t_signal > VM_GRACE_NS && v->phase == RUNNING)
		vm_finish(v, VM_HOST_ERROR, 128 + v->signo,
			  "ended by SIG%s, the command did not end by itself",
			  sigabbrev_np(v->signo));
	if (v->o->timeout_ns && now - v->t_start > v->o->timeout_ns && v->phase != EXITED) {
		dur_format(v->o->timeout_ns, text, sizeof(text));
		vm_finish(v, VM_TIMEOUT, KT_TIMEOUT, "the command did not end within %s", text);
	}
	/* Everything is here; how long the guest takes to power off is not worth waiting for. */
	if (v->phase == EXITED && now - v->t_exit > VM_GRACE_NS && !v->stopped && !v->m.gone &&
	    (v->o->spec.virt || v->bye))
		(void)pidfd_send_signal(v->m.pid_fd, SIGKILL, NULL, 0); /* or it just ended */
	if (v->t_nmi && now - v->t_nmi > VM_GRACE_NS)
		finish_hung(v);
	else if (!v->decided && !v->t_nmi)
		watchdog(v, now);
}

bool vm_all_there(const struct vm *v)
{
	return v->m.out.got == v->out_bytes && v->m.err.got == v->err_bytes;
}

void vm_write_meta(struct vm *v)
{
	char topo[TOPOSPEC_TEXT];
	struct jsonw *w;

	if (!v->o->records || v->to_stdout.meta)
		return;
	v->to_stdout.meta = true;
	w = &v->to_stdout.w;
	jsonw_meta(w, "kt-vm", true);
	jsonw_str(w, "accel", v->o->spec.kvm ? "kvm" : "tcg");
	jsonw_str(w, "clock", v->o->spec.virt ? "virtual" : "real");
	jsonw_str(w, "qemu", v->qmp.version[0] ? v->qmp.version : NULL);
	jsonw_str(w, "kernel", v->o->spec.kernel);
	jsonw_str(w, "topology", topospec_format(&v->o->spec.topo, topo));
	jsonw_u64(w, "seed", v->o->seed);
	jsonw_str(w, "template", v->o->template);
	queue_record(&v->to_stdout, jsonw_end(w));
}

void vm_judge(struct vm *v)
{
	struct vm_end *e = v->end;

	if (v->decided)
		return;
	if (v->phase == EXITED && !vm_all_there(v)) {
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL,
			  "output was lost: %llu of %llu and %llu of %llu bytes came",
			  (unsigned long long)v->m.out.got, (unsigned long long)v->out_bytes,
			  (unsigned long long)v->m.err.got, (unsigned long long)v->err_bytes);
	} else if (v->phase == EXITED) {
		e->outcome = VM_GUEST_EXIT;
		e->status = v->exit_kind == EXIT_CODE	  ? (int)v->exit_value
			    : v->exit_kind == EXIT_SIGNAL ? 128 + (int)v->exit_value
			    : v->exit_value == ENOENT	  ? KT_NOTFOUND
							  : KT_NOEXEC;
		if (v->exit_kind == EXIT_CODE && v->exit_value == 0)
			e->outcome = VM_OK;
		else if (v->exit_kind == EXIT_SIGNAL)
			(void)snprintf(e->reason, sizeof(e->reason), "killed by SIG%s in the guest",
				       sigabbrev_np((int)v->exit_value));
		else if (v->exit_kind == EXIT_NO_EXEC)
			e->no_exec = true, (void)snprintf(e->reason, sizeof(e->reason), "%s",
							  strerror((int)v->exit_value));
	} else if (v->t_nmi) {
		finish_hung(v);
	} else if (v->console.panic[0]) {
		finish_panic(v);
	} else if (v->m.how.si_code != CLD_EXITED) {
		vm_finish(v, VM_HOST_ERROR, KT_PREFIX_FAIL, "QEMU was killed by SIG%s",
			  sigabbrev_np(v->m.how.si_status));
	} else if (v->m.how.si_status != 0) {
		vm_finish(v, e->ready ? VM_HOST_ERROR : VM_BOOT_FAIL, KT_PREFIX_FAIL, "QEMU: %s",
			  machine_last_words(&v->m));
	} else if (!e->ready && v->console.unpack[0]) {
		vm_finish(v, VM_BOOT_FAIL, KT_PREFIX_FAIL,
			  "the archive does not fit into %llu MiB of memory (%s)",
			  (unsigned long long)v->o->spec.mem_mib, v->console.unpack);
	} else if (!e->ready && v->console.init[0]) {
		vm_finish(v, VM_BOOT_FAIL, KT_PREFIX_FAIL, "kt-init: %s", v->console.init);
	} else if (!e->ready) {
		vm_finish(v, VM_BOOT_FAIL, KT_PREFIX_FAIL,
			  "the guest was reset before its init was ready");
	} else {
		vm_finish(v, VM_PANIC, KT_PREFIX_FAIL,
			  "the guest was reset or powered off before the command ended");
	}
}

void vm_write_end(struct vm *v, uint64_t wall_ns)
{
	struct vm_end *e = v->end;
	struct jsonw *w = &v->to_stdout.w;
	char tail[TAIL_LINES * CONSOLE_LINE];
	size_t n, at = 0;

	if (!v->o->records)
		return;
	vm_write_meta(v);
	queue_flush_line(&v->to_stdout);
	if (v->m.pid > 0)
		queue_record(&v->to_stdout, usage_write(w, &v->usage, v->o));
	jsonw_begin(w, "end");
	jsonw_str(w, "tool", "kt-vm");
	jsonw_str(w, "outcome", vm_outcome_name(e->outcome));
	jsonw_u64(w, "exit", (uint64_t)e->status);
	jsonw_str(w, "reason", e->reason[0] ? e->reason : NULL);
	jsonw_bool(w, "oops", v->console.oops);
	jsonw_u64(w, "wall_ns", wall_ns);
	if (e->outcome != VM_OK && e->outcome != VM_GUEST_EXIT) {
		n = console_text(&v->console, TAIL_LINES, tail, sizeof(tail));
		jsonw_arr(w, "console_tail");
		while (at < n) {
			const char *nl = memchr(tail + at, '\n', n - at);
			size_t len = nl ? (size_t)(nl - tail) - at : n - at;

			jsonw_strn(w, NULL, tail + at, len);
			at += len + 1;
		}
		jsonw_arr_end(w);
	}
	queue_record(&v->to_stdout, jsonw_end(w));
}

bool vm_stuck(const struct vm *v)
{
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };

	return v->to_stderr.broken && poll(&p, 1, 0) == 0;
}

void vm_tell(const struct vm *v)
{
	const struct vm_end *e = v->end;
	char tail[TAIL_LINES * CONSOLE_LINE];
	size_t n;

	if (vm_stuck(v))
		return;
	if (v->usage.nudges > 0)
		warn_msg("the guest gave no sign of life until QEMU was stopped for a moment: "
			 "another run may differ (QEMU %s)",
			 v->qmp.version);
	if (v->console.oops && e->outcome != VM_PANIC)
		warn_msg("the guest's kernel reported an oops (see --dmesg)");
	if (e->outcome == VM_OK || e->reason[0] == '\0' || v->exit_kind == EXIT_NO_EXEC)
		return;
	warn_msg("%s: %s", vm_outcome_name(e->outcome), e->reason);
	if (e->outcome == VM_GUEST_EXIT || v->o->dmesg || v->to_stderr.broken)
		return;
	n = console_text(&v->console, TAIL_LINES, tail, sizeof(tail));
	if (n > 0)
		fprintf(stderr, "--- console ---\n%.*s%s", (int)n, tail,
			tail[n - 1] == '\n' ? "" : "\n");
}
