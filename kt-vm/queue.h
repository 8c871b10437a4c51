/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output on its way to a reader who may be slow: never blocks, never sets O_NONBLOCK on a
 * descriptor that others share. In record mode the bytes are lines: those that are records pass,
 * others become records of type "text". */
#ifndef KT_QUEUE_H
#define KT_QUEUE_H

#include "buf.h"
#include "jsonw.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct queue {
	int fd; /* borrowed */
	int own_fd; /* the same terminal, opened once more; -1: it is none */
	struct buf b; /* bytes from pos on wait */
	size_t pos, chunk; /* a write of chunk bytes does not block after POLLOUT */
	bool records, meta; /* meta: our meta record is in the stream */
	bool broken; /* the reader has gone, or is not to be waited for: everything is dropped */
	int err; /* -errno of the write that failed, -EPIPE for a reader who left */
	struct buf line; /* record mode: a line that is not complete yet */
	struct jsonw w; /* record mode: for our own records; queue_record() afterwards */
};

void queue_init(struct queue *q, int fd, bool records);
void queue_free(struct queue *q);

/* queue_add - bytes of the command. */
void queue_add(struct queue *q, const char *p, size_t n);

/* queue_record - add what q->w has finished; rc is what jsonw_end() said. */
void queue_record(struct queue *q, int rc);

/* queue_flush_line - the command has ended: a last line without a newline counts. */
void queue_flush_line(struct queue *q);

/* queue_drop - wait for the reader no more: what is there, and what comes, is for nobody. */
void queue_drop(struct queue *q);

bool queue_full(const struct queue *q); /* read no more until some of it is written */
bool queue_empty(const struct queue *q);

/* queue_poll - what to wait for; queue_step - do what poll(2) allows. */
void queue_poll(const struct queue *q, struct pollfd *p);
void queue_step(struct queue *q, short revents);

/* queue_drain - wait until all is written; not beyond timeout_ms (-1: none) without any progress,
 * nor when sig_fd has something to read. */
void queue_drain(struct queue *q, int sig_fd, int timeout_ms);

/* queue_is_record - is the line one JSON object whose first member is "type", a text? */
bool queue_is_record(const char *line, size_t n);

#endif
