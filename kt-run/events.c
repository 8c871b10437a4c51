/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts an event stream into plans. A line:
 *	{"type":"report","group":"cg_0.0","worker":0,...} */
#include "events.h"
#include "buf.h"
#include "cleanup.h"
#include "jsonr.h"

#include <errno.h>
#include <string.h>

#define TAIL_LINES 3 /* of the console, in the reason of a dead machine */

void events_init(struct events *ev, int (*on_plan)(const struct plan_run *, void *), void *arg)
{
	*ev = (struct events){ .on_plan = on_plan, .arg = arg, .open = json_array() };
}

static void run_reset(struct plan_run *run)
{
	json_decref(run->plan);
	json_decref(run->acks);
	json_decref(run->op_errors);
	json_decref(run->reports);
	json_decref(run->end);
	free(run->cut);
	*run = (struct plan_run){ 0 };
}

void events_free(struct events *ev)
{
	size_t i;

	run_reset(&ev->run);
	json_decref(ev->open);
	for (i = 0; i < ev->n_samples; i++)
		free(ev->samples[i].run_ns);
	free(ev->samples);
	free(ev->trouble);
	*ev = (struct events){ 0 };
}

static void read_env(const struct events *ev, struct run_env *env)
{
	size_t i;
	json_t *meta;

	*env = (struct run_env){ 0 };
	json_array_foreach (ev->open, i, meta) {
		const char *tool = rec_str(meta, "tool", "");

		if (strcmp(tool, "kt-vm") == 0) {
			env->vm = true;
			env->accel = rec_str(meta, "accel", NULL);
			env->clock = rec_str(meta, "clock", NULL);
			env->topology = rec_str(meta, "topology", NULL);
		} else if (strcmp(tool, "kt-play") == 0) {
			env->kernel = rec_str(meta, "kernel", NULL);
			env->scheduler = rec_str(meta, "sched", NULL);
		}
	}
}

/* Hand the plan in flight over and forget it. cut is taken: why there was no plan-end, or NULL. */
static int plan_done(struct events *ev, char *cut)
{
	int rc;

	ev->run.cut = cut;
	ev->run.samples = ev->samples;
	ev->run.n_samples = ev->n_samples;
	rc = ev->on_plan(&ev->run, ev->arg);
	run_reset(&ev->run);
	return rc;
}

static int plan_begin(struct events *ev, json_t *rec)
{
	size_t i;
	int rc = 0;

	if (ev->run.plan)
		rc = plan_done(ev, strdup("another plan began before this one had ended"));
	if (rc < 0)
		return rc;
	/* Older samples say nothing about this plan, but the last one is where its time begins. */
	for (i = 0; i + 1 < ev->n_samples; i++)
		free(ev->samples[i].run_ns);
	if (ev->n_samples > 1) {
		ev->samples[0] = ev->samples[ev->n_samples - 1];
		ev->n_samples = 1;
	}
	ev->run = (struct plan_run){
		.plan = json_incref(rec),
		.acks = json_array(),
		.op_errors = json_array(),
		.reports = json_array(),
	};
	if (!ev->run.acks || !ev->run.op_errors || !ev->run.reports)
		return -ENOMEM;
	read_env(ev, &ev->run.env);
	ev->plan_depth = json_array_size(ev->open);
	ev->seen_plans++;
	return 0;
}

/* {"type":"sample","mono_ns":N|null,"vcpus":[[run_ns,delay_ns],...]} */
static int add_sample(struct events *ev, const json_t *rec)
{
	const json_t *vcpus = json_object_get(rec, "vcpus"), *pair;
	struct host_sample s = { .mono_ns = rec_u64(rec, "mono_ns", UNKNOWN) };
	size_t i;

	s.n = json_array_size(vcpus);
	if (s.n == 0)
		return 0;
	if (ev->n_samples == ev->cap_samples) {
		size_t cap = ev->cap_samples ? 2 * ev->cap_samples : 64;
		struct host_sample *p = reallocarray(ev->samples, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		ev->samples = p;
		ev->cap_samples = cap;
	}
	s.run_ns = calloc(2 * s.n, sizeof(*s.run_ns));
	if (!s.run_ns)
		return -ENOMEM;
	s.delay_ns = s.run_ns + s.n;
	json_array_foreach (vcpus, i, pair) {
		s.run_ns[i] = (uint64_t)json_integer_value(json_array_get(pair, 0));
		s.delay_ns[i] = (uint64_t)json_integer_value(json_array_get(pair, 1));
	}
	ev->samples[ev->n_samples++] = s;
	return 0;
}

/* Outcomes that are about what the enclosed command said, which its own records say better. */
static bool is_orderly(const char *outcome)
{
	static const char *const orderly[] = { "ok", "fail", "skip", "undecided", "guest-exit" };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(orderly); i++)
		if (strcmp(outcome, orderly[i]) == 0)
			return true;
	return false;
}

