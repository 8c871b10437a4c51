/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people write: every mistake is named with its line and member. */
#include "cleanup.h"
#include "jsonr.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The form that the cases below are read as:
 * name (text, needed), count (1 to 10), flag, hold (duration), work {type (text, needed)}, list */
struct form {
	const char *name, *type;
	uint64_t count, hold_ns;
	bool flag;
	size_t n_list;
};

static int read_form(struct jsonr_doc *doc, json_t *root, struct form *f)
{
	json_t *work = NULL, *list = NULL;
	struct jsonr r, sub;

	*f = (struct form){ .count = 5, .hold_ns = 1 };
	jsonr_open(&r, doc, root, "");
	(void)jsonr_need_str(&r, "name", &f->name);
	(void)jsonr_u64(&r, "count", 1, 10, &f->count);
	(void)jsonr_bool(&r, "flag", &f->flag);
	(void)jsonr_dur(&r, "hold", &f->hold_ns);
	if (jsonr_obj(&r, "work", &work) == 1) {
		jsonr_sub(&sub, &r, "work", -1, work);
		(void)jsonr_need_str(&sub, "type", &f->type);
		(void)jsonr_done(&sub);
	}
	if (jsonr_arr(&r, "list", &list) == 1) {
		f->n_list = json_array_size(list);
		for (size_t i = 0; i < f->n_list; i++) {
			uint64_t v;

			jsonr_sub(&sub, &r, "list", (int)i, json_array_get(list, i));
			(void)jsonr_need_u64(&sub, "v", 0, 9, &v);
			(void)jsonr_done(&sub);
		}
	}
	return jsonr_done(&r);
}

static const struct {
	const char *text, *err; /* how the message begins; NULL: it is fine */
} cases[] = {
	{ "{\"name\":\"a\"}", NULL },
	{ "{\"name\":\"a\",\"count\":10,\"flag\":true,\"hold\":\"1.5s\",\"work\":{\"type\":\"x\"},"
	  "\"list\":[{\"v\":1}]}",
	  NULL },
	{ "{\"name\":\"a\",\"hold\":2}", NULL },
	{ "", "f:7:" },
	{ "{", "f:7:" },
	{ "{\n\n\"name\" 1}", "f:9:" },
	{ "[]", "f:7: want an object" },
	{ "{}", "f:7: member 'name' is missing" },
	{ "{\"name\":1}", "f:7: member 'name': want a string" },
	{ "{\"name\":\"a\",\n\"count\":0}", "f:8: member 'count': 0 is outside 1 to 10" },
	{ "{\"name\":\"a\",\n\n\"count\":1.0}", "f:9: member 'count': want an integer" },
	{ "{\"name\":\"a\",\"count\":\"1\"}", "f:7: member 'count': want an integer" },
	{ "{\"name\":\"a\",\"flag\":1}", "f:7: member 'flag': " },
	{ "{\"name\":\"a\",\"hold\":\"soon\"}", "f:7: member 'hold': " },
	{ "{\"name\":\"a\",\"hold\":-1}", "f:7: member 'hold': " },
	{ "{\"name\":\"a\",\n\"nmae\":1}", "f:8: member 'nmae': " },
	{ "{\"name\":\"a\",\n\"work\":{\n\"typ\":1}}",
	  "f:8: member 'work': member 'type' is missing" },
	{ "{\"name\":\"a\",\n\"work\":{\"type\":\"x\",\n\"more\":1}}",
	  "f:9: member 'work.more': " },
	{ "{\"name\":\"a\",\"work\":[]}", "f:7: member 'work': " },
	{ "{\"name\":\"a\",\"list\":[{\"v\":1},\n{\"v\":10}]}", "f:8: member 'list[1].v': " },
	{ "{\"name\":\"a\",\"list\":[{\"v\":1},\n7]}", "f:8: member 'list[1]': want an object" },
	{ "{\"name\":\"a\",\n\"name\":\"b\"}", "f:8:" },
	{ "{\"name\":null}", "f:7: member 'name': want a string" },
	{ "{\"na\\u006de\":\"a\"} x", "f:7:" },
};

static void test_cases(void)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(cases); i++) {
		const char *err = cases[i].err;
		struct jsonr_doc doc;
		struct form f = { 0 };
		json_t *root = jsonr_parse(&doc, "f", 7, cases[i].text, strlen(cases[i].text));
		int rc = root ? read_form(&doc, root, &f) : -EINVAL;

		ok(rc == (err ? -EINVAL : 0), "case %zu is %s", i, err ? "refused" : "fine");
		if (!ok(err ? strncmp(doc.err, err, strlen(err)) == 0 : doc.err[0] == '\0',
			"case %zu says %s", i, err ? err : "nothing"))
			printf("#   got: %s\n", doc.err);
		json_decref(root);
	}
}

static void test_values(void)
{
	static const char text[] = "{\"name\":\"a\",\"hold\":\"1.5s\",\"flag\":true}";
	struct jsonr_doc doc;
	struct form f = { 0 };
	json_t *root = jsonr_parse(&doc, "f", 1, text, strlen(text));

	ok(root && read_form(&doc, root, &f) == 0, "a value of each kind");
	ok_str(f.name, "a", "a text");
	ok(f.hold_ns == 1500000000 && f.flag && f.count == 5,
	   "a duration, a flag, and what was absent keeps its default");
	ok(rec_u64(root, "count", 3) == 3 && rec_u64(root, "name", 4) == 4 &&
		   rec_bool(root, "flag", false) && strcmp(rec_str(root, "name", "-"), "a") == 0 &&
		   rec_str(root, "flag", NULL) == NULL && rec_f64(root, "name", 0.5) == 0.5 &&
		   rec_i64(root, "hold", -1) == -1,
	   "records are read leniently: absent, and of another type, is the default");
	json_decref(root);
}

static void test_file(void)
{
	char path[] = "/tmp/test_jsonr.XXXXXX", want[64];
	AUTO_FD fd = mkstemp(path);
	AUTO_FREE char *text = NULL;
	struct jsonr_doc doc;
	json_t *v;

	if (!ok(fd >= 0 && write(fd, "{\"a\":\n1}\n", 9) == 9, "a file"))
		return;
	v = jsonr_load(&doc, path, &text);
	ok(json_is_object(v) && jsonr_line(&doc, "a") == 1, "is read");
	json_decref(v);
	unlink(path);
	free(take_ptr(&text));
	(void)snprintf(want, sizeof(want), "%s: No such file or directory", path);
	ok(!jsonr_load(&doc, path, &text), "one that is not there is not");
	ok_str(doc.err, want, "and is named");
}

int main(void)
{
	test_cases();
	test_values();
	test_file();
	return tap_done();
}
