/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integers and decimals: the whole text or nothing. */
#include "cleanup.h"
#include "num.h"
#include "tap.h"

#include <errno.h>
#include <limits.h>

static const struct {
	const char *text;
	uint64_t min, max, want;
	int rc;
} u64s[] = {
	{ "0", 0, 10, 0, 0 },
	{ "10", 0, 10, 10, 0 },
	{ "007", 0, 10, 7, 0 },
	{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, 0 },
	{ "18446744073709551616", 0, UINT64_MAX, 0, -ERANGE },
	{ "11", 0, 10, 0, -ERANGE },
	{ "1", 2, 10, 0, -ERANGE },
	{ "", 0, 10, 0, -EINVAL },
	{ " 1", 0, 10, 0, -EINVAL },
	{ "1 ", 0, 10, 0, -EINVAL },
	{ "+1", 0, 10, 0, -EINVAL },
	{ "-1", 0, UINT64_MAX, 0, -EINVAL },
	{ "0x1", 0, 10, 0, -EINVAL },
	{ "1e1", 0, 10, 0, -EINVAL },
	{ "1.0", 0, 10, 0, -EINVAL },
};

static const struct {
	const char *text;
	int64_t min, max, want;
	int rc;
} i64s[] = {
	{ "-20", -20, 19, -20, 0 },
	{ "0", -20, 19, 0, 0 },
	{ "-0", -20, 19, 0, 0 },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, 0 },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, 0, -ERANGE },
	{ "-21", -20, 19, 0, -ERANGE },
	{ "--1", -20, 19, 0, -EINVAL },
	{ "-", -20, 19, 0, -EINVAL },
	{ "- 1", -20, 19, 0, -EINVAL },
	{ "+1", -20, 19, 0, -EINVAL },
	{ "", -20, 19, 0, -EINVAL },
};

static const struct {
	const char *text;
	double min, max, want;
	int rc;
} f64s[] = {
	{ "0.5", 0, 1, 0.5, 0 },      { ".5", 0, 1, 0.5, 0 },	      { "1", 0, 1, 1, 0 },
	{ "1e-3", 0, 1, 0.001, 0 },   { "-0.5", -1, 1, -0.5, 0 },     { "1.1", 0, 1, 0, -ERANGE },
	{ "-0.1", 0, 1, 0, -ERANGE }, { "1e999", 0, 1, 0, -ERANGE },  { "nan", 0, 1, 0, -EINVAL },
	{ "inf", 0, 1, 0, -EINVAL },  { "0x1p-1", 0, 1, 0, -EINVAL }, { "0,5", 0, 1, 0, -EINVAL },
	{ " 0.5", 0, 1, 0, -EINVAL }, { "+0.5", 0, 1, 0, -EINVAL },   { "0.5.", 0, 1, 0, -EINVAL },
	{ "", 0, 1, 0, -EINVAL },     { "e", 0, 1, 0, -EINVAL },      { ".", 0, 1, 0, -EINVAL },
};

int main(void)
{
	size_t i;
	int n = 7;

	for (i = 0; i < KT_ARRAY_LEN(u64s); i++) {
		uint64_t v = 99;
		int rc = num_u64(u64s[i].text, u64s[i].min, u64s[i].max, &v);

		ok(rc == u64s[i].rc && v == (rc ? 99 : u64s[i].want), "u64 '%s'", u64s[i].text);
	}
	for (i = 0; i < KT_ARRAY_LEN(i64s); i++) {
		int64_t v = 99;
		int rc = num_i64(i64s[i].text, i64s[i].min, i64s[i].max, &v);

		ok(rc == i64s[i].rc && v == (rc ? 99 : i64s[i].want), "i64 '%s'", i64s[i].text);
	}
	for (i = 0; i < KT_ARRAY_LEN(f64s); i++) {
		double v = 99;
		int rc = num_f64(f64s[i].text, f64s[i].min, f64s[i].max, &v);

		ok(rc == f64s[i].rc && v == (rc ? 99 : f64s[i].want), "f64 '%s'", f64s[i].text);
	}
	ok(num_int("-5", -5, 5, &n) == 0 && n == -5, "int");
	ok(num_int("2147483648", INT_MIN, INT_MAX, &n) == -ERANGE && n == -5, "int out of range");
	return tap_done();
}
