/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nearest of some names. */
#include "nearest.h"

#include <ctype.h>
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
