/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF, the compact description of a program's types (Documentation/bpf/btf.rst): reading a blob of
 * it, and finding a few dozen names among the 150,000 types of a kernel in one pass. */
#ifndef KT_KBTF_H
#define KT_KBTF_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kbtf {
	const uint8_t *types; /* borrowed from the blob */
	const char *str;
	uint32_t types_len, str_len;
	uint32_t *at; /* offset into types by type id; [0] is void, not used */
	uint32_t n; /* ids are below this */
	void *map; /* of kbtf_open() */
	size_t map_len;
	bool mapped; /* by mmap; else allocated */
};

/* A name that is looked for. */
struct kbtf_want {
	const char *name; /* borrowed; only the first len bytes count */
	size_t len;
	uint32_t kinds; /* 1 << BTF_KIND_… of those that will do */
	uint32_t id[4]; /* what was found, in the order of the blob */
	unsigned int n;
};

/* kbtf_parse - index a blob, which must stay. Every want[] gets the types whose name is its own, or
 * is followed by "___" and more. Returns 0; -EINVAL when it is damaged (offsets, counts and names
 * are checked, ids are by kbtf_type()); -E2BIG when a name occurs more often than id[] holds;
 * -EOPNOTSUPP for a kind of type not known here; -ENOMEM. Release with kbtf_close(). */
int kbtf_parse(const void *blob, size_t len, struct kbtf_want *want, unsigned int n_want,
	       struct kbtf *ret);

/* kbtf_open - the same for a file, "/sys/kernel/btf/vmlinux". Other -errno from reading it. */
int kbtf_open(const char *path, struct kbtf_want *want, unsigned int n_want, struct kbtf *ret);

void kbtf_close(struct kbtf *b);

/* kbtf_type - a type by its id, or NULL when there is none. What follows it in the blob, members
 * and so on, is within the blob. */
const struct btf_type *kbtf_type(const struct kbtf *b, uint32_t id);

/* kbtf_str - a name; "" when the offset is none. */
const char *kbtf_str(const struct kbtf *b, uint32_t off);

/* kbtf_resolve - go through typedefs and qualifiers. NULL: void, or more than 32 of them. */
const struct btf_type *kbtf_resolve(const struct kbtf *b, uint32_t id);

/* kbtf_size - bytes of a type, 0 when it has no size. */
uint64_t kbtf_size(const struct kbtf *b, uint32_t id);

static inline uint32_t kbtf_vlen_of(const struct btf_type *t)
{
	return BTF_INFO_VLEN(t->info);
}

static inline uint32_t kbtf_kind_of(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info);
}

static inline bool kbtf_is_composite(const struct btf_type *t)
{
	return kbtf_kind_of(t) == BTF_KIND_STRUCT || kbtf_kind_of(t) == BTF_KIND_UNION;
}

#endif
