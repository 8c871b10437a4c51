/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock that everything is timed with. */
#ifndef KT_MONO_H
#define KT_MONO_H

#include <stdint.h>
#include <time.h>

/* mono_ns - CLOCK_MONOTONIC. It cannot fail, and takes no system call. */
static inline uint64_t mono_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

#endif
