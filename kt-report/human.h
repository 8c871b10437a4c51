/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people read them, with three digits. */
#ifndef KT_HUMAN_H
#define KT_HUMAN_H

#include <stddef.h>

#define HUMAN_TEXT 48

/* Each writes text of at most HUMAN_TEXT bytes, with "-" before what is below 0. */
void human_ns(double ns, char *buf, size_t cap); /* "812 ns", "4.05 ms", "71.3 s" */
void human_bytes(double bytes, char *buf, size_t cap); /* "812 B", "1.50 KiB" */
void human_count(double n, char *buf, size_t cap); /* "9999", "12.3 k", "4.05 M" */

#endif
