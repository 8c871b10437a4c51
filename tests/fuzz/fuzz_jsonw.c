// SPDX-License-Identifier: GPL-2.0-or-later
/* What tools write: any bytes in a text give one line of JSON that a reader takes. */
#include "fuzz.h"
#include "jsonr.h"
#include "jsonw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	struct jsonr_doc doc = { 0 };
	struct jsonw w;
	json_t *value;
	const char *s;

	jsonw_init(&w, NULL);
	jsonw_begin(&w, "r");
	jsonw_strn(&w, "s", text, size);
	jsonw_str(&w, "t", text);
	jsonw_u64(&w, "n", INT64_MAX); /* the largest integer that jansson reads */
	FUZZ_ASSERT(jsonw_end(&w) == 0);
	FUZZ_ASSERT(w.buf.len > 0 && memchr(w.buf.p, '\n', w.buf.len) == w.buf.p + w.buf.len - 1);
	/* NUL is the one character that jansson's texts cannot hold. */
	if (!memchr(text, '\0', size)) {
		value = jsonr_parse(&doc, "fuzz", 1, w.buf.p, w.buf.len);
		FUZZ_ASSERT(value);
		s = rec_str(value, "s", NULL);
		FUZZ_ASSERT(s && strcmp(s, rec_str(value, "t", "")) == 0);
		json_decref(value);
	}
	jsonw_free(&w);
	return 0;
}
