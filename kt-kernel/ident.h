/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How people name a kernel: a version, a series, a range, a path, a git branch, a key of the cache.
 */
#ifndef KT_IDENT_H
#define KT_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MAJOR[.MINOR[.PATCH]][-rcN] */
struct kver {
	uint64_t major, minor, patch, rc; /* what is not there is 0 */
	unsigned int parts; /* numbers in front of -rc: 1 to 3 */
	bool has_rc;
};

#define KVER_TEXT 96

/* kver_parse - of n bytes. Returns 0; -EINVAL when it is no version (a leading "v", four numbers,
 * blanks); -ERANGE when a number does not fit in 64 bits. */
int kver_parse(const char *s, size_t n, struct kver *ret);

/* kver_compare - below, equal to or above 0. A release is above its release candidates, "6.10"
 * equals "6.10.0". */
int kver_compare(const struct kver *a, const struct kver *b);

/* kver_text - as kernel.org writes it: "6.12.3", "6.14" (also for 6.14.0), "6.15-rc3". kver_series
 * - "6.12". buf holds KVER_TEXT bytes; returned. */
const char *kver_text(const struct kver *v, char *buf);
const char *kver_series(const struct kver *v, char *buf);

/* kver_in_series - whether v is a release of the series, which has one or two numbers: 6.12.3 is of
 * 6.12 and of 6; a release candidate is of none. */
bool kver_in_series(const struct kver *v, const struct kver *series);

/* kver_in_range - within both ends; an end of two numbers is the whole series: 6.16.4 is within
 * 6.12..6.16. */
bool kver_in_range(const struct kver *v, const struct kver *start, const struct kver *end);

enum ident_kind {
	IDENT_BAD, /* why says what is wrong */
	IDENT_GIT, /* git+URL#REF */
	IDENT_RANGE, /* A..B */
	IDENT_PATH, /* has a "/", or begins with "." or "~" */
	IDENT_VERSION, /* three numbers, or a release candidate: one certain kernel */
	IDENT_SERIES, /* one or two numbers: the newest of them */
	IDENT_KEY, /* anything else */
};

struct ident {
	enum ident_kind kind;
	struct kver v, end; /* version, series, start of the range; its end */
	const char *url, *ref; /* of git, within the text that was parsed */
	size_t url_len;
	const char *why; /* static text */
};

/* ident_parse - says what text names. The text must outlive *ret. */
void ident_parse(const char *text, struct ident *ret);

#endif
