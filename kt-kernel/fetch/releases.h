/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kernel.org has: its list of releases, and where its files are. */
#ifndef KT_RELEASES_H
#define KT_RELEASES_H

#include "http.h"
#include "ident.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct release {
	char moniker[32]; /* "mainline", "stable", "longterm", "linux-next" */
	char version[64]; /* as the list has it */
	struct kver v; /* parts 0: it is no version of ours (linux-next) */
	int8_t eol; /* -1: not said */
	char source[512]; /* URL, or "" */
};

struct releases {
	struct release *v; /* owned; in the order of the list */
	size_t n;
	size_t dropped; /* rows that could not be used */
	bool cached;
};

/* releases_parse - from the text of releases.json. Returns 0; -EBADMSG when it is no such list (err
 * says why); -ENOMEM. */
int releases_parse(const char *text, size_t len, struct releases *ret, char *err, size_t cap);
void releases_free(struct releases *r);

/* releases_get - the list, from $KTSTR_RELEASES_URL or kernel.org; a copy in the cache that is not
 * older than max_age_ns is as good (h NULL: nothing else is). Says what went wrong, unless silent.
 * 0 or -errno. */
int releases_get(const struct http *h, uint64_t max_age_ns, struct releases *ret);

/* releases_find - the row of this version, or NULL. releases_newest - the newest release of a
 * series (never a release candidate or linux-next), or NULL. */
const struct release *releases_find(const struct releases *r, const struct kver *v);
const struct release *releases_newest(const struct releases *r, const struct kver *series);

/* releases_eol - whether the version's series has ended: 1, 0, or -1 for unknown. A series that is
 * not listed has; the list itself says it of one that has just ended. */
int releases_eol(const struct releases *r, const struct kver *v);

/* kernel_url - where the tarball of a version is, $KTSTR_CDN_URL and $KTSTR_RC_URL considered; its
 * sums_url likewise. Return 0 or -ENAMETOOLONG. */
#define URL_MAX 1024
int kernel_url(const struct kver *v, char buf[URL_MAX]);
int kernel_sums_url(const struct kver *v, char buf[URL_MAX]);

#endif
