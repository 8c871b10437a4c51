/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads JSON, strictly or leniently. */
#include "jsonr.h"
#include "buf.h"
#include "cleanup.h"
#include "dur.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

json_t *jsonr_parse(struct jsonr_doc *doc, const char *file, unsigned long line, const char *text,
		    size_t len)
{
	json_error_t e;
	json_t *v;

	/* Else jansson seeds its hashes from /dev/urandom, and in a guest that has just booted that
	 * read spins for seconds until the kernel has entropy, and is never twice the same. */
	json_object_seed(1);
	*doc = (struct jsonr_doc){ .file = file, .line = line, .text = text, .len = len };
	v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!v)
		(void)snprintf(doc->err, sizeof(doc->err), "%s:%lu:%d: %s", file,
			       line + (e.line > 0 ? (unsigned long)e.line - 1 : 0), e.column,
			       e.text);
	return v;
}

json_t *jsonr_load(struct jsonr_doc *doc, const char *path, char **ret_text)
{
	bool is_stdin = strcmp(path, "-") == 0;
	AUTO_FD fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	AUTO_BUF b = BUF_INIT;
	size_t len;
	ssize_t n;

	*doc = (struct jsonr_doc){ .file = is_stdin ? "stdin" : path, .line = 1 };
	if (fd < 0) {
		(void)snprintf(doc->err, sizeof(doc->err), "%s: %s", doc->file, strerror(errno));
		return NULL;
	}
	while ((n = buf_fill(&b, fd, 64 << 10)) > 0)
		;
	len = b.len;
	*ret_text = n < 0 ? NULL : buf_take(&b);
	if (!*ret_text) {
		(void)snprintf(doc->err, sizeof(doc->err), "%s: %s", doc->file,
			       strerror(n < 0 ? (int)-n : ENOMEM));
		return NULL;
	}
	return jsonr_parse(doc, doc->file, 1, *ret_text, len);
}

/* ---- where a member is ---- */

struct cursor {
	const char *p, *end;
	unsigned long line;
};

static void skip_blank(struct cursor *c)
{
	for (; c->p < c->end && strchr(" \t\r\n", *c->p); c->p++)
		c->line += *c->p == '\n';
}

/* The text is known to be valid JSON here: jansson has read it. */
static void skip_string(struct cursor *c)
{
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\')
			c->p++;
	c->p++;
}

static void skip_value(struct cursor *c)
{
	int depth = 0;

	skip_blank(c);
	do {
		if (c->p >= c->end)
			return;
		if (*c->p == '"') {
			skip_string(c);
		} else if (*c->p == '{' || *c->p == '[') {
			depth++;
			c->p++;
		} else if (*c->p == '}' || *c->p == ']') {
			depth--;
			c->p++;
		} else if (depth > 0) {
			c->p++;
		} else {
			c->p += strcspn(c->p, ",]} \t\r\n");
		}
		if (depth > 0)
			skip_blank(c);
	} while (depth > 0);
}

/* Move into member `key` of the object at c. Returns whether it was found. */
static bool enter_member(struct cursor *c, const char *key, size_t key_len)
{
	skip_blank(c);
	if (c->p >= c->end || *c->p != '{')
		return false;
	c->p++;
	for (;;) {
		const char *name;
		bool hit;

		skip_blank(c);
		if (c->p >= c->end || *c->p != '"')
			return false;
		name = c->p + 1;
		skip_string(c);
		hit = (size_t)(c->p - 1 - name) == key_len && memcmp(name, key, key_len) == 0;
		if (hit)
			return true; /* the line of the name is the line to show */
		skip_blank(c);
		c->p++; /* ':' */
		skip_value(c);
		skip_blank(c);
		if (c->p >= c->end || *c->p++ != ',')
			return false;
	}
}

static bool enter_element(struct cursor *c, unsigned long index)
{
	skip_blank(c);
	if (c->p >= c->end || *c->p != '[')
		return false;
	for (c->p++; index > 0; index--) {
		skip_value(c);
		skip_blank(c);
		if (c->p >= c->end || *c->p++ != ',')
			return false;
	}
	skip_blank(c);
	return true;
}

unsigned long jsonr_line(const struct jsonr_doc *doc, const char *path)
{
	struct cursor c = { .p = doc->text, .end = doc->text + doc->len, .line = doc->line };
	unsigned long last;

	skip_blank(&c);
	last = c.line;
	while (*path) {
		size_t n = strcspn(path + 1, ".[") + 1;

		if (*path == '.') {
			path++;
			continue;
		}
		if (*path == '[') {
			if (!enter_element(&c, strtoul(path + 1, NULL, 10)))
				break;
		} else {
			if (!enter_member(&c, path, n))
				break;
			last = c.line;
			skip_blank(&c);
			if (c.p < c.end && *c.p == ':')
				c.p++;
			path += n;
			continue;
		}
		last = c.line;
		path += n;
	}
	return last;
}

