/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's own sources of packages. */
#include "apt_sources.h"
#include "apt.h"
#include "apt_text.h"
#include "cleanup.h"
#include "die.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of NAME in /etc/os-release. */
static void os_release(const char *name, char *buf, size_t cap)
{
	AUTO_BUF text = BUF_INIT;
	const char *p, *e, *next;
	size_t n = strlen(name);

	buf[0] = '\0';
	if (buf_file(&text, "/etc/os-release", SIZE_MAX) < 0 || !text.p)
		return;
	for (p = text.p; (next = apt_next_line(p, text.p + text.len, &e)); p = next) {
		if ((size_t)(e - p) <= n || memcmp(p, name, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		if (p < e && *p == '"' && e[-1] == '"')
			p++, e--;
		(void)snprintf(buf, cap, "%.*s", (int)(e - p), p); /* cut: then nothing matches */
	}
}

/* An entry of the system's sources, as texts of blank-separated words. */
struct entry {
	char *file;
	unsigned long number;
	bool deb822, off;
	struct buf types, uris, suites, components, signed_by;
};

struct entries {
	struct entry *v;
	size_t n;
};

static void entry_free(struct entry *e)
{
	free(e->file);
	buf_free(&e->types);
	buf_free(&e->uris);
	buf_free(&e->suites);
	buf_free(&e->components);
	buf_free(&e->signed_by);
}

static void entries_free(struct entries *es)
{
	size_t i;

	for (i = 0; i < es->n; i++)
		entry_free(&es->v[i]);
	free(es->v);
}

static bool has_word(const struct buf *b, const char *word)
{
	size_t n = strlen(word);
	const char *p = b->p, *hit;

	while (p && (hit = strstr(p, word))) {
		if ((hit == b->p || isspace((unsigned char)hit[-1])) &&
		    (!hit[n] || isspace((unsigned char)hit[n])))
			return true;
		p = hit + n;
	}
	return false;
}

static void read_stanza(struct entry *en, const char *p, const char *end)
{
	const struct {
		const char *name;
		struct buf *to;
	} field[] = { { "Types", &en->types },
		      { "URIs", &en->uris },
		      { "Suites", &en->suites },
		      { "Components", &en->components },
		      { "Signed-By", &en->signed_by } };
	struct buf *to = NULL;
	const char *e, *next;
	size_t i;

	for (; (next = apt_next_line(p, end, &e)); p = next) {
		const char *value = p;

		if (*p == '#')
			continue;
		if (!isspace((unsigned char)*p)) {
			value = memchr(p, ':', (size_t)(e - p));
			if (!value)
				continue;
			value++;
			to = NULL;
			for (i = 0; i < KT_ARRAY_LEN(field); i++)
				if (apt_is_field(p, e, field[i].name))
					to = field[i].to;
			if (apt_is_field(p, e, "Enabled")) {
				value = apt_skip_blank(value, e);
				en->off = e - value >= 2 && strncasecmp(value, "no", 2) == 0;
			}
		}
		if (to) {
			buf_add(to, value, (size_t)(e - value));
			buf_chr(to, ' ');
		}
	}
}

static void read_line(struct entry *en, const char *p, const char *end)
{
	const char *hash = memchr(p, '#', (size_t)(end - p));
	struct buf *const to[] = { &en->types, &en->uris, &en->suites, &en->components };
	size_t i = 0;

	if (hash)
		end = hash;
	while ((p = apt_skip_blank(p, end)) < end) {
		const char *word = p;

		if (*p == '[') {
			const char *close_br = memchr(p, ']', (size_t)(end - p));

			p = close_br ? close_br + 1 : end;
			buf_add(&en->signed_by, word, (size_t)(p - word));
			continue;
		}
		while (p < end && !isspace((unsigned char)*p))
			p++;
		buf_add(to[i], word, (size_t)(p - word));
		buf_chr(to[i], ' ');
		i += i + 1 < KT_ARRAY_LEN(to);
	}
}

/* All entries of one sources file. */
static int read_sources(struct entries *es, const char *file)
{
	AUTO_BUF text = BUF_INIT;
	size_t len = strlen(file);
	bool deb822 = len > 8 && strcmp(file + len - 8, ".sources") == 0;
	const char *p, *e;
	unsigned long number;
	int rc = buf_file(&text, file, SIZE_MAX);

	if (rc < 0)
		return rc == -ENOENT ? 0 : warn_rc(rc, "read '%s'", file);
	for (number = 1; apt_find_entry(text.p, text.len, deb822, number, &p, &e); number++) {
		struct entry *v = reallocarray(es->v, es->n + 1, sizeof(*v));
		struct entry *en;

		if (!v)
			return -ENOMEM;
		es->v = v;
		en = &v[es->n++];
		*en = (struct entry){ .file = strdup(file), .number = number, .deb822 = deb822 };
		if (!en->file)
			return -ENOMEM;
		if (deb822)
			read_stanza(en, p, e);
		else
			read_line(en, p, e);
	}
	return 0;
}

/* How surely this is the distribution's own archive, and not one that serves packages for it; -1:
 * it is not. */
static int score(const struct entries *es, const struct entry *en, const char *codename,
		 const char *suite)
{
	AUTO_FREE char *updates = NULL;
	size_t i, n;
	int s = 0;

	if (en->off || !has_word(&en->types, "deb") || !has_word(&en->components, "main"))
		return -1;
	if (has_word(&en->suites, suite))
		s = 8; /* it is this very one that is asked for: "bookworm-security" */
	else if (!(has_word(&en->suites, codename) || has_word(&en->suites, "stable") ||
		   has_word(&en->suites, "testing") || has_word(&en->suites, "unstable") ||
		   has_word(&en->suites, "sid")))
		return -1;
	if (asprintf(&updates, "%s-updates", codename) < 0) {
		updates = NULL;
		return -1;
	}
	for (i = 0; i < es->n; i++)
		if (!es->v[i].off && es->v[i].uris.p && en->uris.p &&
		    strcmp(es->v[i].uris.p, en->uris.p) == 0 && has_word(&es->v[i].suites, updates))
			s |= 4;
	for (n = en->uris.p ? en->uris.len : 0;
	     n > 0 && (en->uris.p[n - 1] == ' ' || en->uris.p[n - 1] == '/'); n--)
		;
	if (n > 7 && memcmp(en->uris.p + n - 7, "/debian", 7) == 0)
		s |= 2;
	if (en->signed_by.p && strstr(en->signed_by.p, "debian-archive"))
		s |= 1;
	return s;
}

/* What apt-config says: the list file and the directory with more of them. */
static int sources_places(char *list, char *parts, size_t cap)
{
	char *const argv[] = { (char[]){ "apt-config" },
			       (char[]){ "shell" },
			       (char[]){ "L" },
			       (char[]){ "Dir::Etc::sourcelist/f" },
			       (char[]){ "P" },
			       (char[]){ "Dir::Etc::sourceparts/d" },
			       NULL };
	AUTO_BUF out = BUF_INIT;
	char *line, *save = NULL;
	int rc = run_capture(argv, &out);

	list[0] = parts[0] = '\0';
	if (rc < 0)
		return rc;
	for (line = out.len ? strtok_r(out.p, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(line);

		/* L='/etc/apt/sources.list' */
		if (n < 4 || line[1] != '=' || line[2] != '\'' || line[n - 1] != '\'')
			continue;
		(void)snprintf(line[0] == 'L' ? list : parts, cap, "%.*s", (int)n - 4, line + 3);
	}
	return 0;
}

static int is_sources(const struct dirent *de)
{
	const char *dot = strrchr(de->d_name, '.');

	return de->d_name[0] != '.' && dot &&
	       (strcmp(dot, ".list") == 0 || strcmp(dot, ".sources") == 0);
}

static int read_all_sources(struct entries *es)
{
	char list[PATH_MAX], parts[PATH_MAX], file[2 * PATH_MAX];
	struct dirent **names = NULL;
	int n, i, rc = sources_places(list, parts, PATH_MAX);

	if (rc == 0)
		rc = read_sources(es, list);
	if (rc < 0)
		return rc;
	n = scandir(parts, &names, is_sources, alphasort);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0
							   : warn_rc(-errno, "read '%s'", parts);
	for (i = 0; i < n; i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", parts, names[i]->d_name); /* fits */
		free(names[i]);
		if (rc == 0)
			rc = read_sources(es, file);
	}
	free(names);
	return rc;
}

/* The system's own source of its distribution, as an entry for our suite. */
int apt_system_source(const char *suite, struct buf *out)
{
	struct entries es = { 0 };
	AUTO_BUF text = BUF_INIT;
	char codename[64], id[64];
	const struct entry *best = NULL;
	int best_score = -1, rc = read_all_sources(&es);
	size_t i;

	os_release("VERSION_CODENAME", codename, sizeof(codename));
	os_release("ID", id, sizeof(id));
	for (i = 0; i < es.n && rc == 0; i++) {
		int s = score(&es, &es.v[i], codename, suite);

		if (s > best_score) {
			best_score = s;
			best = &es.v[i];
		}
	}
	if (rc == 0 && (!best || strcmp(id, "debian") != 0)) {
		warn_msg("no source of Debian's archive is among apt's sources here: "
			 "name a kernel by KTSTR_KERNEL or --kernel instead");
		rc = -ENOENT;
	}
	if (rc == 0) {
		rc = buf_file(&text, best->file, SIZE_MAX);
		if (rc < 0)
			rc = warn_rc(rc, "read '%s'", best->file);
		else if (!apt_private_source(text.p, text.len, best->deb822, best->number, suite,
					     out))
			rc = warn_rc(-EBADMSG, "understand entry %lu of '%s'", best->number,
				     best->file);
	}
	entries_free(&es);
	return rc;
}
