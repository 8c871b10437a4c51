/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads JSON: strictly what people write (unknown, duplicate and missing members and wrong types
 *are errors that name file, line and member), leniently what tools write. jansson is behind it.
 *
 *	json_t *root = jsonr_parse(&doc, "scenarios/x.json", 1, text, len);	// NULL: doc.err
 *says why jsonr_open(&r, &doc, root, ""); jsonr_need_str(&r, "name", &name); jsonr_u64(&r, "count",
 *1, 4096, &count);	// count keeps its default when absent
 *	rc = jsonr_done(&r);			// -EINVAL when anything was wrong: doc.err says
 *what
 *
 * The first error wins and later calls do nothing, so only jsonr_done() needs a check. */
#ifndef KT_JSONR_H
#define KT_JSONR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jsonr_doc {
	const char *file; /* as messages name it: "stdin", "scenarios/x.json" */
	unsigned long line; /* number of the text's first line in that file */
	const char *text; /* borrowed until the last use of the doc */
	size_t len;
	char err[512]; /* "FILE:LINE: member 'a.b': what" after a failure, else "" */
};

#define JSONR_PATH 192
#define JSONR_MEMBERS 48 /* an object form may have this many members */

struct jsonr {
	struct jsonr_doc *doc;
	json_t *obj; /* borrowed */
	char path[JSONR_PATH]; /* of obj within the document: "steps[1].ops[0]" */
	const char *known[JSONR_MEMBERS];
	size_t n_known;
};

/* jsonr_parse - text (need not end in NUL) to a JSON value; the caller json_decref()s it. Duplicate
 * members are an error. Returns NULL after an error, described in doc->err with line and column. */
json_t *jsonr_parse(struct jsonr_doc *doc, const char *file, unsigned long line, const char *text,
		    size_t len);

/* jsonr_load - read the whole of path ("-" is standard input) and parse it. *ret_text is the text,
 * freed by the caller after the last use of doc. Returns NULL after an error, described in
 * doc->err. */
json_t *jsonr_load(struct jsonr_doc *doc, const char *path, char **ret_text);

/* jsonr_open - start reading value as an object; path is its place, "" for the top. A value of
 * another type is an error, found by jsonr_done(). */
void jsonr_open(struct jsonr *r, struct jsonr_doc *doc, json_t *value, const char *path);

/* jsonr_sub - the same for a member's value, or the element of it: path is formed from r, key and
 * index (-1: none). */
void jsonr_sub(struct jsonr *sub, const struct jsonr *r, const char *key, int index, json_t *value);

/* Each takes the member `key` and returns 1 when it was there and fine, 0 when absent, -EINVAL on
 * an error. *ret is touched only for 1. The jsonr_need_ forms make absence an error. Strings live
 * as long as the value. */
int jsonr_str(struct jsonr *r, const char *key, const char **ret);
int jsonr_need_str(struct jsonr *r, const char *key, const char **ret);
int jsonr_u64(struct jsonr *r, const char *key, uint64_t min, uint64_t max, uint64_t *ret);
int jsonr_need_u64(struct jsonr *r, const char *key, uint64_t min, uint64_t max, uint64_t *ret);
int jsonr_i64(struct jsonr *r, const char *key, int64_t min, int64_t max, int64_t *ret);
int jsonr_f64(struct jsonr *r, const char *key, double min, double max, double *ret);
int jsonr_bool(struct jsonr *r, const char *key, bool *ret);
int jsonr_dur(struct jsonr *r, const char *key,
	      uint64_t *ret_ns); /* a number of seconds, or text */
int jsonr_arr(struct jsonr *r, const char *key, json_t **ret);
int jsonr_obj(struct jsonr *r, const char *key, json_t **ret);
int jsonr_any(struct jsonr *r, const char *key, json_t **ret);

/* jsonr_ok - no error so far in this document. */
bool jsonr_ok(const struct jsonr *r);

/* jsonr_fail - record an error at a member (key NULL: at the object itself). Returns -EINVAL. */
int jsonr_fail(struct jsonr *r, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* jsonr_done - members that nobody asked for are an error. Returns 0 or -EINVAL for anything so
 * far. */
int jsonr_done(struct jsonr *r);

/* jsonr_line - the line of the value at `path` in the document's text. */
unsigned long jsonr_line(const struct jsonr_doc *doc, const char *path);

/* jsonr_wrap_large - append the text with `open` before and `close` behind each integer of 19
 * digits or more, which may be one that jansson has no room for: a member's counter up to 2^64 - 1.
 * Returns 0 or -ENOMEM. */
struct buf;
int jsonr_wrap_large(struct buf *b, const char *text, size_t len, const char *open,
		     const char *close);

/* rec_load - the record in a line; an integer beyond 2^63 - 1 either way, and every one of 19
 * digits or more in a record that has such a one, is a string of its digits. Members that are there
 * twice are an error. Returns NULL after one, described in *ret_err. */
json_t *rec_load(const char *line, size_t len, json_error_t *ret_err);

/* For records, which are read leniently: the value, or the default when absent, null or of another
 * type. */
const char *rec_str(const json_t *rec, const char *key, const char *dflt);
uint64_t rec_u64(const json_t *rec, const char *key, uint64_t dflt);
int64_t rec_i64(const json_t *rec, const char *key, int64_t dflt);
double rec_f64(const json_t *rec, const char *key, double dflt);
bool rec_bool(const json_t *rec, const char *key, bool dflt);

#endif
