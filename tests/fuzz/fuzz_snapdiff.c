// SPDX-License-Identifier: GPL-2.0-or-later
/* kt-snap-diff on a file of any bytes, compressed or not. The first byte chooses groups and mode;
 * the rest is the file. Whatever it is, the comparison ends, and if it is good, then for every row
 * what was before and what was after are told apart by what died, moved and grew. */
#include "fuzz.h"

#include "compare.h"
#include "jsonr.h"
#include "out.h"

#include <sys/mman.h>

static void check_row(const json_t *row)
{
	const char *const parts[] = { "before", "after", "delta", "died", "moved" };
	json_int_t v[KT_ARRAY_LEN(parts)];
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(parts); i++) {
		const json_t *j = json_object_get(row, parts[i]);

		if (!json_is_integer(j) || llabs(json_integer_value(j)) > 1LL << 60)
			return;
		v[i] = json_integer_value(j);
	}
	FUZZ_ASSERT(v[1] == v[0] - v[3] + v[4] + v[2]);
}

static void check_output(char *text, size_t len)
{
	char *line = text, *nl;
	json_error_t e;
	json_t *rec;

	for (; line < text + len; line = nl + 1) {
		nl = memchr(line, '\n', (size_t)(text + len - line));
		FUZZ_ASSERT(nl);
		rec = rec_load(line, (size_t)(nl - line), &e);
		FUZZ_ASSERT(rec);
		if (strcmp(rec_str(rec, "type", ""), "row") == 0)
			check_row(rec);
		json_decref(rec);
	}
}

static void compare(const char *path, uint8_t how)
{
	static const unsigned int parts[] = { PART_PCOMM | PART_COMM, PART_CGROUP, PART_TID,
					      PART_COMM | PART_CGROUP };
	static const char *const flat[] = { "/a/*", "/**/[0-9]" };
	const char *const paths[] = { path, path };
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct compare c = { .how = { .parts = parts[how % 4], .flatten = flat, .n_flatten = 2 },
			     .each = how & 4,
			     .show = { .all = how & 8 } };
	struct jsonw w;
	unsigned int id;

	FUZZ_ASSERT(out);
	for (id = 0; id < (c.how.parts == PART_CGROUP ? (unsigned int)M_N : (unsigned int)F_N);
	     id++)
		if (metric_compared(id))
			metric_add(&c.show.metrics, id);
	jsonw_init(&w, out);
	c.w = &w;
	FUZZ_ASSERT(compare_init(&c) == 0);
	FUZZ_ASSERT((compare_run(&c, paths, how & 16 ? 2 : 1) == 0) == (c.err[0] == '\0'));
	compare_free(&c);
	jsonw_free(&w);
	FUZZ_ASSERT(out_close(out) == 0);
	check_output(text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd;

	if (size < 1)
		return 0;
	fd = memfd_create("snapshots", MFD_CLOEXEC);
	FUZZ_ASSERT(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	compare(path, data[0]);
	close(fd);
	return 0;
}
