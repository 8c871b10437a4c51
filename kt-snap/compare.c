/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins the snapshots of the inputs.
 *
 * Of two snapshots, one is held in memory by thread while the other one passes by. Two files need
 * not even that: both are in the order of thread ids, as a rule, so they are read side by side, and
 * only threads that the other side does not have, or not yet, are kept. */
#include "compare.h"
#include "die.h"
#include "interval.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int compare_init(struct compare *c)
{
	struct metric_set want = c->show.metrics;
	size_t i;
	int rc;

	for (i = 0; i < c->n_fail_if; i++)
		metric_add(&want, c->fail_if[i].metric);
	rc = agg_init(&c->agg, &want);
	c->spare = pool_get(&c->pool);
	c->single = calloc(1, sizeof(*c->single) + 1);
	return rc < 0 || !c->spare || !c->single ? -ENOMEM : 0;
}

void compare_free(struct compare *c)
{
	size_t i;

	if (c->single) {
		agg_clear(&c->agg, c->single);
		free(c->single->acc);
		free(c->single);
	}
	pool_put(&c->pool, c->spare);
	items_free(&c->base, &c->pool);
	items_free(&c->next, &c->pool);
	pool_free(&c->pool);
	rank_free(&c->rank);
	agg_free(&c->agg);
	buf_free(&c->failed);
	buf_free(&c->told);
	for (i = 0; i < c->n_fail_if; i++)
		fail_free(&c->fail_if[i]);
}

static int failed(struct compare *c, int rc, const char *why)
{
	(void)snprintf(c->err, sizeof(c->err), "%s", why);
	return rc;
}

static uint64_t coarser(const struct snapshot *a, const struct snapshot *b)
{
	return a->tick_ns > b->tick_ns ? a->tick_ns : b->tick_ns;
}

/* ---- reading ---- */

/* Messages of kt-snap's own counting: a snapshot from which somebody has taken threads. */
static void say_lacking(const struct intake *t)
{
	if (t->snap.lacking > 0)
		warn_msg("%s: snapshot %" PRIu64 " has %" PRIu64 " threads, its end says %" PRIu64,
			 t->in.name, t->snap.n, t->snap.threads, t->snap.threads + t->snap.lacking);
}

static int next_event(struct compare *c, struct intake *t, struct item *it)
{
	int rc = intake_next(t, it);

	if (rc < 0)
		return failed(c, rc, t->err);
	if (rc == INTAKE_SNAPSHOT_END)
		say_lacking(t);
	return rc;
}

static int open_input(struct compare *c, struct intake *t, const char *path)
{
	int rc = intake_open(t, path, &c->agg, &c->how);

	if (rc < 0)
		(void)failed(c, rc, t->err);
	return rc;
}

/* What has been read counts, also when it ended badly. */
static void close_input(struct compare *c, struct intake *t)
{
	c->snapshots += t->snapshots;
	c->records += t->records;
	c->bytes += t->good_bytes;
	c->predicted += t->scan.predicted;
	c->parsed += t->scan.parsed;
	intake_close(t);
}

static void take_snapshot(struct snapshot *to, const struct snapshot *from)
{
	snapshot_free(to);
	*to = *from;
	to->facts = facts_ref(from->facts);
}

/* Keep the item that was read, and have another for the next. */
static int keep(struct compare *c, struct items *in)
{
	struct item *it = pool_get(&c->pool);

	if (!it || items_add(in, c->spare) < 0) {
		pool_put(&c->pool, it);
		return -ENOMEM;
	}
	c->spare = it;
	return 0;
}

