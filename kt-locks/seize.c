/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock files of LLCs and CPUs. */
#include "seize.h"
#include "cleanup.h"
#include "lock.h"
#include "procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 4 /* holders of CPUs that a message names */

/* ---- who has what ---- */

int look_nothing(const struct topo *t, struct look *ret)
{
	size_t n = (size_t)t->n_llcs + t->n_cpus;

	*ret = (struct look){ .topo = t };
	ret->file = calloc(n, sizeof(*ret->file));
	ret->llc = calloc(t->n_llcs, sizeof(*ret->llc));
	return ret->file && ret->llc ? 0 : -ENOMEM;
}

void look_forget(struct look *l)
{
	memset(l->llc, 0, l->topo->n_llcs * sizeof(*l->llc));
	l->taken = (struct cpuset){ 0 };
}

int look_take(const struct topo *t, const struct cpuset *busy, struct look *ret)
{
	size_t n = (size_t)t->n_llcs + t->n_cpus, i, k, each = strlen(lock_dir()) + 32;
	int rc = look_nothing(t, ret);

	if (rc < 0)
		return rc;
	ret->paths = calloc(n, each);
	if (!ret->paths)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		char *path = ret->paths + i * each;

		if (i < t->n_llcs)
			(void)snprintf(path, each, "%s/ktstr-llc-%zu.lock", lock_dir(), i);
		else
			(void)snprintf(path, each, "%s/ktstr-cpu-%d.lock", lock_dir(),
				       t->cpu[i - t->n_llcs].cpu);
		ret->file[i].path = path;
	}
	rc = holders_find(ret->file, n);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++) {
		const struct holders *f = &ret->file[i];

		if (i >= t->n_llcs) {
			if (f->n_holders > 0)
				cpuset_add(&ret->taken, (unsigned int)t->cpu[i - t->n_llcs].cpu);
			continue;
		}
		ret->llc[i].busy = busy && cpuset_has(busy, (unsigned int)i);
		for (k = 0; k < f->n_holders; k++) {
			ret->llc[i].exclusive += f->holder[k].exclusive;
			ret->llc[i].shared += !f->holder[k].exclusive;
		}
	}
	return 0;
}

void look_free(struct look *l)
{
	if (l->file)
		holders_free(l->file, (size_t)l->topo->n_llcs + l->topo->n_cpus);
	free(l->file);
	free(l->paths);
	free(l->llc);
	*l = (struct look){ 0 };
}

/* The parent of a process; 0: not known. */
static pid_t parent_of(pid_t pid)
{
	struct procstat s;

	return procstat_of(pid, &s) < 0 ? 0 : s.ppid;
}

static bool has_ancestor(const struct holders *f, bool exclusive)
{
	pid_t pid;
	size_t i;

	for (i = 0; i < f->n_holders; i++) {
		if (exclusive && !f->holder[i].exclusive)
			continue;
		for (pid = getpid(); pid > 1; pid = parent_of(pid))
			if (pid == f->holder[i].pid)
				return true;
	}
	return false;
}

bool look_inherited(const struct look *l, const struct cpuset *cpus)
{
	int i;

	for (i = -1; (i = cpuset_next(cpus, i + 1)) >= 0;) {
		const struct topo_cpu *c = topo_cpu(l->topo, (unsigned int)i);

		if (c &&
		    (has_ancestor(&l->file[l->topo->n_llcs + (size_t)(c - l->topo->cpu)], true) ||
		     (c->llc >= 0 && has_ancestor(&l->file[c->llc], true))))
			return true;
	}
	return false;
}

