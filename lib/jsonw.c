/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes records. */
#include "jsonw.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

void jsonw_init(struct jsonw *w, FILE *out)
{
	*w = (struct jsonw){ .out = out };
}

void jsonw_free(struct jsonw *w)
{
	buf_free(&w->buf);
}

/* Length of the UTF-8 sequence at s, or 0: overlong forms, surrogates and > U+10FFFF are none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	size_t i;

	if (len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

int json_escape(struct buf *b, const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i, len;

	buf_chr(b, '"');
	for (i = 0; i < n; i += len) {
		len = 1;
		if (s[i] == '"' || s[i] == '\\') {
			buf_chr(b, '\\');
			buf_chr(b, (char)s[i]);
		} else if (s[i] == '\n') {
			buf_str(b, "\\n");
		} else if (s[i] == '\t') {
			buf_str(b, "\\t");
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			buf_fmt(b, "\\u%04x", s[i]);
		} else {
			len = utf8_len(s + i, n - i);
			if (len > 0)
				buf_add(b, s + i, len);
			else
				buf_str(b, "\xef\xbf\xbd");
			len = len ? len : 1;
		}
	}
	return buf_chr(b, '"');
}

static void put_key(struct jsonw *w, const char *key)
{
	if (w->comma)
		buf_chr(&w->buf, ',');
	w->comma = true;
	if (key) {
		json_escape(&w->buf, key, strlen(key));
		buf_chr(&w->buf, ':');
	}
}

void jsonw_begin_bare(struct jsonw *w)
{
	if (w->out)
		buf_reset(&w->buf);
	buf_chr(&w->buf, '{');
	w->comma = false;
}

void jsonw_begin(struct jsonw *w, const char *type)
{
	jsonw_begin_bare(w);
	jsonw_str(w, "type", type);
}

void jsonw_u64(struct jsonw *w, const char *key, uint64_t v)
{
	put_key(w, key);
	buf_fmt(&w->buf, "%" PRIu64, v);
}

void jsonw_i64(struct jsonw *w, const char *key, int64_t v)
{
	put_key(w, key);
	buf_fmt(&w->buf, "%" PRId64, v);
}

void jsonw_id(struct jsonw *w, const char *key, int64_t v)
{
	if (v < 0)
		jsonw_null(w, key);
	else
		jsonw_i64(w, key, v);
}

void jsonw_f64(struct jsonw *w, const char *key, double v, int decimals)
{
	put_key(w, key);
	if (isfinite(v))
		buf_fmt(&w->buf, "%.*f", decimals, v);
	else
		buf_str(&w->buf, "null");
}

void jsonw_bool(struct jsonw *w, const char *key, bool v)
{
	put_key(w, key);
	buf_str(&w->buf, v ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
	put_key(w, key);
	buf_str(&w->buf, "null");
}

void jsonw_strn(struct jsonw *w, const char *key, const char *s, size_t n)
{
	put_key(w, key);
	json_escape(&w->buf, s, n);
}

void jsonw_str(struct jsonw *w, const char *key, const char *s)
{
	if (s)
		jsonw_strn(w, key, s, strlen(s));
	else
		jsonw_null(w, key);
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json, size_t n)
{
	put_key(w, key);
	buf_add(&w->buf, json, n);
}

static void open_level(struct jsonw *w, const char *key, char c)
{
	put_key(w, key);
	buf_chr(&w->buf, c);
	w->comma = false;
}

static void close_level(struct jsonw *w, char c)
{
	buf_chr(&w->buf, c);
	w->comma = true;
}

void jsonw_arr(struct jsonw *w, const char *key)
{
	open_level(w, key, '[');
}

void jsonw_arr_end(struct jsonw *w)
{
	close_level(w, ']');
}

void jsonw_obj(struct jsonw *w, const char *key)
{
	open_level(w, key, '{');
}

void jsonw_obj_end(struct jsonw *w)
{
	close_level(w, '}');
}

int jsonw_end(struct jsonw *w)
{
	buf_str(&w->buf, "}\n");
	if (w->buf.err < 0)
		return w->buf.err;
	if (!w->out)
		return 0;
	errno = 0;
	if (fwrite(w->buf.p, 1, w->buf.len, w->out) != w->buf.len ||
	    (w->flush && fflush(w->out) != 0))
		return errno ? -errno : -EIO;
	return 0;
}

void jsonw_meta(struct jsonw *w, const char *tool, bool live)
{
	AUTO_FD fd = live ? open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC) : -1;
	char boot_id[64] = "", stamp[64] = "";
	struct timespec now;
	struct tm tm;

	if (fd >= 0 && read(fd, boot_id, sizeof(boot_id) - 1) > 0)
		boot_id[strcspn(boot_id, "\n")] = '\0';
	if (live && clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &tm)) {
		size_t n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);

		(void)snprintf(stamp + n, sizeof(stamp) - n, ".%03ldZ", now.tv_nsec / 1000000);
	}
	jsonw_begin(w, "meta");
	jsonw_str(w, "tool", tool);
	jsonw_str(w, "version", KT_VERSION);
	jsonw_u64(w, "schema", 1);
	jsonw_str(w, "boot_id", boot_id[0] ? boot_id : NULL);
	jsonw_str(w, "time", stamp[0] ? stamp : NULL);
}
