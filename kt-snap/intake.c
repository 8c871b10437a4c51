/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the streams of kt-snap. */
#include "intake.h"
#include "cleanup.h"
#include "glob.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Ids of members: those below F_N are fields. */
enum {
	S_CGROUP = F_N, /* as M_CGROUP */
	S_type = M_N,
	S_path,
	S_id,
	S_n,
	S_mono_ns,
	S_realtime_ns,
	S_records,
	S_tool,
	S_outcome,
	S_N
};

_Static_assert(S_N <= SCAN_IDS, "the scanner has too few ids");

static int id_of(const char *name, size_t len)
{
	static const char *const names[] = {
#define CGROUP(member, ...) #member,
		CGROUP_METRICS(CGROUP)
#undef CGROUP
			"type",
		"path",
		"id",
		"n",
		"mono_ns",
		"realtime_ns",
		"records",
		"tool",
		"outcome",
	};
	size_t i;
	int f = field_find(name, len);

	if (f >= 0)
		return f;
	for (i = 0; i < KT_ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return S_CGROUP + (int)i;
	return -1;
}

void snapshot_free(struct snapshot *s)
{
	facts_unref(s->facts);
	*s = (struct snapshot){ 0 };
}

int intake_open(struct intake *t, const char *path, struct agg *agg, const struct grouping *how)
{
	int rc;

	*t = (struct intake){ .agg = agg, .how = how };
	scan_init(&t->scan, id_of);
	rc = input_open(&t->in, path);
	if (rc < 0)
		(void)snprintf(t->err, sizeof(t->err), "open '%.400s': %s", path, strerror(-rc));
	return rc;
}

static void forget(struct intake *t)
{
	snapshot_free(&t->snap);
	facts_unref(t->facts);
	t->facts = NULL;
	t->in_snapshot = false;
	t->depth = 0;
	t->snapshots = t->records = t->good_bytes = 0;
}

void intake_close(struct intake *t)
{
	forget(t);
	scan_free(&t->scan);
	input_close(&t->in);
	buf_free(&t->key);
	buf_free(&t->path);
	buf_free(&t->flat);
}

int intake_rewind(struct intake *t)
{
	int rc = input_rewind(&t->in);

	forget(t);
	if (rc < 0)
		(void)snprintf(t->err, sizeof(t->err), "rewind '%.400s': %s", t->in.name,
			       strerror(-rc));
	return rc;
}

__attribute__((format(printf, 3, 4))) static int bad(struct intake *t, int rc, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	(void)snprintf(t->err, sizeof(t->err),
		       "%.200s:%" PRIu64 ": %s; good before it: %" PRIu64 " snapshot%s, %" PRIu64
		       " records, %" PRIu64 " bytes",
		       t->in.name, t->in.line, what, t->snapshots, t->snapshots == 1 ? "" : "s",
		       t->records, t->good_bytes);
	return rc;
}

static int bad_member(struct intake *t, int id, const char *want)
{
	const char *name = id < F_N	  ? fields[id].name
			   : id < M_N	  ? metric_get((unsigned int)id).name + strlen("cgroup.")
			   : id == S_path ? "path"
			   : id == S_id	  ? "id"
			   : id == S_tool ? "tool"
					  : "n";

	return bad(t, -EBADMSG, "member '%s' is not %s", name, want);
}

static const struct scan_val *val(const struct intake *t, int id)
{
	return &t->scan.vals[id];
}

static bool unknown(const struct scan_val *v)
{
	return v->kind == SCAN_ABSENT || v->kind == SCAN_NULL;
}

static bool is_str(const struct scan_val *v, const char *text)
{
	return v->kind == SCAN_STR && v->len == strlen(text) && memcmp(v->s, text, v->len) == 0;
}

/* ---- groups ---- */

static void key_part(struct buf *key, const char *s, size_t n, bool known)
{
	buf_chr(key, known ? 1 : 0);
	if (known)
		buf_add(key, s, n);
	if (known)
		buf_chr(key, '\0');
}

/* The cgroup's name after --cgroup-flatten. Threads that follow each other are often in the same.
 */
static int flatten(struct intake *t, const char **s, size_t *n)
{
	size_t i;

	if (t->how->n_flatten == 0)
		return 0;
	if (!t->flat.p || t->path.len != *n || memcmp(t->path.p, *s, *n) != 0) {
		buf_reset(&t->path);
		buf_reset(&t->flat);
		buf_add(&t->path, *s, *n);
		for (i = 0; i < t->how->n_flatten; i++)
			if (glob_match(t->how->flatten[i], *s, *n, false))
				break;
		if (i < t->how->n_flatten)
			buf_str(&t->flat, t->how->flatten[i]);
		else
			buf_add(&t->flat, *s, *n);
		if (t->path.err < 0 || t->flat.err < 0)
			return -ENOMEM;
	}
	*s = t->flat.p;
	*n = t->flat.len;
	return 0;
}

/* Names of kworkers change with the CPU and the number, and stand for nothing. */
static bool is_kworker(const struct intake *t, const struct scan_val *name)
{
	const struct scan_val *kthread = val(t, F_kthread);

	return !t->how->keep_kworkers && (kthread->kind == SCAN_TRUE || unknown(kthread)) &&
	       name->kind == SCAN_STR && name->len >= 8 && memcmp(name->s, "kworker/", 8) == 0;
}

static int name_part(struct intake *t, int id)
{
	const struct scan_val *v = val(t, id);
	const char *s = v->s;
	size_t n = v->len;
	int rc = 0;

	if (!unknown(v) && v->kind != SCAN_STR)
		return bad_member(t, id, "a string");
	if (unknown(v)) {
		key_part(&t->key, NULL, 0, false);
		return 0;
	}
	if (id == F_cgroup)
		rc = flatten(t, &s, &n);
	else if (is_kworker(t, v))
		n = strlen("kworker");
	if (rc == 0)
		key_part(&t->key, s, n, true);
	return rc;
}

static int make_key(struct intake *t)
{
	unsigned int parts = t->how->parts;
	int rc = 0;

	buf_reset(&t->key);
	if (parts & (PART_PCOMM | PART_TID))
		rc = name_part(t, F_pcomm);
	if (rc == 0 && parts & (PART_COMM | PART_TID))
		rc = name_part(t, F_comm);
	if (rc == 0 && parts & PART_CGROUP)
		rc = name_part(t, F_cgroup);
	return rc < 0 ? rc : t->key.err;
}

static int find_group(struct intake *t, struct item *it)
{
	int rc = make_key(t);

	if (rc < 0)
		return rc;
	free(it->names);
	it->names = NULL;
	it->group = NULL;
	if (t->how->parts & PART_TID) {
		it->names_len = t->key.len;
		it->names = malloc(t->key.len + 1);
		if (!it->names)
			return -ENOMEM;
		memcpy(it->names, t->key.p, t->key.len);
		return 0;
	}
	it->group = agg_group(t->agg, t->key.p, t->key.len);
	return it->group ? 0 : -ENOMEM;
}

/* ---- threads and cgroups ---- */

static int take_word(struct intake *t, struct item *it, int id, const struct scan_val *v)
{
	struct words *w = &t->agg->words;
	int64_t word;

	if (v->kind == SCAN_TRUE || v->kind == SCAN_FALSE)
		word = words_id(w, v->kind == SCAN_TRUE ? "yes" : "no",
				v->kind == SCAN_TRUE ? 3 : 2);
	else if (v->kind != SCAN_STR || fields[id].kind == FIELD_BOOL)
		return bad_member(t, id,
				  fields[id].kind == FIELD_BOOL ? "true or false" : "a string");
	else if (fields[id].rule == RULE_SET)
		word = words_cpu_list(w, v->s, v->len);
	else
		word = words_id(w, v->s, v->len);
	if (word < 0)
		return (int)word;
	it->v[id] = (uint64_t)word;
	return 0;
}

/* The values of metrics [from, to) that are asked for. */
static int take_values(struct intake *t, struct item *it, int from, int to)
{
	const struct agg *g = t->agg;
	int id, rc;

	it->has = (struct metric_set){ 0 };
	for (id = from - 1; (id = metric_next(&g->want, &g->want, id)) >= 0 && id < to;) {
		const struct scan_val *v = val(t, id);

		if (unknown(v))
			continue;
		if (id < F_N && (fields[id].rule == RULE_MODE || fields[id].rule == RULE_SET)) {
			rc = take_word(t, it, id, v);
			if (rc < 0)
				return rc;
		} else if (v->kind == SCAN_UINT && (!g->is_signed[id] || v->u <= INT64_MAX)) {
			it->v[id] = v->u;
		} else if (v->kind == SCAN_NEG && g->is_signed[id]) {
			it->v[id] = (uint64_t)v->i;
		} else {
			return bad_member(t, id,
					  g->is_signed[id] ? "an integer"
							   : "an integer from 0 to 2^64 - 1");
		}
		metric_add(&it->has, (unsigned int)id);
	}
	for (id = 0; id < METRIC_WORDS; id++)
		t->snap.valued.w[id] |= it->has.w[id];
	return 0;
}

static int take_thread(struct intake *t, struct item *it)
{
	const struct scan_val *tid = val(t, F_tid), *tgid = val(t, F_tgid),
			      *start = val(t, F_start_ns);
	int rc;

	if (tid->kind != SCAN_UINT || tid->u == 0 || tid->u > INT32_MAX)
		return bad_member(t, F_tid, "a thread's number");
	if (tgid->kind != SCAN_UINT || tgid->u == 0 || tgid->u > INT32_MAX)
		return bad_member(t, F_tgid, "a process's number");
	if (!unknown(start) && start->kind != SCAN_UINT)
		return bad_member(t, F_start_ns, "an integer from 0 to 2^64 - 1");
	it->tid = (uint32_t)tid->u;
	it->tgid = (uint32_t)tgid->u;
	it->start_known = !unknown(start);
	it->start_ns = it->start_known ? start->u : 0;
	it->seen = false;
	rc = take_values(t, it, 0, F_N);
	return rc < 0 ? rc : find_group(t, it);
}

/* Its key is that of a thread in it. Only a grouping by cgroup alone has a place for it. */
static int take_cgroup(struct intake *t, struct item *it)
{
	struct scan_val *path = &t->scan.vals[S_path], *id = &t->scan.vals[S_id];
	int64_t path_word, id_word;
	int rc;

	if (path->kind != SCAN_STR)
		return bad_member(t, S_path, "a string");
	if (!unknown(id) && id->kind != SCAN_STR)
		return bad_member(t, S_id, "a string");
	path_word = words_id(&t->agg->words, path->s, path->len);
	id_word = unknown(id) ? 0 : words_id(&t->agg->words, id->s, id->len);
	if (path_word < 0 || id_word < 0 || path_word >= UINT32_MAX)
		return -ENOMEM;
	it->tid = 0;
	it->tgid = (uint32_t)path_word + 1;
	it->start_known = !unknown(id);
	it->start_ns = (uint64_t)id_word;
	it->seen = false;
	t->scan.vals[F_cgroup] = *path;
	rc = take_values(t, it, M_CGROUP, M_N);
	rc = rc < 0 ? rc : find_group(t, it);
	t->scan.vals[F_cgroup] = (struct scan_val){ .kind = SCAN_ABSENT };
	return rc;
}

/* ---- the frame ---- */

/* Times since the epoch are texts: identities that no reader may round. */
static int take_time(struct intake *t, int id, bool *ret_known, uint64_t *ret)
{
	const struct scan_val *v = val(t, id);
	char text[32];

	*ret_known = false;
	if (unknown(v))
		return 0;
	if (v->kind == SCAN_UINT) {
		*ret = v->u;
	} else if (v->kind == SCAN_STR && v->len < sizeof(text)) {
		memcpy(text, v->s, v->len);
		text[v->len] = '\0';
		if (num_u64(text, 0, UINT64_MAX, ret) < 0)
			return bad(t, -EBADMSG, "a time that is no number of nanoseconds");
	} else {
		return bad(t, -EBADMSG, "a time that is no number of nanoseconds");
	}
	*ret_known = true;
	return 0;
}

static int take_snapshot(struct intake *t)
{
	const char *source = facts_get(t->facts, "source"), *tck = facts_get(t->facts, "clk_tck");
	uint64_t per_s = 100;
	int rc;

	if (t->in_snapshot)
		return bad(t, -EBADMSG, "a snapshot begins before the one before it has ended");
	snapshot_free(&t->snap);
	if (val(t, S_n)->kind != SCAN_UINT)
		return bad_member(t, S_n, "an integer from 0 to 2^64 - 1");
	t->snap.n = val(t, S_n)->u;
	rc = take_time(t, S_mono_ns, &t->snap.mono_known, &t->snap.mono_ns);
	if (rc == 0)
		rc = take_time(t, S_realtime_ns, &t->snap.real_known, &t->snap.real_ns);
	if (rc < 0)
		return rc;
	t->snap.facts = facts_ref(t->facts);
	t->snap.tick_ns = 1;
	if (source && strcmp(source, "proc") == 0) {
		if (tck && num_u64(tck, 1, 1000000000, &per_s) < 0)
			return bad(t, -EBADMSG, "clk_tck is no number of ticks in a second");
		t->snap.tick_ns = 1000000000 / per_s;
	}
	t->in_snapshot = true;
	return INTAKE_SNAPSHOT;
}

static int take_snapshot_end(struct intake *t)
{
	const struct scan_val *n = val(t, S_records);

	if (!t->in_snapshot)
		return bad(t, -EBADMSG, "a snapshot ends that did not begin");
	t->in_snapshot = false;
	t->snap.lacking =
		n->kind == SCAN_UINT && n->u > t->snap.threads ? n->u - t->snap.threads : 0;
	t->snapshots++;
	return INTAKE_SNAPSHOT_END;
}

static bool inside_snap(const struct intake *t)
{
	unsigned int i;

	for (i = 0; i < t->depth; i++)
		if (strcmp(t->open[i], "kt-snap") == 0)
			return true;
	return false;
}

/* A record of which more is wanted than the scanner gives. */
static int take_facts(struct intake *t, const char *line, size_t len)
{
	json_error_t e;
	json_t *rec = json_loadb(line, len, 0, &e);
	int rc;

	if (!rec)
		return bad(t, -EBADMSG, "%.100s", e.text);
	rc = facts_take(t->facts, rec);
	json_decref(rec);
	return rc;
}

static int take_meta(struct intake *t, const char *line, size_t len)
{
	const struct scan_val *tool = val(t, S_tool);

	if (tool->kind != SCAN_STR || tool->len >= sizeof(t->open[0]))
		return bad_member(t, S_tool, "a tool's name");
	if (t->depth == OPEN_MAX_DEPTH)
		return bad(t, -EBADMSG, "more than %d tools within each other", OPEN_MAX_DEPTH);
	memcpy(t->open[t->depth], tool->s, tool->len);
	t->open[t->depth++][tool->len] = '\0';
	if (!is_str(tool, "kt-snap"))
		return 0;
	facts_unref(t->facts);
	t->facts = facts_new();
	return t->facts ? take_facts(t, line, len) : -ENOMEM;
}

/* An end closes its tool. Those inside it were cut off, which a kt-snap must not be. */
static int take_end(struct intake *t)
{
	const struct scan_val *tool = val(t, S_tool), *outcome = val(t, S_outcome);
	unsigned int at = t->depth, i;

	while (at > 0 && !is_str(tool, t->open[at - 1]))
		at--;
	if (at == 0)
		return bad(t, -EBADMSG, "an end of something that did not begin");
	if (t->in_snapshot)
		return bad(t, -EBADMSG, "the stream ends within a snapshot");
	for (i = at; i < t->depth; i++)
		if (strcmp(t->open[i], "kt-snap") == 0)
			return bad(t, -EBADMSG, "the stream is cut off: kt-snap never ended");
	t->depth = at - 1;
	/* A series that was stopped has whole snapshots up to there. */
	if (is_str(tool, "kt-snap") && !is_str(outcome, "ok") && !is_str(outcome, "stopped"))
		return bad(t, -EBADMSG, "kt-snap itself says that the stream is not good");
	return 0;
}

/* One record. Returns an event, 0 for nothing, or -errno. */
static int take_line(struct intake *t, const char *line, size_t len, struct item *it)
{
	const struct scan_val *type = val(t, S_type);
	int rc;

	if (type->kind != SCAN_STR)
		return bad(t, -EBADMSG, "a record is an object with a type");
	if (is_str(type, "thread") || is_str(type, "cgroup")) {
		if (!inside_snap(t))
			return 0;
		if (!t->in_snapshot)
			return bad(t, -EBADMSG, "a %.*s outside of a snapshot", (int)type->len,
				   type->s);
		if (*type->s == 'c' && t->how->parts != PART_CGROUP)
			return 0;
		t->snap.threads += *type->s == 't';
		rc = *type->s == 't' ? take_thread(t, it) : take_cgroup(t, it);
		return rc < 0 ? rc : INTAKE_ITEM;
	}
	if (is_str(type, "meta"))
		return take_meta(t, line, len);
	if (is_str(type, "end"))
		return take_end(t);
	if (!inside_snap(t))
		return 0;
	if (is_str(type, "snapshot"))
		return take_snapshot(t);
	if (is_str(type, "snapshot-end"))
		return take_snapshot_end(t);
	return is_str(type, "host") ? take_facts(t, line, len) : 0;
}

int intake_next(struct intake *t, struct item *it)
{
	const char *line;
	size_t len;
	int rc;

	for (;;) {
		rc = input_line(&t->in, &line, &len);
		if (rc < 0)
			return bad(t, rc, "%s", t->in.err);
		if (rc == 0)
			break;
		rc = scan_line(&t->scan, line, len);
		if (rc < 0)
			return bad(t, rc == -EINVAL ? -EBADMSG : rc, "%s", t->scan.err);
		rc = take_line(t, line, len, it);
		if (rc < 0) {
			if (rc != -EBADMSG)
				(void)bad(t, rc, "%s", strerror(-rc));
			return rc;
		}
		t->records++;
		t->good_bytes = t->in.bytes;
		if (rc > 0)
			return rc;
	}
	if (t->depth > 0)
		return bad(t, -EBADMSG, "the stream is cut off: %s never ended",
			   t->open[t->depth - 1]);
	if (t->snapshots == 0)
		return bad(t, -EBADMSG, "there is no snapshot in it");
	return INTAKE_EOF;
}
