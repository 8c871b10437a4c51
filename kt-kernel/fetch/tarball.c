/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb tarball: a release from kernel.org, whole, checked, unpacked. */
#include "tarball.h"
#include "cachedir.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "lock.h"
#include "out.h"
#include "releases.h"
#include "run.h"
#include "sums.h"
#include "untar.h"
#include "verbs.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MAX_SUMS (32 << 20)
#define MAX_TARBALL (UINT64_C(2) << 30)

struct job {
	struct verb_ctx *f;
	struct kver v;
	char version[KVER_TEXT], url[URL_MAX], name[KVER_TEXT + 16];
	char sum[SHA256_TEXT]; /* what it has to be; "": unknown */
	const char *verified_by; /* "": by nothing */
	char downloads[PATH_MAX];
	int downloads_fd;
};

int unpack_tree(struct verb_ctx *f, const struct workdir *w, struct archive *a, const char *name,
		uint64_t packed, const char *want_top, char *dir, size_t cap)
{
	struct untar u = { .progress = &f->progress, .packed = packed };
	int rc;

	if (fchdir(w->fd) < 0)
		return warn_rc(-errno, "enter the work directory '%s'", w->name);
	rc = untar_here(a, name, &u);
	if (rc == 0 && want_top && strcmp(u.top, want_top) != 0) {
		warn_msg("'%s' holds '%s', not '%s'", name, u.top, want_top);
		rc = -EBADMSG;
	}
	if (rc < 0)
		return rc;
	rc = workdir_publish(w, u.top);
	if (rc < 0)
		return warn_rc(rc, "rename '%s/%s'", w->name, u.top);
	rc = workdir_path(w, u.top, dir, cap);
	return rc < 0 ? warn_rc(rc, "name '%s'", u.top) : 0;
}

static int unpack_file(struct verb_ctx *f, const struct workdir *w, int dir_fd, const char *name,
		       const char *want_top, char *dir, size_t cap)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct archive *a;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return warn_rc(-errno, "open '%s'", name);
	a = archive_read_new();
	if (!a || archive_read_support_filter_all(a) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_open_fd(a, fd, 1 << 20) != ARCHIVE_OK) {
		warn_msg("unpack '%s': %s", name, a ? archive_error_string(a) : strerror(ENOMEM));
		rc = -EBADMSG;
	} else {
		rc = unpack_tree(f, w, a, name, (uint64_t)st.st_size, want_top, dir, cap);
	}
	archive_read_free(a);
	return rc;
}

/* Nothing at that URL: is there a newer one of its series? */
static int say_absent(const struct job *j)
{
	struct releases r = { 0 };
	const struct release *newest = NULL;
	struct kver series = { .major = j->v.major, .minor = j->v.minor, .parts = 2 };
	char text[KVER_TEXT];
	struct http once = j->f->http;

	if (j->v.has_rc) {
		warn_msg("there is no '%s': the archive of a release candidate goes when the "
			 "release is out",
			 j->url);
		return -ENOENT;
	}
	once.retries = 0; /* this is only for the message */
	if (releases_get(&once, 0, &r) == 0)
		newest = releases_newest(&r, &series);
	if (newest)
		warn_msg("there is no '%s': the newest of %s is %s", j->url,
			 kver_series(&series, text), newest->version);
	else
		warn_msg("there is no '%s'", j->url);
	releases_free(&r);
	return -ENOENT;
}

/* What is signed of the text, in its place, if the user has named a keyring. Returns 1, 0 when no
 * keyring is named, or -errno. */
