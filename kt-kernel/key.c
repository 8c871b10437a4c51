/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of built kernels in the cache. */
#include "key.h"
#include "buf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define LOCK_NAME 32 /* ".locks/" names are KIND-KEY.lock, and a name has 255 bytes */

static void hash8(const char *text, char buf[9])
{
	char hex[SHA256_TEXT];
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, text, strlen(text));
	sha256_hex(&s, hex);
	memcpy(buf, hex, 8);
	buf[8] = '\0';
}

void key_path(const char *path, char buf[9])
{
	hash8(path, buf);
}

static void escaped(struct buf *b, const char *s)
{
	for (; *s; s++)
		if (isalnum((unsigned char)*s) || strchr("._+-", *s))
			(void)buf_chr(b, *s);
		else
			(void)buf_fmt(b, "%%%02X", (unsigned char)*s);
}

/* The part that all have, and out with it. */
static int finish(struct buf *b, const struct key_parts *p, char buf[KEY_MAX])
{
	char tool[9];
	int rc = 0;

	hash8(p->toolchain, tool);
	(void)buf_fmt(b, "-%s-c%.8s-t%s", p->machine, p->config_hash, tool);
	if (b->err)
		rc = b->err;
	else if (b->len + LOCK_NAME >= KEY_MAX)
		rc = -ENAMETOOLONG;
	else
		memcpy(buf, b->p, b->len + 1);
	buf_free(b);
	return rc;
}

int key_tarball(const struct key_parts *p, const char *version, char buf[KEY_MAX])
{
	struct buf b = BUF_INIT;

	escaped(&b, version);
	(void)buf_str(&b, "-tarball");
	return finish(&b, p, buf);
}

int key_package(const struct key_parts *p, const char *version, char buf[KEY_MAX])
{
	struct buf b = BUF_INIT;

	escaped(&b, version);
	(void)buf_str(&b, "-package");
	return finish(&b, p, buf);
}

int key_git(const struct key_parts *p, const char *ref, const char *commit, char buf[KEY_MAX])
{
	struct buf b = BUF_INIT;

	(void)buf_str(&b, "git-");
	escaped(&b, ref);
	(void)buf_fmt(&b, "-%.12s", commit);
	return finish(&b, p, buf);
}

int key_local(const struct key_parts *p, const char *commit, char buf[KEY_MAX])
{
	struct buf b = BUF_INIT;

	(void)buf_fmt(&b, "local-%.12s", commit);
	return finish(&b, p, buf);
}

int key_dirty(const struct key_parts *p, const char *path, char buf[KEY_MAX])
{
	struct buf b = BUF_INIT;
	char at[9];

	key_path(path, at);
	(void)buf_fmt(&b, "local-%s-dirty", at);
	return finish(&b, p, buf);
}
