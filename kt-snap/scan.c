/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads records of scalars. */
#include "scan.h"
#include "cleanup.h"
#include "jsonr.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define KEY_MAX 48 /* a name with its comma, quotes and colon; a longer one is not predicted */
#define KEYS_MAX 256
#define BLOCK 16

struct key {
	_Alignas(BLOCK) char text[KEY_MAX]; /* ,"name": and zeros */
	uint32_t len;
	int id;
};

struct scan_shape {
	_Alignas(BLOCK) char head[KEY_MAX]; /* {"type":"thread" */
	uint32_t head_len, type_len;
	int type_id;
	size_t n;
	struct key key[];
};

void scan_init(struct scan *sc, scan_id_fn id_of)
{
	*sc = (struct scan){ .id_of = id_of };
	json_object_seed(1); /* as jsonr_parse: jansson would wait for entropy */
}

void scan_free(struct scan *sc)
{
	unsigned int i;

	for (i = 0; i < sc->n_shapes; i++)
		free(sc->shapes[i]);
	buf_free(&sc->text);
	*sc = (struct scan){ 0 };
}

/* ---- values ---- */

/* Digits, without a leading zero. Returns where they end, or NULL for more than 2^64 - 1. */
static const char *take_uint(const char *p, uint64_t *ret)
{
	uint64_t v = (uint64_t)(*p - '0');
	unsigned int d;
	const char *from = p;

	for (p++; (d = (unsigned int)(unsigned char)*p - '0') <= 9; p++) {
		if (p - from >= 18 &&
		    (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v)))
			return NULL;
		if (p - from < 18)
			v = v * 10 + d;
	}
	if (*from == '0' && p - from > 1)
		return NULL;
	*ret = v;
	return p;
}

/* The end of a string of printable ASCII without escapes: its closing quote, else NULL. */
static const char *string_end(const char *p)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
		      blank = _mm_set1_epi8(' ');

	/* As signed bytes, control characters and all above ASCII are below the blank. */
	for (;; p += BLOCK) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned int stop = (unsigned int)_mm_movemask_epi8(_mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
			_mm_cmplt_epi8(v, blank)));

		if (stop) {
			p += __builtin_ctz(stop);
			return *p == '"' ? p : NULL;
		}
	}
#else
	while (*p != '"' && *p != '\\' && *p >= ' ' && *p < 0x7f)
		p++;
	return *p == '"' ? p : NULL;
#endif
}

/* The plain scalar at p. Returns where it ends, or NULL when jansson has to look at it. */
static inline const char *take_value(const char *p, struct scan_val *v)
{
	uint64_t u;

	switch (*p) {
	case '0' ... '9':
		p = take_uint(p, &v->u);
		v->kind = SCAN_UINT;
		return p && *p != '.' && *p != 'e' && *p != 'E' ? p : NULL;
	case '"':
		v->kind = SCAN_STR;
		v->s = p + 1;
		p = string_end(p + 1);
		if (!p)
			return NULL;
		v->len = (uint32_t)(p - v->s);
		return p + 1;
	case 'n':
		v->kind = SCAN_NULL;
		return memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
	case 't':
		v->kind = SCAN_TRUE;
		return memcmp(p, "true", 4) == 0 ? p + 4 : NULL;
	case 'f':
		v->kind = SCAN_FALSE;
		return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
	case '-':
		if (p[1] < '1' || p[1] > '9')
			return NULL;
		p = take_uint(p + 1, &u);
		if (!p || u > (uint64_t)INT64_MAX + 1 || *p == '.' || *p == 'e' || *p == 'E')
			return NULL;
		v->kind = SCAN_NEG;
		v->i = (int64_t)-u;
		return p;
	default:
		return NULL;
	}
}

/* ---- by prediction ---- */

