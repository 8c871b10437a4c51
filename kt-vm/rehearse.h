/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An emulated machine that goes on from a saved state does everything for the first time, and to
 * translate that is most of a short command's time. So while kt-init finds out what to run, a
 * process on another CPU executes a program and ends: what has been translated serves all CPUs. */
#ifndef KT_REHEARSE_H
#define KT_REHEARSE_H

/* rehearse_prepare - a process that waits for rehearse(), to execute path then, which is kt-init:
 * with an empty argv[0] that ends at once. It is a child that nobody waits for. Returns a
 * descriptor to start it by, owned by the caller, or -errno. */
int rehearse_prepare(const char *path);

/* rehearse - once. */
void rehearse(int fd);

#endif
