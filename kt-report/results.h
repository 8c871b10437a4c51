/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of plans as a table, with what did not pass told below it. */
#ifndef KT_RESULTS_H
#define KT_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* results_print - results: an array of `result` records. Returns 0 or -ENOMEM. */
int results_print(const json_t *results, FILE *out, bool color);

#endif
