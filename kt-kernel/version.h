/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of version strings. */
#ifndef KT_VERSION_H
#define KT_VERSION_H

/* version_compare - as Debian compares version strings: "7.3.10" above "7.3.4", "~" below the end.
 */
int version_compare(const char *a, const char *b);

#endif
