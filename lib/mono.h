/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock that everything is timed with. */
#ifndef KT_MONO_H
#define KT_MONO_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* mono_ns - CLOCK_MONOTONIC. It cannot fail, and takes no system call. */
static inline uint64_t mono_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* mono_sleep_until - a time of mono_ns(). 0, or EINTR when a signal was handled before. */
static inline int mono_sleep_until(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / UINT64_C(1000000000)),
			      (long)(ns % UINT64_C(1000000000)) };

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

#endif
