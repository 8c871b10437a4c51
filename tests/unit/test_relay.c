// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of a command: which of them are records, and what becomes of the others. */
#include "ndjson.h"
#include "relay.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool is(const char *line)
{
	return relay_is_record(line, strlen(line));
}

static void records(void)
{
	static const char *const good[] = {
		"{\"type\":\"x\"}",
		"{\"type\":\"x\",\"a\":[],\"b\":{},\"c\":[1,-0,2.5,1e9,-1E-3]}",
		"{\"type\":\"x\" , \"a\" : [ true , false , null ] } ",
		"{\"type\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\xc3\xa9\xf0\x9f\x98\x80\"}",
	};
	static const char *const bad[] = {
		"",
		"x",
		"{}",
		"{\"type\":1}",
		"{\"a\":1,\"type\":\"x\"}",
		" {\"type\":\"x\"}",
		"{\"type\":\"x\"} x",
		"{\"type\":\"x\"",
		"{\"type\":\"x",
		"{\"type\":\"x\",}",
		"{\"type\":\"x\",\"a\"}",
		"{\"type\":\"x\",\"a\":}",
		"{\"type\":\"x\",\"a\":[1,]}",
		"{\"type\":\"x\",\"a\":[1}",
		"{\"type\":\"x\",\"a\":01}",
		"{\"type\":\"x\",\"a\":1.}",
		"{\"type\":\"x\",\"a\":-}",
		"{\"type\":\"x\",\"a\":nul}",
		"{\"type\":\"x\",a:1}",
		"{\"type\":\"\\x\"}",
		"{\"type\":\"\\u12g4\"}",
		"{\"type\":\"a\tb\"}",
		"{\"type\":\"\xc0\x80\"}",
		"{\"type\":\"\xed\xa0\x80\"}",
		"{\"type\":\"\xf4\x90\x80\x80\"}",
		"{\"type\":\"\xe2\x82\"}",
	};
	char deep[512];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(is(good[i]), "a record: %s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!is(bad[i]), "no record: %s", bad[i]);
	(void)snprintf(deep, sizeof(deep), "{\"type\":\"x\",\"a\":%0100d}", 0);
	memset(strchr(deep, '0'), '[', 100);
	ok(!is(deep), "nor is what is nested without end");
}

/* What comes out when text goes in. */
static char *through(const char *text, size_t n, int *ret_rc)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);
	struct jsonw w;
	struct relay r;
	int p[2], rc;

	if (!f || pipe(p) < 0)
		abort();
	jsonw_init(&w, f);
	rc = relay_init(&r, p[0], "t", &w);
	while (rc >= 0 && n > 0) { /* in pieces that end anywhere */
		ssize_t some = write(p[1], text, n < 7 ? n : 7);

		if (some < 0)
			abort();
		text += some;
		n -= (size_t)some;
		rc = relay_step(&r);
	}
	if (rc >= 0)
		rc = relay_step(&r); /* nothing there */
	ok(rc == 1, "there may be more");
	close(p[1]);
	*ret_rc = relay_step(&r);
	relay_free(&r);
	jsonw_free(&w);
	close(p[0]);
	(void)fclose(f);
	return out;
}

int main(void)
{
	static const char in[] = "hi\n{\"type\":\"x\",\"n\":1}\n\n{\"type\":\nlast";
	char *out;
	int rc;

	records();
	out = through(in, sizeof(in) - 1, &rc);
	ok(rc == 0, "it has ended");
	ok_str(out,
	       "{\"type\":\"text\",\"tool\":\"t\",\"text\":\"hi\"}\n{\"type\":\"x\",\"n\":1}\n"
	       "{\"type\":\"text\",\"tool\":\"t\",\"text\":\"\"}\n"
	       "{\"type\":\"text\",\"tool\":\"t\",\"text\":\"{\\\"type\\\":\"}\n"
	       "{\"type\":\"text\",\"tool\":\"t\",\"text\":\"last\"}\n",
	       "records pass, other lines become text, also an empty and an unfinished one");
	free(out);
	return tap_done();
}
