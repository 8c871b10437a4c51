/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all ways of getting a prebuilt kernel share: a staged directory gets config and bzImage, and
 * becomes an entry. */
#ifndef KT_PREBUILT_H
#define KT_PREBUILT_H

#include "kernel.h"

/* prebuilt_begin - k is nothing yet but of this source, for this machine. 0 or -errno, said. */
int prebuilt_begin(struct kernel *k, const char *source);

/* prebuilt_config - read STAGED/config into k. Returns 0 or -errno, said. */
int prebuilt_config(const char *staged, struct kernel *k);

/* prebuilt_good - has it all that ktstr needs but for probes? */
bool prebuilt_good(const struct kernel *k);

/* prebuilt_say_missing - a line on stderr for each thing that k lacks. */
void prebuilt_say_missing(const struct kernel *k);

/* prebuilt_publish - STAGED/bzImage must be a kernel of this machine and of the release k->version;
 * then it becomes the entry k->key, and k what was read back from there. package is for messages.
 * Returns 0 or -errno, said. */
int prebuilt_publish(const char *staged, struct kernel *k, const char *package);

#endif
