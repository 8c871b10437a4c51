/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proc source: lists processes and threads, and has readers read them, in batches. With several
 * readers the batches are handed on in the order in which they were listed. */
#include "cleanup.h"
#include "die.h"
#include "proc_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#define BATCH 32 /* threads that a reader takes at a time */
#define DENT_MAX 512 /* no entry is longer */
#define DENTS (64 << 10) /* bytes of names at a time: some 2,700 threads */

/* A directory that is being listed. */
struct listing {
	char *buf;
	size_t at, n;
	bool all; /* what is in buf is the rest */
};

struct proc_source {
	struct source source;
	struct source_opts opts;
	struct proc_caps caps;
	int proc_fd;
	unsigned int n_workers;
	struct worker {
		struct proc_source *owner;
		struct reader reader;
		struct slot slot[BATCH];
		bool whole[BATCH]; /* the slot has a record */
		struct process *process[BATCH];
		pid_t tid[BATCH];
		unsigned int n; /* in this batch */
		uint64_t ticket; /* its place among the batches */
	} * worker;
	/* What is listed, guarded by `lock`. */
	pthread_mutex_t lock;
	struct listing top, tasks;
	size_t next_pid; /* of opts.pid */
	struct process *now; /* whose threads are being listed; holds a reference */
	struct process *unused;
	uint64_t vanished; /* processes whose threads could not be listed any more */
	struct tally errors;
	uint64_t n_tickets;
	bool done;
	/* Whose turn it is to hand on, guarded by `lock` too. */
	pthread_cond_t turn;
	uint64_t serving;
	struct walk *walk;
	int rc; /* the first failure: all stop */
};

/* ---- listing, with `lock` held ---- */

/* The next name that is a number; 0 at the end; -errno. */
static pid_t next_number(struct listing *l, int dir_fd)
{
	for (;;) {
		const struct dirent64 *de;
		pid_t pid;

		if (l->at == l->n) {
			long n = l->all ? 0 : syscall(SYS_getdents64, dir_fd, l->buf, DENTS);

			if (n <= 0)
				return n < 0 ? -errno : 0;
			l->at = 0;
			l->n = (size_t)n;
			l->all = n < DENTS - DENT_MAX; /* procfs gives as many as fit */
		}
		de = (const struct dirent64 *)(const void *)(l->buf + l->at);
		l->at += de->d_reclen;
		pid = parse_pid(de->d_name);
		if (pid > 0)
			return pid;
	}
}

static void listing_start(struct listing *l)
{
	l->at = l->n = 0;
	l->all = false;
}

static void drop_process(struct proc_source *s, struct process *p)
{
	if (--p->refs > 0)
		return;
	drop_fd(&p->task_fd);
	p->next = s->unused;
	s->unused = p;
}

static struct process *new_process(struct proc_source *s, pid_t tgid, int task_fd)
{
	struct process *p = s->unused;

	if (p) {
		s->unused = p->next;
	} else {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		pthread_mutex_init(&p->lock, NULL);
	}
	p->tgid = tgid;
	p->task_fd = task_fd;
	p->refs = 1;
	p->has_comm = p->has_cgroup = p->has_oom = p->threaded = false;
	buf_reset(&p->cgroup);
	return p;
}

static bool gone(int rc)
{
	return rc == -ENOENT || rc == -ESRCH;
}

/* Something that was listed as a process or thread is not there, or cannot be read. */
static void lost(struct proc_source *s, const char *what, int rc)
{
	if (gone(rc))
		s->vanished++;
	else
		tally_rc(&s->errors, what, rc);
}

/* Begin with the threads of `pid`. Returns 0 also when it cannot be (counted), or -errno. */
static int open_process(struct proc_source *s, pid_t pid, pid_t tgid)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "%d/task", (int)pid); /* it fits */
	fd = openat(s->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		lost(s, "task", -errno);
		return 0;
	}
	s->now = new_process(s, tgid, fd);
	if (!s->now) {
		close(fd);
		return -ENOMEM;
	}
	listing_start(&s->tasks);
	return 0;
}

