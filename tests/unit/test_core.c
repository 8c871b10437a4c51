// SPDX-License-Identifier: GPL-2.0-or-later
/* Relocations of the BPF program, against libbpf's: every instruction must be the same, for the
 * kernel that runs and for kernels that are not at hand (tests/btf). */
#include "cleanup.h"
#include "core_impl.h"
#include "snap_obj.h"
#include "tap.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#define VMLINUX "/sys/kernel/btf/vmlinux"

/* What libbpf made of the program; taken just before it would load it. */
struct theirs {
	struct bpf_insn *insn;
	size_t n;
};

static int take_theirs(struct bpf_program *p, struct bpf_prog_load_opts *opts, long cookie)
{
	struct theirs *t = (struct theirs *)cookie;

	(void)opts;
	t->n = bpf_program__insn_cnt(p);
	t->insn = malloc(t->n * sizeof(*t->insn));
	if (t->insn)
		memcpy(t->insn, bpf_program__insns(p), t->n * sizeof(*t->insn));
	return -ECANCELED; /* it need not be loaded, and could not, with another kernel's offsets */
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

static void libbpf_way(const char *btf, struct theirs *t)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, h, .prog_prepare_load_fn = take_theirs,
		    .cookie = (long)t);
	LIBBPF_OPTS(bpf_object_open_opts, o, .btf_custom_path = btf);
	struct bpf_program *p;
	struct bpf_object *obj;
	int id = libbpf_register_prog_handler("iter/task", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER,
					      &h);

	obj = bpf_object__open_mem(snap_obj, (size_t)(snap_obj_end - snap_obj), &o);
	if (obj) {
		p = bpf_object__next_program(obj, NULL);
		(void)bpf_program__set_type(p, BPF_PROG_TYPE_TRACING);
		(void)bpf_object__load(obj); /* fails, as take_theirs() wants */
		bpf_object__close(obj);
	}
	if (id >= 0)
		(void)libbpf_unregister_prog_handler(id);
}

static size_t count_poison(const struct core *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n_insns; i++)
		n += c->poison[i];
	return n;
}

static bool same_insn(const struct core *c, const struct theirs *t, uint32_t i)
{
	struct bpf_insn a = c->insn[i], b = t->insn[i];
	uint32_t k;

	for (k = 0; k < c->n_map_refs; k++)
		if (c->map_ref[k] == i) { /* the map, which is known when it was made */
			a.imm = b.imm = 0;
			a.src_reg = b.src_reg = 0;
		}
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void compare(const char *name, const char *ours, const char *blob, size_t len,
		    const char *btf)
{
	struct theirs t = { 0 };
	struct core c;
	uint32_t i, differ = 0;
	int rc;

	rc = core_open(snap_obj, (size_t)(snap_obj_end - snap_obj), "iter/task", "bpf_iter_task",
		       &c);
	ok(rc == 0, "%s: the object is taken apart %s", name, c.why);
	rc = rc < 0 ? rc : core_relocate(&c, ours, blob, len);
	ok(rc == 0, "%s: relocated %s", name, c.why);
	libbpf_way(btf, &t);
	if (!t.insn) {
		printf("# libbpf may not make a map here: nothing to compare with\n");
		ok(true, "%s # SKIP libbpf needs CAP_BPF for it", name);
		core_close(&c);
		return;
	}
	ok(c.n_insns == t.n && t.n > 500, "%s: %zu instructions", name, t.n);
	for (i = 0; i < c.n_insns && i < t.n; i++) {
		if (same_insn(&c, &t, i))
			continue;
		if (differ++ < 5)
			printf("# %u: %02x %d %d, libbpf has %02x %d %d\n", i, c.insn[i].code,
			       c.insn[i].off, c.insn[i].imm, t.insn[i].code, t.insn[i].off,
			       t.insn[i].imm);
	}
	ok(differ == 0, "%s: each is as libbpf makes it, %zu of them poisoned", name,
	   count_poison(&c));
	free(t.insn);
	core_close(&c);
}

static char *slurp(const char *path, size_t *ret_len)
{
	AUTO_FILE *f = fopen(path, "re");
	char *p = malloc(1 << 20);

	*ret_len = f && p ? fread(p, 1, 1 << 20, f) : 0;
	return p;
}

/* The section .BTF of an object; *ret_len is 0 when there is none. */
static const char *btf_section(const char *elf, size_t len, size_t *ret_len)
{
	const Elf64_Ehdr *h = (const void *)elf;
	const Elf64_Shdr *sh;
	unsigned int i;

	*ret_len = 0;
	if (len < sizeof(*h))
		return NULL;
	sh = (const void *)(elf + h->e_shoff);
	for (i = 0; i < h->e_shnum; i++)
		if (strcmp(elf + sh[h->e_shstrndx].sh_offset + sh[i].sh_name, ".BTF") == 0) {
			*ret_len = sh[i].sh_size;
			return elf + sh[i].sh_offset;
		}
	return NULL;
}

static void other_kernel(const char *name, const char *path, size_t min_poison, size_t max_poison)
{
	size_t len, n;
	AUTO_FREE char *elf = slurp(path, &len);
	const char *section = btf_section(elf, len, &n);
	AUTO_FREE char *blob = malloc(n + 1); /* its own memory, so that reading past it is seen */
	struct core c;
	int rc;

	if (!ok(section && blob, "%s: compiled", name))
		return;
	memcpy(blob, section, n);
	compare(name, NULL, blob, n, path);
	rc = core_open(snap_obj, (size_t)(snap_obj_end - snap_obj), "iter/task", "bpf_iter_task",
		       &c);
	rc = rc < 0 ? rc : core_relocate(&c, NULL, blob, n);
	ok(rc == 0 && count_poison(&c) >= min_poison && count_poison(&c) <= max_poison,
	   "%s: %zu instructions read what it does not have", name, count_poison(&c));
	core_close(&c);
}

static void no_kernel(void)
{
	static const struct btf_header h = { .magic = BTF_MAGIC,
					     .version = 1,
					     .hdr_len = sizeof(h) };
	struct core c;
	int rc;

	rc = core_open("no", 2, "iter/task", "bpf_iter_task", &c);
	ok(rc == -EINVAL, "no object: %s", c.why);
	core_close(&c);
	rc = core_open(snap_obj, (size_t)(snap_obj_end - snap_obj), "iter/socket", "bpf_iter_task",
		       &c);
	ok(rc == -EINVAL, "no such program: %s", c.why);
	core_close(&c);
	rc = core_open(snap_obj, (size_t)(snap_obj_end - snap_obj), "iter/task", "bpf_iter_none",
		       &c);
	rc = rc < 0 ? rc : core_relocate(&c, "/nonexistent/btf", NULL, 0);
	ok(rc == -ENOENT, "no BTF: %s", c.why);
	rc = core_relocate(&c, NULL, &h, sizeof(h));
	ok(rc == -EINVAL, "BTF without names: %s", c.why);
	rc = core_relocate(&c, NULL, snap_obj, 64);
	ok(rc == -EINVAL, "no BTF at all: %s", c.why);
	core_close(&c);
}

int main(void)
{
	libbpf_set_print(quiet);
	no_kernel();
	other_kernel("linux-5.15", KT_BTF_DIR "/linux-5.15.bpf.o", 20, 100);
	other_kernel("linux-bare", KT_BTF_DIR "/linux-bare.bpf.o", 50, 300);
	if (access(VMLINUX, R_OK) == 0)
		compare("this kernel", VMLINUX, NULL, 0, VMLINUX);
	else
		ok(true, "this kernel # SKIP it has no BTF");
	return tap_done();
}
