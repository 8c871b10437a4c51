/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: their bytes, for any input. */
#include "cleanup.h"
#include "jsonw.h"
#include "tap.h"

#include <errno.h>
#include <math.h>

static const struct {
	const char *in;
	size_t n;
	const char *out;
} texts[] = {
	{ "plain", 5, "\"plain\"" },
	{ "", 0, "\"\"" },
	{ "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
	{ "a\nb\tc\rd", 7, "\"a\\nb\\tc\\u000dd\"" },
	{ "\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\"" },
	{ "a\0b", 3, "\"a\\u0000b\"" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "\xff", 1, "\"\xef\xbf\xbd\"" },
	{ "\xc3", 1, "\"\xef\xbf\xbd\"" }, /* cut off */
	{ "\xc3(", 2, "\"\xef\xbf\xbd(\"" },
	{ "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, /* overlong */
	{ "\xe0\x80\xaf", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* a surrogate */
	{ "\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xf4\x8f\xbf\xbf", 4, "\"\xf4\x8f\xbf\xbf\"" },
};

static void test_texts(void)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(texts); i++) {
		AUTO_BUF b = BUF_INIT;

		ok(json_escape(&b, texts[i].in, texts[i].n) == 0, "text %zu is escaped", i);
		ok_str(b.p, texts[i].out, "text %zu", i);
	}
}

static void test_record(void)
{
	struct jsonw w;

	jsonw_init(&w, NULL);
	jsonw_begin(&w, "t");
	jsonw_u64(&w, "u", UINT64_MAX);
	jsonw_i64(&w, "i", INT64_MIN);
	jsonw_id(&w, "known", 0);
	jsonw_id(&w, "unknown", -1);
	jsonw_f64(&w, "f", 0.125, 2);
	jsonw_f64(&w, "nan", NAN, 2);
	jsonw_f64(&w, "inf", -INFINITY, 2);
	jsonw_bool(&w, "b", true);
	jsonw_null(&w, "z");
	jsonw_str(&w, "s", "x");
	jsonw_str(&w, "ns", NULL);
	jsonw_strn(&w, "sn", "abc", 2);
	jsonw_raw(&w, "r", "[1]", 3);
	jsonw_arr(&w, "a");
	jsonw_u64(&w, NULL, 1);
	jsonw_arr(&w, NULL);
	jsonw_arr_end(&w);
	jsonw_obj(&w, NULL);
	jsonw_bool(&w, "k\"", false);
	jsonw_obj_end(&w);
	jsonw_arr_end(&w);
	jsonw_obj(&w, "o");
	jsonw_obj_end(&w);
	ok(jsonw_end(&w) == 0, "a record with one of each");
	ok_str(w.buf.p,
	       "{\"type\":\"t\",\"u\":18446744073709551615,\"i\":-9223372036854775808,"
	       "\"known\":0,\"unknown\":null,\"f\":0.12,\"nan\":null,\"inf\":null,\"b\":true,"
	       "\"z\":null,\"s\":\"x\",\"ns\":null,\"sn\":\"ab\",\"r\":[1],"
	       "\"a\":[1,[],{\"k\\\"\":false}],\"o\":{}}\n",
	       "and its bytes");
	jsonw_begin(&w, "u");
	ok(jsonw_end(&w) == 0 && strstr(w.buf.p, "}\n{\"type\":\"u\"}\n"),
	   "without a stream records collect");
	jsonw_free(&w);
}

static void test_full(void)
{
	FILE *full = fopen("/dev/full", "w");
	struct jsonw w;

	ok(full != NULL, "a full device");
	if (!full)
		return;
	jsonw_init(&w, full);
	w.flush = true;
	jsonw_begin(&w, "t");
	ok(jsonw_end(&w) == -ENOSPC, "a failed write is told by the record that failed");
	jsonw_free(&w);
	(void)fclose(full); /* what was left in it cannot go anywhere */
}

static void test_meta(void)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);
	struct jsonw w;

	ok(mem != NULL, "a stream into memory");
	if (!mem)
		return;
	jsonw_init(&w, mem);
	jsonw_meta(&w, "kt-x", false);
	jsonw_u64(&w, "own", 1);
	ok(jsonw_end(&w) == 0, "a meta record");
	ok(fclose(mem) == 0, "its end");
	ok_str(text,
	       "{\"type\":\"meta\",\"tool\":\"kt-x\",\"version\":\"" KT_VERSION
	       "\",\"schema\":1,\"boot_id\":null,\"time\":null,\"own\":1}\n",
	       "not live: neither boot nor time");
	jsonw_free(&w);
}

int main(void)
{
	test_texts();
	test_record();
	test_full();
	test_meta();
	return tap_done();
}
