/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs apt-list, apt-file and deb: prebuilt kernels, of the distribution's archive or in a
 * package that the user has. */
#include "apt.h"
#include "cleanup.h"
#include "die.h"
#include "unpack.h"
#include "verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG (4 << 20)
#define MAX_IMAGE (512 << 20)

int verb_apt_list(struct verb_ctx *f)
{
	struct apt a = { f->state };
	AUTO_FREE struct apt_kernel *k = NULL;
	int n, i, rc = apt_setup(&a, f->suite);

	if (rc == 0)
		rc = apt_update(&a);
	if (rc < 0)
		return rc;
	n = apt_kernels(&a, f->flavour, &k);
	if (n < 0)
		return n;
	rc = stream_begin(f, -1);
	for (i = 0; i < n && rc == 0; i++) {
		struct jsonw *w = &f->w;

		jsonw_begin(w, "candidate");
		jsonw_str(w, "release", k[i].release);
		jsonw_str(w, "package", k[i].package);
		jsonw_str(w, "version", k[i].version);
		jsonw_u64(w, "bytes", k[i].bytes);
		jsonw_str(w, "config_package", k[i].config_package);
		jsonw_u64(w, "config_bytes", k[i].config_bytes);
		rc = stream_record(f);
	}
	return rc;
}

/* One file of a kernel's package: its image or its configuration. */
struct wanted {
	bool image;
	const char *release; /* or NULL: that of the first one there is */
	char found[128]; /* its release */
};

/* The release in "usr/lib/modules/RELEASE/vmlinuz" or "boot/vmlinuz-RELEASE" (or config); false
 * when path is another one. */
static bool release_in(const char *path, const char *file, char *buf, size_t cap)
{
	static const char *const before[] = { "usr/lib/modules/", "lib/modules/" };
	size_t i, n = strlen(file), len;

	if (strncmp(path, "boot/", 5) == 0 && strncmp(path + 5, file, n) == 0 &&
	    path[5 + n] == '-' && !strchr(path + 5 + n, '/'))
		return snprintf(buf, cap, "%s", path + 5 + n + 1) < (int)cap;
	for (i = 0; i < KT_ARRAY_LEN(before); i++) {
		if (strncmp(path, before[i], strlen(before[i])) != 0)
			continue;
		path += strlen(before[i]);
		len = strcspn(path, "/");
		return path[len] == '/' && strcmp(path + len + 1, file) == 0 &&
		       snprintf(buf, cap, "%.*s", (int)len, path) < (int)cap;
	}
	return false;
}

static int take_file(struct archive *a, const char *path, uint64_t size, void *arg)
{
	struct wanted *w = arg;
	char release[sizeof(w->found)];
	uint64_t max = w->image ? MAX_IMAGE : MAX_CONFIG;

	if (!release_in(path, w->image ? "vmlinuz" : "config", release, sizeof(release)) ||
	    !release[0] || (w->release && strcmp(release, w->release) != 0))
		return 0;
	if (size > max)
		return -EFBIG;
	memcpy(w->found, release, sizeof(release));
	return deb_write(a, max, w->image ? "bzImage" : "config");
}

/* Write the file into the current directory. */
static int from_deb(const char *deb, struct wanted *w)
{
	const char *why;
	int rc = deb_each(deb, take_file, w, &why);

	if (rc < 0 && why)
		warn_msg("unpack '%s': %s", deb, why);
	else if (rc < 0)
		(void)warn_rc(rc, "unpack '%s'", deb);
	if (rc == 0) {
		warn_msg("'%s' holds no %s%s%s", deb,
			 w->image ? "kernel" : "configuration of a kernel",
			 w->release ? " of release " : "", w->release ? w->release : "");
		rc = -ENOENT;
	}
	return rc < 0 ? rc : 0;
}

static int write_file(struct verb_ctx *f, const struct wanted *w)
{
	AUTO_FREE char *path = realpath(w->image ? "bzImage" : "config", NULL);
	int rc = path ? stream_begin(f, -1) : warn_rc(-errno, "name the file");

	if (rc < 0)
		return rc;
	jsonw_begin(&f->w, "file");
	jsonw_str(&f->w, "what", w->image ? "image" : "config");
	jsonw_str(&f->w, "path", path);
	jsonw_str(&f->w, "release", w->found);
	return stream_record(f);
}

static bool is_image(const char *verb, const char *what)
{
	bool image = strcmp(what, "image") == 0;

	if (!image && strcmp(what, "config") != 0)
		die_usage("%s: config or image, not '%s'", verb, what);
	return image;
}

int verb_apt_file(struct verb_ctx *f)
{
	struct apt a = { f->state, false };
	struct wanted w = { .image = is_image("apt-file", f->args[0]), .release = f->release };
	char deb[NAME_MAX + 1];
	int rc = apt_download(&a, f->package, f->package_version, f->into, deb, sizeof(deb));

	if (rc < 0)
		return rc;
	rc = from_deb(deb, &w);
	if (unlink(deb) < 0 && rc == 0)
		rc = warn_rc(-errno, "remove '%s'", deb);
	return rc < 0 ? rc : write_file(f, &w);
}

int verb_deb(struct verb_ctx *f)
{
	struct wanted w = { .image = is_image("deb", f->args[1]), .release = f->release };
	AUTO_FREE char *deb = realpath(f->args[0], NULL);
	int rc;

	if (!deb)
		return warn_rc(-errno, "open '%s'", f->args[0]);
	if (chdir(f->into) < 0)
		return warn_rc(-errno, "enter '%s'", f->into);
	rc = from_deb(deb, &w);
	return rc < 0 ? rc : write_file(f, &w);
}