/* "kt-vm: panic: Fatal exception; console: ..." */
static char *describe_end(const json_t *rec)
{
	AUTO_BUF b = BUF_INIT;
	const char *reason = rec_str(rec, "reason", NULL);
	const json_t *tail = json_object_get(rec, "console_tail"), *line;
	size_t i, n = json_array_size(tail);

	buf_fmt(&b, "%s ended with '%s'", rec_str(rec, "tool", "a tool"),
		rec_str(rec, "outcome", "no outcome"));
	if (reason)
		buf_fmt(&b, ": %s", reason);
	if (json_is_integer(json_object_get(rec, "exit")))
		buf_fmt(&b, " (exit status %lld)", (long long)rec_i64(rec, "exit", 0));
	for (i = n > TAIL_LINES ? n - TAIL_LINES : 0; i < n; i++) {
		line = json_array_get(tail, i);
		if (json_is_string(line))
			buf_fmt(&b, "%s%s",
				i == (n > TAIL_LINES ? n - TAIL_LINES : 0) ? "; console: " : " | ",
				json_string_value(line));
	}
	return buf_take(&b);
}

static int note_trouble(struct events *ev, char *text)
{
	if (!text)
		return -ENOMEM;
	if (ev->trouble) {
		free(text); /* the first is the cause */
		return 0;
	}
	ev->trouble = text;
	return 0;
}

static int tool_end(struct events *ev, const json_t *rec)
{
	const char *tool = rec_str(rec, "tool", ""), *outcome = rec_str(rec, "outcome", "");
	size_t i, n = json_array_size(ev->open);
	int rc = 0;

	for (i = n; i > 0; i--)
		if (strcmp(rec_str(json_array_get(ev->open, i - 1), "tool", ""), tool) == 0)
			break;
	if (i == 0)
		return 0; /* the end of something that never began: not ours to judge */
	/* The tool, or one around it, is gone: whoever played the plan is gone with it. */
	if (ev->run.plan && i <= ev->plan_depth)
		rc = plan_done(ev, describe_end(rec));
	if (rc == 0 && !is_orderly(outcome) && strcmp(tool, "kt-play") != 0)
		rc = note_trouble(ev, describe_end(rec));
	if (rc == 0 && rec_bool(rec, "oops", false))
		rc = note_trouble(ev, strdup("the guest's kernel had an oops"));
	if (rc == 0 && i < n && is_orderly(outcome)) {
		AUTO_BUF b = BUF_INIT;

		buf_fmt(&b, "%s ended before %s inside it had", tool,
			rec_str(json_array_get(ev->open, n - 1), "tool", "a tool"));
		rc = note_trouble(ev, buf_take(&b));
	}
	while (json_array_size(ev->open) >= i)
		(void)json_array_remove(ev->open, json_array_size(ev->open) - 1);
	return rc;
}

static int append(json_t *array, json_t *rec)
{
	return json_array_append(array, rec) < 0 ? -ENOMEM : 0;
}

static int take_record(struct events *ev, json_t *rec)
{
	const char *type = rec_str(rec, "type", "");
	int rc;

	if (strcmp(type, "meta") == 0) {
		ev->seen_metas++;
		return append(ev->open, rec);
	}
	if (strcmp(type, "end") == 0)
		return tool_end(ev, rec);
	if (strcmp(type, "sample") == 0)
		return add_sample(ev, rec);
	if (strcmp(type, "plan") == 0)
		return plan_begin(ev, rec);
	if (!ev->run.plan)
		return 0;
	if (strcmp(type, "ack") == 0)
		return append(ev->run.acks, rec);
	if (strcmp(type, "op-error") == 0)
		return append(ev->run.op_errors, rec);
	if (strcmp(type, "report") == 0)
		return append(ev->run.reports, rec);
	if (strcmp(type, "plan-end") != 0)
		return 0; /* text, a scheduler's records: not needed for the verdict */
	ev->run.end = json_incref(rec);
	rc = plan_done(ev, NULL);
	return rc;
}

int events_line(struct events *ev, const char *line, size_t len)
{
	json_t *rec;
	int rc;

	rec = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(rec) || !json_is_string(json_object_get(rec, "type"))) {
		json_decref(rec);
		return -EINVAL;
	}
	rc = take_record(ev, rec);
	json_decref(rec);
	return rc;
}

int events_finish(struct events *ev, const char *why)
{
	size_t n = json_array_size(ev->open);
	AUTO_BUF b = BUF_INIT;
	int rc = 0;

	if (why)
		buf_fmt(&b, "the stream was cut off: %s", why);
	else if (n > 0)
		buf_fmt(&b, "the stream was cut off: %s never ended",
			rec_str(json_array_get(ev->open, n - 1), "tool", "a tool"));
	else if (ev->run.plan)
		buf_str(&b, "the stream ended in the middle of the plan");
	else if (ev->seen_metas == 0 && ev->seen_plans == 0)
		buf_str(&b, "there were no events");
	if (b.err < 0)
		return b.err;
	if (b.len == 0)
		return 0;
	if (ev->run.plan)
		rc = plan_done(ev, strdup(b.p));
	return rc < 0 ? rc : note_trouble(ev, buf_take(&b));
}
