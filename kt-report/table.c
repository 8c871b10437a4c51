/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of text cells. */
#include "table.h"
#include "cleanup.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

void table_init(struct table *t, size_t n_cols)
{
	*t = (struct table){ .n_cols = n_cols, .right = calloc(n_cols + 1, sizeof(*t->right)) };
	if (!t->right)
		t->err = -ENOMEM;
}

void table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t->right);
	*t = (struct table){ 0 };
}

void table_right(struct table *t, size_t col)
{
	if (t->right)
		t->right[col] = true;
}

/* The code point at s, and its length; broken bytes count as one each. */
static uint32_t next_char(const char *s, size_t *ret_len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0xc0 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4, i;
	uint32_t c = n == 1 ? u[0] : u[0] & (0xff >> (n + 1));

	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*ret_len = 1;
			return u[0];
		}
		c = c << 6 | (u[i] & 0x3f);
	}
	*ret_len = n;
	return c;
}

static bool between(uint32_t c, const uint32_t (*ranges)[2], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

size_t text_width(const char *text)
{
	static const uint32_t none[][2] = { { 0x300, 0x36f },	{ 0x200b, 0x200f },
					    { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
					    { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
					    { 0xfe20, 0xfe2f } };
	static const uint32_t wide[][2] = { { 0x1100, 0x115f },	 { 0x2e80, 0xa4cf },
					    { 0xac00, 0xd7a3 },	 { 0xf900, 0xfaff },
					    { 0xfe30, 0xfe6f },	 { 0xff00, 0xff60 },
					    { 0xffe0, 0xffe6 },	 { 0x1f300, 0x1faff },
					    { 0x20000, 0x3fffd } };
	size_t width = 0, len;
	uint32_t c;

	for (; *text != '\0'; text += len) {
		c = next_char(text, &len);
		if (!between(c, none, KT_ARRAY_LEN(none)))
			width += between(c, wide, KT_ARRAY_LEN(wide)) ? 2 : 1;
	}
	return width;
}

/* Codes that a terminal could obey, in C0, DEL and C1, which is two bytes in UTF-8. */
char *text_clean(const char *text)
{
	char *copy = strdup(text), *to = copy;
	size_t len;
	uint32_t c;

	if (!copy)
		return NULL;
	for (; *text != '\0'; text += len) {
		c = next_char(text, &len);
		if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) {
			*to++ = '?';
		} else {
			memcpy(to, text, len);
			to += len;
		}
	}
	*to = '\0';
	return copy;
}

void table_cell(struct table *t, const char *text, enum ink ink)
{
	if (t->n_cells == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct table_cell *p = reallocarray(t->cells, cap, sizeof(*p));

		if (!p) {
			t->err = -ENOMEM;
			return;
		}
		t->cells = p;
		t->cap = cap;
	}
	t->cells[t->n_cells] =
		(struct table_cell){ .text = text_clean(text ? text : "-"), .ink = ink };
	if (!t->cells[t->n_cells].text)
		t->err = -ENOMEM;
	else
		t->n_cells++;
}

void ink_put(FILE *out, const char *text, enum ink ink, bool color)
{
	static const char *const codes[] = { "", "1", "32", "1;31", "33", "2" };

	if (color && ink != INK_NONE)
		fprintf(out, "\033[%sm%s\033[0m", codes[ink], text);
	else
		fputs(text, out);
}

static void blanks(FILE *out, size_t n)
{
	while (n-- > 0)
		fputc(' ', out);
}

int table_print(const struct table *t, FILE *out, bool color)
{
	AUTO_FREE size_t *width = calloc(t->n_cols + 1, sizeof(*width));
	size_t i, col, w, due = 0;

	if (!width || t->err < 0)
		return -ENOMEM;
	for (i = 0; i < t->n_cells; i++) {
		w = text_width(t->cells[i].text);
		if (w > width[i % t->n_cols])
			width[i % t->n_cols] = w;
	}
	for (i = 0; i < t->n_cells; i++) {
		const struct table_cell *c = &t->cells[i];

		col = i % t->n_cols;
		w = width[col] - text_width(c->text);
		if (*c->text == '\0') {
			due += width[col]; /* nothing to print: blanks wait for what follows */
		} else {
			blanks(out, due + (t->right[col] ? w : 0));
			ink_put(out, c->text, c->ink, color);
			due = t->right[col] ? 0 : w;
		}
		due += 2;
		if (col + 1 == t->n_cols) {
			fputc('\n', out);
			due = 0;
		}
	}
	return 0;
}
