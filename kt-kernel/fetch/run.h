/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a program to its end and takes what it prints. */
#ifndef KT_RUN_H
#define KT_RUN_H

#include "buf.h"

/* run_capture - its standard output goes to out, or to stderr when out is NULL; it is ended when
 * this process ends. Says when it cannot be run or fails. 0; -EIO when it failed; another -errno.
 */
int run_capture(char *const argv[], struct buf *out);

#endif
