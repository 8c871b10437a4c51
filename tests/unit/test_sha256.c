// SPDX-License-Identifier: GPL-2.0-or-later
/* SHA-256: the examples of FIPS 180-4 and its predecessor, and the same in pieces. */
#include "sha256.h"
#include "tap.h"

#include <stdlib.h>

static void is_sum(const char *text, size_t n, const char *want, const char *name)
{
	char got[SHA256_TEXT];
	struct sha256 s;
	size_t i;

	sha256_init(&s);
	sha256_add(&s, text, n);
	sha256_hex(&s, got);
	ok_str(got, want, "%s", name);
	sha256_init(&s);
	for (i = 0; i < n; i += 7)
		sha256_add(&s, text + i, n - i < 7 ? n - i : 7);
	sha256_hex(&s, got);
	ok_str(got, want, "%s, in pieces", name);
}

int main(void)
{
	char *a = malloc(1000000);

	if (!a)
		return 1;
	memset(a, 'a', 1000000);
	is_sum("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	       "nothing");
	is_sum("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
	is_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "56 bytes");
	is_sum("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklm"
	       "n"
	       "opqrlmnopqrsmnopqrstnopqrstu",
	       112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
	       "112 bytes");
	is_sum(a, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	       "a million times a");
	free(a);
	return tap_done();
}
