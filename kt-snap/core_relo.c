/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds in a kernel's BTF what a BPF program reads, and writes it into the instructions. */
#include "core_impl.h"
#include "num.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
	MAX_PATH = 32, /* members within members */
	POISON = 0xbad2310, /* no helper has this number */
};

enum { /* enum bpf_core_relo_kind */
	FIELD_BYTE_OFFSET = 0,
	FIELD_BYTE_SIZE = 1,
	FIELD_EXISTS = 2,
	TYPE_EXISTS = 8,
	TYPE_SIZE = 9,
	ENUMVAL_EXISTS = 10,
	ENUMVAL_VALUE = 11,
};

/* A path to a member: by name in structures, by index in arrays. */
struct path {
	struct step {
		const char *name; /* NULL: an index */
		uint32_t index;
		uint32_t type_id; /* local type of the member or element */
	} step[MAX_PATH];
	unsigned int n;
	uint32_t type_id; /* of what the path ends at */
};

static const struct btf_member *members(const struct btf_type *t)
{
	return (const void *)(t + 1);
}

/* Bits from the start of t to its member m; *ret_bitfield says that it is less than whole bytes. */
static uint32_t member_bits(const struct btf_type *t, const struct btf_member *m,
			    bool *ret_bitfield)
{
	*ret_bitfield = BTF_INFO_KFLAG(t->info) && BTF_MEMBER_BITFIELD_SIZE(m->offset) != 0;
	return BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
}

/* "0:12:1" below a local type. */
static int parse_path(const struct core *c, uint32_t type_id, const char *s, struct path *ret)
{
	char word[16];
	unsigned int depth = 0;

	*ret = (struct path){ .type_id = type_id };
	for (;; depth++) {
		size_t len = strcspn(s, ":");
		const struct btf_type *t = kbtf_resolve(&c->local, ret->type_id);
		struct step *st = &ret->step[ret->n];
		uint64_t i;

		if (len >= sizeof(word) || ret->n == MAX_PATH || !t)
			return -EINVAL;
		memcpy(word, s, len);
		word[len] = '\0';
		if (num_u64(word, 0, INT_MAX, &i) < 0)
			return -EINVAL;
		if (depth == 0) {
			if (i != 0) /* an array of whole structures */
				return -EOPNOTSUPP;
		} else if (kbtf_is_composite(t)) {
			const struct btf_member *m = members(t) + i;

			if (i >= kbtf_vlen_of(t))
				return -EINVAL;
			ret->type_id = m->type;
			if (m->name_off != 0) { /* what has no name is found by what is in it */
				st->name = kbtf_str(&c->local, m->name_off);
				st->type_id = m->type;
				ret->n++;
			}
		} else if (kbtf_kind_of(t) == BTF_KIND_ARRAY) {
			const struct btf_array *a = (const void *)(t + 1);

			ret->type_id = a->type;
			*st = (struct step){ .index = (uint32_t)i, .type_id = a->type };
			ret->n++;
		} else {
			return -EINVAL;
		}
		if (s[len] == '\0')
			return 0;
		s += len + 1;
	}
}

/* Whether a member that was found by its name is of the same sort as ours. */
static bool alike(const struct kbtf *lb, uint32_t l, const struct kbtf *kb, uint32_t k)
{
	int depth;

	for (depth = 0; depth < 32; depth++) {
		const struct btf_type *lt = kbtf_resolve(lb, l), *kt = kbtf_resolve(kb, k);
		const struct btf_array *la, *ka;
		const char *ln, *kn;

		if (!lt || !kt)
			return false;
		if (kbtf_is_composite(lt) && kbtf_is_composite(kt))
			return true;
		if (core_kinds_like(kbtf_kind_of(lt)) != core_kinds_like(kbtf_kind_of(kt)))
			return false;
		switch (kbtf_kind_of(lt)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
		case BTF_KIND_INT:
			return true;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			ln = kbtf_str(lb, lt->name_off);
			kn = kbtf_str(kb, kt->name_off);
			return *ln == '\0' || *kn == '\0' ||
			       (core_name_len(ln) == core_name_len(kn) &&
				memcmp(ln, kn, core_name_len(ln)) == 0);
		case BTF_KIND_ARRAY:
			la = (const void *)(lt + 1);
			ka = (const void *)(kt + 1);
			l = la->type;
			k = ka->type;
			break;
		default:
			return false;
		}
	}
	return false;
}

struct place {
	uint64_t bits; /* from the start of the root type */
	uint32_t type_id; /* the kernel's */
	bool bitfield;
};

/* Find the member `st` in a kernel's structure, within members without a name too. Returns 1 when
 * found, 0 when not, or when it is of another sort. */
