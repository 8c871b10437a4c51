// SPDX-License-Identifier: GPL-2.0-or-later
/* What names kernels and comes with them: identifiers, the list of releases, checksums, paths and
 * links of an archive. */
#include "fuzz.h"
#include "ident.h"
#include "releases.h"
#include "sums.h"
#include "untar.h"

#include <errno.h>
#include <limits.h>

/* What a version is written as is read as the same version. */
static void check_version(const struct kver *v)
{
	char text[KVER_TEXT];
	struct kver again;

	kver_text(v, text);
	FUZZ_ASSERT(kver_parse(text, strlen(text), &again) == 0);
	FUZZ_ASSERT(kver_compare(v, &again) == 0);
	FUZZ_ASSERT(kver_in_range(v, v, v));
	kver_series(v, text);
	FUZZ_ASSERT(kver_parse(text, strlen(text), &again) == 0);
	FUZZ_ASSERT(v->has_rc || kver_in_series(v, &again));
}

static void check_ident(const char *s)
{
	struct ident id;

	ident_parse(s, &id);
	switch (id.kind) {
	case IDENT_BAD:
		FUZZ_ASSERT(id.why);
		break;
	case IDENT_GIT:
		FUZZ_ASSERT(id.url_len > 0 && *id.ref && id.url == s + 4 &&
			    id.ref == id.url + id.url_len + 1);
		break;
	case IDENT_RANGE:
		check_version(&id.v);
		check_version(&id.end);
		FUZZ_ASSERT(kver_compare(&id.v, &id.end) <= 0 ||
			    kver_in_range(&id.v, &id.end, &id.end));
		break;
	case IDENT_VERSION:
	case IDENT_SERIES:
		check_version(&id.v);
		break;
	case IDENT_PATH:
	case IDENT_KEY:
		break;
	}
}

static void check_list(const char *text, size_t n)
{
	char err[256] = "";
	struct releases r;
	size_t i;
	int rc = releases_parse(text, n, &r, err, sizeof(err));

	FUZZ_ASSERT(rc == 0 || (rc == -EBADMSG && *err));
	if (rc < 0)
		return;
	for (i = 0; i < r.n; i++) {
		FUZZ_ASSERT(r.v[i].moniker[0] && r.v[i].version[0]);
		if (r.v[i].v.parts == 0)
			continue;
		check_version(&r.v[i].v);
		FUZZ_ASSERT(releases_find(&r, &r.v[i].v));
		FUZZ_ASSERT(releases_eol(&r, &r.v[i].v) >= 0);
	}
	releases_free(&r);
}

static void check_sums(const char *text, size_t n)
{
	char sum[SHA256_TEXT] = "-";
	int rc = sums_find(text, n, "linux-6.12.tar.xz", sum);

	FUZZ_ASSERT(rc == 0 || ((rc == -ENOENT || rc == -EBADMSG) && sum[0] == '-'));
	FUZZ_ASSERT(rc < 0 || strspn(sum, "0123456789abcdef") == SHA256_TEXT - 1);
}

/* A path, and behind a "|" what it is a link to. A path that is let through has no "..", and a link
 * that is let through goes up only at first, and no further than it is deep. */
static void check_path(char *s)
{
	char clean[PATH_MAX], again[PATH_MAX], *to = strchr(s, '|');
	const char *p;
	size_t depth = 0, up = 0;

	if (to)
		*to++ = '\0';
	if (untar_path(s, clean, sizeof(clean)) != NULL)
		return;
	FUZZ_ASSERT(*clean && *clean != '/' && strncmp(clean, "../", 3) != 0 &&
		    !strstr(clean, "/../") && !strstr(clean, "//"));
	FUZZ_ASSERT(untar_path(clean, again, sizeof(again)) == NULL && strcmp(clean, again) == 0);
	if (!to || untar_link(clean, to) != NULL)
		return;
	for (p = clean; *p; p++)
		depth += *p == '/';
	for (p = to; (p = strstr(p, "..")); p += 2)
		up += (p == to || p[-1] == '/') && (p[2] == '/' || !p[2]);
	FUZZ_ASSERT(*to && *to != '/' && (up == 0 || up < depth));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *s = fuzz_text(data, size);

	check_ident(s);
	check_list(s, size);
	check_sums(s, size);
	check_path(s);
	return 0;
}
