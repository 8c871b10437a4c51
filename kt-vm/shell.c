/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The person at the terminal. */
#include "shell.h"
#include "die.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* Does this terminal speak UTF-8? */
static bool utf8(void)
{
	const char *v = env("LC_ALL");

	v = v ? v : env("LC_CTYPE");
	v = v ? v : env("LANG");
	return v && (strcasestr(v, ".UTF-8") || strcasestr(v, ".utf8"));
}

void shell_env(const struct topospec *topo, struct buf *b)
{
	const char *term = env("TERM"), *color = env("COLORTERM");
	char text[TOPOSPEC_TEXT];

	buf_fmt(b, "TERM=%s%c", term ? term : "linux", 0);
	if (color)
		buf_fmt(b, "COLORTERM=%s%c", color, 0);
	buf_fmt(b, "LC_ALL=C%s%c", utf8() ? ".UTF-8" : "", 0);
	buf_fmt(b, "PS1=%s (^A x leaves) \\w \\$ %c", topospec_format(topo, text), 0);
}

static void banner(const struct shell *s, const struct vm_spec *spec, const char *release)
{
	char topo[TOPOSPEC_TEXT];
	size_t i;

	fprintf(stderr, "Linux %s, %s, %llu MiB, %s. ^A x leaves, ^A a types ^A.\n", release,
		topospec_format(&spec->topo, topo), (unsigned long long)spec->mem_mib,
		spec->kvm ? "KVM" : "TCG");
	for (i = 0; i < s->n_include; i++) {
		const char *dest = strrchr(s->include[i], ':');

		fprintf(stderr, "%s%s%s", i == 0 ? "Included: " : ", ",
			dest ? "" : "/include-files/",
			dest ? dest + 1 : basename(strdupa(s->include[i])));
	}
	if (s->n_include > 0)
		fputc('\n', stderr);
}

int shell_begin(struct shell *s, const struct vm_spec *spec, const char *release)
{
	if (!s->quiet)
		banner(s, spec, release);
	return term_begin(&s->term);
}

ssize_t shell_read(struct shell *s, struct buf *b)
{
	char typed[4096];
	ssize_t n = read(s->term.fd, typed, sizeof(typed));

	if (n < 0)
		return errno == EIO ? 0 : -errno;
	if (n > 0)
		s->left = escape_feed(&s->escape, typed, (size_t)n, b);
	return b->err ? b->err : s->left ? -ECANCELED : n;
}

void shell_end(struct shell *s, bool ok, bool speak)
{
	if (s->term.sig_fd < 0)
		return;
	term_end(&s->term, !ok);
	if (!ok && speak)
		fputc('\n', stderr); /* the guest was in the middle of a line, for all we know */
	if (s->left && speak)
		warn_msg("left by ^A x, and the guest has ended");
}
