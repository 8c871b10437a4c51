/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kernel.org has: its list of releases, and where its files are. */
#include "releases.h"
#include "cachedir.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "jsonr.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_LIST (8 << 20)
#define MAX_ROWS 4096
#define COPY "releases.json"
#define COPY_URL "ktstr_url" /* our member of the copy: where it came from */

static const char *setting(const char *name, const char *dflt)
{
	const char *s = getenv(name);

	return s && *s ? s : dflt;
}

static const char *list_url(void)
{
	return setting("KTSTR_RELEASES_URL", "https://www.kernel.org/releases.json");
}

static size_t without_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return n;
}

/* The directory of a release's files. */
static int release_dir(const struct kver *v, char buf[URL_MAX])
{
	const char *cdn = setting("KTSTR_CDN_URL", "https://cdn.kernel.org/pub/linux/kernel");
	int n = snprintf(buf, URL_MAX, "%.*s/v%llu.x", (int)without_slash(cdn), cdn,
			 (unsigned long long)v->major);

	return n < 0 || n >= URL_MAX ? -ENAMETOOLONG : n;
}

int kernel_url(const struct kver *v, char buf[URL_MAX])
{
	const char *rc_base = setting("KTSTR_RC_URL", "https://git.kernel.org/torvalds/t");
	char text[KVER_TEXT];
	int n, m;

	if (v->has_rc) {
		n = snprintf(buf, URL_MAX, "%.*s/linux-%s.tar.gz", (int)without_slash(rc_base),
			     rc_base, kver_text(v, text));
		return n < 0 || n >= URL_MAX ? -ENAMETOOLONG : 0;
	}
	n = release_dir(v, buf);
	if (n < 0)
		return n;
	m = snprintf(buf + n, URL_MAX - (size_t)n, "/linux-%s.tar.xz", kver_text(v, text));
	return m < 0 || n + m >= URL_MAX ? -ENAMETOOLONG : 0;
}

int kernel_sums_url(const struct kver *v, char buf[URL_MAX])
{
	int n = release_dir(v, buf), m;

	if (n < 0)
		return n;
	m = snprintf(buf + n, URL_MAX - (size_t)n, "/sha256sums.asc");
	return m < 0 || n + m >= URL_MAX ? -ENAMETOOLONG : 0;
}

/* One row; 0 when it lacks what we need. */
static int parse_row(const json_t *row, struct release *r)
{
	const char *moniker = rec_str(row, "moniker", ""), *version = rec_str(row, "version", "");
	const char *source = rec_str(row, "source", "");
	const json_t *eol = json_object_get(row, "iseol");

	*r = (struct release){ .eol = json_is_true(eol) ? 1 : json_is_false(eol) ? 0 : -1 };
	if (!*moniker || !*version || strlen(moniker) >= sizeof(r->moniker) ||
	    strlen(version) >= sizeof(r->version))
		return 0;
	memcpy(r->moniker, moniker, strlen(moniker));
	memcpy(r->version, version, strlen(version));
	if (strlen(source) < sizeof(r->source))
		memcpy(r->source, source, strlen(source));
	if (strcmp(moniker, "linux-next") != 0 &&
	    (kver_parse(version, strlen(version), &r->v) < 0 || r->v.parts < 2))
		return 0;
	return 1;
}

int releases_parse(const char *text, size_t len, struct releases *ret, char *err, size_t cap)
{
	struct jsonr_doc doc = { 0 };
	json_t *root = jsonr_parse(&doc, COPY, 1, text, len);
	const json_t *rows = json_object_get(root, "releases"), *row;
	struct releases r = { 0 };
	size_t i;

	if (!root || !json_is_array(rows) || json_array_size(rows) > MAX_ROWS) {
		(void)snprintf(err, cap, "%s",
			       !root		      ? doc.err
			       : !json_is_array(rows) ? "it has no array \"releases\""
						      : "its array \"releases\" is too long");
		json_decref(root);
		return -EBADMSG;
	}
	r.v = calloc(json_array_size(rows) + 1, sizeof(*r.v));
	if (!r.v) {
		json_decref(root);
		return -ENOMEM;
	}
	for (i = 0; i < json_array_size(rows); i++) {
		row = json_array_get(rows, i);
		if (parse_row(row, &r.v[r.n]))
			r.n++;
		else
			r.dropped++;
	}
	json_decref(root);
	*ret = r;
	return 0;
}