static int check_signature(const struct workdir *w, struct buf *text, const char *url)
{
	const char *keyring = getenv("KTSTR_KERNEL_KEYRING");
	char path[128];
	char *argv[] = { (char[]){ "gpgv" },
			 (char[]){ "--quiet" },
			 (char[]){ "--keyring" },
			 strdupa(keyring ? keyring : ""),
			 (char[]){ "--output" },
			 (char[]){ "-" },
			 path,
			 NULL };
	int rc;

	if (!keyring || !*keyring)
		return 0;
	if (*keyring != '/') {
		warn_msg("bad KTSTR_KERNEL_KEYRING '%s': it should be an absolute path", keyring);
		return -EINVAL;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d/sums", (int)getpid(), w->fd);
	rc = out_replace(w->fd, "sums", text->p, text->len);
	if (rc < 0)
		return warn_rc(rc, "write '%s/sums'", w->name);
	buf_reset(text);
	rc = run_capture(argv, text);
	if (rc < 0) {
		warn_msg("the signature of '%s' is not good by the keys in '%s'", url, keyring);
		return rc;
	}
	if (text->err)
		return text->err;
	return unlinkat(w->fd, "sums", 0) < 0 ? warn_rc(-errno, "remove '%s/sums'", w->name) : 1;
}

/* The checksum that the server gives. */
static int get_sum(struct job *j, const struct workdir *w)
{
	AUTO_BUF text = BUF_INIT;
	char url[URL_MAX], *urls[] = { j->url };
	bool there;
	int rc = kernel_sums_url(&j->v, url), sig;

	if (j->v.has_rc)
		return 0; /* none are published */
	if (rc < 0)
		return warn_rc(rc, "name the URL of the checksums");
	rc = http_text(&j->f->http, url, MAX_SUMS, &text);
	if (rc == 0) {
		sig = check_signature(w, &text, url);
		if (sig < 0)
			return sig;
		rc = sums_find(text.p ? text.p : "", text.len, j->name, j->sum);
		if (rc == 0) {
			j->verified_by = sig ? "signature" : "sha256";
			return 0;
		}
	}
	if (rc == -EBADMSG) {
		warn_msg("'%s' is no list of checksums to rely on", url);
		return rc;
	}
	if (rc != -ENOENT)
		return rc;
	rc = http_exist(&j->f->http, urls, 1, &there);
	if (rc < 0)
		return rc;
	if (!there)
		return say_absent(j);
	if (j->f->no_checksum)
		return 0;
	warn_msg("'%s' has no checksum of '%s' (--no-checksum does without)", url, j->name);
	return -ENOENT;
}

/* NAME.part, open and locked: another one that gets the same file has ended then. */
static int open_part(const struct job *j, char part[NAME_MAX + 1])
{
	(void)snprintf(part, NAME_MAX + 1, "%s.part", j->name); /* fits */
	for (;;) {
		AUTO_FD fd = openat(j->downloads_fd, part,
				    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return -errno;
			if (!j->f->quiet)
				warn_msg("waiting for another download of %s", j->name);
			if (flock(fd, LOCK_EX) < 0)
				return -errno;
		}
		if (lock_means(fd, j->downloads_fd, part))
			return take_fd(&fd);
		/* that one has given it its name: begin again */
	}
}

/* The sum of an open file, from its start. */
static int sum_of(int fd, char sum[SHA256_TEXT], uint64_t *ret_bytes)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return sha256_fd(fd, sum, ret_bytes);
}