/* The process that `pid`, from the command line, belongs to; 0 when there is none (counted). */
static pid_t process_of(struct proc_source *s, pid_t pid)
{
	char path[32], *text = s->tasks.buf; /* not in use now */
	ssize_t n;
	pid_t tgid;

	(void)snprintf(path, sizeof(path), "%d/status", (int)pid); /* it fits */
	n = proc_slurp(s->proc_fd, path, text, DENTS);
	tgid = n < 0 ? -1 : parse_tgid(text, (size_t)n);
	if (tgid > 0)
		return tgid;
	lost(s, "status", n < 0 ? (int)n : -EINVAL);
	return 0;
}

static bool asked_for(const struct source_opts *o, pid_t pid)
{
	size_t i;

	for (i = 0; i < o->n_pids; i++)
		if (o->pid[i] == pid)
			return true;
	return false;
}

/* Go on to the next process: `now` is it, or stays NULL when it could not be opened. *ret_tid is
 * the single thread of it that was asked for, 0: all. Returns 1, 0 at the end, or -errno. */
static int next_process(struct proc_source *s, pid_t *ret_tid)
{
	pid_t pid, tgid;
	int rc;

	*ret_tid = 0;
	if (s->opts.n_pids == 0) {
		pid = next_number(&s->top, s->proc_fd);
		if (pid <= 0)
			return (int)pid;
		rc = open_process(s, pid, pid);
		return rc < 0 ? rc : 1;
	}
	if (s->next_pid == s->opts.n_pids)
		return 0;
	pid = s->opts.pid[s->next_pid++];
	tgid = process_of(s, pid);
	if (tgid == 0 || (tgid != pid && asked_for(&s->opts, tgid)))
		return 1; /* not there, or it comes with its process */
	*ret_tid = tgid == pid ? 0 : pid;
	rc = open_process(s, tgid, tgid);
	return rc < 0 ? rc : 1;
}

static void add(struct worker *w, struct process *p, pid_t tid)
{
	w->process[w->n] = p;
	w->tid[w->n] = tid;
	w->n++;
	p->refs++;
}

static void end_process(struct proc_source *s)
{
	drop_process(s, s->now);
	s->now = NULL;
}

/* Fill the batch of a worker. Returns 0 or -errno; an empty batch is the end. */
static int next_batch(struct proc_source *s, struct worker *w)
{
	pid_t tid;
	int rc;

	w->n = 0;
	while (w->n < BATCH && !s->done) {
		bool first = false;

		if (!s->now) {
			rc = next_process(s, &tid);
			if (rc <= 0) {
				s->done = true;
				if (rc < 0)
					return warn_rc(rc, "list '/proc'");
			}
			if (!s->now)
				continue;
			first = true;
			s->now->single = tid > 0;
			if (tid > 0) {
				add(w, s->now, tid);
				end_process(s);
				continue;
			}
		}
		tid = next_number(&s->tasks, s->now->task_fd);
		if (tid > 0) {
			if (first)
				s->now->single = s->tasks.all && s->tasks.at == s->tasks.n;
			add(w, s->now, tid);
			continue;
		}
		if (tid < 0 || first)
			lost(s, "task", tid < 0 ? tid : -ESRCH);
		end_process(s);
	}
	w->ticket = s->n_tickets;
	s->n_tickets += w->n > 0;
	return 0;
}

/* ---- walking ---- */

