/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes single files out of a Debian package: an ar archive with a compressed tar in it. */
#include "unpack.h"
#include "cleanup.h"
#include "out.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The inner archive reads what the outer one gives. */
struct member {
	struct archive *outer;
	char buf[65536];
};

static la_ssize_t read_member(struct archive *inner, void *arg, const void **ret)
{
	struct member *m = arg;
	la_ssize_t n = archive_read_data(m->outer, m->buf, sizeof(m->buf));

	if (n < 0)
		archive_set_error(inner, archive_errno(m->outer), "%s",
				  archive_error_string(m->outer));
	*ret = m->buf;
	return n;
}

static int archive_rc(struct archive *a)
{
	int e = archive_errno(a);

	return e > 0 ? -e : -EBADMSG;
}

int deb_write(struct archive *a, uint64_t max_bytes, const char *to)
{
	AUTO_FD fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	uint64_t sum = 0;
	char buf[65536];
	la_ssize_t n;
	int rc = 0;

	if (fd < 0)
		return -errno;
	while (rc == 0 && (n = archive_read_data(a, buf, sizeof(buf))) != 0) {
		if (n < 0)
			rc = archive_rc(a);
		else if ((sum += (uint64_t)n) > max_bytes)
			rc = -EFBIG;
		else
			rc = out_all(fd, buf, (size_t)n);
	}
	if (rc == 0 && close(take_fd(&fd)) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlink(to); /* rc is the news */
	return rc < 0 ? rc : 1;
}

static int search(struct archive *a, deb_fn *fn, void *arg)
{
	struct archive_entry *e;
	int r, rc;

	while ((r = archive_read_next_header(a, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		const char *path = archive_entry_pathname(e);

		if (!path || archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
			continue;
		if (strncmp(path, "./", 2) == 0)
			path += 2;
		rc = fn(a, path, (uint64_t)archive_entry_size(e), arg);
		if (rc != 0)
			return rc;
	}
	return r == ARCHIVE_EOF ? 0 : archive_rc(a);
}

/* libarchive's texts go with the archive they belong to. */
static const char *keep(struct archive *a)
{
	static char text[256];
	const char *s = archive_error_string(a);

	if (!s)
		return NULL;
	strncpy(text, s, sizeof(text) - 1);
	return text;
}

int deb_each(const char *deb, deb_fn *fn, void *arg, const char **ret_why)
{
	struct member m = { .outer = archive_read_new() };
	struct archive *inner = archive_read_new();
	struct archive_entry *e;
	int rc = 0, r;

	*ret_why = NULL;
	if (!m.outer || !inner || archive_read_support_format_ar(m.outer) != ARCHIVE_OK ||
	    archive_read_support_filter_all(inner) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(inner) != ARCHIVE_OK) {
		rc = -ENOMEM;
		goto out;
	}
	if (archive_read_open_filename(m.outer, deb, 65536) != ARCHIVE_OK) {
		rc = archive_rc(m.outer);
		*ret_why = keep(m.outer);
		goto out;
	}
	while ((r = archive_read_next_header(m.outer, &e)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(e);

		if (!name || strncmp(name, "data.tar", 8) != 0)
			continue;
		rc = archive_read_open(inner, &m, NULL, read_member, NULL) == ARCHIVE_OK
			     ? search(inner, fn, arg)
			     : archive_rc(inner);
		if (rc < 0)
			*ret_why = keep(inner);
		goto out;
	}
	rc = r == ARCHIVE_EOF ? -EBADMSG : archive_rc(m.outer);
	*ret_why = r == ARCHIVE_EOF ? "it holds no data.tar" : keep(m.outer);
out:
	archive_read_free(inner);
	archive_read_free(m.outer);
	return rc;
}
