/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds jemalloc in ELF files. Its thread-specific data is one object in thread-local storage,
 * called tsd_tls, and what lies where in it is a constant of each version. A program's storage is
 * at a fixed distance from the thread pointer. A library is built for the model "initial-exec", so
 * the distance is in a word that the loader fills in by a relocation. */
#include "heap_elf.h"
#include "buf.h"
#include "cleanup.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_MAX (UINT64_C(64) << 20) /* of a table, or of constants */
#define HEADERS_MAX 4096

/* Measured with mallctl("thread.allocatedp") of such a library, by tests/helpers/jemalloc.c. The
 * size is of the whole object: another way of building the same version gives another one. */
static const struct layout {
	const char *version;
	uint64_t tsd_bytes;
	unsigned int allocated;
} layouts[] = {
	{ "5.3.0-", 2632, 824 },
};

static const char *const symbols[] = { "tsd_tls", "je_tsd_tls", "_rjem_je_tsd_tls" };

/* n bytes of the file; NULL with *ret_rc 0 when it has not so many. The caller frees them. */
static void *part(int fd, uint64_t at, uint64_t n, int *ret_rc)
{
	AUTO_FREE char *p = NULL;
	uint64_t done;

	*ret_rc = 0;
	if (n == 0 || n > PART_MAX || at > INT64_MAX - n)
		return NULL;
	p = malloc(n + 1);
	if (!p) {
		*ret_rc = -ENOMEM;
		return NULL;
	}
	for (done = 0; done < n;) {
		ssize_t k = pread(fd, p + done, n - done, (off_t)(at + done));

		if (k < 0)
			*ret_rc = -errno;
		if (k <= 0)
			return NULL;
		done += (uint64_t)k;
	}
	p[n] = '\0'; /* so that strings end */
	return take_ptr(&p);
}

struct elf {
	int fd;
	Elf64_Ehdr head;
	Elf64_Phdr *program;
	Elf64_Shdr *section; /* NULL: stripped of them */
};

static void elf_free(struct elf *e)
{
	free(e->program);
	free(e->section);
}

/* Returns 1, 0 when it is no ELF file of ours, or -errno. */
static int elf_open(int fd, struct elf *ret)
{
	AUTO_FREE Elf64_Ehdr *h = NULL;
	int rc;

	*ret = (struct elf){ .fd = fd };
	h = part(fd, 0, sizeof(*h), &rc);
	if (!h)
		return rc;
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64 ||
	    h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > HEADERS_MAX)
		return 0;
	ret->head = *h;
	ret->program = part(fd, h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr), &rc);
	if (!ret->program)
		return rc;
	if (h->e_shnum > 0 && h->e_shnum <= HEADERS_MAX && h->e_shentsize == sizeof(Elf64_Shdr))
		ret->section = part(fd, h->e_shoff, h->e_shnum * sizeof(Elf64_Shdr), &rc);
	return rc < 0 ? rc : 1;
}

static const Elf64_Phdr *find_program(const struct elf *e, uint32_t type)
{
	unsigned int i;

	for (i = 0; i < e->head.e_phnum; i++)
		if (e->program[i].p_type == type)
			return &e->program[i];
	return NULL;
}

static bool is_tsd(const char *name)
{
	unsigned int i;

	for (i = 0; i < KT_ARRAY_LEN(symbols); i++)
		if (strcmp(name, symbols[i]) == 0)
			return true;
	return false;
}

/* The symbol in one table. Returns 1, 0 or -errno. */
static int symbol_in(const struct elf *e, const Elf64_Shdr *table, Elf64_Sym *ret)
{
	AUTO_FREE Elf64_Sym *sym = NULL;
	AUTO_FREE char *names = NULL;
	const Elf64_Shdr *strings;
	uint64_t i;
	int rc;

	if (table->sh_link >= e->head.e_shnum || table->sh_entsize != sizeof(Elf64_Sym))
		return 0;
	strings = &e->section[table->sh_link];
	sym = part(e->fd, table->sh_offset, table->sh_size, &rc);
	if (sym)
		names = part(e->fd, strings->sh_offset, strings->sh_size, &rc);
	if (!names)
		return rc;
	for (i = 0; i < table->sh_size / sizeof(*sym); i++) {
		if (ELF64_ST_TYPE(sym[i].st_info) == STT_TLS && sym[i].st_name < strings->sh_size &&
		    sym[i].st_shndx != SHN_UNDEF && is_tsd(names + sym[i].st_name)) {
			*ret = sym[i];
			return 1;
		}
	}
	return 0;
}

