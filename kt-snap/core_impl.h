/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What core.c and core_relo.c share. */
#ifndef KT_CORE_IMPL_H
#define KT_CORE_IMPL_H

#include "core.h"

/* struct bpf_core_relo of linux/bpf.h, which is there since 5.17 only. */
struct core_relo {
	uint32_t insn_off, type_id, path_off, kind;
};

/* core_fail - put words into c->why; returns rc. */
int core_fail(struct core *c, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static inline const struct core_relo *core_relo_at(const struct core *c, uint32_t i)
{
	return (const void *)((const uint8_t *)c->relo + (size_t)i * c->relo_bytes);
}

/* core_name_len - length of the kernel's name for a type or enumerator of ours: what comes behind
 * "___" tells our own apart. */
size_t core_name_len(const char *name);

/* core_kinds_like - 1 << BTF_KIND_… of all kinds that count as the same. */
uint32_t core_kinds_like(uint32_t kind);

/* core_want_of - the entry of want[] for a local type, or NULL. */
struct kbtf_want *core_want_of(struct core *c, const struct btf_type *t);

#endif
