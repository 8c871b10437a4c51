/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of a command as records. */
#include "relay.h"
#include "ndjson.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define DEPTH_MAX 64 /* of arrays and objects in a record */

/* ---- is it JSON? ---- */

struct scan {
	const char *s, *end;
};

static bool value(struct scan *c, int depth);

static void blanks(struct scan *c)
{
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t' || *c->s == '\r'))
		c->s++;
}

static bool eat(struct scan *c, char want)
{
	blanks(c);
	if (c->s >= c->end || *c->s != want)
		return false;
	c->s++;
	return true;
}

static bool is_hex(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F');
}

/* One character of UTF-8, without overlong forms and surrogates. */
static bool utf8(struct scan *c)
{
	unsigned char b = (unsigned char)*c->s++, lo = 0x80, hi = 0xBF;
	int more = b < 0x80		    ? 0
		   : b >= 0xC2 && b <= 0xDF ? 1
		   : b >= 0xE0 && b <= 0xEF ? 2
		   : b >= 0xF0 && b <= 0xF4 ? 3
					    : -1;

	if (b == 0xE0)
		lo = 0xA0;
	else if (b == 0xED)
		hi = 0x9F;
	else if (b == 0xF0)
		lo = 0x90;
	else if (b == 0xF4)
		hi = 0x8F;
	for (; more > 0; more--, lo = 0x80, hi = 0xBF) {
		if (c->s >= c->end || (unsigned char)*c->s < lo || (unsigned char)*c->s > hi)
			return false;
		c->s++;
	}
	return more == 0;
}

static bool string(struct scan *c)
{
	int i;

	if (!eat(c, '"'))
		return false;
	while (c->s < c->end) {
		if (*c->s == '"') {
			c->s++;
			return true;
		}
		if ((unsigned char)*c->s < ' ')
			return false;
		if (*c->s != '\\') {
			if (!utf8(c))
				return false;
			continue;
		}
		if (++c->s >= c->end)
			return false;
		if (*c->s == 'u') {
			for (i = 1; i <= 4; i++)
				if (c->s + i >= c->end || !is_hex(c->s[i]))
					return false;
			c->s += 5;
		} else if (strchr("\"\\/bfnrt", *c->s) && *c->s) {
			c->s++;
		} else {
			return false;
		}
	}
	return false;
}

static bool digits(struct scan *c)
{
	const char *from = c->s;

	while (c->s < c->end && *c->s >= '0' && *c->s <= '9')
		c->s++;
	return c->s > from;
}

static bool number(struct scan *c)
{
	if (c->s < c->end && *c->s == '-')
		c->s++;
	if (c->s < c->end && *c->s == '0')
		c->s++;
	else if (!digits(c))
		return false;
	if (c->s < c->end && *c->s == '.') {
		c->s++;
		if (!digits(c))
			return false;
	}
	if (c->s < c->end && (*c->s == 'e' || *c->s == 'E')) {
		c->s++;
		if (c->s < c->end && (*c->s == '+' || *c->s == '-'))
			c->s++;
		return digits(c);
	}
	return true;
}

static bool literal(struct scan *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->s) < n || memcmp(c->s, text, n) != 0)
		return false;
	c->s += n;
	return true;
}

static bool items(struct scan *c, bool object, int depth)
{
	char close = object ? '}' : ']';

	c->s++;
	if (eat(c, close))
		return true;
	do {
		if ((object && (!string(c) || !eat(c, ':'))) || !value(c, depth + 1))
			return false;
	} while (eat(c, ','));
	return eat(c, close);
}

static bool value(struct scan *c, int depth)
{
	blanks(c);
	if (c->s >= c->end || depth > DEPTH_MAX)
		return false;
	switch (*c->s) {
	case '{':
	case '[':
		return items(c, *c->s == '{', depth);
	case '"':
		return string(c);
	case 't':
		return literal(c, "true");
	case 'f':
		return literal(c, "false");
	case 'n':
		return literal(c, "null");
	default:
		return number(c);
	}
}

bool relay_is_record(const char *line, size_t n)
{
	static const char head[] = "{\"type\":\"";
	struct scan c = { line, line + n };

	if (n < sizeof(head) || n > NDJSON_MAX || memcmp(line, head, sizeof(head) - 1) != 0 ||
	    !value(&c, 0))
		return false;
	blanks(&c);
	return c.s == c.end;
}

/* ---- lines ---- */

int relay_init(struct relay *r, int fd, const char *tool, struct jsonw *w)
{
	int flags = fcntl(fd, F_GETFL);

	*r = (struct relay){ .fd = fd, .tool = tool, .w = w };
	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

void relay_free(struct relay *r)
{
	buf_free(&r->buf);
}

static int put(struct relay *r, const char *line, size_t n)
{
	if (!relay_is_record(line, n)) {
		jsonw_begin(r->w, "text");
		jsonw_str(r->w, "tool", r->tool);
		jsonw_strn(r->w, "text", line, n);
		return jsonw_end(r->w);
	}
	errno = 0;
	if (fwrite(line, 1, n, r->w->out) != n || fputc('\n', r->w->out) == EOF ||
	    (r->w->flush && fflush(r->w->out) != 0))
		return errno ? -errno : -EIO;
	return 0;
}

static int put_lines(struct relay *r)
{
	const char *nl;
	int rc = 0;

	while (rc == 0 && r->buf.len > r->seen) {
		nl = memchr(r->buf.p + r->seen, '\n', r->buf.len - r->seen);
		if (!nl) {
			r->seen = r->buf.len;
			/* No record is as long; as text it may come in pieces. */
			if (r->seen > NDJSON_MAX)
				rc = relay_rest(r);
			break;
		}
		rc = put(r, r->buf.p, (size_t)(nl - r->buf.p));
		buf_drop(&r->buf, (size_t)(nl - r->buf.p) + 1);
		r->seen = 0;
	}
	return rc;
}

int relay_step(struct relay *r)
{
	ssize_t n = buf_fill(&r->buf, r->fd, 65536);
	int rc;

	if (n == -EINTR || n == -EAGAIN)
		return 1;
	if (n < 0)
		return (int)n;
	if (n == 0)
		return relay_rest(r);
	rc = put_lines(r);
	return rc < 0 ? rc : 1;
}

int relay_rest(struct relay *r)
{
	int rc = r->buf.len > 0 ? put(r, r->buf.p, r->buf.len) : 0;

	buf_reset(&r->buf);
	r->seen = 0;
	return rc;
}
