/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a source has read of one thread, and its text. */
#ifndef KT_SNAP_THREAD_H
#define KT_SNAP_THREAD_H

#include "buf.h"
#include "fields.h"

/* A value that is not there is null in the record; the source has counted why. Values of fields
 * that were not asked for may be there and are passed over. */
struct thread_rec {
	struct field_set has;
	uint64_t v[F_N]; /* by enum field_kind; of FIELD_STR the number of bytes */
	const char *s[F_N]; /* of FIELD_STR the bytes, borrowed until the record was handed on */
};

static inline void thread_clear(struct thread_rec *t)
{
	t->has = (struct field_set){ 0 }; /* v and s mean nothing without it */
}

static inline void thread_set(struct thread_rec *t, enum field_id f, uint64_t v)
{
	field_add(&t->has, f);
	t->v[f] = v;
}

static inline void thread_set_str(struct thread_rec *t, enum field_id f, const char *s, size_t n)
{
	thread_set(t, f, n);
	t->s[f] = s;
}

/* thread_comm - how much of a kernel thread's name, as /proc shows it, is the task's own: what a
 * kworker works on is cut off ("kworker/0:1-events" is "kworker/0:1"), and so is all behind 15
 * bytes. Other names are passed in whole. Returns the length. */
size_t thread_comm(const char *name, size_t n);

/* thread_format - append the `thread` record, with its newline: the fields of `set` in the table's
 * order, byte for byte as jsonw would write them. Returns 0 or -ENOMEM. */
int thread_format(const struct thread_rec *t, const struct field_set *set, struct buf *b);

/* The record that was written last. */
struct thread_last {
	size_t from, to; /* where it is in the buf */
	struct field_set has;
	uint64_t v[F_N];
	size_t n[F_N]; /* bytes of each member's text */
};

/* thread_format_next - the same, many times over: with the same set and the same buf, and `last`
 * zeroed at first and each time that the buf was emptied. */
int thread_format_next(struct thread_last *last, const struct thread_rec *t,
		       const struct field_set *set, struct buf *b);

#endif
