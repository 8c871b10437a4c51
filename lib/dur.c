/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations. */
#include "dur.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "h", 3600 * NSEC_PER_SEC }, { "m", 60 * NSEC_PER_SEC }, { "s", NSEC_PER_SEC },
	{ "ms", NSEC_PER_MSEC },      { "us", NSEC_PER_USEC },	  { "ns", 1 },
	{ "", NSEC_PER_SEC },
};

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int dur_parse(const char *s, uint64_t *ret_ns)
{
	const char *p = s, *frac = NULL;
	uint64_t whole = 0, unit = 0, ns;
	size_t i, frac_len = 0;

	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
			return -ERANGE;
	if (p == s)
		return -EINVAL;
	if (*p == '.') {
		frac = ++p;
		while (is_digit(*p))
			p++;
		frac_len = (size_t)(p - frac);
		if (frac_len == 0)
			return -EINVAL;
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(p, units[i].name) == 0)
			unit = units[i].ns;
	if (unit == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &ns))
		return -ERANGE;
	/* Digit by digit: each is worth a tenth of the one before, and must be whole ns. */
	for (i = 0; i < frac_len; i++) {
		uint64_t digit = (uint64_t)(frac[i] - '0');

		if (unit % 10 != 0) {
			if (digit != 0)
				return -EINVAL;
			continue;
		}
		unit /= 10;
		if (__builtin_add_overflow(ns, digit * unit, &ns))
			return -ERANGE;
	}
	if (ns > INT64_MAX)
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

void dur_format(uint64_t ns, char *buf, size_t cap)
{
	const char *name = "s";
	uint64_t unit = NSEC_PER_SEC;
	char frac[16];
	size_t n;

	if (ns != 0 && ns < NSEC_PER_USEC) {
		name = "ns";
		unit = 1;
	} else if (ns != 0 && ns < NSEC_PER_MSEC) {
		name = "us";
		unit = NSEC_PER_USEC;
	} else if (ns != 0 && ns < NSEC_PER_SEC) {
		name = "ms";
		unit = NSEC_PER_MSEC;
	}
	(void)snprintf(frac, sizeof(frac), "%09" PRIu64, ns % unit * (NSEC_PER_SEC / unit));
	for (n = 9; n > 0 && frac[n - 1] == '0'; n--)
		;
	(void)snprintf(buf, cap, "%" PRIu64 "%s%.*s%s", ns / unit, n ? "." : "", (int)n, frac,
		       name);
}
