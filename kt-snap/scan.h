/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads records of scalars: {"type":"thread","tid":7,"comm":"a b","nice":-5,"rss_kb":null}.
 *
 * The records of a stream have the same members in the same order. So the shape of one record is a
 * prediction for the next: where each name stands is known, and only values are looked at. A record
 * that does not fit any known shape, or has a value that is more than a plain scalar (a string with
 * an escape or beyond ASCII, a number with a fraction, a list), goes through jansson, which also
 * judges what is no JSON at all. Both ways give the same values. */
#ifndef KT_SCAN_H
#define KT_SCAN_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_SLACK                                                                                 \
	64 /* so many bytes behind a line must be readable; their values do not matter             \
	    */
#define SCAN_IDS 160 /* ids are below this */
#define SCAN_SHAPES 8

enum scan_kind {
	SCAN_ABSENT,
	SCAN_NULL,
	SCAN_FALSE,
	SCAN_TRUE,
	SCAN_UINT, /* an integer, 0 to 2^64 - 1, in u */
	SCAN_NEG, /* an integer, -2^63 to -1, in i */
	SCAN_STR, /* s and len; valid UTF-8, no NUL; valid until the next record */
	SCAN_OTHER, /* a fraction, an integer that is larger, a list, an object */
};

struct scan_val {
	uint32_t kind, len;
	union {
		uint64_t u;
		int64_t i;
		const char *s;
	};
};

/* The id of a member, or -1 for one that is passed over. */
typedef int (*scan_id_fn)(const char *name, size_t len);

struct scan_shape;

struct scan {
	struct scan_val vals[SCAN_IDS]; /* of the record read last, by id */
	scan_id_fn id_of;
	struct scan_shape *shapes[SCAN_SHAPES];
	unsigned int n_shapes, last, oldest; /* last: the shape that fitted last */
	const struct scan_shape *filled; /* vals has these ids only, others are SCAN_ABSENT */
	struct buf text; /* strings of a record that jansson has read */
	uint64_t predicted, parsed; /* records that went the one way and the other */
	char err[200]; /* after a failure: what is wrong, and in which column */
};

void scan_init(struct scan *sc, scan_id_fn id_of);
void scan_free(struct scan *sc);

/* scan_line - read one record into sc->vals. line[len] must be a newline or NUL, and SCAN_SLACK
 * bytes from there on readable. Returns 0; -EINVAL for what is no JSON object or has a member twice
 * (sc->err says what); -ENOMEM. */
int scan_line(struct scan *sc, const char *line, size_t len);

/* scan_parse - the same through jansson, whatever the line looks like. */
int scan_parse(struct scan *sc, const char *line, size_t len);

#endif
