/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people read them. */
#include "human.h"
#include "cleanup.h"

#include <math.h>
#include <stdio.h>

static void scaled(double v, double step, const char *const *units, size_t n, char *buf, size_t cap)
{
	double a = fabs(v);
	size_t u = 0;

	while (u + 1 < n && a >= step - 0.5) {
		a /= step;
		u++;
	}
	(void)snprintf(buf, cap, "%s%.*f%s", v < 0 ? "-" : "",
		       u == 0 || a >= 99.95 ? 0
		       : a >= 9.995	    ? 1
					    : 2,
		       a, units[u]);
}

void human_ns(double ns, char *buf, size_t cap)
{
	static const char *const units[] = { " ns", " us", " ms", " s" };

	scaled(ns, 1000, units, KT_ARRAY_LEN(units), buf, cap);
}

void human_bytes(double bytes, char *buf, size_t cap)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };

	scaled(bytes, 1024, units, KT_ARRAY_LEN(units), buf, cap);
}

void human_count(double n, char *buf, size_t cap)
{
	static const char *const units[] = { "", " k", " M", " G", " T", " P", " E" };

	if (fabs(n) < 9999.5)
		(void)snprintf(buf, cap, "%.*f", n == floor(n) || fabs(n) >= 99.95 ? 0 : 1, n);
	else
		scaled(n, 1000, units, KT_ARRAY_LEN(units), buf, cap);
}