/* ---- strict reading ---- */

__attribute__((format(printf, 3, 0))) static void vfail(struct jsonr_doc *doc, const char *path,
							const char *fmt, va_list ap)
{
	int n;

	if (doc->err[0])
		return;
	n = snprintf(doc->err, sizeof(doc->err), "%s:%lu: ", doc->file, jsonr_line(doc, path));
	if (*path && n > 0 && (size_t)n < sizeof(doc->err))
		n += snprintf(doc->err + n, sizeof(doc->err) - (size_t)n, "member '%s': ", path);
	if (n > 0 && (size_t)n < sizeof(doc->err))
		(void)vsnprintf(doc->err + n, sizeof(doc->err) - (size_t)n, fmt, ap);
}

/* A path too long for its buffer is cut: it only names a place in a message. */
static void join(char *to, size_t cap, const char *path, const char *key)
{
	size_t n = strnlen(path, cap - 1);

	memcpy(to, path, n);
	to[n] = '\0';
	if (!key || n + 2 >= cap)
		return;
	if (n > 0)
		to[n++] = '.';
	(void)snprintf(to + n, cap - n, "%s", key);
}

int jsonr_fail(struct jsonr *r, const char *key, const char *fmt, ...)
{
	char path[JSONR_PATH + 64];
	va_list ap;

	join(path, sizeof(path), r->path, key);
	va_start(ap, fmt);
	vfail(r->doc, path, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void jsonr_open(struct jsonr *r, struct jsonr_doc *doc, json_t *value, const char *path)
{
	*r = (struct jsonr){ .doc = doc, .obj = value };
	(void)snprintf(r->path, sizeof(r->path), "%s", path);
	if (!json_is_object(value))
		jsonr_fail(r, NULL, "want an object");
}

void jsonr_sub(struct jsonr *sub, const struct jsonr *r, const char *key, int index, json_t *value)
{
	char path[JSONR_PATH];
	size_t n;

	join(path, sizeof(path), r->path, key);
	n = strlen(path);
	if (index >= 0)
		(void)snprintf(path + n, sizeof(path) - n, "[%d]", index);
	jsonr_open(sub, r->doc, value, path);
}

bool jsonr_ok(const struct jsonr *r)
{
	return r->doc->err[0] == '\0';
}

static json_t *take(struct jsonr *r, const char *key)
{
	size_t i;

	for (i = 0; i < r->n_known; i++)
		if (strcmp(r->known[i], key) == 0)
			return json_object_get(r->obj, key);
	if (r->n_known < JSONR_MEMBERS)
		r->known[r->n_known++] = key;
	return json_object_get(r->obj, key);
}

int jsonr_any(struct jsonr *r, const char *key, json_t **ret)
{
	json_t *v = take(r, key);

	if (!jsonr_ok(r))
		return -EINVAL;
	if (!v)
		return 0;
	*ret = v;
	return 1;
}

int jsonr_str(struct jsonr *r, const char *key, const char **ret)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (!json_is_string(v))
		return jsonr_fail(r, key, "want a string");
	*ret = json_string_value(v);
	return 1;
}

static int need(struct jsonr *r, const char *key, int rc)
{
	return rc == 0 ? jsonr_fail(r, NULL, "member '%s' is missing", key) : rc;
}

int jsonr_need_str(struct jsonr *r, const char *key, const char **ret)
{
	return need(r, key, jsonr_str(r, key, ret));
}

int jsonr_i64(struct jsonr *r, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (!json_is_integer(v))
		return jsonr_fail(r, key, "want an integer");
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return jsonr_fail(r, key, "%" PRId64 " is outside %" PRId64 " to %" PRId64,
				  (int64_t)json_integer_value(v), min, max);
	*ret = json_integer_value(v);
	return 1;
}

int jsonr_u64(struct jsonr *r, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	int64_t v = 0;
	int rc = jsonr_i64(r, key, (int64_t)min, max > INT64_MAX ? INT64_MAX : (int64_t)max, &v);

	if (rc > 0)
		*ret = (uint64_t)v;
	return rc;
}

int jsonr_need_u64(struct jsonr *r, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	return need(r, key, jsonr_u64(r, key, min, max, ret));
}

int jsonr_f64(struct jsonr *r, const char *key, double min, double max, double *ret)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (!json_is_number(v))
		return jsonr_fail(r, key, "want a number");
	if (!(json_number_value(v) >= min && json_number_value(v) <= max))
		return jsonr_fail(r, key, "%g is outside %g to %g", json_number_value(v), min, max);
	*ret = json_number_value(v);
	return 1;
}

