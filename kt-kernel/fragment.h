/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktstr.config, the configuration of the kernels that we build, as it is in this program. */
#ifndef KT_FRAGMENT_H
#define KT_FRAGMENT_H

#include "sha256.h"

#include <stddef.h>

/* fragment_text - the file's bytes; no NUL follows. */
const char *fragment_text(size_t *ret_len);

/* fragment_hash - its sha256: what a kernel's base_hash is compared with. */
void fragment_hash(char ret[SHA256_TEXT]);

#endif
