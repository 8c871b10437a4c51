// SPDX-License-Identifier: GPL-2.0-or-later
/* What kt-snap reads of a thread: each file's parser gets the same bytes, in a block of that size.
 */
#include "fuzz.h"
#include "jsonw.h"
#include "machine.h"
#include "proc_parse.h"
#include "taskstats.h"

/* What is set lies in the text, or in numa; a record of it can be written. */
static void whole(const struct thread_rec *t, const uint8_t *data, size_t size, const char *numa)
{
	AUTO_BUF b = BUF_INIT;
	struct field_set all;
	int f;

	memset(&all, 0xff, sizeof(all));
	for (f = 0; f < F_N; f++) {
		const char *s = t->s[f];
		size_t n = t->v[f];

		if (fields[f].kind != FIELD_STR || !field_has(&t->has, f))
			continue;
		FUZZ_ASSERT((s >= (const char *)data && n <= size &&
			     s + n <= (const char *)data + size) ||
			    (s == numa && n < NUMA_TEXT));
	}
	FUZZ_ASSERT(thread_format(t, &all, &b) == 0);
	FUZZ_ASSERT(b.len > 2 && b.p[b.len - 1] == '\n' && !memchr(b.p, '\n', b.len - 1));
}

static bool empty(const struct thread_rec *t)
{
	unsigned int i;

	for (i = 0; i < FIELD_WORDS; i++)
		if (t->has.w[i])
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct stat_units units = { 100, 4 };
	static char numa[NUMA_TEXT];
	const char *text = (const char *)data;
	AUTO_FREE char *string = fuzz_text(data, size);
	AUTO_FREE char *hidepid = machine_hidepid(string);
	struct sched_keys keys;
	struct thread_rec t;
	struct span path;
	int f;

	if (size == 0)
		text = "";
	thread_clear(&t);
	if (parse_stat(text, size, &units, &t) < 0)
		FUZZ_ASSERT(empty(&t));
	else
		FUZZ_ASSERT(field_has(&t.has, F_start_ns) && field_has(&t.has, F_comm));
	whole(&t, data, size, numa);

	sched_keys_init(&keys);
	thread_clear(&t);
	if (parse_sched(text, size, &keys, numa, &t) < 0)
		FUZZ_ASSERT(empty(&t));
	for (f = 0; f < F_N; f++)
		FUZZ_ASSERT(!field_has(&t.has, f) || fields[f].from == FROM_SCHED);
	whole(&t, data, size, numa);

	thread_clear(&t);
	parse_schedstat(text, size, &t);
	FUZZ_ASSERT(field_has(&t.has, F_run_time_ns) || !field_has(&t.has, F_timeslices));
	parse_io(text, size, &t);
	parse_status(text, size, &t);
	if (taskstats_parse(data, size, &t) == 0)
		FUZZ_ASSERT(size > 16);
	whole(&t, data, size, numa);

	FUZZ_ASSERT(!hidepid || strlen(hidepid) < size);
	path = parse_cgroup(text, size);
	FUZZ_ASSERT(path.n == 0 || (path.p > text && path.p + path.n <= text + size &&
				    !memchr(path.p, '\n', path.n)));
	FUZZ_ASSERT(parse_tgid(text, size) != 0);
	FUZZ_ASSERT(parse_pid(string) >= 0);
	FUZZ_ASSERT(thread_comm(text, size) <= size);
	return 0;
}