static int find_member(const struct core *c, const struct kbtf *kb, uint32_t id,
		       const struct step *st, int depth, struct place *at)
{
	const struct btf_type *t = kbtf_resolve(kb, id);
	uint32_t i;

	if (!t || !kbtf_is_composite(t) || depth > 16)
		return 0;
	for (i = 0; i < kbtf_vlen_of(t); i++) {
		const struct btf_member *m = members(t) + i;
		bool bitfield;
		uint32_t bits = member_bits(t, m, &bitfield);
		const char *name = kbtf_str(kb, m->name_off);

		if (*name == '\0') {
			struct place in = { .bits = at->bits + bits };
			int rc = find_member(c, kb, m->type, st, depth + 1, &in);

			if (rc != 0) {
				*at = in;
				return rc;
			}
		} else if (strcmp(name, st->name) == 0) {
			if (!alike(&c->local, st->type_id, kb, m->type))
				return 0;
			at->bits += bits;
			at->type_id = m->type;
			at->bitfield = bitfield;
			return 1;
		}
	}
	return 0;
}

/* Follow the path from a kernel's type. Returns 1, or 0 when the kernel has no such member. */
static int follow(const struct core *c, const struct kbtf *kb, uint32_t root,
		  const struct path *path, struct place *ret)
{
	struct place at = { .type_id = root };
	unsigned int i;

	for (i = 0; i < path->n; i++) {
		const struct step *st = &path->step[i];
		const struct btf_type *t = kbtf_resolve(kb, at.type_id);
		const struct btf_array *a;

		if (!t)
			return 0;
		if (st->name) {
			if (find_member(c, kb, at.type_id, st, 0, &at) == 0)
				return 0;
			continue;
		}
		if (kbtf_kind_of(t) != BTF_KIND_ARRAY)
			return 0;
		a = (const void *)(t + 1);
		/* [0] may be an array of any length, at the end of its structure */
		if (st->index >= a->nelems && a->nelems != 0)
			return 0;
		at.bits += (uint64_t)st->index * kbtf_size(kb, a->type) * 8;
		at.type_id = a->type;
	}
	*ret = at;
	return 1;
}

/* The value of an enumerator by name. Returns 1, or 0 when there is none. */
static int find_enumerator(const struct kbtf *kb, uint32_t id, const char *name, uint64_t *ret)
{
	const struct btf_type *t = kbtf_type(kb, id);
	size_t len = core_name_len(name);
	uint32_t i;

	for (i = 0; i < kbtf_vlen_of(t); i++) {
		const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;
		const struct btf_enum64 *e64 = (const struct btf_enum64 *)(t + 1) + i;
		bool wide = kbtf_kind_of(t) == BTF_KIND_ENUM64;
		const char *s = kbtf_str(kb, wide ? e64->name_off : e->name_off);

		if (strlen(s) != len || memcmp(s, name, len) != 0)
			continue;
		*ret = wide ? (uint64_t)e64->val_hi32 << 32 | e64->val_lo32
			    : (uint64_t)(int64_t)e->val;
		return 1;
	}
	return 0;
}

/* One relocation against one type of the kernel. Returns 1 with the value, 0 when the kernel has
 * no such thing, or -errno. */
static int evaluate(struct core *c, const struct kbtf *kb, const struct core_relo *r, uint32_t id,
		    uint64_t *ret, uint64_t *ret_bytes)
{
	const char *s = kbtf_str(&c->local, r->path_off);
	struct place at;
	struct path path;
	uint64_t i;
	int rc;

	switch (r->kind) {
	case TYPE_EXISTS:
		*ret = 1;
		return 1;
	case TYPE_SIZE:
		*ret = kbtf_size(kb, id);
		return 1;
	case ENUMVAL_EXISTS:
	case ENUMVAL_VALUE: {
		const struct btf_type *t = kbtf_resolve(&c->local, r->type_id);

		if (!t || kbtf_kind_of(t) != BTF_KIND_ENUM || num_u64(s, 0, UINT32_MAX, &i) < 0 ||
		    i >= kbtf_vlen_of(t))
			return -EINVAL;
		rc = find_enumerator(
			kb, id, kbtf_str(&c->local, ((const struct btf_enum *)(t + 1))[i].name_off),
			ret);
		if (rc == 1 && r->kind == ENUMVAL_EXISTS)
			*ret = 1;
		return rc;
	}
	case FIELD_BYTE_OFFSET:
	case FIELD_BYTE_SIZE:
	case FIELD_EXISTS:
		break;
	default:
		return -EOPNOTSUPP;
	}
	rc = parse_path(c, r->type_id, s, &path);
	if (rc < 0)
		return rc;
	if (follow(c, kb, id, &path, &at) == 0)
		return 0;
	if (r->kind == FIELD_EXISTS) {
		*ret = 1;
		return 1;
	}
	if (at.bitfield || at.bits % 8 != 0)
		return -EOPNOTSUPP;
	*ret_bytes = kbtf_size(kb, at.type_id);
	*ret = r->kind == FIELD_BYTE_OFFSET ? at.bits / 8 : *ret_bytes;
	return 1;
}

