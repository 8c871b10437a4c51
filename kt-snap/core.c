/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads one BPF program. The object: ELF with the sections .BTF (types), .BTF.ext (among other
 * things the relocations: instruction, type, path of member numbers "0:12:1", what is asked). */
#include "cleanup.h"
#include "core_impl.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The part of struct btf_ext_header that matters. */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len, relo_off, relo_len;
};

int core_fail(struct core *c, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap); /* cut is fine */
	va_end(ap);
	return rc;
}

/* ---- the object ---- */

struct object {
	const uint8_t *p;
	size_t len;
	const Elf64_Shdr *sh;
	unsigned int n_sh;
	const char *names;
	size_t names_len;
};

static const void *section_data(const struct object *o, const Elf64_Shdr *s)
{
	if (s->sh_type == SHT_NOBITS || s->sh_offset > o->len || s->sh_size > o->len - s->sh_offset)
		return NULL;
	return o->p + s->sh_offset;
}

static const Elf64_Shdr *section_named(const struct object *o, const char *name)
{
	unsigned int i;

	for (i = 1; i < o->n_sh; i++)
		if (o->sh[i].sh_name < o->names_len &&
		    strcmp(o->names + o->sh[i].sh_name, name) == 0)
			return &o->sh[i];
	return NULL;
}

static int object_open(const void *elf, size_t len, struct object *o)
{
	const Elf64_Ehdr *h = elf;
	const Elf64_Shdr *names;

	*o = (struct object){ .p = elf, .len = len };
	if (len < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_BPF ||
	    h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff % 8 != 0 || h->e_shoff > len ||
	    h->e_shnum > (len - h->e_shoff) / sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum)
		return -EINVAL;
	o->sh = (const void *)(o->p + h->e_shoff);
	o->n_sh = h->e_shnum;
	names = &o->sh[h->e_shstrndx];
	o->names = section_data(o, names);
	o->names_len = names->sh_size;
	if (!o->names || o->names_len == 0 || o->names[o->names_len - 1] != '\0')
		return -EINVAL;
	return 0;
}

/* Addresses of global variables: only the block .bss is known here. */
static int read_map_refs(struct core *c, const struct object *o, const char *section)
{
	const Elf64_Shdr *bss = section_named(o, ".bss"), *syms = section_named(o, ".symtab"), *rel;
	const Elf64_Sym *sym;
	const Elf64_Rel *r;
	char name[64];
	size_t i;

	(void)snprintf(name, sizeof(name), ".rel%s", section); /* a short, constant name */
	rel = section_named(o, name);
	if (!rel)
		return 0;
	r = section_data(o, rel);
	sym = syms ? section_data(o, syms) : NULL;
	if (!r || !sym || !bss)
		return -EINVAL;
	c->bss_bytes = (uint32_t)bss->sh_size;
	c->n_map_refs = (uint32_t)(rel->sh_size / sizeof(*r));
	c->map_ref = calloc(c->n_map_refs + 1, sizeof(*c->map_ref));
	if (!c->map_ref)
		return -ENOMEM;
	for (i = 0; i < c->n_map_refs; i++) {
		uint32_t at = (uint32_t)(r[i].r_offset / sizeof(struct bpf_insn));
		size_t s = ELF64_R_SYM(r[i].r_info);

		if (ELF64_R_TYPE(r[i].r_info) != R_BPF_64_64 || at + 1 >= c->n_insns ||
		    c->insn[at].code != (BPF_LD | BPF_IMM | BPF_DW) ||
		    s >= syms->sh_size / sizeof(*sym) || &o->sh[sym[s].st_shndx] != bss)
			return -EINVAL;
		c->map_ref[i] = at;
		c->insn[at + 1].imm = (int32_t)((uint64_t)c->insn[at].imm + sym[s].st_value);
	}
	return 0;
}

