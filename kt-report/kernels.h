/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kt-kernel says, as tables. */
#ifndef KT_KERNELS_TABLE_H
#define KT_KERNELS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* kernels_known - there is a table for this type: kernel, need, version, removed, kept, failed. */
bool kernels_known(const char *type);

/* kernels_print - records: an array of records of one known type. Returns 0 or -ENOMEM. */
int kernels_print(const char *type, const json_t *records, FILE *out, bool color);

#endif
