/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lists of the archive say about packages. */
#include "apt.h"
#include "apt_text.h"
#include "cleanup.h"
#include "die.h"
#include "num.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void take(char *buf, size_t cap, const char *p, const char *e)
{
	while (p < e && *p == ' ')
		p++;
	(void)snprintf(buf, cap, "%.*s", (int)(e - p), p); /* cut: apt will not know it */
}

/* The stanzas that apt-cache prints: "Package: x", "Version: y", "Size: n", …, an empty line. */
static int parse_packages(const char *text, size_t len, struct apt_package **ret)
{
	const char *end = text + len, *p, *e, *next;
	AUTO_FREE struct apt_package *v = NULL;
	struct apt_package now = { 0 };
	int n = 0, cap = 0;
	char number[32];

	for (p = text; (next = apt_next_line(p, end, &e)); p = next) {
		if (apt_is_field(p, e, "Package"))
			take(now.name, sizeof(now.name), p + 8, e);
		else if (apt_is_field(p, e, "Version"))
			take(now.version, sizeof(now.version), p + 8, e);
		else if (apt_is_field(p, e, "Size")) {
			take(number, sizeof(number), p + 5, e);
			if (num_u64(number, 0, UINT64_MAX, &now.bytes) < 0)
				now.bytes = 0;
		}
		if (e > p && next != end)
			continue;
		if (now.name[0] && now.version[0]) {
			if (n == cap) {
				struct apt_package *w =
					reallocarray(v, (size_t)cap + 64, sizeof(*v));

				if (!w)
					return -ENOMEM;
				v = w;
				cap += 64;
			}
			v[n++] = now;
		}
		now = (struct apt_package){ 0 };
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
	AUTO_FREE struct apt_package *v = NULL;
	AUTO_FREE struct apt_kernel *k = NULL;
	int n, m = 0, i, j, rc = apt_run(a, "apt-cache", args, &text);

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

static int newest_package_first(const void *a, const void *b)
{
	const struct apt_package *x = a, *y = b;

	return version_compare(y->version, x->version);
}

int apt_versions(const struct apt *a, const char *package, struct apt_package **ret)
{
	const char *const args[] = { "show", "--all-versions", package, NULL };
	const char *const known[] = { "pkgnames", package, NULL };
	AUTO_FREE struct apt_package *v = NULL;
	AUTO_BUF text = BUF_INIT, names = BUF_INIT;
	bool found = false;
	const char *p, *e, *next;
	int n, m = 0, i, rc;

	/* Of a name that it does not know, show says no more than its exit status. */
	rc = apt_run(a, "apt-cache", known, &names);
	for (p = names.p; rc == 0 && p && (next = apt_next_line(p, names.p + names.len, &e));
	     p = next)
		found |= (size_t)(e - p) == strlen(package) &&
			 memcmp(p, package, (size_t)(e - p)) == 0;
	if (rc < 0 || !found)
		return rc;
	rc = apt_run(a, "apt-cache", args, &text);
	if (rc < 0)
		return rc;
	n = parse_packages(text.p ? text.p : "", text.len, &v);
	for (i = 0; i < n; i++)
		if (strcmp(v[i].name, package) == 0)
			v[m++] = v[i];
	if (m > 0)
		qsort(v, (size_t)m, sizeof(*v), newest_package_first);
	*ret = take_ptr(&v);
	return n < 0 ? n : m;
}
