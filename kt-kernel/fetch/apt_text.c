/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of apt: stanzas and lines of its sources. */
#include "apt_text.h"
#include "apt.h"
#include "cleanup.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A line of text: [p, *ret_end), without its newline. Returns where the next one starts, or NULL at
 * the end. */
const char *apt_next_line(const char *p, const char *end, const char **ret_end)
{
	const char *nl;

	if (p >= end)
		return NULL;
	nl = memchr(p, '\n', (size_t)(end - p));
	*ret_end = nl ? nl : end;
	return nl ? nl + 1 : end;
}

/* Is [p, e) the field `name` of a deb822 stanza? */
bool apt_is_field(const char *p, const char *e, const char *name)
{
	size_t n = strlen(name);

	return (size_t)(e - p) > n && strncasecmp(p, name, n) == 0 && p[n] == ':';
}

static void private_stanza(const char *p, const char *end, const char *suite, struct buf *out)
{
	static const char *const ours[] = { "Types", "Suites", "Components", "Enabled" };
	const char *e, *next;
	bool skip = false;
	size_t i;

	buf_fmt(out, "Types: deb\nSuites: %s\nComponents: main\n", suite);
	for (; (next = apt_next_line(p, end, &e)); p = next) {
		if (*p == '#')
			continue;
		if (!isspace((unsigned char)*p)) { /* else it goes on with the field above */
			skip = false;
			for (i = 0; i < KT_ARRAY_LEN(ours); i++)
				skip |= apt_is_field(p, e, ours[i]);
		}
		if (skip)
			continue;
		buf_add(out, p, (size_t)(e - p));
		buf_chr(out, '\n');
	}
}

const char *apt_skip_blank(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

/* "deb [signed-by=/x] http://host/debian bookworm main # why" */
static int private_line(const char *p, const char *end, const char *suite, struct buf *out)
{
	const char *hash = memchr(p, '#', (size_t)(end - p)), *options, *uri;
	size_t options_len = 0, uri_len = 0;

	if (hash)
		end = hash;
	p = apt_skip_blank(p, end);
	if (end - p < 5 || memcmp(p, "deb", 3) != 0 || !isspace((unsigned char)p[3]))
		return 0;
	options = apt_skip_blank(p + 3, end);
	if (options < end && *options == '[') {
		const char *close_br = memchr(options, ']', (size_t)(end - options));

		if (!close_br)
			return 0;
		options_len = (size_t)(close_br + 1 - options);
	}
	uri = apt_skip_blank(options + options_len, end);
	while (uri + uri_len < end && !isspace((unsigned char)uri[uri_len]))
		uri_len++;
	if (uri_len == 0)
		return 0;
	buf_str(out, "deb ");
	buf_add(out, options, options_len);
	if (options_len > 0)
		buf_chr(out, ' ');
	buf_add(out, uri, uri_len);
	buf_fmt(out, " %s main\n", suite);
	return 1;
}

/* Entry `number` of a sources file: a stanza, or a line (of any kind). */
bool apt_find_entry(const char *text, size_t len, bool deb822, unsigned long number,
		    const char **ret_start, const char **ret_end)
{
	const char *end, *p, *next, *e, *start = NULL;
	unsigned long i = 0;

	if (!text)
		return false;
	end = text + len;
	for (p = text; (next = apt_next_line(p, end, &e)); p = next) {
		bool blank = e == p || strspn(p, " \t\r") >= (size_t)(e - p);

		if (!deb822) {
			if (++i == number) {
				*ret_start = p;
				*ret_end = e;
				return true;
			}
			continue;
		}
		if (!start && !blank && *p != '#') {
			start = p;
			i++;
		}
		if (start && (blank || next == end)) {
			if (i == number) {
				*ret_start = start;
				*ret_end = blank ? p : e;
				return true;
			}
			start = NULL;
		}
	}
	return false;
}

int apt_private_source(const char *text, size_t len, bool deb822, unsigned long number,
		       const char *suite, struct buf *out)
{
	const char *p, *e;

	if (!apt_find_entry(text, len, deb822, number, &p, &e))
		return 0;
	if (!deb822)
		return private_line(p, e, suite, out);
	private_stanza(p, e, suite, out);
	return 1;
}
