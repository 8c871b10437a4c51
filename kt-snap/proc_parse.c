/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of /proc/PID/task/TID. */
#include "proc_parse.h"
#include "dur.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The digits at p, before end. Returns how many; 0 when there are none, or the number is over
 * 2^64 - 1: *ret then means nothing. */
static size_t number(const char *p, const char *end, uint64_t *ret)
{
	const char *s = p;
	uint64_t v = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			break;
	*ret = v;
	if (s < end && *s >= '0' && *s <= '9')
		return 0;
	return (size_t)(s - p);
}

static const char *blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl : end;
}

/* ---- stat: 1234 (a name) S 1 1234 1234 0 -1 4194304 104 0 0 … ---- */

/* Numbers in `stat`, as proc(5) counts them. */
enum {
	STAT_FIRST = 4, /* behind the letter */
	STAT_FLAGS = 9,
	STAT_MINFLT = 10,
	STAT_MAJFLT = 12,
	STAT_UTIME = 14,
	STAT_STIME = 15,
	STAT_NICE = 19,
	STAT_START = 22,
	STAT_RSS = 24,
	STAT_CPU = 39,
	STAT_RT_PRIORITY = 40,
	STAT_POLICY = 41,
	STAT_N
};

/* The numbers behind the name. Returns one past the last that is one; a "-" is kept in the sign. */
static int stat_numbers(const char *p, const char *end, uint64_t v[STAT_N])
{
	int i;

	for (i = STAT_FIRST; i < STAT_N; i++) {
		bool minus;
		size_t n;

		p = blanks(p, end);
		minus = p < end && *p == '-';
		p += minus;
		n = number(p, end, &v[i]);
		if (n == 0)
			break;
		if (minus)
			v[i] = -v[i];
		p += n;
		if (p < end && *p != ' ' && *p != '\n')
			break;
	}
	return i;
}

static void set_ticks(struct thread_rec *t, enum field_id f, uint64_t ticks, unsigned int clk_tck)
{
	uint64_t ns;

	if (!__builtin_mul_overflow(ticks, NSEC_PER_SEC / clk_tck, &ns))
		thread_set(t, f, ns);
}

int parse_stat(const char *p, size_t n, const struct stat_units *u, struct thread_rec *t)
{
	const char *end = p + n, *open = memchr(p, '(', n), *close = memrchr(p, ')', n);
	uint64_t v[STAT_N], kb;
	int have;

	if (!open || !close || close < open || end - close < 4 || close[1] != ' ' ||
	    close[3] != ' ')
		return -EINVAL;
	have = stat_numbers(close + 4, end, v);
	if (have <= STAT_START)
		return -EINVAL;
	set_ticks(t, F_start_ns, v[STAT_START], u->clk_tck);
	if (!field_has(&t->has, F_start_ns))
		return -EINVAL;
	open++;
	n = (size_t)(close - open);
	if (v[STAT_FLAGS] & STAT_KTHREAD)
		n = thread_comm(open, n);
	thread_set_str(t, F_comm, open, n);
	thread_set(t, F_kthread, (v[STAT_FLAGS] & STAT_KTHREAD) != 0);
	thread_set(t, F_state, (unsigned char)close[2]);
	thread_set(t, F_minflt, v[STAT_MINFLT]);
	thread_set(t, F_majflt, v[STAT_MAJFLT]);
	set_ticks(t, F_utime_ns, v[STAT_UTIME], u->clk_tck);
	set_ticks(t, F_stime_ns, v[STAT_STIME], u->clk_tck);
	thread_set(t, F_nice, v[STAT_NICE]);
	if (have > STAT_RSS && !(v[STAT_FLAGS] & STAT_KTHREAD) &&
	    !__builtin_mul_overflow(v[STAT_RSS], u->page_kb, &kb))
		thread_set(t, F_rss_kb, kb);
	if (have > STAT_CPU)
		thread_set(t, F_cpu, v[STAT_CPU]);
	if (have > STAT_RT_PRIORITY)
		thread_set(t, F_rt_priority, v[STAT_RT_PRIORITY]);
	if (have > STAT_POLICY)
		thread_set(t, F_policy, v[STAT_POLICY]);
	return 0;
}

