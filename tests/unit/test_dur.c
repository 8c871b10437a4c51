// SPDX-License-Identifier: GPL-2.0-or-later
/* Durations and sizes: exact, strict, and back again. */
#include "dur.h"
#include "size.h"
#include "tap.h"

#include <errno.h>
#include <inttypes.h>

static const struct {
	const char *text;
	uint64_t ns;
} good[] = {
	{ "0", 0 },
	{ "10", 10 * NSEC_PER_SEC },
	{ "1.5s", 1500 * NSEC_PER_MSEC },
	{ "0.1", 100 * NSEC_PER_MSEC },
	{ "500ms", 500 * NSEC_PER_MSEC },
	{ "200us", 200 * NSEC_PER_USEC },
	{ "30ns", 30 },
	{ "2m", 120 * NSEC_PER_SEC },
	{ "1h", 3600 * NSEC_PER_SEC },
	{ "0.000000001", 1 },
	{ "9223372036854775807ns", INT64_MAX },
};

static const struct {
	const char *text;
	int rc;
} bad[] = {
	{ "", -EINVAL },      { " 1s", -EINVAL },
	{ "1s ", -EINVAL },   { "-1", -EINVAL },
	{ "+1", -EINVAL },    { "1 s", -EINVAL },
	{ "1x", -EINVAL },    { "1.s.", -EINVAL },
	{ "0.5ns", -EINVAL }, { "0.0000000001", -EINVAL },
	{ "inf", -EINVAL },   { "9223372036854775808ns", -ERANGE },
	{ "1e3", -EINVAL },   { "99999999999999999999", -ERANGE },
};

int main(void)
{
	char text[64];
	uint64_t v;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		v = 42;
		ok(dur_parse(good[i].text, &v) == 0 && v == good[i].ns, "\"%s\" is %" PRIu64 " ns",
		   good[i].text, good[i].ns);
		dur_format(good[i].ns, text, sizeof(text));
		v = 42;
		ok(dur_parse(text, &v) == 0 && v == good[i].ns, "and so is its text \"%s\"", text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		v = 42;
		ok(dur_parse(bad[i].text, &v) == bad[i].rc && v == 42, "\"%s\" is refused with %d",
		   bad[i].text, bad[i].rc);
	}
	dur_format(200 * NSEC_PER_MSEC, text, sizeof(text));
	ok_str(text, "200ms", "the shortest unit that is exact");

	ok(size_parse("4096", 1, &v) == 0 && v == 4096, "a bare size");
	ok(size_parse("4", 1 << 20, &v) == 0 && v == 4 << 20, "a bare size in MiB");
	ok(size_parse("2M", 1, &v) == 0 && v == 2 << 20, "M is 2^20");
	ok(size_parse("1G", 1 << 20, &v) == 0 && v == 1 << 30, "a unit beats the bare one");
	v = 42;
	ok(size_parse("99999999999G", 1, &v) == -ERANGE && v == 42, "a size over 2^64");
	ok(size_parse("M", 1, &v) == -EINVAL, "a unit without a number");
	return tap_done();
}