int jsonr_bool(struct jsonr *r, const char *key, bool *ret)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (!json_is_boolean(v))
		return jsonr_fail(r, key, "want true or false");
	*ret = json_is_true(v);
	return 1;
}

int jsonr_dur(struct jsonr *r, const char *key, uint64_t *ret_ns)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (json_is_number(v) && json_number_value(v) >= 0 && json_number_value(v) < 1e9) {
		*ret_ns = (uint64_t)(json_number_value(v) * 1e9 + 0.5);
		return 1;
	}
	if (!json_is_string(v) || dur_parse(json_string_value(v), ret_ns) < 0)
		return jsonr_fail(r, key, "want a duration, such as 1.5 or \"200ms\"");
	return 1;
}

int jsonr_arr(struct jsonr *r, const char *key, json_t **ret)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (!json_is_array(v))
		return jsonr_fail(r, key, "want an array");
	*ret = v;
	return 1;
}

int jsonr_obj(struct jsonr *r, const char *key, json_t **ret)
{
	json_t *v;
	int rc = jsonr_any(r, key, &v);

	if (rc <= 0)
		return rc;
	if (!json_is_object(v))
		return jsonr_fail(r, key, "want an object");
	*ret = v;
	return 1;
}

int jsonr_done(struct jsonr *r)
{
	const char *key;
	json_t *v;
	size_t i;

	if (!jsonr_ok(r))
		return -EINVAL;
	json_object_foreach (r->obj, key, v) {
		for (i = 0; i < r->n_known && strcmp(r->known[i], key) != 0; i++)
			;
		if (i == r->n_known)
			return jsonr_fail(r, key, "unknown member");
	}
	return 0;
}

/* ---- lenient reading ---- */

int jsonr_wrap_large(struct buf *b, const char *text, size_t len, const char *open,
		     const char *close)
{
	const char *p = text, *end = text + len, *from;

	while (p < end) {
		bool whole = true;

		if (*p == '"') {
			for (from = p++; p < end && *p != '"'; p++)
				p += *p == '\\' && p + 1 < end;
			p += p < end;
			buf_add(b, from, (size_t)(p - from));
			continue;
		}
		for (from = p; p < end && *p != '\0' && strchr("0123456789+-.eE", *p); p++)
			whole &= *p != '.' && *p != 'e' && *p != 'E' && *p != '+';
		if (p == from) {
			buf_chr(b, *p++);
		} else if (p - from < 19 || !whole || from[*from == '-'] == '0' ||
			   memchr(from + 1, '-', (size_t)(p - from) - 1)) {
			buf_add(b, from, (size_t)(p - from));
		} else {
			buf_str(b, open);
			buf_add(b, from, (size_t)(p - from));
			buf_str(b, close);
		}
	}
	return b->err;
}

json_t *rec_load(const char *line, size_t len, json_error_t *ret_err)
{
	AUTO_BUF whole = BUF_INIT;
	json_t *rec = json_loadb(line, len, JSON_REJECT_DUPLICATES, ret_err);

	if (rec || json_error_code(ret_err) != json_error_numeric_overflow ||
	    jsonr_wrap_large(&whole, line, len, "\"", "\"") < 0)
		return rec;
	return json_loadb(whole.p, whole.len, JSON_REJECT_DUPLICATES, ret_err);
}

const char *rec_str(const json_t *rec, const char *key, const char *dflt)
{
	const char *s = json_string_value(json_object_get(rec, key));

	return s ? s : dflt;
}

int64_t rec_i64(const json_t *rec, const char *key, int64_t dflt)
{
	const json_t *v = json_object_get(rec, key);

	return json_is_integer(v) ? json_integer_value(v) : dflt;
}

uint64_t rec_u64(const json_t *rec, const char *key, uint64_t dflt)
{
	int64_t v = rec_i64(rec, key, -1);

	return v < 0 ? dflt : (uint64_t)v;
}

double rec_f64(const json_t *rec, const char *key, double dflt)
{
	const json_t *v = json_object_get(rec, key);

	return json_is_number(v) ? json_number_value(v) : dflt;
}

bool rec_bool(const json_t *rec, const char *key, bool dflt)
{
	const json_t *v = json_object_get(rec, key);

	return json_is_boolean(v) ? json_is_true(v) : dflt;
}
