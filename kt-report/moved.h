/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What moved between snapshots: a block for each interval, printed as soon as it is whole. */
#ifndef KT_MOVED_H
#define KT_MOVED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct moved {
	json_t *interval, *changes, *rows, *onlies; /* of the block being read */
	uint64_t blocks;
};

void moved_free(struct moved *m);

/* moved_known - a record of this type belongs to a block. */
bool moved_known(const char *type);

/* moved_take - take the record into the block; the end of an interval prints it and flushes.
 * Returns 0, -ENOMEM, or what writing gave. */
int moved_take(struct moved *m, json_t *rec, FILE *out, bool color);

/* moved_left - print what there is of a block that was cut off. */
int moved_left(struct moved *m, FILE *out, bool color);

#endif