static int read_relos(struct core *c, const struct object *o, const char *section)
{
	const Elf64_Shdr *s = section_named(o, ".BTF.ext");
	const struct ext_header *h = s ? section_data(o, s) : NULL;
	const uint8_t *p, *end;

	if (!h || s->sh_size < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > s->sh_size ||
	    h->relo_off > s->sh_size - h->hdr_len ||
	    h->relo_len > s->sh_size - h->hdr_len - h->relo_off || h->relo_len < 4)
		return -EINVAL;
	p = (const uint8_t *)h + h->hdr_len + h->relo_off;
	end = p + h->relo_len;
	memcpy(&c->relo_bytes, p, 4);
	p += 4;
	if (c->relo_bytes < sizeof(struct core_relo))
		return -EINVAL;
	while (end - p >= 8) { /* a block for each section: its name, how many, relocations */
		uint32_t head[2];

		memcpy(head, p, sizeof(head));
		p += sizeof(head);
		if (head[1] > (size_t)(end - p) / c->relo_bytes)
			return -EINVAL;
		if (strcmp(kbtf_str(&c->local, head[0]), section) == 0) {
			c->relo = (const void *)p;
			c->n_relos = head[1];
		}
		p += (size_t)head[1] * c->relo_bytes;
	}
	return 0;
}

size_t core_name_len(const char *name)
{
	const char *p = strstr(name, "___");

	return p && p != name ? (size_t)(p - name) : strlen(name);
}

uint32_t core_kinds_like(uint32_t kind)
{
	if (kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64)
		return 1U << BTF_KIND_ENUM | 1U << BTF_KIND_ENUM64;
	return 1U << kind;
}

struct kbtf_want *core_want_of(struct core *c, const struct btf_type *t)
{
	const char *name = kbtf_str(&c->local, t->name_off);
	size_t len = core_name_len(name);
	unsigned int i;

	for (i = 0; i < c->n_want; i++)
		if (c->want[i].len == len && memcmp(c->want[i].name, name, len) == 0 &&
		    c->want[i].kinds == core_kinds_like(kbtf_kind_of(t)))
			return &c->want[i];
	return NULL;
}

static int list_wanted(struct core *c, const char *attach)
{
	uint32_t i;

	c->want = calloc(c->n_relos + 1, sizeof(*c->want));
	if (!c->want)
		return -ENOMEM;
	c->want[c->n_want++] = (struct kbtf_want){
		.name = attach,
		.len = strlen(attach),
		.kinds = 1U << BTF_KIND_FUNC,
	};
	for (i = 0; i < c->n_relos; i++) {
		const struct btf_type *t = kbtf_resolve(&c->local, core_relo_at(c, i)->type_id);
		const char *name;

		if (!t || t->name_off == 0)
			return core_fail(c, -EINVAL, "relocation %u is of no named type", i);
		if (core_want_of(c, t))
			continue;
		name = kbtf_str(&c->local, t->name_off);
		c->want[c->n_want++] = (struct kbtf_want){
			.name = name,
			.len = core_name_len(name),
			.kinds = core_kinds_like(kbtf_kind_of(t)),
		};
	}
	return 0;
}

