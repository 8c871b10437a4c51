/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records without structure as tables: one row a record, or one line a member. */
#ifndef KT_FLAT_H
#define KT_FLAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* flat_known - there is a table for this type. */
bool flat_known(const char *type);

/* flat_print - records: an array of records of one known type. Returns 0 or -ENOMEM. */
int flat_print(const char *type, const json_t *records, FILE *out, bool color);

#endif
