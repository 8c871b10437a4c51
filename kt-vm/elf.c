/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads ELF files of this machine's byte order, of both classes. Every offset comes from the file
 * and is taken to be hostile: see at(), the only way to the bytes. */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DYN 65536
#define MAX_PHDR 4096

struct view {
	const unsigned char *p;
	size_t len;
	bool is64;
};

/* Program header and dynamic entry of either class. */
struct phdr {
	uint32_t type;
	uint64_t offset, vaddr, filesz;
};

struct dyn {
	int64_t tag;
	uint64_t val;
};

/* n bytes at off, or NULL when the file does not have them. */
static const void *at(const struct view *v, uint64_t off, uint64_t n)
{
	return off <= v->len && n <= v->len - off ? v->p + off : NULL;
}

/* The text at off, which must end before limit (and the file's end). */
static const char *text_at(const struct view *v, uint64_t off, uint64_t limit)
{
	const char *s;

	if (limit > v->len)
		limit = v->len;
	if (off >= limit)
		return NULL;
	s = (const char *)v->p + off;
	return memchr(s, '\0', (size_t)(limit - off)) ? s : NULL;
}

static bool get_phdr(const struct view *v, uint64_t off, struct phdr *ret)
{
	if (v->is64) {
		Elf64_Phdr h;
		const void *p = at(v, off, sizeof(h));

		if (!p)
			return false;
		memcpy(&h, p, sizeof(h));
		*ret = (struct phdr){ h.p_type, h.p_offset, h.p_vaddr, h.p_filesz };
	} else {
		Elf32_Phdr h;
		const void *p = at(v, off, sizeof(h));

		if (!p)
			return false;
		memcpy(&h, p, sizeof(h));
		*ret = (struct phdr){ h.p_type, h.p_offset, h.p_vaddr, h.p_filesz };
	}
	return true;
}

static bool get_dyn(const struct view *v, uint64_t off, struct dyn *ret)
{
	if (v->is64) {
		Elf64_Dyn d;
		const void *p = at(v, off, sizeof(d));

		if (!p)
			return false;
		memcpy(&d, p, sizeof(d));
		*ret = (struct dyn){ d.d_tag, d.d_un.d_val };
	} else {
		Elf32_Dyn d;
		const void *p = at(v, off, sizeof(d));

		if (!p)
			return false;
		memcpy(&d, p, sizeof(d));
		*ret = (struct dyn){ d.d_tag, d.d_un.d_val };
	}
	return true;
}

struct header {
	uint16_t type, machine, phentsize, phnum, shentsize, shnum;
	uint64_t phoff, shoff;
};

static bool get_header(const struct view *v, struct header *ret)
{
	if (v->is64) {
		Elf64_Ehdr h;
		const void *p = at(v, 0, sizeof(h));

		if (!p)
			return false;
		memcpy(&h, p, sizeof(h));
		*ret = (struct header){ h.e_type,      h.e_machine, h.e_phentsize, h.e_phnum,
					h.e_shentsize, h.e_shnum,   h.e_phoff,	   h.e_shoff };
	} else {
		Elf32_Ehdr h;
		const void *p = at(v, 0, sizeof(h));

		if (!p)
			return false;
		memcpy(&h, p, sizeof(h));
		*ret = (struct header){ h.e_type,      h.e_machine, h.e_phentsize, h.e_phnum,
					h.e_shentsize, h.e_shnum,   h.e_phoff,	   h.e_shoff };
	}
	return true;
}

/* Where the segments put an address: its offset in the file, and the end of that segment there. */
static bool file_offset(const struct view *v, const struct header *h, uint64_t addr,
			uint64_t *ret_off, uint64_t *ret_end)
{
	unsigned int i;

	for (i = 0; i < h->phnum; i++) {
		struct phdr p;
		uint64_t step;

		if (!get_phdr(v, h->phoff + (uint64_t)i * h->phentsize, &p))
			return false;
		if (p.type != PT_LOAD || addr < p.vaddr || addr - p.vaddr >= p.filesz)
			continue;
		step = addr - p.vaddr;
		if (__builtin_add_overflow(p.offset, step, ret_off) ||
		    __builtin_add_overflow(p.offset, p.filesz, ret_end))
			return false;
		return true;
	}
	return false;
}