/* text is followed by zeros up to KEY_MAX, and behind p so many bytes may be read. */
static inline bool same(const char *p, const char *text, uint32_t len)
{
#ifdef __SSE2__
	uint32_t done;

	for (done = 0;; done += BLOCK) {
		unsigned int eq = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(
			_mm_loadu_si128((const __m128i *)(const void *)(p + done)),
			_mm_load_si128((const __m128i *)(const void *)(text + done))));

		if (len - done <= BLOCK)
			return (~eq & ((1U << (len - done)) - 1)) == 0;
		if (eq != 0xffff)
			return false;
	}
#else
	return memcmp(p, text, len) == 0;
#endif
}

/* Returns whether the line has this shape; vals is then filled. */
static bool fits(struct scan *sc, const struct scan_shape *sh, const char *line, size_t len)
{
	const char *p = line + sh->head_len;
	struct scan_val passed, *v;
	size_t i;

	if (!same(line, sh->head, sh->head_len))
		return false;
	if (sc->filled != sh) {
		memset(sc->vals, 0, sizeof(sc->vals));
		sc->filled = sh;
	}
	if (sh->type_id >= 0)
		sc->vals[sh->type_id] = (struct scan_val){ .kind = SCAN_STR,
							   .len = sh->type_len,
							   .s = p - 1 - sh->type_len };
	for (i = 0; i < sh->n; i++) {
		const struct key *k = &sh->key[i];

		if (!same(p, k->text, k->len))
			return false;
		v = k->id >= 0 ? &sc->vals[k->id] : &passed;
		p = take_value(p + k->len, v);
		if (!p)
			return false;
	}
	return *p == '}' && p + 1 == line + len;
}

/* Names the shape of a line that jansson has accepted. NULL when it cannot be predicted (or there
 * is no memory for it, which the next line will find out). */
static struct scan_shape *shape_of(const struct scan *sc, const char *line, size_t len)
{
	static const char head[] = "{\"type\":\"";
	const char *p = line + sizeof(head) - 1, *end = line + len, *name;
	struct scan_shape *sh;
	struct scan_val v;
	struct key *k;

	if (len < sizeof(head) || memcmp(line, head, sizeof(head) - 1) != 0)
		return NULL;
	sh = calloc(1, sizeof(*sh) + KEYS_MAX * sizeof(struct key));
	if (!sh)
		return NULL;
	p = string_end(p);
	if (!p || (size_t)(p + 1 - line) > KEY_MAX)
		goto none;
	sh->head_len = (uint32_t)(p + 1 - line);
	sh->type_len = sh->head_len - (uint32_t)sizeof(head);
	sh->type_id = sc->id_of("type", 4);
	memcpy(sh->head, line, sh->head_len);
	for (p++; p < end && *p == ','; sh->n++) {
		name = p + 2;
		if (sh->n == KEYS_MAX || p[1] != '"')
			goto none;
		k = &sh->key[sh->n];
		p = string_end(name);
		if (!p || p[1] != ':' || (size_t)(p - name) > KEY_MAX - 4)
			goto none;
		k->len = (uint32_t)(p - name) + 4;
		k->id = sc->id_of(name, (size_t)(p - name));
		memcpy(k->text, name - 2, k->len);
		p = take_value(p + 2, &v);
		if (!p)
			goto none;
	}
	if (p + 1 != end || *p != '}')
		goto none;
	return sh;
none:
	free(sh);
	return NULL;
}

/* The newest shape takes the place of the oldest. */
static void learn(struct scan *sc, const char *line, size_t len)
{
	struct scan_shape *sh = shape_of(sc, line, len);

	if (!sh)
		return;
	if (sc->n_shapes < SCAN_SHAPES) {
		sc->last = sc->n_shapes++;
	} else {
		sc->last = sc->oldest;
		sc->oldest = (sc->oldest + 1) % SCAN_SHAPES;
		free(sc->shapes[sc->last]);
	}
	sc->shapes[sc->last] = sh;
	sc->filled = NULL;
}

int scan_line(struct scan *sc, const char *line, size_t len)
{
	unsigned int i, at;
	int rc;

	for (i = 0; i < sc->n_shapes; i++) {
		at = (sc->last + i) % sc->n_shapes;
		if (!fits(sc, sc->shapes[at], line, len))
			continue;
		sc->last = at;
		sc->predicted++;
		return 0;
	}
	rc = scan_parse(sc, line, len);
	if (rc == 0)
		learn(sc, line, len);
	return rc;
}

