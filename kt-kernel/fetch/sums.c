/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of checksums:
 *
 *	-----BEGIN PGP SIGNED MESSAGE-----
 *	Hash: SHA256
 *
 *	c2b7…64 digits…9f  linux-6.12.3.tar.xz
 *	-----BEGIN PGP SIGNATURE-----
 *	…
 *	-----END PGP SIGNATURE-----
 */
#include "sums.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define BEGIN_MESSAGE "-----BEGIN PGP SIGNED MESSAGE-----"
#define BEGIN_SIGNATURE "-----BEGIN PGP SIGNATURE-----"
#define END_SIGNATURE "-----END PGP SIGNATURE-----"

/* The line at p, without its end; where the next one starts. NULL at the end of the text. */
static const char *line(const char *p, const char *end, size_t *ret_len)
{
	const char *nl;
	size_t n;

	if (p >= end)
		return NULL;
	nl = memchr(p, '\n', (size_t)(end - p));
	n = (size_t)((nl ? nl : end) - p);
	*ret_len = n;
	while (*ret_len > 0 && (p[*ret_len - 1] == '\r' || p[*ret_len - 1] == ' '))
		(*ret_len)--;
	return nl ? nl + 1 : end;
}

static bool is(const char *p, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(p, text, n) == 0;
}

/* "SUM  NAME", "SUM *NAME". */
static bool parse_sum(const char *p, size_t n, const char *name, char ret[SHA256_TEXT])
{
	size_t i, len = strlen(name);

	if (n != SHA256_TEXT - 1 + 2 + len || p[64] != ' ' || (p[65] != ' ' && p[65] != '*') ||
	    memcmp(p + 66, name, len) != 0)
		return false;
	for (i = 0; i < 64; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return false;
		ret[i] = (char)tolower((unsigned char)p[i]);
	}
	ret[64] = '\0';
	return true;
}

/* The first line of a signed text, where there may be a byte order mark or empty lines before. */
bool sums_signed(const char *text, size_t len)
{
	return memmem(text, len, BEGIN_MESSAGE, strlen(BEGIN_MESSAGE)) != NULL;
}

int sums_find(const char *text, size_t len, const char *name, char ret[SHA256_TEXT])
{
	enum {
		BEFORE,
		HEADERS,
		MESSAGE,
		SIGNATURE,
		AFTER
	} place = MESSAGE;
	const char *p, *next, *end = text + len;
	char sum[SHA256_TEXT], found[SHA256_TEXT] = "";
	bool armored = sums_signed(text, len);
	size_t n;

	if (armored)
		place = BEFORE;
	for (p = text; (next = line(p, end, &n)); p = next) {
		switch (place) {
		case BEFORE:
			if (is(p, n, BEGIN_MESSAGE))
				place = HEADERS;
			break;
		case HEADERS:
			if (n == 0)
				place = MESSAGE;
			break;
		case MESSAGE:
			if (armored && is(p, n, BEGIN_SIGNATURE)) {
				place = SIGNATURE;
				break;
			}
			if (!parse_sum(p, n, name, sum))
				break;
			if (found[0] && strcmp(found, sum) != 0)
				return -EBADMSG;
			memcpy(found, sum, sizeof(found));
			break;
		case SIGNATURE:
			if (is(p, n, END_SIGNATURE))
				place = AFTER;
			break;
		case AFTER:
			break;
		}
	}
	if (armored && place != AFTER)
		return -EBADMSG;
	if (!found[0])
		return -ENOENT;
	memcpy(ret, found, sizeof(found));
	return 0;
}
