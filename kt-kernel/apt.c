/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages of the distribution's archive, by apt-get and apt-cache with a state directory of ours.
 */
#include "apt.h"
#include "cleanup.h"
#include "die.h"
#include "num.h"
#include "out.h"
#include "run.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_OPTIONS 24
#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

/* argv of an apt program with all that keeps it in our state; free_argv() afterwards. */
static char **apt_argv(const struct apt *a, const char *program, const char *const *args)
{
	static const char *const options[] = {
		"Dir::State=%s",
		"Dir::State::lists=%s/lists",
		"Dir::State::status=%s/status",
		"Dir::Cache=%s/cache",
		"Dir::Etc::sourcelist=/dev/null",
		"Dir::Etc::sourceparts=%s/sources",
		"Dir::Etc::preferences=/dev/null",
		"Dir::Etc::preferencesparts=/dev/null",
		"APT::Sandbox::User=",
		"APT::Update::Error-Mode=any",
		"Acquire::Languages=none",
		"Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
		"Acquire::Retries=2",
		"Acquire::http::Timeout=30",
		"Acquire::https::Timeout=30",
		"APT::Get::List-Cleanup=true",
		"quiet=2"
	};
	char **argv = calloc(2 * KT_ARRAY_LEN(options) + MAX_OPTIONS, sizeof(*argv));
	size_t n = 0, i;
	int len;

	if (!argv)
		return NULL;
	argv[n++] = strdup(program);
	for (i = 0; args[i]; i++)
		argv[n++] = strdup(args[i]);
	for (i = 0; i < KT_ARRAY_LEN(options); i++) {
		const char *percent = strstr(options[i], "%s");

		argv[n++] = strdup("-o");
		if (!percent)
			len = asprintf(&argv[n], "%s", options[i]);
		else
			len = asprintf(&argv[n], "%.*s%s%s", (int)(percent - options[i]),
				       options[i], a->state, percent + 2);
		if (len < 0)
			argv[n] = NULL;
		n++;
	}
	for (i = 0; i < n; i++) {
		if (argv[i])
			continue;
		for (i = 0; i < n; i++)
			free(argv[i]);
		free(argv);
		return NULL;
	}
	return argv;
}

static int run_apt(const struct apt *a, const char *program, const char *const *args,
		   struct buf *out)
{
	char **argv = apt_argv(a, program, args);
	int rc, i;

	if (!argv)
		return warn_rc(-ENOMEM, "run '%s'", program);
	rc = run_capture(argv, out);
	for (i = 0; argv[i]; i++)
		free(argv[i]);
	free(argv);
	return rc;
}

/* A line of text: [p, *ret_end), without its newline. Returns where the next one starts, or NULL at
 * the end. */
static const char *next_line(const char *p, const char *end, const char **ret_end)
{
	const char *nl;

	if (p >= end)
		return NULL;
	nl = memchr(p, '\n', (size_t)(end - p));
	*ret_end = nl ? nl : end;
	return nl ? nl + 1 : end;
}

/* Is [p, e) the field `name` of a deb822 stanza? */
static bool is_field(const char *p, const char *e, const char *name)
{
	size_t n = strlen(name);

	return (size_t)(e - p) > n && strncasecmp(p, name, n) == 0 && p[n] == ':';
}