/* ---- through jansson ---- */

/* jansson has no integers above 2^63 - 1. Such a number is put into so many brackets, and quoted.
 */
#define WRAP "[[[[\""
#define UNWRAP "\"]]]]"
#define WRAP_DEPTH 4

/* The text of a number that was wrapped, or NULL. */
static const char *wrapped(const json_t *v)
{
	int depth;

	for (depth = 0; depth < WRAP_DEPTH; depth++) {
		if (json_array_size(v) != 1)
			return NULL;
		v = json_array_get(v, 0);
	}
	return json_string_value(v);
}

static void large_value(const char *digits, struct scan_val *v)
{
	bool neg = *digits == '-';
	const char *end;
	uint64_t u = 0;

	v->kind = SCAN_OTHER;
	if (digits[neg] < '1' || digits[neg] > '9')
		return;
	end = take_uint(digits + neg, &u);
	if (!end || *end != '\0' || (neg && u > (uint64_t)INT64_MAX + 1))
		return;
	v->kind = neg ? SCAN_NEG : SCAN_UINT;
	if (neg)
		v->i = (int64_t)-u;
	else
		v->u = u;
}

static void json_value(struct scan *sc, const json_t *j, bool large, struct scan_val *v)
{
	json_int_t i;

	switch (json_typeof(j)) {
	case JSON_NULL:
		v->kind = SCAN_NULL;
		break;
	case JSON_TRUE:
		v->kind = SCAN_TRUE;
		break;
	case JSON_FALSE:
		v->kind = SCAN_FALSE;
		break;
	case JSON_INTEGER:
		i = json_integer_value(j);
		v->kind = i < 0 ? SCAN_NEG : SCAN_UINT;
		v->i = i; /* the same bits as u */
		break;
	case JSON_STRING:
		/* The room was made before: the text does not move. */
		v->kind = SCAN_STR;
		v->len = (uint32_t)json_string_length(j);
		v->s = sc->text.p + sc->text.len;
		buf_add(&sc->text, json_string_value(j), v->len);
		buf_chr(&sc->text, '\0');
		break;
	case JSON_ARRAY:
		v->kind = SCAN_OTHER;
		if (large && wrapped(j))
			large_value(wrapped(j), v);
		break;
	default:
		v->kind = SCAN_OTHER;
	}
}

int scan_parse(struct scan *sc, const char *line, size_t len)
{
	AUTO_BUF whole = BUF_INIT;
	const char *name;
	json_error_t e;
	json_t *rec, *j;
	bool large = false;
	int id;

	memset(sc->vals, 0, sizeof(sc->vals));
	sc->filled = NULL;
	sc->err[0] = '\0';
	rec = json_loadb(line, len, JSON_REJECT_DUPLICATES, &e);
	if (!rec && json_error_code(&e) == json_error_numeric_overflow) {
		if (jsonr_wrap_large(&whole, line, len, WRAP, UNWRAP) < 0)
			return -ENOMEM;
		large = true;
		rec = json_loadb(whole.p, whole.len, JSON_REJECT_DUPLICATES, &e);
	}
	if (!rec) {
		(void)snprintf(sc->err, sizeof(sc->err), "%.150s in column %d", e.text, e.column);
		return json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
	}
	if (!json_is_object(rec)) {
		(void)snprintf(sc->err, sizeof(sc->err), "a record is an object");
		json_decref(rec);
		return -EINVAL;
	}
	buf_reset(&sc->text);
	/* A string is not longer than its text, which has two quotes: room for the NUL. */
	if (!buf_room(&sc->text, len + 1)) {
		json_decref(rec);
		return -ENOMEM;
	}
	json_object_foreach (rec, name, j) {
		id = sc->id_of(name, strlen(name));
		if (id >= 0)
			json_value(sc, j, large, &sc->vals[id]);
	}
	json_decref(rec);
	sc->parsed++;
	return sc->text.err;
}
