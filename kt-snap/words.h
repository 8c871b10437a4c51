/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that occur again and again, as small numbers. */
#ifndef KT_SNAP_WORDS_H
#define KT_SNAP_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct word {
	uint32_t hash, len;
	char *text; /* NUL-terminated */
	int64_t cpus; /* what words_cpus found; -2: not asked yet */
};

struct words {
	struct word *word;
	uint32_t n, cap;
	uint32_t *slot; /* id + 1, 0: free */
	uint32_t n_slots; /* a power of two */
};

void words_free(struct words *w);

/* words_id - the number of a text, which is remembered; from 0. Returns -ENOMEM. */
int64_t words_id(struct words *w, const char *text, size_t len);

static inline const char *words_text(const struct words *w, uint64_t id)
{
	return w->word[id].text;
}

/* words_cpu_list - the number of a list of CPUs, written as the kernel would: "0,1" is "0-1". What
 * is no list stays as it is. */
int64_t words_cpu_list(struct words *w, const char *text, size_t len);

/* words_cpus - how many CPUs the list has; -1 when it is none. */
int64_t words_cpus(const struct words *w, uint64_t id);

/* hash_bytes - for tables in memory; not the same on machines of other byte order. */
uint32_t hash_bytes(const void *p, size_t n);

#endif
