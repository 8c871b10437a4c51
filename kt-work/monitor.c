/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches the progress of all workers. */
#include "monitor.h"
#include "cleanup.h"
#include "mono.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

/* A stretch this long is kept even if the worker itself never tells of it. */
#define OPEN_MIN_NS (2 * MONITOR_PERIOD_NS)

struct monitor {
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below, and of the monitor's part of the groups */
	pthread_cond_t wake;
	struct group *groups;
	uint64_t due_ns; /* of the next look; 0: it sleeps */
	bool quit, fifo;
};

/* Since when the worker should have run, without progress; 0: it need not run. */
static uint64_t stalled_since(const struct group *g, unsigned int i, uint64_t now)
{
	struct tele *t = g->m[i].t;
	struct chan *chans = (struct chan *)(g->share + 1);
	uint64_t since = atomic_load_explicit(&t->since, memory_order_acquire), stamp;
	uint32_t seen;

	if (since <= SINCE_TIME_MAX)
		return since < now ? since : 0; /* later: asleep until then */
	if (since != SINCE_WAITING)
		return 0;
	seen = atomic_load_explicit(&t->wait_seen, memory_order_relaxed);
	stamp = chan_stamp(&chans[atomic_load_explicit(&t->wait_chan, memory_order_relaxed)], seen);
	if (stamp == 0)
		stamp = atomic_load_explicit(&chans[i].first, memory_order_relaxed);
	/* If it went on while we looked, that was progress. */
	if (atomic_load_explicit(&t->since, memory_order_acquire) != SINCE_WAITING ||
	    atomic_load_explicit(&t->wait_seen, memory_order_relaxed) != seen)
		return 0;
	return stamp < now ? stamp : 0;
}

static void close_gap(struct member *m)
{
	if (m->open_len_ns >= OPEN_MIN_NS)
		gaps_add(&m->gaps, m->open_begin_ns, m->open_len_ns,
			 atomic_load_explicit(&m->t->cpu, memory_order_relaxed));
	m->open_begin_ns = m->open_len_ns = 0;
}

static void look_at(struct group *g, unsigned int i, uint64_t now)
{
	struct member *m = &g->m[i];
	uint64_t begin = m->watched ? stalled_since(g, i, now) : 0;

	if (begin != m->open_begin_ns)
		close_gap(m);
	if (begin) {
		m->open_begin_ns = begin;
		m->open_len_ns = now - begin;
	}
}

/* The last look: whatever is open now stays open. */
static void finish(struct group *g, unsigned int i, uint64_t now)
{
	struct member *m = &g->m[i];

	if (!m->watched)
		return;
	look_at(g, i, now);
	if (m->open_len_ns >= MONITOR_PERIOD_NS)
		m->gap_open_ns = m->open_len_ns;
	close_gap(m);
	m->watched = false;
}

static void *monitor_main(void *arg)
{
	struct monitor *m = arg;
	struct group *g;
	unsigned int i;

	pthread_mutex_lock(&m->lock);
	while (!m->quit) {
		uint64_t now, late, due;

		if (!m->groups) {
			m->due_ns = 0;
			pthread_cond_wait(&m->wake, &m->lock);
			continue;
		}
		now = mono_ns();
		if (m->due_ns == 0)
			m->due_ns = now;
		late = now - m->due_ns;
		for (g = m->groups; g; g = g->mon_next) {
			if (g->late_max_ns < late)
				g->late_max_ns = late;
			for (i = 0; i < g->spec.count; i++)
				look_at(g, i, now);
		}
		m->due_ns += (late / MONITOR_PERIOD_NS + 1) * MONITOR_PERIOD_NS;
		due = m->due_ns;
		pthread_mutex_unlock(&m->lock);
		while (mono_sleep_until(due) == EINTR)
			;
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static int make_thread(struct monitor *m, bool fifo)
{
	struct sched_param sp = { .sched_priority = MONITOR_PRIO };
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	if (fifo) {
		err = pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		err = err ? err : pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
		err = err ? err : pthread_attr_setschedparam(&attr, &sp);
	}
	m->fifo = fifo;
	err = err ? err : pthread_create(&m->thread, &attr, monitor_main, m);
	(void)pthread_attr_destroy(&attr); /* cannot fail */
	return -err;
}

int monitor_start(struct monitor **ret)
{
	AUTO_FREE struct monitor *m = calloc(1, sizeof(*m));
	pthread_mutexattr_t attr;
	int rc;

	if (!m)
		return -ENOMEM;
	/* Else a worker that keeps main from running would stop the monitor too. */
	rc = -pthread_mutexattr_init(&attr);
	if (rc == 0)
		rc = -pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (rc == 0)
		rc = -pthread_mutex_init(&m->lock, &attr);
	if (rc == 0)
		rc = -pthread_cond_init(&m->wake, NULL);
	if (rc < 0)
		return rc;
	rc = make_thread(m, true);
	if (rc == -EPERM)
		rc = make_thread(m, false); /* its lateness will show */
	if (rc == 0)
		*ret = take_ptr(&m);
	return rc;
}

void monitor_end(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->quit = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	(void)pthread_join(m->thread, NULL); /* it is ours and joinable */
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

bool monitor_is_fifo(const struct monitor *m)
{
	return m->fifo;
}

void monitor_add(struct monitor *m, struct group *g)
{
	unsigned int i;

	pthread_mutex_lock(&m->lock);
	for (i = 0; i < g->spec.count; i++)
		g->m[i].watched = g->m[i].alive;
	g->mon_next = m->groups;
	m->groups = g;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_del(struct monitor *m, struct group *g, uint64_t now)
{
	struct group **p;
	unsigned int i;

	pthread_mutex_lock(&m->lock);
	for (p = &m->groups; *p && *p != g; p = &(*p)->mon_next)
		;
	if (*p) {
		*p = g->mon_next;
		if (m->due_ns && now > m->due_ns && now - m->due_ns > g->late_max_ns)
			g->late_max_ns = now - m->due_ns;
		for (i = 0; i < g->spec.count; i++)
			finish(g, i, now);
	}
	pthread_mutex_unlock(&m->lock);
}

void monitor_dead(struct monitor *m, struct group *g, unsigned int worker, uint64_t now)
{
	pthread_mutex_lock(&m->lock);
	finish(g, worker, now);
	pthread_mutex_unlock(&m->lock);
}
