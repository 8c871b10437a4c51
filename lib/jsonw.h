/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes records: one JSON object per line, "type" first, in the order of the calls.
 *
 *	jsonw_init(&w, stdout);
 *	jsonw_begin(&w, "llc");
 *	jsonw_u64(&w, "llc", 0);
 *	jsonw_str(&w, "cpus", "0-3");
 *	rc = jsonw_end(&w);
 *
 * A key is NULL for the elements of an array. Text is bytes of any origin: control characters are
 * escaped and what is no UTF-8 becomes U+FFFD. A record reaches the stream whole or not at all. */
#ifndef KT_JSONW_H
#define KT_JSONW_H

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct jsonw {
	FILE *out; /* borrowed; NULL: records collect in buf, see jsonw_init */
	struct buf buf; /* the record being built */
	bool comma; /* the next member needs one before it */
	bool flush; /* flush the stream after each record */
};

/* jsonw_init - out may be NULL: then finished records stay in w->buf, for the caller to take
 * (buf_reset afterwards). jsonw_free releases the buffer, not the stream. */
void jsonw_init(struct jsonw *w, FILE *out);
void jsonw_free(struct jsonw *w);

void jsonw_begin(struct jsonw *w, const char *type);
void jsonw_begin_bare(struct jsonw *w); /* an object without "type", for a file that is no record */
void jsonw_u64(struct jsonw *w, const char *key, uint64_t v);
void jsonw_i64(struct jsonw *w, const char *key, int64_t v);
void jsonw_id(struct jsonw *w, const char *key, int64_t v); /* negative: unknown, so null */
/* jsonw_f64 - fixed point with `decimals` digits, always a dot; nan and inf become null. */
void jsonw_f64(struct jsonw *w, const char *key, double v, int decimals);
void jsonw_bool(struct jsonw *w, const char *key, bool v);
void jsonw_null(struct jsonw *w, const char *key);
void jsonw_str(struct jsonw *w, const char *key, const char *s); /* NULL: null */
void jsonw_strn(struct jsonw *w, const char *key, const char *s, size_t n);
void jsonw_raw(struct jsonw *w, const char *key, const char *json,
	       size_t n); /* valid JSON, one line */
void jsonw_arr(struct jsonw *w, const char *key);
void jsonw_arr_end(struct jsonw *w);
void jsonw_obj(struct jsonw *w, const char *key);
void jsonw_obj_end(struct jsonw *w);

/* jsonw_end - close the record and hand it to the stream. Returns 0, -ENOMEM, or the -errno of
 * a failed write (-EIO when stdio does not say). */
int jsonw_end(struct jsonw *w);

/* jsonw_meta - begin the `meta` record of a tool's stream; the caller may add members and ends it.
 * live: boot_id and time are read from this machine, else both are null (--root). */
void jsonw_meta(struct jsonw *w, const char *tool, bool live);

/* json_escape - append s as a JSON string, with its quotes. */
int json_escape(struct buf *b, const char *s, size_t n);

#endif
