/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading beside what is done with it. */
#include "ahead.h"
#include "cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define BLOCKS 3

struct ring {
	const struct ahead *ahead;
	char *block; /* BLOCKS of them */
	ssize_t n[BLOCKS]; /* as `fill` returned it */
	sem_t full, free;
	atomic_bool stop;
};

static char *block(const struct ring *r, unsigned int i)
{
	return r->block + (size_t)(i % BLOCKS) * AHEAD_BYTES;
}

static ssize_t fill(struct ring *r, unsigned int i)
{
	return r->n[i % BLOCKS] = r->ahead->fill(r->ahead->arg, block(r, i), AHEAD_BYTES);
}

static void down(sem_t *s)
{
	while (sem_wait(s) < 0)
		; /* EINTR is all that can be */
}

/* All but the first block. */
static void *read_on(void *arg)
{
	struct ring *r = arg;
	unsigned int i = 1;

	do {
		down(&r->free);
		if (r->stop)
			break;
		fill(r, i);
		sem_post(&r->full);
	} while (r->n[i++ % BLOCKS] > 0);
	return NULL;
}

int ahead_run(const struct ahead *a)
{
	AUTO_FREE char *blocks = malloc((size_t)BLOCKS * AHEAD_BYTES);
	struct ring r = { .ahead = a, .block = blocks };
	bool beside = false;
	pthread_t thread;
	unsigned int i;
	int rc = 0;

	if (!blocks)
		return -ENOMEM;
	sem_init(&r.full, 0, 0);
	sem_init(&r.free, 0, BLOCKS - 1);
	for (i = 0; rc == 0; i++) {
		if (beside)
			down(&r.full);
		else
			fill(&r, i);
		if (r.n[i % BLOCKS] <= 0) {
			rc = (int)r.n[i % BLOCKS];
			break;
		}
		/* A block that is not half full is the last one, and when there is no thread to be
		 * had, it goes without. */
		if (i == 0 && !a->alone && r.n[0] > AHEAD_BYTES / 2)
			beside = pthread_create(&thread, NULL, read_on, &r) == 0;
		rc = a->take(a->arg, block(&r, i), (size_t)r.n[i % BLOCKS]);
		if (beside)
			sem_post(&r.free);
	}
	if (beside) {
		r.stop = true;
		sem_post(&r.free);
		pthread_join(thread, NULL);
	}
	sem_destroy(&r.full);
	sem_destroy(&r.free);
	return rc;
}