/* A snapshot up to its end, into a table. */
static int load(struct compare *c, struct intake *t, struct items *in)
{
	int rc;

	while ((rc = next_event(c, t, c->spare)) == INTAKE_ITEM) {
		rc = keep(c, in);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

/* A snapshot up to its end, against the table base. next: what is read becomes a table too. */
static int join(struct compare *c, struct intake *t, struct interval *iv, struct items *next)
{
	struct told_left arg = { .c = c, .iv = iv, .side = 0 };
	uint64_t tick = coarser(iv->before, &t->snap);
	struct item *was;
	int rc;

	while ((rc = next_event(c, t, c->spare)) == INTAKE_ITEM) {
		was = iv->frame.plain ? NULL : items_find(&c->base, c->spare, tick);
		if (was && was->seen)
			return failed(c, -EBADMSG, "a thread is in a snapshot twice");
		if (was)
			was->seen = true;
		rc = interval_tell(c, iv, was, c->spare);
		if (rc == 0 && next)
			rc = keep(c, next);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : items_each(&c->base, interval_tell_left, &arg);
}

/* A series: base is the snapshot before (each), or the first of all. last: what was joined last and
 * not written, since a later one could follow. */
struct series {
	struct snapshot before, after;
	bool have, due;
	struct interval iv;
};

static int next_in_series(struct compare *c, struct intake *t, struct series *s)
{
	struct items cleared;
	int rc;

	if (!s->have) {
		s->have = true;
		rc = load(c, t, &c->base);
		take_snapshot(&s->before, &t->snap);
		return rc;
	}
	interval_begin(c, &s->iv, &s->before, &t->snap);
	rc = join(c, t, &s->iv, c->each ? &c->next : NULL);
	if (rc < 0)
		return rc;
	take_snapshot(&s->after, &t->snap);
	s->iv.after = &s->after;
	s->due = !c->each;
	if (!c->each)
		return 0;
	rc = interval_finish(c, &s->iv);
	items_clear(&c->base, &c->pool);
	cleared = c->base;
	c->base = c->next;
	c->next = cleared;
	take_snapshot(&s->before, &s->after);
	return rc;
}

static int read_series(struct compare *c, struct intake *t, struct series *s)
{
	int rc;

	while ((rc = next_event(c, t, c->spare)) == INTAKE_SNAPSHOT) {
		rc = next_in_series(c, t, s);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int end_series(struct compare *c, struct series *s)
{
	if (c->intervals == 0 && !s->due)
		return failed(c, -ENODATA, "there is one snapshot, and to compare takes two");
	return s->due ? interval_finish(c, &s->iv) : 0;
}

static int run_series(struct compare *c, const char *const *paths, size_t n)
{
	struct series s = { 0 };
	struct intake t;
	int rc = 0;
	size_t i;

	for (i = 0; rc == 0 && i < n; i++) {
		rc = open_input(c, &t, paths[i]);
		if (rc < 0)
			break;
		rc = read_series(c, &t, &s);
		close_input(c, &t);
	}
	if (rc == 0)
		rc = end_series(c, &s);
	snapshot_free(&s.before);
	snapshot_free(&s.after);
	return rc;
}

/* ---- two files, side by side ---- */

struct side {
	struct intake t;
	struct item *it; /* the one to be told next; NULL: none any more */
	bool by_tid; /* so far threads came in the order of their own ids */
};

/* Cgroups come after threads. */
static bool is_before(const struct item *a, const struct item *b, bool by_tid)
{
	if ((a->tid == 0) != (b->tid == 0))
		return b->tid == 0;
	if (!by_tid && a->tgid != b->tgid)
		return a->tgid < b->tgid;
	return a->tid < b->tid;
}

static int advance(struct compare *c, struct side *s)
{
	uint32_t last = s->it->tid;
	int rc = next_event(c, &s->t, s->it);

	if (rc < 0)
		return rc;
	if (rc == INTAKE_ITEM) {
		s->by_tid &= s->it->tid == 0 || s->it->tid > last;
		return 0;
	}
	pool_put(&c->pool, s->it);
	s->it = NULL;
	return 0;
}

/* The item of one side: with its other half if that was there already, else it waits. */
static int settle(struct compare *c, struct interval *iv, struct side *s, int side,
		  struct items *mine, struct items *others, uint64_t tick)
{
	struct item *other, *more;
	int rc;

	if (iv->frame.plain) {
		rc = interval_tell(c, iv, side == 0 ? s->it : NULL, side == 1 ? s->it : NULL);
		return rc < 0 ? rc : advance(c, s);
	}
	other = items_take(others, s->it, tick);
	if (other) {
		rc = interval_tell(c, iv, side == 0 ? s->it : other, side == 1 ? s->it : other);
		pool_put(&c->pool, other);
		return rc < 0 ? rc : advance(c, s);
	}
	more = pool_get(&c->pool);
	if (!more)
		return -ENOMEM;
	if (items_add(mine, s->it) < 0) {
		pool_put(&c->pool, more);
		return -ENOMEM;
	}
	more->tid = s->it->tid;
	s->it = more;
	return advance(c, s);
}

static bool same_item(const struct item *a, const struct item *b, uint64_t tick)
{
	return a->tid == b->tid && a->tgid == b->tgid &&
	       (!a->start_known || !b->start_known || a->start_ns / tick == b->start_ns / tick);
}

/* Both intakes have begun their snapshots. */
static int merge(struct compare *c, struct side *a, struct side *b, struct interval *iv)
{
	uint64_t tick = coarser(&a->t.snap, &b->t.snap);
	struct told_left arg = { .c = c, .iv = iv };
	int rc;

	rc = advance(c, a);
	if (rc == 0)
		rc = advance(c, b);
	while (rc == 0 && (a->it || b->it)) {
		if (a->it && b->it && !iv->frame.plain && same_item(a->it, b->it, tick)) {
			rc = interval_tell(c, iv, a->it, b->it);
			if (rc == 0)
				rc = advance(c, a);
			if (rc == 0)
				rc = advance(c, b);
		} else if (a->it && (!b->it || is_before(a->it, b->it, a->by_tid && b->by_tid))) {
			rc = settle(c, iv, a, 0, &c->base, &c->next, tick);
		} else {
			rc = settle(c, iv, b, 1, &c->next, &c->base, tick);
		}
	}
	if (rc == 0)
		rc = items_each(&c->base, interval_tell_left, &arg);
	arg.side = 1;
	if (rc == 0)
		rc = items_each(&c->next, interval_tell_left, &arg);
	items_clear(&c->base, &c->pool);
	items_clear(&c->next, &c->pool);
	return rc;
}

static int begin_side(struct compare *c, struct side *s)
{
	int rc;

	s->by_tid = true;
	s->it = pool_get(&c->pool);
	if (!s->it)
		return -ENOMEM;
	s->it->tid = 0;
	rc = next_event(c, &s->t, s->it);
	return rc < 0 ? rc : 0; /* whole input has a snapshot, or is an error */
}

/* The rest of the first file must be whole too. */
static int drain(struct compare *c, struct intake *t)
{
	int rc;

	while ((rc = next_event(c, t, c->spare)) > 0)
		;
	return rc;
}

static int run_pair(struct compare *c, struct side *a, struct side *b)
{
	struct series s = { 0 };
	int rc;

	rc = begin_side(c, a);
	if (rc == 0)
		rc = begin_side(c, b);
	if (rc < 0)
		return rc;
	interval_begin(c, &s.iv, &a->t.snap, &b->t.snap);
	rc = merge(c, a, b, &s.iv);
	take_snapshot(&s.before, &a->t.snap);
	take_snapshot(&s.after, &b->t.snap);
	s.iv.before = &s.before;
	s.iv.after = &s.after;
	if (rc == 0)
		rc = drain(c, &a->t);
	if (rc == 0)
		rc = next_event(c, &b->t, c->spare);
	if (rc == INTAKE_SNAPSHOT) {
		/* The second file is a series, and its last one is wanted: from here on with a
		 * table. */
		rc = intake_rewind(&a->t);
		if (rc < 0)
			(void)failed(c, rc, a->t.err);
		if (rc == 0)
			rc = next_event(c, &a->t, c->spare);
		if (rc > 0)
			rc = load(c, &a->t, &c->base);
		if (rc == 0)
			rc = drain(c, &a->t);
		s.have = true;
		if (rc == 0)
			rc = next_in_series(c, &b->t, &s);
		if (rc == 0)
			rc = read_series(c, &b->t, &s);
	}
	if (rc == 0)
		rc = interval_finish(c, &s.iv);
	snapshot_free(&s.before);
	snapshot_free(&s.after);
	return rc;
}

int compare_run(struct compare *c, const char *const *paths, size_t n_paths)
{
	struct side a = { 0 }, b = { 0 };
	int rc;

	if (c->each || n_paths != 2)
		return run_series(c, paths, n_paths);
	rc = open_input(c, &a.t, paths[0]);
	if (rc < 0)
		return rc;
	if (!input_seekable(&a.t.in)) {
		intake_close(&a.t);
		return run_series(c, paths, n_paths);
	}
	rc = open_input(c, &b.t, paths[1]);
	if (rc == 0) {
		rc = run_pair(c, &a, &b);
		pool_put(&c->pool, b.it);
		close_input(c, &b.t);
	}
	pool_put(&c->pool, a.it);
	close_input(c, &a.t);
	return rc;
}
