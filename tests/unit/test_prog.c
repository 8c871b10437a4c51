// SPDX-License-Identifier: GPL-2.0-or-later
/* The BPF program is the same one by whatever way it is loaded: the kernel relocates the members
 * that it reads for the light skeleton, libbpf does for the object file. */
#include "prog.h"
#include "tap.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define INSNS 16384

/* The instructions as the kernel keeps them, but for the ids of maps. Returns their number or -1.
 */
static int insns_of(const struct prog *p, struct bpf_insn *insn)
{
	struct bpf_prog_info info = { .xlated_prog_len = INSNS * sizeof(*insn),
				      .xlated_prog_insns = (uintptr_t)insn };
	__u32 len = sizeof(info);
	int n, i;

	if (bpf_obj_get_info_by_fd(p->fd, &info, &len) < 0)
		return -1;
	n = (int)(info.xlated_prog_len / sizeof(*insn));
	for (i = 0; i + 1 < n; i++)
		if (insn[i].code == (BPF_LD | BPF_IMM | BPF_DW) && insn[i].src_reg)
			insn[i].imm = 0;
	return n;
}

int main(void)
{
	static struct bpf_insn insn[2][INSNS];
	struct prog light, object, either;
	const char *why = NULL;
	int rc[3], n[2];

	rc[0] = prog_load_light(&light, false);
	if (rc[0] == -EPERM) {
		printf("1..0 # SKIP no privilege to load BPF programs\n");
		return 0;
	}
	rc[1] = prog_load_libbpf(&object, &why);
	ok(rc[1] == 0, "libbpf loads it: %s", why ? why : "yes");
	if (rc[1] == 0) {
		object.shared->cpu_words = 7;
		ok(object.shared->cpu_words == 7, "its memory can be written");
	}
	ok(rc[0] == 0, "the light skeleton loads it (%d)", rc[0]);
	if (rc[0] == 0 && rc[1] == 0) {
		light.shared->cpu_words = 9;
		n[0] = insns_of(&light, insn[0]);
		n[1] = insns_of(&object, insn[1]);
		ok(n[0] > 100 && n[0] == n[1] &&
			   memcmp(insn[0], insn[1], (size_t)n[0] * sizeof(**insn)) == 0,
		   "both are the same %d instructions", n[0]);
		ok(object.shared->cpu_words == 7 && light.shared->cpu_words == 9,
		   "each has a memory of its own");
	}
	rc[2] = prog_load(&either, true, &why);
	ok(rc[2] == 0 && (either.plain || rc[0] < 0), "the light one is taken where it can be");
	if (rc[0] == 0)
		prog_close(&light);
	if (rc[1] == 0)
		prog_close(&object);
	if (rc[2] == 0)
		prog_close(&either);
	return tap_done();
}