/* ---- sched ----
 *	cat (30584, #threads: 1)
 *	-------------------------------------------------------------------
 *	se.exec_start                                :      13323988.867409
 *	se.statistics.wait_sum                       :             0.438420	(before Linux 5.16)
 *	nr_switches                                  :                    0
 *	numa_faults node=0 task_private=0 task_shared=0 group_private=0 group_shared=0 */

#define NAME_BYTES 16 /* no name holds more dashes than this */

static unsigned int hash(const char *key, size_t n)
{
	unsigned int h = (unsigned int)n * 31;

	/* Where the keys differ: at the ends. */
	h = h * 33 + (unsigned char)key[0];
	h = h * 33 + (unsigned char)key[n - 1];
	h = h * 33 + (unsigned char)key[n / 2];
	return h % SCHED_SLOTS;
}

void sched_keys_init(struct sched_keys *k)
{
	int f;

	memset(k->slot, -1, sizeof(k->slot));
	for (f = 0; f < F_N; f++) {
		unsigned int h;

		if (fields[f].from != FROM_SCHED || f == F_numa_faults)
			continue;
		h = hash(fields[f].proc, strlen(fields[f].proc));
		while (k->slot[h] >= 0)
			h = (h + 1) % SCHED_SLOTS;
		k->slot[h] = (signed char)f;
	}
}

static int sched_field(const struct sched_keys *k, const char *key, size_t n)
{
	unsigned int h;

	if (n == 0)
		return -1;
	for (h = hash(key, n); k->slot[h] >= 0; h = (h + 1) % SCHED_SLOTS) {
		const char *want = fields[k->slot[h]].proc;

		if (strncmp(want, key, n) == 0 && want[n] == '\0')
			return k->slot[h];
	}
	return -1;
}

/* Milliseconds and six digits of their fraction. */
static bool split_ns(const char *p, const char *end, uint64_t *ret)
{
	uint64_t ms, rest = 0;
	size_t n = number(p, end, &ms);

	if (n == 0 || p + n == end || p[n] != '.')
		return false;
	p += n + 1;
	return number(p, end, &rest) == 6 && p + 6 == end &&
	       !__builtin_mul_overflow(ms, NSEC_PER_MSEC, &ms) &&
	       !__builtin_add_overflow(ms, rest, ret);
}

static void sched_value(const char *p, const char *end, int f, struct thread_rec *t)
{
	uint64_t v;

	if (fields[f].unit == UNIT_NS) {
		if (split_ns(p, end, &v))
			thread_set(t, f, v);
	} else {
		size_t n = number(p, end, &v);

		if (n > 0 && p + n == end)
			thread_set(t, f, v);
	}
}

/* "node=0 task_private=3 task_shared=4 …" becomes "0:7" in the list. */
static void numa_node(const char *p, const char *end, char numa[NUMA_TEXT], struct thread_rec *t)
{
	static const char *const label[] = { "node=", "task_private=", "task_shared=" };
	uint64_t v[3], sum;
	size_t i, n, have = field_has(&t->has, F_numa_faults) ? t->v[F_numa_faults] : 0;
	int len;

	for (i = 0; i < 3; i++) {
		p = blanks(p, end);
		n = strlen(label[i]);
		if ((size_t)(end - p) < n || memcmp(p, label[i], n) != 0)
			return;
		p += n;
		n = number(p, end, &v[i]);
		if (n == 0)
			return;
		p += n;
	}
	if (__builtin_add_overflow(v[1], v[2], &sum))
		return;
	len = snprintf(numa + have, NUMA_TEXT - have, "%s%llu:%llu", have ? "," : "",
		       (unsigned long long)v[0], (unsigned long long)sum);
	if (len > 0 && (size_t)len < NUMA_TEXT - have) /* a node that has no room is not there */
		thread_set_str(t, F_numa_faults, numa, have + (size_t)len);
}

static const char *sched_start(const char *p, const char *end)
{
	while (p < end) {
		const char *nl = line_end(p, end), *s = p;

		while (s < nl && *s == '-')
			s++;
		if (s == nl && nl - p > NAME_BYTES)
			return nl;
		p = nl + 1;
	}
	return NULL;
}

static bool drop_prefix(const char **p, const char *end, const char *prefix)
{
	size_t n = strlen(prefix);

	if ((size_t)(end - *p) < n || memcmp(*p, prefix, n) != 0)
		return false;
	*p += n;
	return true;
}

