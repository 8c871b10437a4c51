/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines from a descriptor. */
#include "ndjson.h"

#include <errno.h>
#include <string.h>

void ndjson_init(struct ndjson *nd, int fd)
{
	*nd = (struct ndjson){ .fd = fd };
}

void ndjson_free(struct ndjson *nd)
{
	buf_free(&nd->buf);
}

int ndjson_fill(struct ndjson *nd)
{
	ssize_t n;

	buf_drop(&nd->buf, nd->pos);
	nd->seen -= nd->pos;
	nd->pos = 0;
	n = buf_fill(&nd->buf, nd->fd, 64 << 10);
	if (n < 0)
		return (int)n;
	nd->eof = n == 0;
	return n > 0;
}

int ndjson_line(struct ndjson *nd, char **ret_line, size_t *ret_len)
{
	char *start, *nl;
	size_t len;

	if (nd->buf.len == nd->pos)
		return 0;
	start = nd->buf.p + nd->pos;
	nl = memchr(nd->buf.p + nd->seen, '\n', nd->buf.len - nd->seen);
	if (!nl && !nd->eof) {
		nd->seen = nd->buf.len;
		if (nd->buf.len - nd->pos <= NDJSON_MAX)
			return 0;
		nd->line++;
		return -EMSGSIZE;
	}
	len = nl ? (size_t)(nl - start) : nd->buf.len - nd->pos;
	nd->line++;
	nd->pos += len + (nl ? 1 : 0);
	nd->seen = nd->pos;
	if (len > NDJSON_MAX)
		return -EMSGSIZE;
	start[len] = '\0';
	*ret_line = start;
	*ret_len = len;
	return 1;
}

int ndjson_next(struct ndjson *nd, char **ret_line, size_t *ret_len)
{
	int rc;

	while ((rc = ndjson_line(nd, ret_line, ret_len)) == 0 && !nd->eof) {
		rc = ndjson_fill(nd);
		if (rc < 0)
			return rc;
	}
	return rc;
}
