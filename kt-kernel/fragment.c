/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ktstr.config as data of this program, so that an installation has it. */
#include "fragment.h"

#include <stdint.h>

__asm__(".pushsection .rodata\n"
	".global kt_fragment_begin, kt_fragment_len\n"
	"kt_fragment_begin: .incbin \"kt-kernel/ktstr.config\"\n"
	"kt_fragment_end:\n"
	".balign 8\n"
	"kt_fragment_len: .quad kt_fragment_end - kt_fragment_begin\n"
	".popsection\n");
extern const char kt_fragment_begin[];
extern const uint64_t kt_fragment_len;

const char *fragment_text(size_t *ret_len)
{
	*ret_len = (size_t)kt_fragment_len;
	return kt_fragment_begin;
}

void fragment_hash(char ret[SHA256_TEXT])
{
	struct sha256 s;
	size_t len;
	const char *text = fragment_text(&len);

	sha256_init(&s);
	sha256_add(&s, text, len);
	sha256_hex(&s, ret);
}
