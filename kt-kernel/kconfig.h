/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted of a kernel's configuration: fragments one after the other, of which the last line
 * for an option counts, and whether a .config honours them. */
#ifndef KT_KCONFIG_H
#define KT_KCONFIG_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

struct want {
	char *name; /* without CONFIG_ */
	char *value; /* "y", "m", "n", "512", "\"text\"" */
	const char *file; /* as in kconfig_add(), which the caller keeps */
	unsigned long line;
	bool optional; /* a tree without such an option will do */
};

struct wants {
	struct want *v; /* one for each option */
	size_t n, cap;
};

/* kconfig_add - the lines of a fragment: CONFIG_NAME=VALUE and "# CONFIG_NAME is not set"; of two
 * lines for one option the last counts. A comment "#? WORD..." speaks of the lines up to the next
 * empty one: "optional"; "x86_64", "aarch64": only of these machines, else they are passed over.
 *   file  as messages name it
 * Returns 0; -EINVAL for a line that is nothing of this (said); or -ENOMEM. */
int kconfig_add(struct wants *w, const char *file, const char *text, size_t len,
		const char *machine);

/* kconfig_want - one more. Returns 0 or -ENOMEM. */
int kconfig_want(struct wants *w, const char *file, unsigned long line, const char *name,
		 const char *value, bool optional);

/* kconfig_find - the want for an option, or NULL. */
const struct want *kconfig_find(const struct wants *w, const char *name);

/* kconfig_text - all that is wanted, as a fragment, appended to out. Returns 0 or -ENOMEM. */
int kconfig_text(const struct wants *w, struct buf *out);

/* kconfig_value - what an option is in the text of a .config: "n" when it is not set or not there.
 * Returns buf; a value that does not fit is cut. */
char *kconfig_value(const char *config, size_t len, const char *name, char *buf, size_t cap);

/* kconfig_honours - does the .config have what is wanted? An "m" that became "y" is fine. */
bool kconfig_honours(const char *config, size_t len, const struct want *w);

/* kconfig_known - does any Kconfig file of the tree define the option? 1, 0 or -errno. */
int kconfig_known(const char *tree, const char *name);

/* kconfig_changes - call fn for each option that differs between two .config texts. */
void kconfig_changes(const char *old, size_t old_len, const char *now, size_t now_len,
		     void (*fn)(const char *name, const char *was, const char *is, void *arg),
		     void *arg);

/* kconfig_cause - why an option is usually not honoured, in words for a message, or NULL. */
const char *kconfig_cause(const char *name);

void kconfig_free(struct wants *w);

#endif
