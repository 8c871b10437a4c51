/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict integers and decimals: the whole text or nothing, no locale. */
#ifndef KT_NUM_H
#define KT_NUM_H

#include <stdint.h>

/* num_u64, num_i64 - parse a decimal integer in [min, max].
 * Returns 0; -EINVAL when the text is no integer (blanks, a "+" and trailing text count);
 * -ERANGE when it is outside the bounds. *ret_val is untouched on failure. */
int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret_val);
int num_i64(const char *s, int64_t min, int64_t max, int64_t *ret_val);

/* num_int - like num_i64, for plain ints. */
int num_int(const char *s, int min, int max, int *ret_val);

/* num_f64 - parse "12", "0.5", "1e-3" in [min, max]; inf, nan and hex are -EINVAL. */
int num_f64(const char *s, double min, double max, double *ret_val);

#endif
