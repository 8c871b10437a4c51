/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The person at the terminal of `kt-vm shell`. */
#ifndef KT_SHELL_H
#define KT_SHELL_H

#include "buf.h"
#include "escape.h"
#include "qemu.h"
#include "term.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct shell {
	const char *const *include; /* n_include of them, FILE[:DEST]; borrowed */
	size_t n_include;
	bool quiet; /* no banner */
	bool left; /* by ^A x */
	struct term term;
	struct escape escape;
};

/* shell_env - add what the guest's shell has in its environment for the person's sake: NAME=VALUE
 * texts that end in NUL. */
void shell_env(const struct topospec *topo, struct buf *b);

/* shell_begin - say what machine it is, and make the terminal raw. release: of the guest's kernel.
 * Returns 0 or -errno. */
int shell_begin(struct shell *s, const struct vm_spec *spec, const char *release);

/* shell_read - add what was typed for the guest to b, perhaps nothing. Returns bytes read; 0: the
 * terminal has gone; -ECANCELED: the person wants to leave; or another -errno. */
ssize_t shell_read(struct shell *s, struct buf *b);

/* shell_end - the terminal is as it was; may be called in any case. ok: the guest's shell has ended
 * by itself. speak: standard error may be written to. */
void shell_end(struct shell *s, bool ok, bool speak);

#endif