static void private_stanza(const char *p, const char *end, const char *suite, struct buf *out)
{
	static const char *const ours[] = { "Types", "Suites", "Components", "Enabled" };
	const char *e, *next;
	bool skip = false;
	size_t i;

	buf_fmt(out, "Types: deb\nSuites: %s\nComponents: main\n", suite);
	for (; (next = next_line(p, end, &e)); p = next) {
		if (*p == '#')
			continue;
		if (!isspace((unsigned char)*p)) { /* else it goes on with the field above */
			skip = false;
			for (i = 0; i < KT_ARRAY_LEN(ours); i++)
				skip |= is_field(p, e, ours[i]);
		}
		if (skip)
			continue;
		buf_add(out, p, (size_t)(e - p));
		buf_chr(out, '\n');
	}
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

/* "deb [signed-by=/x] http://host/debian bookworm main # why" */
static int private_line(const char *p, const char *end, const char *suite, struct buf *out)
{
	const char *hash = memchr(p, '#', (size_t)(end - p)), *options, *uri;
	size_t options_len = 0, uri_len = 0;

	if (hash)
		end = hash;
	p = skip_blank(p, end);
	if (end - p < 5 || memcmp(p, "deb", 3) != 0 || !isspace((unsigned char)p[3]))
		return 0;
	options = skip_blank(p + 3, end);
	if (options < end && *options == '[') {
		const char *close_br = memchr(options, ']', (size_t)(end - options));

		if (!close_br)
			return 0;
		options_len = (size_t)(close_br + 1 - options);
	}
	uri = skip_blank(options + options_len, end);
	while (uri + uri_len < end && !isspace((unsigned char)uri[uri_len]))
		uri_len++;
	if (uri_len == 0)
		return 0;
	buf_str(out, "deb ");
	buf_add(out, options, options_len);
	if (options_len > 0)
		buf_chr(out, ' ');
	buf_add(out, uri, uri_len);
	buf_fmt(out, " %s main\n", suite);
	return 1;
}

/* Entry `number` of a sources file: a stanza, or a line (of any kind). */
static bool find_entry(const char *text, size_t len, bool deb822, unsigned long number,
		       const char **ret_start, const char **ret_end)
{
	const char *end, *p, *next, *e, *start = NULL;
	unsigned long i = 0;

	if (!text)
		return false;
	end = text + len;
	for (p = text; (next = next_line(p, end, &e)); p = next) {
		bool blank = e == p || strspn(p, " \t\r") >= (size_t)(e - p);

		if (!deb822) {
			if (++i == number) {
				*ret_start = p;
				*ret_end = e;
				return true;
			}
			continue;
		}
		if (!start && !blank && *p != '#') {
			start = p;
			i++;
		}
		if (start && (blank || next == end)) {
			if (i == number) {
				*ret_start = start;
				*ret_end = blank ? p : e;
				return true;
			}
			start = NULL;
		}
	}
	return false;
}

int apt_private_source(const char *text, size_t len, bool deb822, unsigned long number,
		       const char *suite, struct buf *out)
{
	const char *p, *e;

	if (!find_entry(text, len, deb822, number, &p, &e))
		return 0;
	if (!deb822)
		return private_line(p, e, suite, out);
	private_stanza(p, e, suite, out);
	return 1;
}

static int slurp(const char *path, struct buf *b)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = buf_fill(b, fd, 65536)) > 0)
		;
	return (int)n;
}

