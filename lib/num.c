/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict integers and decimals. */
#include "num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret_val)
{
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9') /* strtoull itself would take " 1", "+1" and "-1" */
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno != 0 || v < min || v > max)
		return -ERANGE;
	*ret_val = v;
	return 0;
}

int num_i64(const char *s, int64_t min, int64_t max, int64_t *ret_val)
{
	const char *digits = *s == '-' ? s + 1 : s;
	long long v;
	char *end;

	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno != 0 || v < min || v > max)
		return -ERANGE;
	*ret_val = v;
	return 0;
}

int num_int(const char *s, int min, int max, int *ret_val)
{
	int64_t v;
	int rc = num_i64(s, min, max, &v);

	if (rc == 0)
		*ret_val = (int)v;
	return rc;
}

int num_f64(const char *s, double min, double max, double *ret_val)
{
	double v;
	char *end;

	if (strspn(s, "0123456789.eE+-") != strlen(s) || *s == '+' || *s == '\0')
		return -EINVAL;
	errno = 0;
	v = strtod(s, &end);
	if (*end != '\0' || end == s)
		return -EINVAL;
	if (errno == ERANGE || !(v >= min && v <= max))
		return -ERANGE;
	*ret_val = v;
	return 0;
}