static int read_dynamic(const struct view *v, const struct header *h, const struct phdr *seg,
			struct elf *e)
{
	uint64_t size = v->is64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	uint64_t n = seg->filesz / size, i, strtab = 0, strsz = 0, off, end;
	uint64_t soname = 0, rpath = 0, runpath = 0;
	bool has_soname = false, has_rpath = false, has_runpath = false;
	size_t n_needed = 0;
	struct dyn d;

	if (n > MAX_DYN || !at(v, seg->offset, n * size))
		return -EBADMSG;
	for (i = 0; i < n; i++) {
		if (!get_dyn(v, seg->offset + i * size, &d))
			return -EBADMSG;
		if (d.tag == DT_NULL)
			break;
		if (d.tag == DT_STRTAB) {
			strtab = d.val;
		} else if (d.tag == DT_STRSZ) {
			strsz = d.val;
		} else if (d.tag == DT_NEEDED) {
			n_needed++;
		} else if (d.tag == DT_SONAME) {
			soname = d.val;
			has_soname = true;
		} else if (d.tag == DT_RPATH) {
			rpath = d.val;
			has_rpath = true;
		} else if (d.tag == DT_RUNPATH) {
			runpath = d.val;
			has_runpath = true;
		} else if (d.tag == DT_FLAGS_1) {
			e->nodeflib = (d.val & DF_1_NODEFLIB) != 0;
		}
	}
	n = i;
	if (n_needed == 0 && !has_soname)
		return 0; /* a static PIE has a dynamic section and asks for nothing */
	if (!file_offset(v, h, strtab, &off, &end))
		return -EBADMSG;
	if (strsz > end - off || end > v->len)
		return -EBADMSG;
	end = off + strsz;
	e->needed = calloc(n_needed ? n_needed : 1, sizeof(*e->needed));
	if (!e->needed)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!get_dyn(v, seg->offset + i * size, &d))
			return -EBADMSG;
		if (d.tag != DT_NEEDED)
			continue;
		if (d.val >= strsz || !text_at(v, off + d.val, end))
			return -EBADMSG;
		e->needed[e->n_needed++] = text_at(v, off + d.val, end);
	}
	if ((has_soname && soname >= strsz) || (has_rpath && rpath >= strsz) ||
	    (has_runpath && runpath >= strsz))
		return -EBADMSG;
	e->soname = has_soname ? text_at(v, off + soname, end) : NULL;
	e->rpath = has_rpath ? text_at(v, off + rpath, end) : NULL;
	e->runpath = has_runpath ? text_at(v, off + runpath, end) : NULL;
	if ((has_soname && !e->soname) || (has_rpath && !e->rpath) || (has_runpath && !e->runpath))
		return -EBADMSG;
	return 0;
}

/* Where the file could end without a loss to whoever runs it: after the last segment, provided that
 * all that follows is sections and their table. A program that carries more behind them (a packed
 * archive) finds it by its own size, so 0. */