/* "CPUs 0-1,4 are held by pid 12 (make)", the CPUs of one holder together */
static void explain_cpus(const struct look *l, const struct cpuset *allowed, struct buf *b)
{
	char who[HOLDERS_TEXT], list[CPUSET_TEXT];
	struct cpuset left = l->taken;
	int groups = 0, i, k;

	cpuset_and(&left, allowed);
	for (i = -1; (i = cpuset_next(&left, i + 1)) >= 0; groups++) {
		const struct topo_cpu *c = topo_cpu(l->topo, (unsigned int)i);
		const struct holders *f = &l->file[l->topo->n_llcs + (size_t)(c - l->topo->cpu)];
		struct cpuset same = { 0 };

		if (groups == GROUPS_MAX) {
			buf_fmt(b, "; and %u more CPUs by others", cpuset_count(&left));
			return;
		}
		for (k = i; k >= 0; k = cpuset_next(&left, k + 1)) {
			const struct topo_cpu *d = topo_cpu(l->topo, (unsigned int)k);
			const struct holders *g =
				&l->file[l->topo->n_llcs + (size_t)(d - l->topo->cpu)];

			if (g->holder[0].pid == f->holder[0].pid) {
				cpuset_add(&same, (unsigned int)k);
				cpuset_del(&left, (unsigned int)k);
			}
		}
		buf_fmt(b, "%sCPU%s %s %s held by %s", b->len ? "; " : "",
			cpuset_count(&same) > 1 ? "s" : "",
			cpuset_format(&same, list, sizeof(list)),
			cpuset_count(&same) > 1 ? "are" : "is", holders_text(f, who, sizeof(who)));
	}
}

bool look_alone(const struct look *l, const struct cpuset *llcs)
{
	int i;

	for (i = -1; (i = cpuset_next(llcs, i + 1)) >= 0;)
		if (!has_ancestor(&l->file[i], true))
			return false;
	return true;
}

void look_explain(const struct look *l, const struct cpuset *allowed, bool llcs, bool cpus,
		  struct buf *ret)
{
	char who[HOLDERS_TEXT];
	unsigned int i;

	for (i = 0; i < l->topo->n_llcs; i++) {
		const struct plan_llc *llc = &l->llc[i];
		struct cpuset s = l->topo->llc[i].cpus;

		cpuset_and(&s, allowed);
		if (cpuset_empty(&s) || (llc->exclusive == 0 && (!llcs || llc->shared == 0)))
			continue;
		buf_fmt(ret, "%sLLC %u is held%s by %s", ret->len ? "; " : "", i,
			llc->exclusive ? " exclusively" : "",
			holders_text(&l->file[i], who, sizeof(who)));
	}
	if (cpus)
		explain_cpus(l, allowed, ret);
}

/* ---- taking it ---- */

static int take_one(int dir_fd, const char *kind, int id, enum lock_mode mode, struct seized *s,
		    char *failed, size_t cap)
{
	char name[64];
	int fd;

	(void)snprintf(name, sizeof(name), "ktstr-%s-%d.lock", kind, id);
	fd = lock_try(dir_fd, name, mode);
	if (fd < 0) {
		(void)snprintf(failed, cap, "%s/%s", lock_dir(), name);
		return fd;
	}
	s->fd[s->n++] = fd;
	return 0;
}

int seize(const struct plan *p, bool exclusive, struct seized *ret, int *ret_llc, char *failed,
	  size_t cap)
{
	AUTO_FD dir_fd = lock_dir_open();
	const struct cpuset *cpus = exclusive ? &p->spare : &p->cpus;
	struct cpuset llcs = p->llcs;
	struct seized s = { 0 };
	int i, rc = 0;

	*ret_llc = -1;
	if (dir_fd < 0) {
		(void)snprintf(failed, cap, "%s", lock_dir());
		return dir_fd;
	}
	cpuset_or(&llcs, &p->spare_llcs);
	s.fd = calloc(cpuset_count(&llcs) + cpuset_count(&p->cpus), sizeof(*s.fd));
	if (!s.fd) {
		(void)snprintf(failed, cap, "%s", lock_dir());
		return -ENOMEM;
	}
	for (i = -1; rc == 0 && (i = cpuset_next(&llcs, i + 1)) >= 0;) {
		bool alone = exclusive && cpuset_has(&p->llcs, (unsigned int)i);

		rc = take_one(dir_fd, "llc", i, alone ? LOCK_EXCLUSIVE : LOCK_SHARED, &s, failed,
			      cap);
		if (rc < 0)
			*ret_llc = i;
	}
	for (i = -1; rc == 0 && (i = cpuset_next(cpus, i + 1)) >= 0;)
		if (!cpuset_has(&p->shared, (unsigned int)i))
			rc = take_one(dir_fd, "cpu", i, LOCK_EXCLUSIVE, &s, failed, cap);
	if (rc < 0)
		seized_release(&s);
	else
		*ret = s;
	return rc;
}

void seized_release(struct seized *s)
{
	while (s->n > 0)
		close(s->fd[--s->n]);
	free(s->fd);
	s->fd = NULL;
}
