/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No CPU of a guest in virtual time is forgotten for longer than a second.
 *
 * QEMU 7.2 runs the vCPUs of virtual time in turn, each until the next timer is due, and the one
 * behind it gets no more then than to serve that timer. While one runs a program that never pauses,
 * its turns end either so, or where its kernel sets its timer, which Linux 7.3 does under the lock
 * of its hrtimers. If the one behind it waits for this very lock it waits for ever, and with it all
 * that it holds. Later versions of QEMU give each vCPU its share (accel/tcg:
 * icount_percpu_budget()).
 *
 * So each CPU gets a thread that wakes once a second, real-time, and gives up its turn where the
 * kernel holds nothing. It comes at the same instruction in each run. */
#ifndef KT_BEAT_H
#define KT_BEAT_H

/* beats_start - on each CPU that is online, with this priority of SCHED_FIFO. 0 or -errno; those
 * that were started go on. */
int beats_start(int priority);

#endif