/* NAME is there already? Returns 1, 0, or -errno. */
static int have(const struct job *j, char sum[SHA256_TEXT], uint64_t *ret_bytes)
{
	AUTO_FD fd = openat(j->downloads_fd, j->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = sum_of(fd, sum, ret_bytes);
	if (rc < 0)
		return rc;
	if (!j->sum[0] || strcmp(sum, j->sum) == 0)
		return 1;
	warn_msg("'%s/%s' is damaged: getting it again", j->downloads, j->name);
	return unlinkat(j->downloads_fd, j->name, 0) < 0 ? -errno : 0;
}

static int download(struct job *j, char sum[SHA256_TEXT], uint64_t *ret_bytes)
{
	struct http_file file = {
		.url = j->url, .name = j->name, .dir_fd = j->downloads_fd, .max_bytes = MAX_TARBALL
	};
	char part[NAME_MAX + 1];
	AUTO_FD fd = open_part(j, part);
	int rc, tries;

	if (fd < 0)
		return warn_rc(fd, "open '%s/%s'", j->downloads, part);
	rc = have(j, sum, ret_bytes);
	if (rc < 0)
		return warn_rc(rc, "read '%s/%s'", j->downloads, j->name);
	if (rc == 1) {
		http_forget(&file);
		return unlinkat(j->downloads_fd, part, 0) < 0
			       ? warn_rc(-errno, "remove '%s/%s'", j->downloads, part)
			       : 0;
	}
	for (tries = 0;; tries++) {
		rc = http_file(&j->f->http, &file, fd);
		if (rc == -ENOENT) {
			(void)unlinkat(j->downloads_fd, part, 0); /* it is empty, or of old */
			http_forget(&file);
			return say_absent(j);
		}
		if (rc < 0)
			return rc;
		rc = sum_of(fd, sum, ret_bytes);
		if (rc < 0)
			return warn_rc(rc, "read '%s/%s'", j->downloads, part);
		if (!j->sum[0] || strcmp(sum, j->sum) == 0)
			break;
		http_forget(&file);
		if (tries == 0 && file.resumed > 0) {
			warn_msg("'%s' is damaged, perhaps by its first part: getting it anew",
				 j->name);
			continue;
		}
		(void)unlinkat(j->downloads_fd, part, 0); /* the sum is the news */
		warn_msg("'%s' is damaged or forged: its sha256 is %s, and should be %s", j->url,
			 sum, j->sum);
		return -EBADMSG;
	}
	if (fsync(fd) < 0 || renameat(j->downloads_fd, part, j->downloads_fd, j->name) < 0)
		return warn_rc(-errno, "rename '%s/%s'", j->downloads, part);
	http_forget(&file);
	return 0;
}

static int open_downloads(struct job *j)
{
	const char *dir = j->f->downloads;

	if (dir) {
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return warn_rc(-errno, "make '%s'", dir);
		if (!realpath(dir, j->downloads))
			return warn_rc(-errno, "name '%s'", dir);
		j->downloads_fd = open(j->downloads, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return j->downloads_fd < 0 ? warn_rc(-errno, "open '%s'", dir) : 0;
	}
	j->downloads_fd = cachedir_open("downloads");
	if (j->downloads_fd < 0)
		return warn_rc(j->downloads_fd, "make a directory in the cache");
	if (!cachedir_path(j->downloads, sizeof(j->downloads) - sizeof("/downloads")))
		return warn_rc(-errno, "name the cache");
	strcat(j->downloads, "/downloads");
	return 0;
}

static int work(struct workdir *w, void *arg, void *result)
{
	struct job *j = arg;
	struct source *s = result;
	char top[KVER_TEXT + 8];
	int rc = get_sum(j, w);

	if (rc == 0)
		rc = download(j, s->sha256, &s->bytes);
	if (rc < 0)
		return rc;
	(void)snprintf(top, sizeof(top), "linux-%s", j->version); /* fits */
	rc = unpack_file(j->f, w, j->downloads_fd, j->name, top, s->dir, sizeof(s->dir));
	if ((rc == -EBADMSG || rc == -EPERM || rc == -EIO) &&
	    unlinkat(j->downloads_fd, j->name, 0) < 0)
		(void)warn_rc(-errno, "remove '%s/%s'", j->downloads, j->name);
	if (rc < 0)
		return rc;
	if (snprintf(s->file, sizeof(s->file), "%s/%s", j->downloads, j->name) >=
		    (int)sizeof(s->file) ||
	    source_text(s->version, sizeof(s->version), j->version) < 0 ||
	    source_text(s->url, sizeof(s->url), j->url) < 0 ||
	    source_text(s->verified_by, sizeof(s->verified_by), j->verified_by) < 0)
		return warn_rc(-ENAMETOOLONG, "tell about '%s'", j->name);
	return 0;
}

int verb_tarball(struct verb_ctx *f)
{
	struct job j = { .f = f, .verified_by = "", .downloads_fd = -1 };
	struct source s = { .kind = "tarball" };
	const char *what = f->args[0];
	int rc;

	if (kver_parse(what, strlen(what), &j.v) < 0 || j.v.parts < 2)
		die_usage("'%s' is no version like 6.12.3 or 6.15-rc3", what);
	if (j.v.major < 3)
		die_usage("'%s': kernels before 3.0 are out of reach", what);
	kver_text(&j.v, j.version);
	rc = kernel_url(&j.v, j.url);
	if (rc < 0)
		return warn_rc(rc, "name the URL of %s", j.version);
	(void)snprintf(j.name, sizeof(j.name), "linux-%s.tar.%s", j.version,
		       j.v.has_rc ? "gz" : "xz"); /* fits */
	rc = open_downloads(&j);
	if (rc == 0)
		rc = workdir_run(f->into, work, &j, &s, sizeof(s));
	close_fdp(&j.downloads_fd);
	return rc < 0 ? rc : stream_source(f, &s);
}
