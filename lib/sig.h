/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stop signals as a descriptor: blocked first thing in main and for good. */
#ifndef KT_SIG_H
#define KT_SIG_H

#include <signal.h>

/* sig_block - block SIGINT, SIGTERM and SIGHUP, ignore SIGPIPE, and return a signalfd
 * (non-blocking, close-on-exec; the caller closes it) that reports the three and the signals of
 * `extra`, a list that ends with 0, or NULL. *ret_old is the mask to give to children. Returns the
 * fd or -errno. */
int sig_block(const int *extra, sigset_t *ret_old);

/* sig_read - the next signal that sig_fd has, or 0 when there is none. */
int sig_read(int sig_fd);

#endif