static void hand_on(struct proc_source *s, struct worker *w)
{
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		if (s->rc == 0 && w->whole[i])
			s->rc = s->walk->emit(s->walk->arg, &w->slot[i].rec);
		drop_process(s, w->process[i]);
	}
	s->serving++;
	pthread_cond_broadcast(&s->turn);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct proc_source *s = w->owner;
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	while (s->rc == 0) {
		int rc = next_batch(s, w);

		if (rc < 0 && s->rc == 0)
			s->rc = rc;
		if (w->n == 0)
			break;
		pthread_mutex_unlock(&s->lock);
		for (i = 0; i < w->n; i++)
			w->whole[i] =
				reader_thread(&w->reader, w->process[i], w->tid[i], &w->slot[i]);
		pthread_mutex_lock(&s->lock);
		while (s->serving != w->ticket)
			pthread_cond_wait(&s->turn, &s->lock);
		hand_on(s, w);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int proc_walk(struct source *source, struct walk *walk)
{
	struct proc_source *s = (struct proc_source *)source;
	pthread_t thread[PROC_WALKERS_MAX];
	unsigned int i, started = 1;

	if (lseek(s->proc_fd, 0, SEEK_SET) < 0)
		return warn_rc(-errno, "list '/proc'");
	s->walk = walk;
	s->rc = 0;
	s->done = false;
	s->vanished = s->n_tickets = s->serving = 0;
	s->next_pid = 0;
	s->errors = (struct tally){ 0 };
	listing_start(&s->top);
	for (i = 0; i < s->n_workers; i++)
		reader_reset(&s->worker[i].reader);
	for (; started < s->n_workers; started++) /* with fewer it takes longer, no more */
		if (pthread_create(&thread[started], NULL, work, &s->worker[started]) != 0)
			break;
	work(&s->worker[0]);
	for (i = 1; i < started; i++)
		pthread_join(thread[i], NULL);
	if (s->now)
		end_process(s); /* it was stopped midway */
	walk->vanished += s->vanished;
	tally_merge(&walk->errors, &s->errors);
	for (i = 0; i < s->n_workers; i++) {
		walk->vanished += s->worker[i].reader.vanished;
		tally_merge(&walk->errors, &s->worker[i].reader.errors);
		tally_merge(&walk->missing, &s->worker[i].reader.missing);
	}
	return s->rc;
}

static void proc_close(struct source *source)
{
	struct proc_source *s = (struct proc_source *)source;
	unsigned int i, k;

	for (i = 0; s->worker && i < s->n_workers; i++) {
		struct worker *w = &s->worker[i];

		reader_free(&w->reader);
		for (k = 0; k < BATCH; k++) {
			buf_free(&w->slot[k].cgroup);
			buf_free(&w->slot[k].affinity);
		}
	}
	while (s->unused) {
		struct process *p = s->unused;

		s->unused = p->next;
		buf_free(&p->cgroup);
		pthread_mutex_destroy(&p->lock);
		free(p);
	}
	free(s->worker);
	free(s->top.buf);
	free(s->tasks.buf);
	pthread_cond_destroy(&s->turn);
	pthread_mutex_destroy(&s->lock);
	close_fdp(&s->proc_fd);
	free(s);
}

int proc_source_open(const struct source_opts *o, struct source **ret, const char **ret_why)
{
	struct proc_source *s = calloc(1, sizeof(*s));
	unsigned int i;
	int rc = 0;

	*ret_why = "/proc cannot be listed";
	if (!s)
		return -ENOMEM;
	s->source = (struct source){ "proc", proc_walk, proc_close };
	s->opts = *o;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->turn, NULL);
	s->n_workers = o->walkers;
	s->worker = calloc(s->n_workers, sizeof(*s->worker));
	s->top.buf = malloc(DENTS);
	s->tasks.buf = malloc(DENTS);
	s->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->proc_fd < 0)
		rc = -errno;
	if (!s->worker || !s->top.buf || !s->tasks.buf)
		rc = -ENOMEM;
	if (rc == 0)
		proc_caps_probe(s->proc_fd, &s->caps);
	for (i = 0; rc == 0 && i < s->n_workers; i++) {
		s->worker[i].owner = s;
		rc = reader_init(&s->worker[i].reader, &s->opts, &s->caps);
	}
	if (rc < 0) {
		proc_close(&s->source);
		return rc;
	}
	*ret = &s->source;
	return 0;
}
