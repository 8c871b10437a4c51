/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nearest of some names. */
#include "nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 96

static int fold(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

/* Letters to add, drop, change or swap with their neighbour to make b, or the part of b that is
 * nearest to it, of a; case and "-" for "_" are free. */
static size_t distance(const char *a, const char *b, bool part)
{
	size_t before[NAME_MAX_LEN + 1], last[NAME_MAX_LEN + 1], row[NAME_MAX_LEN + 1];
	size_t la = strlen(a), lb = strlen(b), least, i, j;

	if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (j = 0; j <= lb; j++)
		last[j] = before[j] = part ? 0 : j;
	for (i = 1; i <= la; i++) {
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			size_t best = last[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		memcpy(before, last, sizeof(before));
		memcpy(last, row, sizeof(last));
	}
	least = last[lb];
	for (j = 0; part && j < lb; j++)
		least = last[j] < least ? last[j] : least;
	return least;
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t len = strlen(n->want), d = distance(n->want, name, n->within);

	if (d > (n->within ? len / 3 : 1 + len / 3)) {
		if (len < 3 || !strcasestr(name, n->want))
			return;
		d = len; /* a piece of it: worse than any misspelling, better than nothing */
	}
	if (n->name && d >= n->cost)
		return;
	n->name = name;
	n->cost = d;
}

const char *nearest_hint(const struct nearest *n, char buf[NEAREST_HINT])
{
	buf[0] = '\0';
	if (n->name)
		(void)snprintf(buf, NEAREST_HINT, "; did you mean '%s'?", n->name);
	return buf;
}

/* Offer a, b and c of "a|b|c …"; the one that stays is copied to `kept`. */
static void offer_words(struct nearest *n, const char *p, char kept[NAME_MAX_LEN + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
	char name[NAME_MAX_LEN + 1];
	size_t len;

	for (; (len = strspn(p, letters)) > 0; p += len + (p[len] == '|')) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, p);
		nearest_offer(n, name);
		if (n->name == name) {
			memcpy(kept, name, sizeof(name));
			n->name = kept;
		}
	}
}

const char *nearest_command(const char *help, const char *word, char buf[NEAREST_HINT])
{
	static const char margin[] = "       "; /* as wide as "usage: " */
	const size_t wide = sizeof(margin) - 1;
	struct nearest n = { .want = word };
	char kept[NAME_MAX_LEN + 1];
	const char *p = help;

	do {
		p += wide;
		if (*p != ' ') { /* else it goes on from the line above */
			p += strcspn(p, " \n");
			offer_words(&n, p + (*p == ' '), kept);
		}
		p += strcspn(p, "\n");
		p += *p != '\0';
	} while (strncmp(p, margin, wide) == 0);
	return nearest_hint(&n, buf);
}
