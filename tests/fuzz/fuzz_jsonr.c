// SPDX-License-Identifier: GPL-2.0-or-later
/* What people write: any bytes give a value or an error that says where. */
#include "fuzz.h"
#include "jsonr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	struct jsonr_doc doc = { 0 };
	const char *s = NULL;
	uint64_t n = 7, ns = 7;
	json_t *value, *obj = NULL;
	struct jsonr r, sub;
	bool b = false;

	/* Without the NUL: the reader is given a length. */
	value = jsonr_parse(&doc, "fuzz", 3, text, size);
	if (!value) {
		FUZZ_ASSERT(strncmp(doc.err, "fuzz:", 5) == 0);
		return 0;
	}
	jsonr_open(&r, &doc, value, "");
	(void)jsonr_need_str(&r, "name", &s);
	(void)jsonr_u64(&r, "count", 1, 4096, &n);
	(void)jsonr_dur(&r, "hold", &ns);
	(void)jsonr_bool(&r, "flag", &b);
	if (jsonr_obj(&r, "work", &obj) == 1) {
		jsonr_sub(&sub, &r, "work", -1, obj);
		(void)jsonr_need_str(&sub, "type", &s);
		(void)jsonr_done(&sub);
	}
	if (jsonr_done(&r) == 0)
		FUZZ_ASSERT(s && n >= 1 && n <= 4096 && doc.err[0] == '\0');
	else
		FUZZ_ASSERT(strncmp(doc.err, "fuzz:", 5) == 0);
	FUZZ_ASSERT(jsonr_line(&doc, "work.type") >= 3);
	json_decref(value);
	return 0;
}
