/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run as it goes on: what run.c moves and verdict.c judges. */
#ifndef KT_VM_H
#define KT_VM_H

#include "console.h"
#include "dur.h"
#include "frames.h"
#include "machine.h"
#include "qmp.h"
#include "queue.h"
#include "run.h"
#include "usage.h"

#define VM_GRACE_NS (5 * NSEC_PER_SEC) /* after a signal; for a guest that has said bye */

enum phase {
	BOOTING,
	READY,
	RUNNING,
	EXITED
};

struct vm {
	const struct vm_opts *o;
	struct vm_end *end;
	struct console console;
	struct qmp qmp;
	struct machine m;
	struct queue to_stdout, to_stderr;
	struct buf frames; /* part of a frame */
	struct buf in; /* standard input on its way */
	uint64_t in_total;
	bool in_eof, in_told;
	char release[FRAME_MAX + 1]; /* of the guest's kernel, with a shell */
	bool resize; /* the guest is to be told the terminal's size */
	int timer_fd;
	bool decided, stopped, bye, going, console_cut;
	enum phase phase;
	uint32_t exit_kind, exit_value;
	uint64_t out_bytes, err_bytes;
	int signo; /* first signal passed on to the guest */
	uint64_t t_start, t_signal, t_frame, t_started, t_exit, t_stop, t_check;
	uint64_t cpu_frame, cpu_check; /* QEMU's CPU time at the last frame, at the last check */
	uint64_t silent_ns, idle_ns; /* without a frame; of it, the last part, without CPU time */
	unsigned int nudges; /* of a silent guest, since the last frame */
	uint64_t t_nmi; /* when a guest that hangs was asked where; 0: it was not */
	struct guest_clock clock;
	struct usage usage;
	uint64_t each; /* period of the timer */
	uint64_t t_timer; /* when the timer was to go off next */
};

/* vm_finish - it is decided how the run ends: the first word counts. QEMU is killed. */
void vm_finish(struct vm *v, enum vm_outcome outcome, int status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* vm_all_there - bytes that the guest counted and we have not seen would be a bug of ours or
 * QEMU's. */
bool vm_all_there(const struct vm *v);

/* vm_deadlines - is it time to end it? To be called at least ten times a second. */
void vm_deadlines(struct vm *v);

/* vm_judge - QEMU has ended: if nobody has said yet how to call that, say so. */
void vm_judge(struct vm *v);

/* vm_write_meta, vm_write_end - the records before and behind those of the command, when records
 * are wanted. */
void vm_write_meta(struct vm *v);
void vm_write_end(struct vm *v, uint64_t wall_ns);

/* vm_stuck - nobody reads what we say, and we are not to wait for them (see queue.h: broken). */
bool vm_stuck(const struct vm *v);

/* vm_tell - one line that tells how it ended, and for a dead guest the last lines of its
 * console. */
void vm_tell(const struct vm *v);

#endif
