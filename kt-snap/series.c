/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream: meta, host, snapshots at their times, end. */
#include "series.h"
#include "cg.h"
#include "cgroups.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "filter.h"
#include "heap.h"
#include "hostctx.h"
#include "mono.h"
#include "root.h"
#include "sig.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define CHUNK (128 << 10) /* bytes of records handed on at a time */

struct series {
	const struct series_opts *opts;
	struct zfile *z;
	struct machine machine;
	struct source *source;
	struct cgroups *cgroups;
	struct heap *heap; /* NULL: not asked for */
	struct tally heap_missing; /* of this snapshot */
	struct buf text; /* records on their way */
	struct thread_last last; /* in `text` */
	int write_rc; /* the first failure to write, which has been reported */
	uint64_t records; /* of this snapshot */
	struct series_totals *totals;
};

/* ---- writing ---- */

/* Report the first failure to write; a reader that has left is none. */
static int write_failed(struct series *s, int rc)
{
	if (s->write_rc == 0) {
		s->write_rc = rc;
		if (rc != -EPIPE)
			(void)warn_rc(rc, "write %s", s->opts->out_name); /* rc is passed on */
	}
	return s->write_rc;
}

static int hand_on(struct series *s)
{
	int rc = s->text.err;

	if (rc == 0 && s->write_rc == 0)
		rc = zfile_write(s->z, s->text.p, s->text.len);
	buf_reset(&s->text);
	s->last = (struct thread_last){ 0 };
	return rc < 0 || s->write_rc < 0 ? write_failed(s, rc) : 0;
}

static int write_text(void *arg, const void *p, size_t n)
{
	struct series *s = arg;

	buf_add(&s->text, p, n);
	return s->text.err < 0 || s->text.len >= CHUNK ? hand_on(s) : 0;
}

static int write_record(struct series *s, struct jsonw *w)
{
	int rc = jsonw_end(w);

	rc = rc < 0 ? write_failed(s, rc) : write_text(s, w->buf.p, w->buf.len);
	buf_reset(&w->buf);
	return rc;
}

static void put_tristate(struct jsonw *w, const char *key, int v)
{
	if (v < 0)
		jsonw_null(w, key);
	else
		jsonw_bool(w, key, v);
}

