// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-snap: the record of a thread as jsonw would write it, selections of fields, names of kernel
 * threads, counts. */
#include "cleanup.h"
#include "jsonw.h"
#include "tally.h"
#include "tap.h"
#include "thread.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What thread_format() must equal. */
static void reference(const struct thread_rec *t, const struct field_set *set, struct buf *b)
{
	struct jsonw w;
	char text[64];
	int f;

	jsonw_init(&w, NULL);
	jsonw_begin(&w, "thread");
	for (f = 0; f < F_N; f++) {
		const char *name = fields[f].name;

		if (!field_has(set, f))
			continue;
		if (!field_has(&t->has, f)) {
			jsonw_null(&w, name);
			continue;
		}
		switch (fields[f].kind) {
		case FIELD_U64:
			jsonw_u64(&w, name, t->v[f]);
			break;
		case FIELD_I64:
			jsonw_i64(&w, name, (int64_t)t->v[f]);
			break;
		case FIELD_BOOL:
			jsonw_bool(&w, name, t->v[f] != 0);
			break;
		case FIELD_STR:
			jsonw_strn(&w, name, t->s[f], t->v[f]);
			break;
		case FIELD_POLICY:
			(void)snprintf(text, sizeof(text), "SCHED_UNKNOWN(%" PRId64 ")",
				       (int64_t)t->v[f]);
			jsonw_str(&w, name, field_policy(t->v[f]) ? field_policy(t->v[f]) : text);
			break;
		case FIELD_STATE:
			(void)snprintf(text, sizeof(text), "%c", (char)t->v[f]);
			jsonw_str(&w, name, text);
			break;
		case FIELD_OPAQUE:
			(void)snprintf(text, sizeof(text), "%" PRIu64, t->v[f]);
			jsonw_str(&w, name, text);
			break;
		}
	}
	(void)jsonw_end(&w); /* memory alone can fail, and then the texts differ */
	buf_add(b, w.buf.p, w.buf.len);
	jsonw_free(&w);
}

static const uint64_t numbers[] = {
	0,   1,	   9,	       10,	   99,	      100,	  101,
	999, 1000, 4294967295, 4294967296, INT64_MAX, UINT64_MAX, UINT64_MAX - 18
};
static const char *const names[] = {
	"",	     "plain",	   "a b",	   "a\nb\t\x01\x7f", "quo\"te\\", "(br[ack]et)",
	"\xff\xfe!", "gr\xc3\xbc", "cut off \xc3", "\xed\xa0\x80",   "~ {}:,'/",
};

/* Any value that a field may have, or none. */
static void set_any(struct thread_rec *t, int f)
{
	if (rand() % 8 == 0) {
		field_del(&t->has, f);
	} else if (fields[f].kind == FIELD_STR) {
		const char *s = names[(unsigned int)rand() % KT_ARRAY_LEN(names)];

		thread_set_str(t, f, s, strlen(s));
	} else if (fields[f].kind == FIELD_STATE) {
		thread_set(t, f, (uint64_t) "RSDTZ\"\n"[rand() % 7]);
	} else {
		thread_set(t, f, numbers[(unsigned int)rand() % KT_ARRAY_LEN(numbers)]);
	}
}

static void formats(void)
{
	AUTO_BUF got = BUF_INIT, want = BUF_INIT;
	struct thread_rec t;
	struct field_set set, only = { 0 };
	unsigned int round;
	int f;

	srand(1);
	for (round = 0; round < 400; round++) {
		thread_clear(&t);
		set = (struct field_set){ 0 };
		for (f = 0; f < F_N; f++) {
			if (rand() % 8)
				field_add(&set, f);
			set_any(&t, f);
		}
		if (thread_format(&t, &set, &got) < 0)
			break;
		reference(&t, &set, &want);
	}
	ok(round == 400, "400 records are written");
	ok(got.len == want.len && memcmp(got.p, want.p, got.len) == 0,
	   "they are what jsonw writes (%zu and %zu bytes)", got.len, want.len);
	ok(got.p[got.len] == '\0', "a NUL is behind them");

	buf_reset(&got);
	thread_clear(&t);
	field_add(&only, F_tid);
	ok(thread_format(&t, &only, &got) == 0, "a record of nothing is written");
	ok_str(got.p, "{\"type\":\"thread\",\"tid\":null}\n", "and is null");
}

/* Records that have more or less in common with the one before, among others, in a buf that is
 * emptied now and then. */
static void follows(void)
{
	AUTO_BUF got = BUF_INIT, want = BUF_INIT;
	struct thread_last last = { 0 };
	struct thread_rec t = { 0 };
	struct field_set set;
	unsigned int round, i;
	bool same = true;
	int f;

	srand(2);
	field_defaults(&set);
	field_add(&set, F_numa_faults);
	for (f = 0; f < F_N; f++)
		set_any(&t, f);
	for (round = 0; same && round < 4000; round++) {
		for (i = (unsigned int)rand() % 6; i > 0; i--)
			set_any(&t, rand() % F_N);
		if (rand() % 50 == 0) {
			buf_reset(&got);
			buf_reset(&want);
			last = (struct thread_last){ 0 };
		}
		if (rand() % 20 == 0) {
			buf_str(&got, "{}\n");
			buf_str(&want, "{}\n");
		}
		same = thread_format_next(&last, &t, &set, &got) == 0;
		reference(&t, &set, &want);
		same = same && got.len == want.len && memcmp(got.p, want.p, got.len) == 0 &&
		       got.p[got.len] == '\0';
	}
	ok(same, "records that follow each other are what jsonw writes (%u of them)", round);

	/* As many bytes as before, and all of them the same that stood there, but escaped. */
	same = true;
	for (i = 0; i < 4; i++) {
		static const char *const pair[] = { "a\"", "a\\", "\\\"", "\\\\" };

		thread_set_str(&t, F_comm, pair[i], 2);
		same = same && thread_format_next(&last, &t, &set, &got) == 0;
		reference(&t, &set, &want);
	}
	ok(same && got.len == want.len && memcmp(got.p, want.p, got.len) == 0,
	   "names that look like another's text are not taken for it");
}

