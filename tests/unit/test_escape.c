// SPDX-License-Identifier: GPL-2.0-or-later
/* What of typed bytes goes to the guest, wherever the reads cut them. */
#include "escape.h"
#include "tap.h"

static const struct {
	const char *in, *out;
	bool leaves;
} cases[] = {
	{ "", "", false },
	{ "ls\r", "ls\r", false },
	{ "\001", "", false },
	{ "\001x", "", true },
	{ "\001X", "", true },
	{ "ls\001xrm", "ls", true },
	{ "\001a", "\001", false },
	{ "\001\001", "\001", false },
	{ "\001ax", "\001x", false },
	{ "\001\001x", "\001x", false },
	{ "\001\001\001x", "\001", true },
	{ "\001b", "\001b", false },
	{ "\001A\001\003x", "\001A\001\003x", false },
	{ "\xc3\xa4\xff\001\xff", "\xc3\xa4\xff\001\xff", false },
};

int main(void)
{
	size_t i, cut, len;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		len = strlen(cases[i].in);
		for (cut = 0; cut <= len; cut++) {
			struct escape e = { 0 };
			struct buf out = BUF_INIT;
			bool left = escape_feed(&e, cases[i].in, cut, &out);

			if (!left)
				left = escape_feed(&e, cases[i].in + cut, len - cut, &out);
			ok(left == cases[i].leaves, "case %zu cut at %zu leaves or not", i, cut);
			ok_str(out.p ? out.p : "", cases[i].out, "case %zu cut at %zu", i, cut);
			buf_free(&out);
		}
	}
	return tap_done();
}