static uint64_t loaded_end(const struct view *v, const struct header *h)
{
	uint64_t end = h->phoff + (uint64_t)h->phnum * h->phentsize, last = 0, table;
	unsigned int i;

	if (h->shnum == 0 || h->shoff == 0 ||
	    h->shentsize < (v->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return 0;
	for (i = 0; i < h->phnum; i++) {
		struct phdr p;

		if (!get_phdr(v, h->phoff + (uint64_t)i * h->phentsize, &p) ||
		    !at(v, p.offset, p.filesz))
			return 0;
		if (p.filesz > 0 && p.offset + p.filesz > end)
			end = p.offset + p.filesz;
	}
	table = (uint64_t)h->shnum * h->shentsize;
	if (!at(v, h->shoff, table))
		return 0;
	last = h->shoff + table;
	for (i = 0; i < h->shnum; i++) {
		const unsigned char *p = v->p + h->shoff + (uint64_t)i * h->shentsize;
		uint64_t off, size, flags;
		uint32_t type;

		if (v->is64) {
			Elf64_Shdr s;

			memcpy(&s, p, sizeof(s));
			off = s.sh_offset, size = s.sh_size, type = s.sh_type, flags = s.sh_flags;
		} else {
			Elf32_Shdr s;

			memcpy(&s, p, sizeof(s));
			off = s.sh_offset, size = s.sh_size, type = s.sh_type, flags = s.sh_flags;
		}
		if (type == SHT_NULL || type == SHT_NOBITS)
			continue;
		if (!at(v, off, size) || ((flags & SHF_ALLOC) && off + size > end))
			return 0;
		if (off + size > last)
			last = off + size;
	}
	return last == v->len && end < v->len ? end : 0;
}

int elf_parse(const void *file, size_t len, struct elf *ret)
{
	const unsigned char *id = file;
	struct elf e = { 0 };
	struct view v = { .p = file, .len = len };
	struct header h;
	unsigned int i;
	int rc = 0;

	if (len < EI_NIDENT || memcmp(id, ELFMAG, SELFMAG) != 0)
		return 0;
	if (id[EI_CLASS] != ELFCLASS32 && id[EI_CLASS] != ELFCLASS64)
		return -EBADMSG;
	e.class = id[EI_CLASS];
	v.is64 = e.class == ELFCLASS64;
	if (id[EI_DATA] !=
	    (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)) {
		e.foreign = true;
		*ret = e;
		return 1;
	}
	if (!get_header(&v, &h))
		return -EBADMSG;
	if (h.type != ET_EXEC && h.type != ET_DYN)
		return 0;
	e.machine = h.machine;
	if (h.phnum == 0)
		return 0; /* detached debug information may look like this */
	if (h.phnum > MAX_PHDR ||
	    h.phentsize < (v.is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
	    !at(&v, h.phoff, (uint64_t)h.phnum * h.phentsize))
		return -EBADMSG;
	for (i = 0; i < h.phnum && rc == 0; i++) {
		struct phdr p;

		if (!get_phdr(&v, h.phoff + (uint64_t)i * h.phentsize, &p))
			rc = -EBADMSG;
		else if (p.type == PT_INTERP) {
			e.interp = at(&v, p.offset, p.filesz)
					   ? text_at(&v, p.offset, p.offset + p.filesz)
					   : NULL;
			if (!e.interp)
				rc = -EBADMSG;
		} else if (p.type == PT_DYNAMIC && !e.needed)
			rc = read_dynamic(&v, &h, &p, &e);
	}
	if (rc < 0) {
		elf_free(&e);
		return rc;
	}
	e.loaded_end = loaded_end(&v, &h);
	*ret = e;
	return 1;
}

void elf_free(struct elf *e)
{
	free(e->needed);
	e->needed = NULL;
	e->n_needed = 0;
}

void elf_trim(void *head, size_t n)
{
	unsigned char *p = head;

	if (n >= sizeof(Elf64_Ehdr) && p[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr h;

		memcpy(&h, p, sizeof(h));
		h.e_shoff = 0;
		h.e_shnum = 0;
		h.e_shstrndx = SHN_UNDEF;
		memcpy(p, &h, sizeof(h));
	} else if (n >= sizeof(Elf32_Ehdr) && p[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr h;

		memcpy(&h, p, sizeof(h));
		h.e_shoff = 0;
		h.e_shnum = 0;
		h.e_shstrndx = SHN_UNDEF;
		memcpy(p, &h, sizeof(h));
	}
}
