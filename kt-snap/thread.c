/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a thread's record. A snapshot is mostly this, so it is written without the generality
 * of jsonw: one check for room, names that are ready made, numbers by pairs of digits. And threads
 * differ in few members from the one before, mostly: what is between those is copied at once. */
#include "thread.h"
#include "cleanup.h"
#include "jsonw.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COMM_MAX 15 /* TASK_COMM_LEN without its NUL */
#define NUM_MAX 24 /* a number of 20 digits, a sign, quotes */
#define POLICY_MAX 48

/* Names are copied whole, padding too: 32 bytes of known size are two instructions, a few bytes of
 * any size are a call. What is behind the name is written next. */
#define KEY_BYTES 32

static const struct key {
	char text[KEY_BYTES]; /* ,"name": */
	unsigned char n, kind;
} keys[F_N] = {
#define FIELD(name, kind, ...)                                                                     \
	[F_##name] = { ",\"" #name "\":", sizeof(",\"" #name "\":") - 1, FIELD_##kind },
	FIELDS(FIELD)
#undef FIELD
};

static const enum field_id strings[] = { F_pcomm, F_comm, F_cgroup, F_cpu_affinity, F_numa_faults };
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a sum of them */
#define FIELD(name, kind, ...) +(FIELD_##kind == FIELD_STR)
_Static_assert(KT_ARRAY_LEN(strings) == FIELDS(FIELD), "fields of FIELD_STR");
#undef FIELD

static unsigned int n_digits(uint64_t v)
{
	unsigned int n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

static char *put_u64(char *to, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char *end, *p;

	if (v < 10) { /* most are small */
		*to = (char)('0' + v);
		return to + 1;
	}
	end = p = to + n_digits(v);
	for (; v >= 100; v /= 100) {
		p -= 2;
		memcpy(p, pairs + v % 100 * 2, 2);
	}
	if (v >= 10)
		memcpy(p - 2, pairs + v * 2, 2);
	else
		p[-1] = (char)('0' + v);
	return end;
}

static char *put_i64(char *to, int64_t v)
{
	if (v < 0)
		*to++ = '-';
	return put_u64(to, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static char *put(char *to, const char *s, size_t n)
{
	memcpy(to, s, n);
	return to + n;
}

/* Whether the bytes are their own JSON text: printable ASCII, nothing to escape. */
static bool plain(const char *s, size_t n)
{
	size_t i;
	bool odd = false;

	for (i = 0; i < n; i++) /* without a branch, so that it is done many bytes at a time */
		odd |= (unsigned char)(s[i] - 0x20) >= 0x5f || s[i] == '"' || s[i] == '\\';
	return !odd;
}

/* There is room for six times n. */
static char *put_str(char *to, const char *s, size_t n)
{
	struct buf odd = BUF_INIT;

	if (plain(s, n)) {
		*to++ = '"';
		to = put(to, s, n);
		*to++ = '"';
		return to;
	}
	if (json_escape(&odd, s, n) == 0)
		to = put(to, odd.p, odd.len);
	else
		to = NULL;
	buf_free(&odd);
	return to;
}

static char *put_policy(char *to, uint64_t policy)
{
	const char *name = field_policy(policy);
	char other[POLICY_MAX];

	if (!name) {
		(void)snprintf(other, sizeof(other), "SCHED_UNKNOWN(%lld)", (long long)policy);
		name = other;
	}
	return put_str(to, name, strlen(name));
}

static char *put_value(char *to, const struct thread_rec *t, int f)
{
	char letter;

	switch (fields[f].kind) {
	case FIELD_U64:
		return put_u64(to, t->v[f]);
	case FIELD_I64:
		return put_i64(to, (int64_t)t->v[f]);
	case FIELD_BOOL:
		return t->v[f] ? put(to, "true", 4) : put(to, "false", 5);
	case FIELD_STR:
		return put_str(to, t->s[f], t->v[f]);
	case FIELD_POLICY:
		return put_policy(to, t->v[f]);
	case FIELD_STATE:
		letter = (char)t->v[f];
		return put_str(to, &letter, 1);
	case FIELD_OPAQUE:
		*to++ = '"';
		to = put_u64(to, t->v[f]);
		*to++ = '"';
		return to;
	}
	return NULL;
}

/* What the record can take at most. */
static size_t bound(const struct thread_rec *t)
{
	size_t n = F_N * (KEY_BYTES + NUM_MAX) + sizeof("{\"type\":\"thread\"}\n") + POLICY_MAX +
		   KEY_BYTES;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(strings); i++)
		if (field_has(&t->has, strings[i]))
			n += 6 * t->v[strings[i]];
	return n;
}

static char *put_member(char *to, const struct thread_rec *t, int f)
{
	memcpy(to, keys[f].text, KEY_BYTES);
	to += keys[f].n;
	if (!field_has(&t->has, f))
		return put(to, "null", 4);
	if (keys[f].kind == FIELD_U64) /* nearly all are */
		return put_u64(to, t->v[f]);
	return put_value(to, t, f);
}

/* The members of one word of the set whose text may be another than in the record before: strings
 * are looked at later. */
static uint64_t may_differ(const struct thread_last *last, const struct thread_rec *t,
			   const struct field_set *set, unsigned int w)
{
	const uint64_t *was = last->v + w * 64, *now = t->v + w * 64;
	unsigned int i, n = w + 1 < FIELD_WORDS ? 64 : F_N - 64 * w;
	uint64_t differ = 0;

	if (last->to == 0)
		return set->w[w];
	for (i = 0; i < n; i++)
		differ |= (uint64_t)(was[i] != now[i]) << i;
	for (i = 0; i < KT_ARRAY_LEN(strings); i++)
		if (strings[i] / 64 == w)
			differ |= UINT64_C(1) << strings[i] % 64;
	return set->w[w] & ((last->has.w[w] ^ t->has.w[w]) | (t->has.w[w] & differ));
}

/* Whether the text of a string, n bytes with its name, is that of the one before. As long as the
 * string itself, it has nothing escaped in it, which always takes more. */
static bool same_string(const struct thread_rec *t, int f, const char *text, size_t n)
{
	return n == keys[f].n + t->v[f] + 2 && memcmp(text + keys[f].n + 1, t->s[f], t->v[f]) == 0;
}

int thread_format_next(struct thread_last *last, const struct thread_rec *t,
		       const struct field_set *set, struct buf *b)
{
	static const char head[] = "{\"type\":\"thread\"";
	char *start = buf_room(b, bound(t)), *to = start, *at;
	size_t taken, next; /* in the record before: what was taken, where the next member begins */
	const char *old;
	unsigned int w;
	uint64_t bits;
	int i = 0;

	if (!start)
		return b->err;
	if (last->to != b->len)
		*last = (struct thread_last){ 0 };
	old = b->p + last->from;
	taken = next = last->to ? sizeof(head) - 1 : 0;
	to = put(to, head, sizeof(head) - 1);
	for (w = 0; w < FIELD_WORDS; w++) {
		for (bits = may_differ(last, t, set, w); bits != 0; bits &= bits - 1) {
			int f = (int)w * 64 + __builtin_ctzll(bits);
			size_t begin;

			while (i < f)
				next += last->n[i++];
			begin = next;
			next += last->n[i++];
			if (keys[f].kind == FIELD_STR && field_has(&t->has, f) &&
			    same_string(t, f, old + begin, next - begin))
				continue;
			at = to = put(to, old + taken, begin - taken);
			taken = next;
			to = put_member(to, t, f);
			if (!to)
				return b->err = -ENOMEM;
			last->n[f] = (size_t)(to - at);
			last->v[f] = t->v[f];
		}
	}
	while (i < F_N)
		next += last->n[i++];
	to = put(to, old + taken, next - taken);
	to = put(to, "}\n", 3); /* the NUL that a buf has behind it */
	last->has = t->has;
	last->from = b->len;
	b->len += (size_t)(to - start) - 1;
	last->to = b->len;
	return 0;
}

int thread_format(const struct thread_rec *t, const struct field_set *set, struct buf *b)
{
	struct thread_last none = { 0 };

	return thread_format_next(&none, t, set, b);
}

static size_t digits(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i;
}

/* "0:1H", "u8:3": a worker of a pool. Returns its length, or 0. */
static size_t pool_worker(const char *s, size_t n)
{
	size_t i = n > 0 && s[0] == 'u', d = digits(s + i, n - i);

	if (d == 0 || i + d >= n || s[i + d] != ':')
		return 0;
	i += d + 1;
	d = digits(s + i, n - i);
	if (d == 0)
		return 0;
	i += d;
	while (i < n && s[i] != '-' &&
	       s[i] != '+') /* H: high priority; BH pools, what else may come */
		i++;
	return i;
}

/* "kworker/R-mld-mld", "kworker/R-rcu_g+rcu_gp": a rescuer has the name of its workqueue, and while
 * it has one to work for, that one's behind it. Where the two meet, or n. */
static size_t rescuer(const char *name, size_t n, size_t from)
{
	size_t i, own;

	for (i = from + 1; i + 1 < n && i <= COMM_MAX; i++) {
		own = i - from;
		if ((name[i] == '-' || name[i] == '+') && n - i - 1 >= own &&
		    memcmp(name + from, name + i + 1, own) == 0 &&
		    (i == COMM_MAX || n - i - 1 == own))
			return i;
	}
	return n;
}

size_t thread_comm(const char *name, size_t n)
{
	static const char worker[] = "kworker/";
	size_t w = sizeof(worker) - 1, k;

	if (n > w && memcmp(name, worker, w) == 0) {
		k = pool_worker(name + w, n - w);
		if (k > 0)
			n = w + k;
		else if (n > w + 2 && memcmp(name + w, "R-", 2) == 0)
			n = rescuer(name, n, w + 2);
	}
	return n < COMM_MAX ? n : COMM_MAX;
}
