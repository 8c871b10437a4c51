/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns for paths and names. */
#include "glob.h"

#include <string.h>

/* The end of the set that begins at "[", behind its "]"; NULL when it has none. */
static const char *set_end(const char *p)
{
	p++;
	p += *p == '!';
	p += *p == ']'; /* the first one is a member */
	for (; *p != '\0' && *p != ']'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == ']' ? p + 1 : NULL;
}

static const char *set_wrong(const char *p, const char *end)
{
	if (memchr(p, '/', (size_t)(end - p)))
		return "a set with '/'";
	for (p += p[1] == '!' ? 2 : 1; p < end - 1; p++) {
		p += *p == '\\';
		if (p[1] != '-' || p + 2 >= end - 1)
			continue;
		if ((unsigned char)p[2] < (unsigned char)p[0])
			return "a range that ends before it begins";
		p += 2;
	}
	return NULL;
}

const char *glob_check(const char *pattern, size_t *ret_at)
{
	const char *p = pattern, *end, *wrong;

	*ret_at = 0;
	if (*pattern == '\0')
		return "an empty pattern";
	while (*p != '\0') {
		*ret_at = (size_t)(p - pattern);
		if (*p == '\\') {
			if (p[1] == '\0')
				return "nothing follows '\\'";
			p += 2;
		} else if (*p == '[') {
			end = set_end(p);
			if (!end)
				return "a '[' without its ']'";
			wrong = set_wrong(p, end);
			if (wrong)
				return wrong;
			p = end;
		} else if (p[0] == '*' && p[1] == '*') {
			if ((p > pattern && p[-1] != '/') || (p[2] != '\0' && p[2] != '/'))
				return "'**' is not a component of its own";
			p += 2;
		} else {
			p++;
		}
	}
	return NULL;
}

static bool in_set(const char *p, const char *end, char c)
{
	bool negated = p[1] == '!', found = false;
	unsigned char u = (unsigned char)c, from, to;

	for (p += negated ? 2 : 1; p < end - 1; p++) {
		p += *p == '\\';
		from = to = (unsigned char)*p;
		if (p[1] == '-' && p + 2 < end - 1) {
			to = (unsigned char)p[2];
			p += 2;
		}
		found |= u >= from && u <= to;
	}
	return found != negated;
}

/* One character of the text by one element of the pattern, which is no star. Returns the next
 * element, or NULL. */
static const char *one(const char *p, char c, bool names)
{
	const char *end;

	switch (*p) {
	case '?':
		return c != '/' || names ? p + 1 : NULL;
	case '[':
		end = set_end(p);
		return (c != '/' || names) && in_set(p, end, c) ? end : NULL;
	case '\\':
		return p[1] == c ? p + 2 : NULL;
	default:
		return *p == c ? p + 1 : NULL;
	}
}

/* Two places to go back to: the last "*" and the last "**" before it. A star that is met later
 * makes an earlier one of its kind needless, so this takes no more than quadratic time within a
 * component, and that for each component. */
bool glob_match(const char *p, const char *text, size_t len, bool names)
{
	const char *t = text, *end = text + len, *star = NULL, *star_t = NULL, *deep = NULL,
		   *deep_t = NULL, *next;

	for (;;) {
		if (p[0] == '*' && p[1] == '*') {
			/* Components, each with the slash behind it, or before it at the end. */
			if (p[2] == '\0')
				return true;
			deep = p + 3;
			deep_t = t;
			star = NULL;
			p = deep;
			continue;
		}
		if (*p == '*') {
			star = ++p;
			star_t = t;
			continue;
		}
		if (t == end && *p == '\0')
			return true;
		/* "a/" + "**": nothing below a is no component, but a itself fits */
		if (t == end && strcmp(p, "/**") == 0)
			return true;
		next = t < end && *p != '\0' ? one(p, *t, names) : NULL;
		if (next) {
			p = next;
			t++;
			continue;
		}
		if (star && star_t < end && (*star_t != '/' || names)) {
			p = star;
			t = ++star_t;
			continue;
		}
		if (!deep)
			return false;
		deep_t = memchr(deep_t, '/', (size_t)(end - deep_t));
		if (!deep_t)
			return false;
		p = deep;
		t = ++deep_t;
		star = NULL;
	}
}
