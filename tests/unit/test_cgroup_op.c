// SPDX-License-Identifier: GPL-2.0-or-later
/* Ops as kt-cgroup reads them: what is one, and what is said about what is none. */
#include "cleanup.h"
#include "ops.h"
#include "tap.h"

#define OP(members) "{\"type\":\"op\",\"seq\":1,\"at_ns\":0," members "}"

static const char *const good[] = {
	OP("\"op\":\"cgroup.create\",\"cgroup\":\"cg_0\""),
	OP("\"op\":\"cgroup.create\",\"cgroup\":\"a/b/c\""),
	OP("\"op\":\"cgroup.create\",\"cgroup\":\"..a/b..\""),
	OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a\""),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"cpus\":\"0-3,8\""),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"mems\":\"0\",\"weight\":10000"),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"max\""),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"max 100000\""),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"1000\""),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"1000 1000000\""),
	OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"freeze\":false"),
	OP("\"op\":\"cgroup.clear\",\"cgroup\":\"a\",\"what\":\"mems\""),
	OP("\"op\":\"cgroup.move\",\"from\":\"a\",\"to\":\"a/b\""),
	OP("\"op\":\"cgroup.kill\",\"cgroup\":\"a\""),
	OP("\"op\":\"cgroup.stat\",\"cgroup\":\"a\""),
};

#define NAME "want the name of a cgroup below the parent, such as \"a/b\""
#define MAX "want \"max\" or \"QUOTA PERIOD\" in microseconds"

static const struct {
	const char *text, *err;
} bad[] = {
	{ "[]", "f:7: want an object" },
	{ "{", "f:7:1: string or '}' expected near end of file" },
	{ "{}", "f:7: member 'type' is missing" },
	{ "{\"type\":\"ack\"}", "f:7: member 'type': want \"op\", not \"ack\"" },
	{ "{\"type\":\"op\",\"seq\":0,\"at_ns\":0,\"op\":\"cgroup.rm\",\"cgroup\":\"a\"}",
	  "f:7: member 'seq': 0 is outside 1 to 9223372036854775807" },
	{ "{\"type\":\"op\",\"seq\":1,\"op\":\"cgroup.rm\",\"cgroup\":\"a\"}",
	  "f:7: member 'at_ns' is missing" },
	{ "{\"type\":\"op\",\"seq\":1,\"at_ns\":-1,\"op\":\"cgroup.rm\",\"cgroup\":\"a\"}",
	  "f:7: member 'at_ns': -1 is outside 0 to 9223372036854775807" },
	{ OP("\"cgroup\":\"a\""), "f:7: member 'op' is missing" },
	{ OP("\"op\":\"cgroup.jump\",\"cgroup\":\"a\""),
	  "f:7: member 'op': 'cgroup.jump' is no cgroup op" },
	{ OP("\"op\":\"work.stop\",\"groups\":[]"),
	  "f:7: member 'op': 'work.stop' is no cgroup op" },
	{ OP("\"op\":\"cgroup.rm\""), "f:7: member 'cgroup' is missing" },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":7"), "f:7: member 'cgroup': want a string" },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"/a\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a/\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a//b\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\".\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a/../../b\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a\\nb\""), "f:7: member 'cgroup': " NAME },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a\",\"cpus\":\"0\""),
	  "f:7: member 'cpus': unknown member" },
	{ OP("\"op\":\"cgroup.rm\",\"cgroup\":\"a\",\n\"x\":1"),
	  "f:8: member 'x': unknown member" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\""),
	  "f:7: nothing to set: want cpus, mems, weight, max or freeze" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"cpus\":\"\""),
	  "f:7: member 'cpus': an empty list; cgroup.clear takes a list back" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"cpus\":\"3-1\""),
	  "f:7: member 'cpus': want a list such as \"0-3,5\"" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"mems\":\"99999\""),
	  "f:7: member 'mems': an id is too large" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"weight\":0"),
	  "f:7: member 'weight': 0 is outside 1 to 10000" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"weight\":\"5\""),
	  "f:7: member 'weight': want an integer" },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"999\""), "f:7: member 'max': " MAX },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"max max\""),
	  "f:7: member 'max': " MAX },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"5000 1000001\""),
	  "f:7: member 'max': " MAX },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"max\":\"\""), "f:7: member 'max': " MAX },
	{ OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"freeze\":1"),
	  "f:7: member 'freeze': want true or false" },
	{ OP("\"op\":\"cgroup.clear\",\"cgroup\":\"a\""), "f:7: member 'what' is missing" },
	{ OP("\"op\":\"cgroup.clear\",\"cgroup\":\"a\",\"what\":\"weight\""),
	  "f:7: member 'what': want \"cpus\" or \"mems\"" },
	{ OP("\"op\":\"cgroup.move\",\"from\":\"a\""), "f:7: member 'to' is missing" },
	{ OP("\"op\":\"cgroup.move\",\"from\":\"a\",\"to\":\"a\""),
	  "f:7: member 'to': the same cgroup as member 'from'" },
	{ OP("\"op\":\"cgroup.move\",\"from\":\"a\",\"to\":\"b\",\"cgroup\":\"c\""),
	  "f:7: member 'cgroup': unknown member" },
};

/* Returns what was said, "" for a good one. */
static const char *say(const char *text, bool allow_parent, struct jsonr_doc *doc, struct op *op)
{
	json_t *obj = jsonr_parse(doc, "f", 7, text, strlen(text));

	if (obj && op_read(op, doc, obj, allow_parent) == 0 && doc->err[0] != '\0')
		ok(false, "a good op has no message");
	json_decref(obj);
	return doc->err;
}

int main(void)
{
	struct jsonr_doc doc;
	struct op op;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(good); i++)
		ok_str(say(good[i], false, &doc, &op), "", "an op: %s", good[i]);
	for (i = 0; i < KT_ARRAY_LEN(bad); i++)
		ok_str(say(bad[i].text, false, &doc, &op), bad[i].err, "no op: bad[%zu]", i);
	ok_str(say(OP("\"op\":\"cgroup.stat\",\"cgroup\":\"\""), true, &doc, &op), "",
	       "a subcommand may mean the parent itself");
	ok_str(say(OP("\"op\":\"cgroup.create\",\"cgroup\":\"\""), true, &doc, &op),
	       "f:7: member 'cgroup': " NAME, "but not to make it");
	(void)say(OP("\"op\":\"cgroup.set\",\"cgroup\":\"a\",\"freeze\":true"), false, &doc, &op);
	ok(op.kind == OP_SET && op.freeze == 1 && op.weight == 0 && !op.cpus && !op.mems && !op.max,
	   "what is not there is not set");
	return tap_done();
}