static bool is_signed(const struct kbtf *b, uint32_t id)
{
	const struct btf_type *t = kbtf_resolve(b, id);

	return t && kbtf_kind_of(t) == BTF_KIND_INT &&
	       BTF_INT_ENCODING(*(const uint32_t *)(t + 1)) & BTF_INT_SIGNED;
}

/* A load of a member that is wider or narrower in this kernel. */
static int resize_load(struct core *c, struct bpf_insn *in, const struct core_relo *r,
		       uint64_t bytes)
{
	static const uint8_t size[9] = { [1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW };
	struct path path;

	if (parse_path(c, r->type_id, kbtf_str(&c->local, r->path_off), &path) < 0)
		return -EINVAL;
	if (bytes == kbtf_size(&c->local, path.type_id))
		return 0;
	if (is_signed(&c->local, path.type_id) ||
	    (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8))
		return -EOPNOTSUPP;
	in->code = (uint8_t)((in->code & ~0x18) | size[bytes]);
	return 0;
}

static int patch(struct core *c, const struct core_relo *r, uint64_t value, uint64_t bytes)
{
	uint32_t at = r->insn_off / (uint32_t)sizeof(struct bpf_insn);
	struct bpf_insn *in = &c->insn[at];

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_SRC(in->code) != BPF_K || value > INT32_MAX)
			return -EINVAL;
		in->imm = (int32_t)value;
		return 0;
	case BPF_LDX:
		if (value > INT16_MAX)
			return -ERANGE;
		in->off = (int16_t)value;
		return resize_load(c, in, r, bytes);
	case BPF_LD:
		if (in->code != (BPF_LD | BPF_IMM | BPF_DW) || at + 1 >= c->n_insns)
			return -EINVAL;
		in[0].imm = (int32_t)(uint32_t)value;
		in[1].imm = (int32_t)(uint32_t)(value >> 32);
		return 0;
	default:
		return -EINVAL;
	}
}

static void poison(struct core *c, uint32_t at)
{
	int parts = c->insn[at].code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;

	while (parts-- > 0 && at < c->n_insns) {
		c->insn[at] = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = POISON };
		c->poison[at++] = 1;
	}
}

static int relocate_one(struct core *c, const struct kbtf *kb, const struct core_relo *r)
{
	const struct btf_type *t = kbtf_resolve(&c->local, r->type_id);
	const struct kbtf_want *w = core_want_of(c, t);
	uint64_t value = 0, bytes = 0;
	unsigned int i, found = 0;

	if (r->insn_off % sizeof(struct bpf_insn) != 0 ||
	    r->insn_off / sizeof(struct bpf_insn) >= c->n_insns || !w)
		return -EINVAL;
	if (c->poison[r->insn_off / sizeof(struct bpf_insn)])
		return 0;
	for (i = 0; i < w->n; i++) { /* a name may be used for several types */
		uint64_t v = 0, n = 0;
		int rc = evaluate(c, kb, r, w->id[i], &v, &n);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		if (found++ > 0 && (v != value || n != bytes))
			return -ENOTUNIQ;
		value = v;
		bytes = n;
	}
	if (found == 0 && r->kind != FIELD_EXISTS && r->kind != TYPE_EXISTS &&
	    r->kind != TYPE_SIZE && r->kind != ENUMVAL_EXISTS) {
		poison(c, r->insn_off / (uint32_t)sizeof(struct bpf_insn));
		return 0;
	}
	return patch(c, r, value, bytes);
}

int core_relocate(struct core *c, const char *file, const void *blob, size_t len)
{
	struct kbtf kb = { 0 };
	uint32_t i;
	int rc;

	rc = file ? kbtf_open(file, c->want, c->n_want, &kb)
		  : kbtf_parse(blob, len, c->want, c->n_want, &kb);
	if (rc < 0)
		return core_fail(c, rc, "%s: %s", file ? file : "BTF", strerror(-rc));
	if (c->want[0].n == 0)
		rc = core_fail(c, -ENOENT, "no %s in this kernel", c->want[0].name);
	else
		c->attach_id = c->want[0].id[0];
	for (i = 0; rc == 0 && i < c->n_relos; i++) {
		const struct core_relo *r = core_relo_at(c, i);

		rc = relocate_one(c, &kb, r);
		if (rc < 0)
			(void)core_fail(
				c, rc, "%s %s: %s",
				kbtf_str(&c->local, kbtf_resolve(&c->local, r->type_id)->name_off),
				kbtf_str(&c->local, r->path_off), strerror(-rc));
	}
	kbtf_close(&kb);
	return rc;
}
