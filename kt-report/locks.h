/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lock records as tables: one for the caches of the CPUs, one for the CPUs, one for files. */
#ifndef KT_LOCKS_TABLE_H
#define KT_LOCKS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* locks_print - records: an array of `lock` records. Returns 0 or -ENOMEM. */
int locks_print(const json_t *records, FILE *out, bool color);

#endif
