/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of apt: stanzas and lines of its sources. */
#ifndef KT_APT_TEXT_H
#define KT_APT_TEXT_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

/* apt_next_line - a line of text: [p, *ret_end), without its newline. Returns where the next one
 * starts, or NULL at the end. */
const char *apt_next_line(const char *p, const char *end, const char **ret_end);

/* apt_is_field - is [p, e) the field `name` of a deb822 stanza? */
bool apt_is_field(const char *p, const char *e, const char *name);

/* apt_skip_blank - the first byte from p on that is no blank, or end. */
const char *apt_skip_blank(const char *p, const char *end);

/* apt_find_entry - entry `number`, from 1, of a sources file: a stanza, or a line (of any kind). */
bool apt_find_entry(const char *text, size_t len, bool deb822, unsigned long number,
		    const char **ret_start, const char **ret_end);

#endif