static int find_symbol(const struct elf *e, Elf64_Sym *ret)
{
	static const uint32_t types[] = { SHT_SYMTAB, SHT_DYNSYM };
	unsigned int k, i;

	for (k = 0; e->section && k < KT_ARRAY_LEN(types); k++)
		for (i = 0; i < e->head.e_shnum; i++) {
			int rc = e->section[i].sh_type == types[k]
					 ? symbol_in(e, &e->section[i], ret)
					 : 0;

			if (rc != 0)
				return rc;
		}
	return 0;
}

/* The layout of the version whose name ("5.3.0-0-g54eaed1d…") is among the constants. Returns 1, 0
 * or -errno. */
static int find_layout(const struct elf *e, uint64_t tsd_bytes, const struct layout **ret)
{
	unsigned int i, k;

	for (i = 0; i < e->head.e_phnum; i++) {
		const Elf64_Phdr *p = &e->program[i];
		AUTO_FREE char *text = NULL;
		int rc;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		text = part(e->fd, p->p_offset, p->p_filesz, &rc);
		if (rc < 0)
			return rc;
		for (k = 0; text && k < KT_ARRAY_LEN(layouts); k++) {
			const char *v = layouts[k].version;
			size_t n = strlen(v);
			const char *at = text, *end = text + p->p_filesz;

			if (layouts[k].tsd_bytes != tsd_bytes)
				continue;
			while ((at = memmem(at, (size_t)(end - at), v, n))) {
				const char *digits = at + n;
				size_t len = strspn(digits, "0123456789");

				if (at > text && at[-1] == '\0' && len > 0 &&
				    strncmp(digits + len, "-g", 2) == 0) {
					*ret = &layouts[k];
					return 1;
				}
				at++;
			}
		}
	}
	return 0;
}

/* From the thread pointer down to a program's storage, as glibc lays it out
 * (_dl_determine_tlsoffset). */
static bool tls_below(const Elf64_Phdr *tls, int64_t *ret)
{
	uint64_t align = tls->p_align ? tls->p_align : 1, first = -tls->p_vaddr & (align - 1);

	if ((align & (align - 1)) != 0 || align > 1 << 20 || tls->p_memsz > 1 << 30)
		return false;
	*ret = (int64_t)(((tls->p_memsz - first + align - 1) & ~(align - 1)) + first);
	return true;
}

/* The word that the loader fills with the place of the storage's first byte: of relocations without
 * a symbol, the one with no addend. Returns 1, 0 or -errno. */
static int find_got(const struct elf *e, uint64_t *ret)
{
	unsigned int i;
	uint64_t k;

	for (i = 0; e->section && i < e->head.e_shnum; i++) {
		const Elf64_Shdr *s = &e->section[i];
		AUTO_FREE Elf64_Rela *rela = NULL;
		int rc;

		if (s->sh_type != SHT_RELA || s->sh_entsize != sizeof(Elf64_Rela))
			continue;
		rela = part(e->fd, s->sh_offset, s->sh_size, &rc);
		if (rc < 0)
			return rc;
		for (k = 0; rela && k < s->sh_size / sizeof(*rela); k++) {
			if (ELF64_R_TYPE(rela[k].r_info) != R_X86_64_TPOFF64 ||
			    ELF64_R_SYM(rela[k].r_info) != 0 || rela[k].r_addend != 0)
				continue;
			*ret = rela[k].r_offset;
			return 1;
		}
	}
	return 0;
}

static int look(const struct elf *e, struct heap_elf *ret)
{
	const Elf64_Phdr *tls = find_program(e, PT_TLS), *load = find_program(e, PT_LOAD);
	const struct layout *l = NULL;
	Elf64_Sym sym = { 0 };
	int64_t below;
	int rc;

	ret->jemalloc = ret->library; /* by its name */
	if (!tls || !load)
		return 0;
	rc = find_symbol(e, &sym);
	if (rc < 0)
		return rc;
	if (rc == 1 && !ret->library) {
		ret->jemalloc = true;
		rc = find_layout(e, sym.st_size, &l);
		if (rc == 1 && tls_below(tls, &below) && sym.st_value <= tls->p_memsz) {
			ret->known = true;
			ret->offset = (int64_t)sym.st_value + l->allocated - below;
		}
		return rc < 0 ? rc : 0;
	}
	if (!ret->library)
		return 0;
	/* A stripped library has nothing but this object in its storage. */
	rc = find_layout(e, tls->p_memsz, &l);
	if (rc <= 0)
		return rc;
	rc = find_got(e, &ret->got);
	if (rc <= 0)
		return rc;
	ret->known = true;
	ret->offset = l->allocated;
	ret->base = load->p_vaddr - load->p_offset;
	return 0;
}

int heap_elf_read(int fd, bool library, struct heap_elf *ret)
{
	struct heap_elf h = { .library = library };
	struct elf e;
	int rc = elf_open(fd, &e);

	if (rc > 0)
		rc = look(&e, &h);
	elf_free(&e);
	if (rc == 0)
		*ret = h;
	return rc;
}