static void put_realtime(struct jsonw *w)
{
	struct timespec ts;
	char text[32];

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
	(void)snprintf(text, sizeof(text), "%" PRIu64,
		       (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec);
	jsonw_str(w, "realtime_ns", text);
}

static void put_patterns(struct jsonw *w, const char *key, const char *const *pattern, size_t n)
{
	AUTO_BUF text = BUF_INIT;
	size_t i;

	for (i = 0; i < n; i++)
		buf_fmt(&text, "%s%s", i ? "," : "", pattern[i]);
	jsonw_str(w, key, text.p);
}

static void put_pids(struct jsonw *w, const struct series_opts *o)
{
	AUTO_BUF text = BUF_INIT;
	size_t i;

	for (i = 0; i < o->n_pids; i++)
		buf_fmt(&text, "%s%d", i ? "," : "", (int)o->pid[i]);
	jsonw_str(w, "pids", text.p);
}

static void put_fields(struct jsonw *w, const struct field_set *set)
{
	AUTO_BUF text = BUF_INIT;
	int f;

	for (f = 0; f < F_N; f++)
		if (field_has(set, f))
			buf_fmt(&text, "%s%s", text.len ? "," : "", fields[f].name);
	jsonw_str(w, "fields", text.p);
}

/* What the values of others need of us. */
static void lacking(const struct series *s, char *buf, size_t cap)
{
	struct machine_cap need[2];
	const struct field_set *want = &s->opts->want;
	bool proc = strcmp(s->source->name, "proc") == 0;
	unsigned int n = 0;

	if (field_from_any(want, FROM_HEAP) ||
	    (proc && (field_from_any(want, FROM_IO) || field_from_any(want, FROM_COOKIE))))
		need[n++] = (struct machine_cap){ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" };
	if (proc && field_from_any(want, FROM_TASKSTATS))
		need[n++] = (struct machine_cap){ CAP_NET_ADMIN, "CAP_NET_ADMIN" };
	machine_lacks(need, n, buf, cap);
}

static int write_meta(struct series *s)
{
	const struct series_opts *o = s->opts;
	char lacks[128], cpus[CPUSET_TEXT];
	struct utsname un;
	struct jsonw w;
	int rc;

	lacking(s, lacks, sizeof(lacks));
	jsonw_init(&w, NULL);
	jsonw_meta(&w, "kt-snap", true);
	jsonw_str(&w, "source", s->source->name);
	jsonw_str(&w, "why", s->totals->why);
	put_fields(&w, &o->want);
	put_pids(&w, o);
	put_patterns(&w, "cgroups", o->cgroup, o->n_cgroups);
	put_patterns(&w, "comms", o->comm, o->n_comms);
	if (o->count > 0)
		jsonw_u64(&w, "count", o->count);
	else
		jsonw_null(&w, "count");
	if (o->interval_ns > 0)
		jsonw_u64(&w, "interval_ns", o->interval_ns);
	else
		jsonw_null(&w, "interval_ns");
	put_tristate(&w, "schedstats", s->machine.schedstats);
	put_tristate(&w, "delayacct", s->machine.delayacct);
	jsonw_bool(&w, "privileged", lacks[0] == '\0');
	jsonw_str(&w, "privileges_lacking", lacks);
	jsonw_str(&w, "hidepid", s->machine.hidepid);
	jsonw_str(&w, "kernel_release", uname(&un) == 0 ? un.release : NULL);
	put_realtime(&w);
	jsonw_u64(&w, "mono_ns", mono_ns());
	jsonw_u64(&w, "clk_tck", s->machine.clk_tck);
	jsonw_str(&w, "online", cpuset_format(&s->machine.online, cpus, sizeof(cpus)));
	rc = write_record(s, &w);
	jsonw_free(&w);
	return rc;
}

static int write_host(struct series *s)
{
	AUTO_FD root_fd = root_open(NULL);
	struct hostctx h;
	struct jsonw w;
	int rc = root_fd < 0 ? root_fd : hostctx_read(root_fd, true, &h);

	if (rc < 0)
		return warn_rc(rc, "read the host");
	jsonw_init(&w, NULL);
	jsonw_begin(&w, "host");
	hostctx_write(&h, &w);
	rc = write_record(s, &w);
	jsonw_free(&w);
	hostctx_free(&h);
	return rc;
}

/* ---- one snapshot ---- */

static int take(void *arg, const struct thread_rec *t)
{
	struct series *s = arg;
	const struct series_opts *o = s->opts;
	bool in_cgroup = field_has(&t->has, F_cgroup);
	int rc;

	if (o->n_comms > 0 && !filter_comm(o->comm, o->n_comms, t->s[F_comm], t->v[F_comm]))
		return 0;
	if (o->n_cgroups > 0 &&
	    !(in_cgroup && filter_cgroup(o->cgroup, o->n_cgroups, t->s[F_cgroup], t->v[F_cgroup])))
		return 0;
	if (in_cgroup) {
		rc = cgroups_note(s->cgroups, t->s[F_cgroup], t->v[F_cgroup]);
		if (rc < 0)
			return write_failed(s, rc);
	}
	s->records++;
	if (s->heap) {
		struct thread_rec with = *t;

		heap_read(s->heap, &with, &s->heap_missing);
		rc = thread_format_next(&s->last, &with, &o->want, &s->text);
	} else {
		rc = thread_format_next(&s->last, t, &o->want, &s->text);
	}
	if (rc < 0)
		return write_failed(s, rc);
	return s->text.len >= CHUNK ? hand_on(s) : 0;
}

static void add_totals(struct series *s, const struct walk *walk, uint64_t seen)
{
	struct series_totals *t = s->totals;

	t->snapshots++;
	t->threads_seen += seen;
	t->records += s->records;
	t->vanished += walk->vanished;
	tally_merge(&t->errors, &walk->errors);
	tally_merge(&t->missing, &walk->missing);
}

static void put_counts(struct jsonw *w, uint64_t seen, uint64_t records, uint64_t vanished,
		       const struct tally *errors)
{
	jsonw_u64(w, "threads_seen", seen);
	jsonw_u64(w, "records", records);
	jsonw_u64(w, "vanished", vanished);
	tally_write_flat(errors, "errors", w);
}

static int snapshot(struct series *s, uint64_t n)
{
	struct walk walk = { .emit = take, .arg = s };
	uint64_t began, seen;
	struct jsonw w;
	int rc;

	machine_probe(&s->machine);
	cgroups_reset(s->cgroups);
	if (s->heap)
		heap_reset(s->heap);
	s->heap_missing = (struct tally){ 0 };
	s->records = 0;
	jsonw_init(&w, NULL);
	began = mono_ns();
	jsonw_begin(&w, "snapshot");
	jsonw_u64(&w, "n", n);
	jsonw_u64(&w, "mono_ns", began);
	put_realtime(&w);
	rc = write_record(s, &w);
	if (rc == 0)
		rc = s->source->walk(s->source, &walk);
	tally_merge(&walk.missing, &s->heap_missing);
	if (rc == 0)
		rc = cgroups_write(s->cgroups, &walk.missing, write_text, s);
	if (rc == -ENOMEM)
		rc = write_failed(s, rc);
	seen = s->records + walk.vanished + tally_sum(&walk.errors);
	if (rc == 0) {
		jsonw_begin(&w, "snapshot-end");
		jsonw_u64(&w, "n", n);
		put_counts(&w, seen, s->records, walk.vanished, &walk.errors);
		jsonw_u64(&w, "took_ns", mono_ns() - began);
		tally_write(&walk.missing, "missing", &w);
		rc = write_record(s, &w);
	}
	if (rc == 0)
		rc = hand_on(s);
	if (rc == 0) {
		rc = zfile_flush(s->z);
		if (rc < 0)
			rc = write_failed(s, rc);
	}
	add_totals(s, &walk, seen);
	jsonw_free(&w);
	return rc;
}

/* ---- all of them ---- */

/* Wait until `when` on CLOCK_MONOTONIC. Returns 0, or -ECANCELED when a signal came. */
static int wait_until(uint64_t when, int sig_fd)
{
	struct pollfd p = { sig_fd, POLLIN, 0 };

	for (;;) {
		uint64_t now = mono_ns(), left = when > now ? when - now : 0;
		struct timespec ts = { (time_t)(left / NSEC_PER_SEC), (long)(left % NSEC_PER_SEC) };
		int n = ppoll(&p, 1, &ts, NULL);

		if (n > 0)
			return -ECANCELED;
		if (n == 0)
			return 0;
	}
}

/* Each at its time: one that is late is taken at once, and those behind it keep their times. */
static int snapshots(struct series *s, int sig_fd)
{
	const struct series_opts *o = s->opts;
	uint64_t start = mono_ns(), n;
	int rc;

	for (n = 0; o->count == 0 || n < o->count; n++) {
		rc = wait_until(start + n * o->interval_ns, sig_fd);
		if (rc < 0)
			return o->count == 0 ? 0 : rc;
		rc = snapshot(s, n);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_end(struct series *s, int rc)
{
	const struct series_totals *t = s->totals;
	struct jsonw w;

	jsonw_init(&w, NULL);
	jsonw_begin(&w, "end");
	jsonw_str(&w, "tool", "kt-snap");
	jsonw_str(&w, "outcome", rc == 0 ? "ok" : rc == -ECANCELED ? "stopped" : "error");
	jsonw_u64(&w, "snapshots", t->snapshots);
	put_counts(&w, t->threads_seen, t->records, t->vanished, &t->errors);
	tally_write(&t->missing, "missing", &w);
	rc = write_record(s, &w);
	jsonw_free(&w);
	return rc == 0 ? hand_on(s) : rc;
}

static int open_source(struct series *s)
{
	const struct series_opts *o = s->opts;
	struct source_opts so = { .want = o->want,
				  .machine = &s->machine,
				  .pid = o->pid,
				  .n_pids = o->n_pids,
				  .walkers = o->walkers };
	const char *why = NULL;
	int rc;

	if (o->source != SOURCE_PROC) {
		rc = bpf_source_open(&so, &s->source, &why);
		if (rc == 0)
			return 0;
		if (o->source == SOURCE_BPF) {
			warn_msg("no BPF: %s", why);
			return rc;
		}
		s->totals->why = why;
	}
	rc = proc_source_open(&so, &s->source, &why);
	return rc < 0 ? warn_rc(rc, "%s", why) : 0;
}

static int stream(struct series *s, int sig_fd)
{
	int rc, end_rc;

	rc = open_source(s);
	if (rc < 0)
		return rc;
	s->totals->source = s->source->name;
	rc = write_meta(s);
	if (rc == 0)
		rc = write_host(s);
	if (rc == 0)
		rc = snapshots(s, sig_fd);
	if (s->write_rc < 0)
		return s->write_rc;
	end_rc = write_end(s, rc);
	return rc < 0 ? rc : end_rc;
}

int series_run(const struct series_opts *o, struct zfile *z, int sig_fd, struct series_totals *ret)
{
	struct series s = { .opts = o, .z = z, .totals = ret };
	int rc = machine_open(&s.machine);

	if (rc < 0)
		return warn_rc(rc, "look at this machine");
	s.cgroups = cgroups_new(&s.machine);
	if (field_from_any(&o->want, FROM_HEAP))
		s.heap = heap_new(&s.machine);
	if (!s.cgroups || (!s.heap && field_from_any(&o->want, FROM_HEAP)))
		rc = warn_rc(-ENOMEM, "hold cgroups and processes");
	else
		rc = stream(&s, sig_fd);
	if (s.source)
		s.source->close(s.source);
	cgroups_free(s.cgroups);
	heap_free(s.heap);
	buf_free(&s.text);
	machine_close(&s.machine);
	return rc;
}