static void selects(const char *list, const char *want)
{
	AUTO_BUF got = BUF_INIT;
	struct field_set s = { 0 }, dflt, before;
	const char *bad = NULL;
	size_t n = 0;
	int f, rc;

	field_defaults(&dflt);
	before = s;
	rc = field_select(list, &s, &bad, &n);
	if (rc < 0) {
		ok(memcmp(&s, &before, sizeof(s)) == 0, "'%s' changes nothing", list);
		buf_fmt(&got, "bad '%.*s'", (int)n, bad);
	} else if (list[0] == '+' || list[0] == '-') { /* said by the difference */
		for (f = 0; f < F_N; f++)
			if (field_has(&s, f) != field_has(&dflt, f))
				buf_fmt(&got, "%c%s ", field_has(&s, f) ? '+' : '-',
					fields[f].name);
	} else {
		for (f = 0; f < F_N; f++)
			if (field_has(&s, f) && fields[f].group != GROUP_ID)
				buf_fmt(&got, "%s ", fields[f].name);
			else if (fields[f].group == GROUP_ID && !field_has(&s, f))
				buf_fmt(&got, "no %s ", fields[f].name);
	}
	ok_str(got.p ? got.p : "", want, "--fields %s", list);
}

static void comm(const char *name, const char *want)
{
	char got[64];

	(void)snprintf(got, sizeof(got), "%.*s", (int)thread_comm(name, strlen(name)), name);
	ok_str(got, want, "the name in %s", name);
}

static void counts(void)
{
	struct tally t = { 0 }, u = { 0 };
	struct jsonw w;
	unsigned int i;
	static char what[TALLY_MAX + 5][8];

	tally_rc(&t, "io", -EACCES);
	tally_add(&t, "wait_sum_ns", "off", 40);
	tally_rc(&t, "io", -EACCES);
	tally_rc(&t, "io", -ENOENT);
	tally_add(&t, "sched", "ENOENT", 0);
	tally_rc(&u, "io", -ENOENT);
	tally_rc(&u, "stat", -ENOENT);
	tally_merge(&t, &u);
	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	tally_write(&t, "missing", &w);
	tally_write_flat(&t, "errors", &w);
	(void)jsonw_end(&w); /* seen in the text */
	ok_str(w.buf.p,
	       "{\"missing\":{\"io\":{\"EACCES\":2,\"ENOENT\":2},\"wait_sum_ns\":{\"off\":40},"
	       "\"stat\":{\"ENOENT\":1}},\"errors\":{\"EACCES\":2,\"off\":40,\"ENOENT\":3}}\n",
	       "counts by what and why");
	jsonw_free(&w);
	ok(tally_sum(&t) == 45, "the sum");
	for (i = 0; i < KT_ARRAY_LEN(what); i++) {
		(void)snprintf(what[i], sizeof(what[i]), "w%u", i);
		tally_add(&t, what[i], "off", 1);
	}
	ok(t.n == TALLY_MAX && tally_sum(&t) == 45 + KT_ARRAY_LEN(what),
	   "what has no room is counted all the same");
}

int main(void)
{
	int f, g, in;

	formats();
	follows();
	selects("run_time_ns", "run_time_ns ");
	selects("minflt,io,-syscr", "minflt rchar wchar syscw read_bytes write_bytes "
				    "cancelled_write_bytes ");
	selects("faults", "minflt majflt ");
	selects("+heap", "+allocated_bytes +deallocated_bytes ");
	selects("-mem,+numa_faults", "-rss_kb -oom_score_adj +numa_faults ");
	selects("-id", "");
	selects("+heap,wait", "bad 'wait'");
	selects("", "bad ''");
	selects("tid,", "bad ''");
	selects("+", "bad ''");
	selects("tid,nic", "bad 'nic'");
	for (g = 0; g < GROUP_N; g++) {
		for (in = 0, f = 0; f < F_N; f++)
			in += (int)fields[f].group == g;
		ok(in > 0 && field_group_name[g], "group %d has a name and members", g);
		ok(field_find(field_group_name[g], strlen(field_group_name[g])) < 0,
		   "no field is called %s", field_group_name[g]);
	}

	comm("kworker/0:1-events", "kworker/0:1");
	comm("kworker/u8:3+iou_exit", "kworker/u8:3");
	comm("kworker/1:1H-kblockd", "kworker/1:1H");
	comm("kworker/u9:0", "kworker/u9:0");
	comm("kworker/u256:17-ext4-rsv-conversion", "kworker/u256:17");
	comm("kworker/R-mld", "kworker/R-mld");
	comm("kworker/R-mld-mld", "kworker/R-mld");
	comm("kworker/R-mld+mld", "kworker/R-mld");
	comm("kworker/R-a-a-a-a", "kworker/R-a-a");
	comm("kworker/R-ext4-rsv-conversion", "kworker/R-ext4-");
	comm("kworker/dying", "kworker/dying");
	comm("kworker/", "kworker/");
	comm("rcu_tasks_trace_kthread", "rcu_tasks_trace");
	comm("", "");
	counts();
	return tap_done();
}