int parse_sched(const char *p, size_t n, const struct sched_keys *k, char numa[NUMA_TEXT],
		struct thread_rec *t)
{
	const char *end = p + n;

	p = sched_start(p, end);
	if (!p)
		return -EINVAL;
	while (p < end) {
		const char *nl, *key = p + 1, *colon, *stop; /* p is at a newline */
		int f;

		if (key >= end)
			break;
		nl = line_end(key, end);
		p = nl;
		if (drop_prefix(&key, nl, "numa_faults ")) {
			numa_node(key, nl, numa, t);
			continue;
		}
		colon = memchr(key, ':', (size_t)(nl - key));
		if (!colon)
			continue;
		if (drop_prefix(&key, colon, "se."))
			(void)drop_prefix(&key, colon, "statistics."); /* until 5.15 */
		for (stop = colon; stop > key && stop[-1] == ' '; stop--)
			;
		f = sched_field(k, key, (size_t)(stop - key));
		if (f >= 0)
			sched_value(blanks(colon + 1, nl), nl, f, t);
	}
	return 0;
}

/* ---- schedstat: 438420 0 1 ---- */

void parse_schedstat(const char *p, size_t n, struct thread_rec *t)
{
	static const enum field_id order[] = { F_run_time_ns, F_wait_time_ns, F_timeslices };
	const char *end = p + n;
	uint64_t v;
	size_t i;

	for (i = 0; i < 3; i++) {
		p = blanks(p, end);
		n = number(p, end, &v);
		if (n == 0 || (p + n < end && p[n] != ' ' && p[n] != '\n'))
			return;
		p += n;
		thread_set(t, order[i], v);
	}
}

/* ---- lines of KEY, a colon, blanks, a number ---- */

/* The number behind `key` when the line has it. */
static bool keyed(const char *p, const char *nl, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	if ((size_t)(nl - p) <= n || p[n] != ':' || memcmp(p, key, n) != 0)
		return false;
	p = blanks(p + n + 1, nl);
	n = number(p, nl, ret);
	return n > 0 && p + n == nl;
}

void parse_io(const char *p, size_t n, struct thread_rec *t)
{
	const char *end = p + n, *nl;
	int f = F_rchar, tries;
	uint64_t v;

	for (; p < end; p = nl + 1) {
		nl = line_end(p, end);
		for (tries = F_rchar; tries <= F_cancelled_write_bytes; tries++) {
			bool is = keyed(p, nl, fields[f].proc, &v);

			if (is)
				thread_set(t, f, v);
			/* The kernel has the order of the table, so the next line is of the next
			 * field. */
			f = f == F_cancelled_write_bytes ? F_rchar : f + 1;
			if (is)
				break;
		}
	}
}

void parse_status(const char *p, size_t n, struct thread_rec *t)
{
	const char *end = p + n, *nl;
	uint64_t v;

	for (; p < end; p = nl + 1) {
		nl = line_end(p, end);
		if (keyed(p, nl, "voluntary_ctxt_switches", &v))
			thread_set(t, F_voluntary_csw, v);
		else if (keyed(p, nl, "nonvoluntary_ctxt_switches", &v))
			thread_set(t, F_nonvoluntary_csw, v);
	}
}

pid_t parse_tgid(const char *p, size_t n)
{
	const char *end = p + n, *nl;
	uint64_t v;

	for (; p < end; p = nl + 1) {
		nl = line_end(p, end);
		if (keyed(p, nl, "Tgid", &v))
			return v >= 1 && v <= INT_MAX ? (pid_t)v : -1;
	}
	return -1;
}

/* ---- cgroup: 4:memory:/job, 0::/a/b ---- */

struct span parse_cgroup(const char *p, size_t n)
{
	const char *end = p + n, *nl;

	for (; p < end; p = nl + 1) {
		nl = line_end(p, end);
		if (nl - p > 3 && memcmp(p, "0::", 3) == 0)
			return (struct span){ p + 3, (size_t)(nl - p) - 3 };
	}
	return (struct span){ NULL, 0 };
}

pid_t parse_pid(const char *s)
{
	uint64_t v;
	size_t n = strlen(s);

	if (n == 0 || number(s, s + n, &v) != n || v < 1 || v > INT_MAX)
		return 0;
	return (pid_t)v;
}
