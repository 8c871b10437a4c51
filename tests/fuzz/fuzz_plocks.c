// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of /proc/locks, fdinfo and mountinfo; and lines of a command that may be records. */
#include "fuzz.h"
#include "plocks.h"
#include "relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	struct plocks_line l = { 0 }, again = { 0 };
	struct plocks_mount m = { 0 };
	char line[160];

	if (plocks_parse(text, &l) == 0) {
		/* What was understood says the same when it is written anew. */
		(void)snprintf(line, sizeof(line),
			       "1: %sFLOCK  ADVISORY  %s %d %02x:%02x:%llu 0 EOF",
			       l.waiting ? "-> " : "", l.exclusive ? "WRITE" : "READ", (int)l.pid,
			       l.major, l.minor, (unsigned long long)l.ino);
		FUZZ_ASSERT(plocks_parse(line, &again) == 0);
		FUZZ_ASSERT(l.pid == again.pid && l.exclusive == again.exclusive &&
			    l.waiting == again.waiting && l.major == again.major &&
			    l.minor == again.minor && l.ino == again.ino);
	}
	(void)plocks_fdinfo(text, &l);
	if (plocks_mount(text, &m) == 0)
		FUZZ_ASSERT(m.id >= 0);
	if (relay_is_record(text, size))
		FUZZ_ASSERT(text[0] == '{' && !memchr(text, '\n', size));
	return 0;
}
