/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs apt-source and apt-source-list: the distribution's own package of kernel sources, which
 * holds a tar archive in usr/src. */
#include "apt.h"
#include "cleanup.h"
#include "die.h"
#include "sha256.h"
#include "tarball.h"
#include "unpack.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Ready apt's state. fresh: what its lists say must be of now. */
static int prepare(struct verb_ctx *f, struct apt *a, bool fresh)
{
	const char *uri = getenv("KTSTR_APT_URI");
	int rc;

	*a = (struct apt){ .state = f->state, .system = !f->suite };
	if (a->system && uri && *uri)
		die_usage("--suite is missing: KTSTR_APT_URI names an archive");
	if (mkdir(f->state, 0700) < 0 && errno != EEXIST)
		return warn_rc(-errno, "make '%s'", f->state);
	rc = apt_setup(a, f->suite);
	if (rc == 0 && fresh) {
		progress_begin(&f->progress, 0, 0, "getting the lists of %s",
			       f->suite ? f->suite : "this system's archives");
		rc = apt_update(a);
		progress_end(&f->progress);
	}
	return rc;
}

/* The package in the version that is asked for, or the newest. */
static int choose(struct verb_ctx *f, const struct apt *a, struct apt_package *ret)
{
	AUTO_FREE struct apt_package *v = NULL;
	const char *package = f->args[0];
	int n = apt_versions(a, package, &v), i;

	for (i = 0; i < n; i++)
		if (!f->package_version || strcmp(f->package_version, v[i].version) == 0) {
			*ret = v[i];
			return 0;
		}
	if (n < 0)
		return n;
	if (f->package_version)
		warn_msg("there is no package '%s' of version '%s'", package, f->package_version);
	else
		warn_msg("there is no package '%s' in %s%s", package, f->suite ? "suite " : "",
			 f->suite ? f->suite : "this system's archives (apt's sources)");
	return -ENOENT;
}

int verb_apt_source_list(struct verb_ctx *f)
{
	struct apt_package p = { 0 };
	struct apt a;
	int rc = prepare(f, &a, true);

	if (rc == 0)
		rc = choose(f, &a, &p);
	if (rc == 0)
		rc = stream_begin(f, -1);
	if (rc < 0)
		return rc;
	jsonw_begin(&f->w, "package");
	jsonw_str(&f->w, "package", p.name);
	jsonw_str(&f->w, "version", p.version);
	jsonw_u64(&f->w, "bytes", p.bytes);
	return stream_record(f);
}

struct job {
	struct verb_ctx *f;
	struct apt a;
	struct apt_package p;
	const struct workdir *w;
	struct source *s;
	bool said; /* why it failed */
};

/* The inner archive reads what the package's gives. */
struct inner {
	struct archive *outer;
	char buf[1 << 18];
};

static la_ssize_t read_inner(struct archive *a, void *arg, const void **ret)
{
	struct inner *in = arg;
	la_ssize_t n = archive_read_data(in->outer, in->buf, sizeof(in->buf));

	if (n < 0)
		archive_set_error(a, archive_errno(in->outer), "%s",
				  archive_error_string(in->outer));
	*ret = in->buf;
	return n;
}

/* usr/src/linux-source-6.12.tar.xz */
static int take_sources(struct archive *outer, const char *path, uint64_t size, void *arg)
{
	static const char before[] = "usr/src/";
	struct job *j = arg;
	const char *name = path + strlen(before);
	struct inner *in;
	struct archive *a;
	int rc = 0;

	if (strncmp(path, before, strlen(before)) != 0 || strchr(name, '/') ||
	    !strstr(name, ".tar"))
		return 0;
	in = malloc(sizeof(*in));
	a = archive_read_new();
	if (in && a) {
		in->outer = outer;
		if (archive_read_support_filter_all(a) < ARCHIVE_WARN ||
		    archive_read_support_format_tar(a) != ARCHIVE_OK ||
		    archive_read_open(a, in, NULL, read_inner, NULL) != ARCHIVE_OK)
			rc = -EBADMSG;
	} else {
		rc = -ENOMEM;
	}
	j->said = true;
	if (rc < 0)
		(void)warn_rc(rc, "unpack '%s'", path);
	else
		rc = unpack_tree(j->f, j->w, a, name, size, NULL, j->s->dir, sizeof(j->s->dir));
	archive_read_free(a);
	free(in);
	return rc < 0 ? rc : 1;
}

static int work(struct workdir *w, void *arg, void *result)
{
	struct job *j = arg;
	struct source *s = result;
	char deb[NAME_MAX + 1], dir[64], size[32];
	const char *why = NULL;
	AUTO_FD fd = -1;
	int rc;

	j->w = w;
	j->s = s;
	(void)snprintf(dir, sizeof(dir), "/proc/self/fd/%d", w->fd);
	progress_begin(&j->f->progress, 0, 0, "getting %s %s (%s)", j->p.name, j->p.version,
		       progress_bytes(j->p.bytes, size));
	rc = apt_download(&j->a, j->p.name, j->p.version, dir, deb, sizeof(deb));
	progress_end(&j->f->progress);
	if (rc < 0)
		return rc;
	fd = open(deb, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : sha256_fd(fd, s->sha256, &s->bytes);
	if (rc < 0)
		return warn_rc(rc, "read '%s'", deb);
	rc = deb_each(deb, take_sources, j, &why);
	if (rc == 0) {
		warn_msg("'%s' holds no archive of sources in usr/src", deb);
		return -ENOENT;
	}
	if (rc < 0 && !j->said)
		warn_msg("unpack '%s': %s", deb, why ? why : strerror(-rc));
	if (rc < 0)
		return rc;
	if (source_text(s->package, sizeof(s->package), j->p.name) < 0 ||
	    source_text(s->package_version, sizeof(s->package_version), j->p.version) < 0 ||
	    source_text(s->verified_by, sizeof(s->verified_by), "apt") < 0)
		return warn_rc(-ENAMETOOLONG, "tell about '%s'", deb);
	return 0;
}

int verb_apt_source(struct verb_ctx *f)
{
	struct job j = { .f = f };
	struct source s = { .kind = "package" };
	int rc = prepare(f, &j.a, !f->package_version);

	if (rc == 0)
		rc = choose(f, &j.a, &j.p);
	if (rc == 0)
		rc = workdir_run(f->into, work, &j, &s, sizeof(s));
	return rc < 0 ? rc : stream_source(f, &s);
}