int core_open(const void *elf, size_t len, const char *section, const char *attach, struct core *c)
{
	const Elf64_Shdr *s;
	struct object o;
	const void *p;
	int rc;

	*c = (struct core){ 0 };
	rc = object_open(elf, len, &o);
	if (rc < 0)
		return core_fail(c, rc, "no BPF object");
	s = section_named(&o, "license");
	c->license = s ? section_data(&o, s) : NULL;
	if (!c->license || s->sh_size == 0 || c->license[s->sh_size - 1] != '\0')
		return core_fail(c, -EINVAL, "no license");
	s = section_named(&o, ".text");
	if (s && s->sh_size > 0)
		return core_fail(c, -EINVAL, "functions that are not inlined");
	s = section_named(&o, section);
	p = s ? section_data(&o, s) : NULL;
	if (!p || s->sh_size % sizeof(*c->insn) != 0 || s->sh_size > 1 << 20)
		return core_fail(c, -EINVAL, "no section %s", section);
	c->n_insns = (uint32_t)(s->sh_size / sizeof(*c->insn));
	c->insn = malloc(s->sh_size);
	c->poison = calloc(c->n_insns + 1, 1);
	if (!c->insn || !c->poison)
		return core_fail(c, -ENOMEM, "no memory");
	memcpy(c->insn, p, s->sh_size);
	rc = read_map_refs(c, &o, section);
	if (rc < 0)
		return core_fail(c, rc, "unknown relocations of variables");
	s = section_named(&o, ".BTF");
	p = s ? section_data(&o, s) : NULL;
	rc = p ? kbtf_parse(p, s->sh_size, NULL, 0, &c->local) : -EINVAL;
	if (rc < 0)
		return core_fail(c, rc, "bad section .BTF");
	rc = read_relos(c, &o, section);
	if (rc < 0)
		return core_fail(c, rc, "bad section .BTF.ext");
	return list_wanted(c, attach);
}

/* ---- loading ---- */

static long bpf(int cmd, union bpf_attr *attr, size_t size)
{
	return syscall(SYS_bpf, cmd, attr, size);
}

/* The last line of the verifier's log that is about the program, not a sum. */
static void last_words(char *log, char *buf, size_t cap)
{
	char *line, *save = NULL;

	buf[0] = '\0';
	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "processed ", 10) != 0)
			(void)snprintf(buf, cap, "%s", line); /* cut is fine */
}

static int load_program(struct core *c, const char *name)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.insn_cnt = c->n_insns,
		.insns = (uint64_t)(uintptr_t)c->insn,
		.license = (uint64_t)(uintptr_t)c->license,
		.expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = c->attach_id,
	};
	AUTO_FREE char *log = NULL;
	char words[120];
	int fd, rc;

	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name); /* cut is fine */
	fd = (int)bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		return fd;
	rc = -errno;
	if (rc == -EPERM)
		return core_fail(c, rc, "bpf(BPF_PROG_LOAD): %s", strerror(-rc));
	log = calloc(1, 1 << 20);
	if (!log)
		return core_fail(c, rc, "bpf(BPF_PROG_LOAD): %s", strerror(-rc));
	attr.log_buf = (uint64_t)(uintptr_t)log;
	attr.log_size = 1 << 20;
	attr.log_level = 1;
	fd = (int)bpf(BPF_PROG_LOAD, &attr, sizeof(attr)); /* again, now with a log */
	if (fd >= 0)
		return fd;
	last_words(log, words, sizeof(words));
	return core_fail(c, rc, "verifier: %s", *words ? words : strerror(-rc));
}

int core_load(struct core *c, const char *name, void **ret_bss)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = c->bss_bytes,
		.max_entries = 1,
		.map_flags = BPF_F_MMAPABLE,
	};
	AUTO_FD map_fd = -1;
	void *bss;
	uint32_t i;
	int fd;

	(void)snprintf(attr.map_name, sizeof(attr.map_name), "%s", name); /* cut is fine */
	map_fd = (int)bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (map_fd < 0)
		return core_fail(c, -errno, "bpf(BPF_MAP_CREATE): %s", strerror(errno));
	bss = mmap(NULL, c->bss_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (bss == MAP_FAILED)
		return core_fail(c, -errno, "map the program's memory: %s", strerror(errno));
	for (i = 0; i < c->n_map_refs; i++) {
		c->insn[c->map_ref[i]].src_reg = BPF_PSEUDO_MAP_VALUE;
		c->insn[c->map_ref[i]].imm = map_fd;
	}
	fd = load_program(c, name);
	if (fd < 0)
		munmap(bss, c->bss_bytes);
	else
		*ret_bss = bss;
	return fd;
}

void core_close(struct core *c)
{
	free(c->insn);
	free(c->poison);
	free(c->map_ref);
	free(c->want);
	kbtf_close(&c->local);
	*c = (struct core){ 0 };
}
