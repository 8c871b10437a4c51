/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns for paths and names: "?" and "*" stay within a component of a path, "**" is any number
 * of whole components, "[a-z]" and "[!a-z]" one character, "\" takes the next one as it is. */
#ifndef KT_SNAP_GLOB_H
#define KT_SNAP_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* glob_check - NULL, or what is wrong with the pattern, at *ret_at bytes from its start. */
const char *glob_check(const char *pattern, size_t *ret_at);

/* glob_match - the whole text fits the pattern, which glob_check has found good. names: the text is
 * no path, "/" is a character like others. */
bool glob_match(const char *pattern, const char *text, size_t len, bool names);

#endif
