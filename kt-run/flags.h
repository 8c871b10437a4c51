/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flags name what a scheduler can do; a profile is a set of them that a scenario is played with. */
#ifndef KT_FLAGS_H
#define KT_FLAGS_H

#include <stddef.h>

#define FLAGS_TEXT 64 /* room for any profile's name */

typedef unsigned int flagset; /* bit i: flag i of the canonical order */

#define FLAG_NO_CTRL (1u << 5) /* without the cpu controller */

/* flags_find - the flag's bit, or 0. */
flagset flags_find(const char *name);

/* flags_name, flags_about - of flag i, from 0; NULL past the last. */
const char *flags_name(unsigned int i);
const char *flags_about(unsigned int i);

/* flags_parse - "llc,steal" to a set; "" is none. Returns 0, or -EINVAL with *ret_bad at the name
 * that is none (it ends at a comma or the end). */
int flags_parse(const char *list, flagset *ret, const char **ret_bad);

/* flags_profile - the profile's name: flags in canonical order joined with "+", or "default". */
char *flags_profile(flagset f, char buf[FLAGS_TEXT]);

/* flags_needs - what f needs besides itself: 0 for a set that may be played. */
flagset flags_needs(flagset f);

/* flags_least - the smallest profile with all of `required`. */
flagset flags_least(flagset required);

/* flags_profiles - every profile with all of `required` and none of `excluded`, in the order of the
 * optional flags as bits, which have room for 64. Returns how many. */
size_t flags_profiles(flagset required, flagset excluded, flagset ret[64]);

#endif
