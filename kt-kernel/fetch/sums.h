/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of checksums, as sha256sum(1) writes them, perhaps clear-signed by OpenPGP. */
#ifndef KT_SUMS_H
#define KT_SUMS_H

#include "sha256.h"

#include <stdbool.h>
#include <stddef.h>

/* sums_find - the sum of a file in the text; of a clear-signed text only what is signed counts.
 * Returns 0; -ENOENT when the file is not listed; -EBADMSG when it is listed with two sums, or the
 * text is signed and cut off. */
int sums_find(const char *text, size_t len, const char *name, char ret[SHA256_TEXT]);

/* sums_signed - whether the text has the frame of a clear-signed one. */
bool sums_signed(const char *text, size_t len);

#endif
