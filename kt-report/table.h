/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of text cells, printed with aligned columns. */
#ifndef KT_TABLE_H
#define KT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ink {
	INK_NONE,
	INK_HEAD,
	INK_GOOD,
	INK_BAD,
	INK_DOUBT,
	INK_DIM
};

struct table_cell {
	char *text; /* owned by the table */
	enum ink ink;
};

struct table {
	size_t n_cols, n_cells, cap;
	struct table_cell *cells; /* row after row, n_cols each */
	bool *right; /* columns that are aligned to the right, from table_init */
	int err; /* -ENOMEM once that has happened */
};

/* table_init - n_cols columns, aligned to the left until table_right(). */
void table_init(struct table *t, size_t n_cols);
void table_free(struct table *t);
void table_right(struct table *t, size_t col);

/* table_cell - the next cell, row by row. Control characters become '?'. NULL is "-". */
void table_cell(struct table *t, const char *text, enum ink ink);

/* table_print - two blanks between columns, none at the end of a line. Returns 0 or -ENOMEM; what
 * the stream says is the caller's to find out. */
int table_print(const struct table *t, FILE *out, bool color);

/* text_width - columns on a terminal: combining marks take none, East Asian wide ones two. */
size_t text_width(const char *text);

/* text_clean - a copy with control characters as '?'; the caller frees it. NULL: no memory. */
char *text_clean(const char *text);

/* ink_put - print text in that ink, if there is colour. */
void ink_put(FILE *out, const char *text, enum ink ink, bool color);

#endif
