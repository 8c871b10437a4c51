/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts as small numbers. */
#include "words.h"
#include "cleanup.h"
#include "cpuset.h"

#include <errno.h>
#include <string.h>

uint32_t hash_bytes(const void *p, size_t n)
{
	const unsigned char *c = p;
	uint64_t h = 0x9e3779b97f4a7c15 ^ n, w;

	for (; n >= 8; n -= 8, c += 8) {
		memcpy(&w, c, 8);
		h = (h ^ w) * 0xff51afd7ed558ccd;
		h ^= h >> 32;
	}
	for (w = 0; n > 0; n--)
		w = w << 8 | *c++;
	h = (h ^ w) * 0xff51afd7ed558ccd;
	return (uint32_t)(h ^ h >> 32);
}

void words_free(struct words *w)
{
	uint32_t i;

	for (i = 0; i < w->n; i++)
		free(w->word[i].text);
	free(w->word);
	free(w->slot);
	*w = (struct words){ 0 };
}

static int grow(struct words *w)
{
	uint32_t cap = w->cap ? 2 * w->cap : 64, i, at;
	struct word *word = reallocarray(w->word, cap, sizeof(*word));
	uint32_t *slot;

	if (!word)
		return -ENOMEM;
	w->word = word;
	slot = calloc(2 * (size_t)cap, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(w->slot);
	w->slot = slot;
	w->cap = cap;
	w->n_slots = 2 * cap;
	for (i = 0; i < w->n; i++) {
		for (at = word[i].hash; slot[at & (w->n_slots - 1)] != 0; at++)
			;
		slot[at & (w->n_slots - 1)] = i + 1;
	}
	return 0;
}

int64_t words_id(struct words *w, const char *text, size_t len)
{
	uint32_t hash = hash_bytes(text, len), at, id;
	struct word *word;

	if (w->n == w->cap && grow(w) < 0)
		return -ENOMEM;
	for (at = hash;; at++) {
		id = w->slot[at & (w->n_slots - 1)];
		if (id == 0)
			break;
		word = &w->word[id - 1];
		if (word->hash == hash && word->len == len && memcmp(word->text, text, len) == 0)
			return id - 1;
	}
	word = &w->word[w->n];
	*word = (struct word){ .hash = hash, .len = (uint32_t)len, .cpus = -2 };
	word->text = malloc(len + 1);
	if (!word->text)
		return -ENOMEM;
	memcpy(word->text, text, len);
	word->text[len] = '\0';
	w->slot[at & (w->n_slots - 1)] = ++w->n;
	return w->n - 1;
}

int64_t words_cpu_list(struct words *w, const char *text, size_t len)
{
	int64_t id = words_id(w, text, len), same;
	struct cpuset set;

	/* A list that is known is written well, or is none. */
	if (id < 0 || w->word[id].cpus != -2)
		return id;
	if (cpuset_parse(w->word[id].text, &set) < 0) {
		w->word[id].cpus = -1;
		return id;
	}
	{
		AUTO_FREE char *canon = malloc(CPUSET_TEXT);

		if (!canon)
			return -ENOMEM;
		cpuset_format(&set, canon, CPUSET_TEXT);
		same = words_id(w, canon, strlen(canon));
	}
	if (same < 0)
		return same;
	w->word[same].cpus = (int64_t)cpuset_count(&set);
	return same;
}

int64_t words_cpus(const struct words *w, uint64_t id)
{
	return w->word[id].cpus;
}
