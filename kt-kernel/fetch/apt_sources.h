/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's own sources of packages. */
#ifndef KT_APT_SOURCES_H
#define KT_APT_SOURCES_H

#include "buf.h"

/* apt_system_source - the system's own source of its distribution, as an entry for a suite: the one
 * that offers it, else the main one. Appended to out. Says what went wrong. 0 or -errno. */
int apt_system_source(const char *suite, struct buf *out);

#endif