/* The value of NAME in /etc/os-release. */
static void os_release(const char *name, char *buf, size_t cap)
{
	AUTO_BUF text = BUF_INIT;
	const char *p, *e, *next;
	size_t n = strlen(name);

	buf[0] = '\0';
	if (slurp("/etc/os-release", &text) < 0 || !text.p)
		return;
	for (p = text.p; (next = next_line(p, text.p + text.len, &e)); p = next) {
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

	for (; (next = next_line(p, end, &e)); p = next) {
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
				if (is_field(p, e, field[i].name))
					to = field[i].to;
			if (is_field(p, e, "Enabled")) {
				value = skip_blank(value, e);
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
	while ((p = skip_blank(p, end)) < end) {
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
	int rc = slurp(file, &text);

	if (rc < 0)
		return rc == -ENOENT ? 0 : warn_rc(rc, "read '%s'", file);
	for (number = 1; find_entry(text.p, text.len, deb822, number, &p, &e); number++) {
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
static int score(const struct entries *es, const struct entry *en, const char *codename)
{
	AUTO_FREE char *updates = NULL;
	size_t i, n;
	int s = 0;

	if (en->off || !has_word(&en->types, "deb") || !has_word(&en->components, "main") ||
	    !(has_word(&en->suites, codename) || has_word(&en->suites, "stable") ||
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
static int system_source(const char *suite, struct buf *out)
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
		int s = score(&es, &es.v[i], codename);

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
		rc = slurp(best->file, &text);
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

static int chosen_source(const char *uri, const char *suite, struct buf *out)
{
	const char *trusted = getenv("KTSTR_APT_TRUSTED");

	buf_fmt(out, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", uri, suite);
	if (trusted && strcmp(trusted, "yes") == 0)
		buf_str(out, "Trusted: yes\n");
	else if (access(KEYRING, R_OK) == 0)
		buf_str(out, "Signed-By: " KEYRING "\n");
	return out->err;
}

int apt_setup(const struct apt *a, const char *suite)
{
	static const char *const dirs[] = { "sources", "lists",		 "lists/partial",
					    "cache",   "cache/archives", "cache/archives/partial" };
	const char *uri = getenv("KTSTR_APT_URI");
	AUTO_BUF source = BUF_INIT;
	AUTO_FD fd = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD sources_fd = -1;
	const char *name = "kt.sources", *other = "kt.list";
	size_t i;
	int rc;

	if (fd < 0)
		return warn_rc(-errno, "open '%s'", a->state);
	for (i = 0; i < KT_ARRAY_LEN(dirs); i++)
		if (mkdirat(fd, dirs[i], 0755) < 0 && errno != EEXIST)
			return warn_rc(-errno, "create '%s/%s'", a->state, dirs[i]);
	rc = uri && *uri ? chosen_source(uri, suite, &source) : system_source(suite, &source);
	if (rc < 0)
		return rc;
	if (strncmp(source.p, "deb ", 4) == 0) { /* a one-line entry needs a file of that kind */
		name = "kt.list";
		other = "kt.sources";
	}
	sources_fd = openat(fd, "sources", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = sources_fd < 0 ? -errno : out_replace(sources_fd, name, source.p, source.len);
	if (rc == 0 && unlinkat(sources_fd, other, 0) < 0 && errno != ENOENT)
		rc = -errno;
	if (rc == 0)
		rc = out_replace(fd, "status", "", 0);
	return rc < 0 ? warn_rc(rc, "write into '%s'", a->state) : 0;
}

int apt_update(const struct apt *a)
{
	static const char *const args[] = { "update", NULL };

	return run_apt(a, "apt-get", args, NULL);
}

/* The part of a package name that says which kernel: "7.3.4+deb13-cloud-amd64" of
 * "linux-binary-7.3.4+deb13-cloud-amd64"; NULL when it is of another kind or flavour. */
static const char *release_of(const char *package, const char *prefix, const char *flavour)
{
	size_t n = strlen(prefix), f = strlen(flavour), len = strlen(package), i;
	const char *r = package + n;

	if (strncmp(package, prefix, n) != 0 || len < n + f + 2 || !isdigit((unsigned char)*r) ||
	    strcmp(package + len - f, flavour) != 0 || package[len - f - 1] != '-')
		return NULL;
	/* "6.1.0-40-amd64" and "7.4-rc1-amd64" are of flavour amd64, "6.1.0-40-cloud-amd64" is not
	 */
	for (i = 0; r + i < package + len - f - 1; i++)
		if (r[i] == '-' && !isdigit((unsigned char)r[i + 1]) &&
		    strncmp(r + i + 1, "rc", 2) != 0)
			return NULL;
	return r;
}

struct package {
	char name[192], version[128];
	uint64_t bytes;
};

static void take(char *buf, size_t cap, const char *p, const char *e)
{
	while (p < e && *p == ' ')
		p++;
	(void)snprintf(buf, cap, "%.*s", (int)(e - p), p); /* cut: apt will not know it */
}

/* The stanzas that apt-cache prints: "Package: x", "Version: y", "Size: n", …, an empty line. */
static int parse_packages(const char *text, size_t len, struct package **ret)
{
	const char *end = text + len, *p, *e, *next;
	AUTO_FREE struct package *v = NULL;
	struct package now = { 0 };
	int n = 0, cap = 0;
	char number[32];

	for (p = text; (next = next_line(p, end, &e)); p = next) {
		if (is_field(p, e, "Package"))
			take(now.name, sizeof(now.name), p + 8, e);
		else if (is_field(p, e, "Version"))
			take(now.version, sizeof(now.version), p + 8, e);
		else if (is_field(p, e, "Size")) {
			take(number, sizeof(number), p + 5, e);
			if (num_u64(number, 0, UINT64_MAX, &now.bytes) < 0)
				now.bytes = 0;
		}
		if (e > p && next != end)
			continue;
		if (now.name[0] && now.version[0]) {
			if (n == cap) {
				struct package *w = reallocarray(v, (size_t)cap + 64, sizeof(*v));

				if (!w)
					return -ENOMEM;
				v = w;
				cap += 64;
			}
			v[n++] = now;
		}
		now = (struct package){ 0 };
	}
	*ret = take_ptr(&v);
	return n;
}

static int newest_first(const void *a, const void *b)
{
	const struct apt_kernel *x = a, *y = b;
	int diff = version_compare(y->release, x->release);

	return diff ? diff : version_compare(y->version, x->version);
}

/* Packaging differs by time: linux-binary-R holds just the image and linux-base-R the
 * configuration; before that linux-image-R held both (one of a few kB only names others). */
int apt_kernels(const struct apt *a, const char *flavour, struct apt_kernel **ret)
{
	const char *const args[] = { "search", "--full", "--names-only",
				     "^linux-(binary|image|base)-[0-9]", NULL };
	AUTO_BUF text = BUF_INIT;
	AUTO_FREE struct package *v = NULL;
	AUTO_FREE struct apt_kernel *k = NULL;
	int n, m = 0, i, j, rc = run_apt(a, "apt-cache", args, &text);

	if (rc < 0)
		return rc;
	n = parse_packages(text.p ? text.p : "", text.len, &v);
	if (n < 0)
		return n;
	k = calloc((size_t)n + 1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const char *r = release_of(v[i].name, "linux-binary-", flavour);
		const char *old = release_of(v[i].name, "linux-image-", flavour);

		for (j = 0; old && j < n; j++) {
			const char *b = release_of(v[j].name, "linux-binary-", flavour);

			if (b && strcmp(b, old) == 0)
				old = NULL;
		}
		if (!r)
			r = old;
		if (!r)
			continue;
		(void)snprintf(k[m].release, sizeof(k[m].release), "%s", r);
		memcpy(k[m].package, v[i].name, sizeof(v[i].name));
		memcpy(k[m].version, v[i].version, sizeof(v[i].version));
		memcpy(k[m].config_package, v[i].name, sizeof(v[i].name));
		k[m].bytes = v[i].bytes;
		for (j = 0; j < n; j++) {
			const char *b = release_of(v[j].name, "linux-base-", flavour);

			if (b && strcmp(b, r) == 0 && strcmp(v[j].version, v[i].version) == 0) {
				memcpy(k[m].config_package, v[j].name, sizeof(v[j].name));
				k[m].config_bytes = v[j].bytes;
			}
		}
		m++;
	}
	qsort(k, (size_t)m, sizeof(*k), newest_first);
	*ret = take_ptr(&k);
	return m;
}

int apt_download(const struct apt *a, const char *package, const char *version, const char *dir,
		 char *ret_file, size_t cap)
{
	AUTO_FREE char *what = NULL;
	AUTO_DIR *d = NULL;
	const struct dirent *de;
	size_t n = strlen(package);
	int rc;

	if (asprintf(&what, "%s=%s", package, version) < 0) {
		what = NULL;
		return -ENOMEM;
	}
	if (chdir(dir) < 0) /* apt-get download knows no other place */
		return warn_rc(-errno, "enter '%s'", dir);
	rc = run_apt(a, "apt-get", (const char *const[]){ "download", what, NULL }, NULL);
	if (rc < 0)
		return rc;
	d = opendir(".");
	if (!d)
		return warn_rc(-errno, "open '%s'", dir);
	while ((de = readdir(d)))
		if (strncmp(de->d_name, package, n) == 0 && de->d_name[n] == '_') {
			(void)snprintf(ret_file, cap, "%s", de->d_name); /* NAME_MAX fits */
			return 0;
		}
	return warn_rc(-ENOENT, "find the package '%s' in '%s'", package, dir);
}
