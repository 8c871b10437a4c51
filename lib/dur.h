/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations: "10", "1.5s", "500ms", "200us", "2m", "1h", "30ns"; a bare number is seconds. */
#ifndef KT_DUR_H
#define KT_DUR_H

#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* dur_parse - text to nanoseconds, exact (no binary fractions), at most 2^63-1.
 * Returns 0; -EINVAL when it is no duration or is finer than a nanosecond; -ERANGE. */
int dur_parse(const char *s, uint64_t *ret_ns);

/* dur_format - the shortest text that dur_parse() reads as ns: "1.5s", "200ms", "0s". */
void dur_format(uint64_t ns, char *buf, size_t cap);

#endif
