/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads kt-topo's records. Lines of interest:
 *	{"type":"cpu","cpu":0,"online":true,…,"core":0,"smt":0,"llc":0,…,"node":0,…}
 *	{"type":"topology",…,"cgroup":"0-3","affinity":null} */
#include "toporec.h"
#include "cleanup.h"
#include "jsonr.h"
#include "ndjson.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct reader {
	const char *file;
	uint64_t line;
	struct topo_cpu *cpu;
	unsigned int n, cap;
	struct cpuset may; /* where this process may run */
	bool limited; /* `may` says something */
	bool whole; /* the summary has come */
	char *err;
	size_t err_cap;
};

__attribute__((format(printf, 3, 4))) static int bad(struct reader *r, int rc, const char *fmt, ...)
{
	int n = snprintf(r->err, r->err_cap, "%s:%" PRIu64 ": ", r->file, r->line);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < r->err_cap)
		(void)vsnprintf(r->err + n, r->err_cap - (size_t)n, fmt, ap);
	va_end(ap);
	return rc;
}

static int add_cpu(struct reader *r, const json_t *v)
{
	static const char *const keys[] = { "core", "smt", "llc", "node", "cpu" };
	int64_t id[KT_ARRAY_LEN(keys)];
	struct topo_cpu *c;
	size_t i;

	if (!rec_bool(v, "online", true))
		return 0;
	for (i = 0; i < KT_ARRAY_LEN(keys); i++) {
		id[i] = rec_i64(v, keys[i], -1);
		if (id[i] >= CPUSET_MAX || id[i] < -1)
			return bad(r, -ERANGE, "member '%s': %" PRId64 " is no id", keys[i], id[i]);
	}
	if (id[4] < 0)
		return bad(r, -EINVAL, "a cpu record without the member 'cpu'");
	if (r->n > 0 && id[4] <= r->cpu[r->n - 1].cpu)
		return bad(r, -EINVAL, "CPU %" PRId64 " comes after CPU %d", id[4],
			   r->cpu[r->n - 1].cpu);
	if (r->n == r->cap) {
		c = reallocarray(r->cpu, r->cap ? r->cap * 2 : 64, sizeof(*c));
		if (!c)
			return bad(r, -ENOMEM, "out of memory");
		r->cpu = c;
		r->cap = r->cap ? r->cap * 2 : 64;
	}
	c = &r->cpu[r->n++];
	*c = topo_cpu_blank((int)id[4]);
	c->core = (int)id[0];
	c->smt = (int)id[1];
	c->llc = (int)id[2];
	c->node = (int)id[3];
	return 0;
}

/* What the cgroup and the affinity of kt-topo, hence ours, allow. */
static int take_summary(struct reader *r, const json_t *v)
{
	static const char *const keys[] = { "cgroup", "affinity" };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(keys); i++) {
		const char *text = rec_str(v, keys[i], NULL);
		struct cpuset s;

		if (!text)
			continue;
		if (cpuset_parse(text, &s) < 0)
			return bad(r, -EINVAL, "member '%s': '%s' is no CPU list", keys[i], text);
		if (r->limited)
			cpuset_and(&r->may, &s);
		else
			r->may = s;
		r->limited = true;
	}
	r->whole = true;
	return 0;
}

static int take_line(struct reader *r, const char *line, size_t len)
{
	json_error_t e;
	json_t *v = json_loadb(line, len, JSON_REJECT_DUPLICATES, &e);
	const char *type = rec_str(v, "type", NULL);
	int rc = 0;

	if (!v)
		rc = bad(r, -EINVAL, "%s", e.text);
	else if (!type)
		rc = bad(r, -EINVAL, "no record: the member 'type' is missing");
	else if (strcmp(type, "cpu") == 0)
		rc = add_cpu(r, v);
	else if (strcmp(type, "topology") == 0)
		rc = take_summary(r, v);
	json_decref(v);
	return rc;
}

/* Ids that are dense over the whole machine, over what is left of it. */
static void renumber(struct reader *r, size_t offset)
{
	static int to[CPUSET_MAX];
	int next = 0;
	unsigned int i;

	memset(to, -1, sizeof(to));
	for (i = 0; i < r->n; i++) {
		int *id = (int *)(void *)((char *)&r->cpu[i] + offset);

		if (*id < 0)
			continue;
		if (to[*id] < 0)
			to[*id] = next++;
		*id = to[*id];
	}
}

static int build(struct reader *r, struct topo *ret)
{
	struct topo *t;
	unsigned int i, n = 0;
	int rc;

	for (i = 0; i < r->n; i++)
		if (!r->limited || cpuset_has(&r->may, (unsigned int)r->cpu[i].cpu))
			r->cpu[n++] = r->cpu[i];
	r->n = n;
	if (!r->whole)
		return bad(r, -EINVAL, "no topology record: is this what kt-topo printed, whole?");
	if (n == 0)
		return bad(r, -ENODATA, "no CPU that is online and allowed");
	renumber(r, offsetof(struct topo_cpu, core));
	renumber(r, offsetof(struct topo_cpu, llc));
	for (i = 0; i < n; i++) {
		if (r->cpu[i].node < 0)
			r->cpu[i].node = 0; /* a kernel without NUMA has one node */
		if (r->cpu[i].core < 0 || r->cpu[i].llc < 0)
			return bad(r, -EINVAL, "CPU %d has no core or no LLC", r->cpu[i].cpu);
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return bad(r, -ENOMEM, "out of memory");
	t->cpu = r->cpu;
	t->n_cpus = n;
	r->cpu = NULL;
	rc = topo_derive(t);
	if (rc < 0) {
		topo_free(t);
		bad(r, rc, "the records make no topology: %s", strerror(-rc));
	} else {
		*ret = *t;
	}
	free(t);
	return rc;
}

int toporec_read(int fd, const char *file, struct topo *ret, char *err, size_t cap)
{
	struct reader r = { .file = file, .err = err, .err_cap = cap };
	struct ndjson nd;
	char *line;
	size_t len;
	int rc;

	ndjson_init(&nd, fd);
	while ((rc = ndjson_next(&nd, &line, &len)) > 0) {
		r.line = nd.line;
		rc = take_line(&r, line, len);
		if (rc < 0)
			break;
	}
	r.line = nd.line;
	if (rc < 0 && !err[0])
		bad(&r, rc, "%s", strerror(-rc));
	if (rc == 0)
		rc = build(&r, ret);
	ndjson_free(&nd);
	free(r.cpu);
	return rc;
}