void releases_free(struct releases *r)
{
	free(r->v);
	*r = (struct releases){ 0 };
}

/* The copy in the cache, if it is of the same list and young enough. */
static int read_copy(uint64_t max_age_ns, struct releases *ret)
{
	char path[PATH_MAX], err[512];
	AUTO_BUF text = BUF_INIT;
	AUTO_FD fd = -1;
	struct jsonr_doc doc = { 0 };
	struct timespec now;
	struct stat st;
	json_t *root;
	int64_t age;
	bool same;
	int rc;

	if (!cachedir_path(path, sizeof(path) - sizeof("/" COPY)))
		return -errno;
	strcat(path, "/" COPY);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &now);
	age = now.tv_sec - st.st_mtim.tv_sec;
	if (age < 0 || (uint64_t)age > max_age_ns / NSEC_PER_SEC)
		return -ESTALE;
	rc = buf_rest(&text, fd, MAX_LIST);
	if (rc < 0)
		return rc;
	root = jsonr_parse(&doc, path, 1, text.p ? text.p : "", text.len);
	same = root && strcmp(rec_str(root, COPY_URL, list_url()), list_url()) == 0;
	json_decref(root);
	if (!same)
		return -ESTALE;
	return releases_parse(text.p, text.len, ret, err, sizeof(err));
}

/* The list and where it came from; a cache that cannot be written is no reason to fail. */
static void write_copy(const char *text, size_t len)
{
	AUTO_FD dir_fd = cachedir_open(NULL);
	struct jsonr_doc doc = { 0 };
	json_t *root = jsonr_parse(&doc, COPY, 1, text, len);
	AUTO_FREE char *copy = NULL;
	int rc = dir_fd < 0 ? dir_fd : 0;

	if (rc == 0 && root && json_object_set_new(root, COPY_URL, json_string(list_url())) == 0)
		copy = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	if (copy)
		rc = out_replace(dir_fd, COPY, copy, strlen(copy));
	if (rc < 0)
		(void)warn_rc(rc, "keep a copy of the list of releases");
}

int releases_get(const struct http *h, uint64_t max_age_ns, struct releases *ret)
{
	AUTO_BUF text = BUF_INIT;
	char err[512];
	int rc;

	if (max_age_ns > 0 && read_copy(max_age_ns, ret) == 0) {
		ret->cached = true;
		return 0;
	}
	if (!h) {
		warn_msg("there is no copy of the list of releases that is young enough");
		return -ENOENT;
	}
	rc = http_text(h, list_url(), MAX_LIST, &text);
	if (rc == -ENOENT)
		return warn_rc(rc, "get the list of releases '%s'", list_url());
	if (rc < 0)
		return rc;
	rc = releases_parse(text.p ? text.p : "", text.len, ret, err, sizeof(err));
	if (rc == -EBADMSG)
		warn_msg("'%s' is no list of releases: %s", list_url(), err);
	else if (rc < 0)
		return warn_rc(rc, "read '%s'", list_url());
	if (rc == 0)
		write_copy(text.p, text.len);
	if (rc == 0 && ret->dropped > 0)
		warn_msg("%zu of %zu rows of '%s' cannot be used: they name no version",
			 ret->dropped, ret->dropped + ret->n, list_url());
	return rc;
}

const struct release *releases_find(const struct releases *r, const struct kver *v)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->v[i].v.parts > 0 && kver_compare(&r->v[i].v, v) == 0)
			return &r->v[i];
	return NULL;
}

const struct release *releases_newest(const struct releases *r, const struct kver *series)
{
	const struct release *best = NULL;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->v[i].v.parts > 0 && kver_in_series(&r->v[i].v, series) &&
		    (!best || kver_compare(&r->v[i].v, &best->v) > 0))
			best = &r->v[i];
	return best;
}

int releases_eol(const struct releases *r, const struct kver *v)
{
	int eol = 1;
	size_t i;

	if (r->n == 0)
		return -1;
	for (i = 0; i < r->n; i++) {
		const struct release *x = &r->v[i];

		if (x->v.parts == 0 || x->v.major != v->major || x->v.minor != v->minor)
			continue;
		if (x->eol != 1)
			return 0;
		eol = 1;
	}
	return eol;
}
