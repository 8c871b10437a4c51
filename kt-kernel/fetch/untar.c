/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks trees of sources that come from elsewhere, with libarchive. */
#include "untar.h"
#include "die.h"

#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_ENTRIES 1000000
#define MAX_UNPACKED (UINT64_C(16) << 30)

const char *untar_path(const char *path, char *buf, size_t cap)
{
	size_t n = 0;

	if (*path == '/')
		return "its path is absolute";
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0)
			return "its path has '..'";
		if (len > 0 && !(len == 1 && *path == '.')) {
			if (n + len + 2 > cap)
				return "its path is too long";
			if (n > 0)
				buf[n++] = '/';
			memcpy(buf + n, path, len);
			n += len;
		}
		path += len + (path[len] == '/');
	}
	if (n == 0)
		return "it has no name";
	buf[n] = '\0';
	return NULL;
}

/* Steps up are fine only at the start: behind another link they could lead anywhere. */
const char *untar_link(const char *path, const char *to)
{
	size_t depth = 0;
	bool up = true;

	if (!*to)
		return "it is a link to nothing";
	if (*to == '/')
		return "it is a link to an absolute path";
	for (; *path; path++)
		depth += *path == '/';
	while (*to) {
		size_t len = strcspn(to, "/");

		if (len == 2 && memcmp(to, "..", 2) == 0) {
			if (!up)
				return "it is a link with '..' behind a name";
			if (depth <= 1)
				return "it is a link that leads out of the tree";
			depth--;
		} else if (len > 0 && !(len == 1 && *to == '.')) {
			up = false;
		}
		to += len + (to[len] == '/');
	}
	return NULL;
}

/* "linux-6.12/Makefile" is in "linux-6.12". */
static const char *check_top(const char *path, struct untar *u)
{
	size_t n = strcspn(path, "/");

	if (!u->top[0]) {
		if (n >= sizeof(u->top))
			return "its path is too long";
		memcpy(u->top, path, n);
		u->top[n] = '\0';
	}
	if (strlen(u->top) != n || memcmp(u->top, path, n) != 0)
		return "it is outside of the directory that the others are in";
	return NULL;
}

/* Make the entry one that is safe to write. Returns NULL, or why it is not. */
static const char *tame(struct archive_entry *e, struct untar *u)
{
	const char *path = archive_entry_pathname(e), *hard = archive_entry_hardlink(e), *why;
	const char *to = archive_entry_symlink(e);
	char clean[PATH_MAX], target[PATH_MAX];
	mode_t type = archive_entry_filetype(e), mode = archive_entry_perm(e);

	if (!path)
		return "its path cannot be read";
	why = untar_path(path, clean, sizeof(clean));
	if (!why)
		why = check_top(clean, u);
	if (why)
		return why;
	if (hard) {
		why = untar_path(hard, target, sizeof(target));
		if (why || check_top(target, u))
			return "it is a hard link to something outside of the tree";
		archive_entry_set_hardlink(e, target);
	} else if (type == AE_IFLNK) {
		why = to ? untar_link(clean, to) : "it is a link to nothing";
		if (why)
			return why;
	} else if (type != AE_IFREG && type != AE_IFDIR) {
		return "it is neither a file nor a directory nor a link";
	}
	archive_entry_set_pathname(e, clean);
	mode &= 0755; /* nobody else writes to it, and nothing is set-user-ID */
	archive_entry_set_perm(e, type == AE_IFDIR ? mode | 0700 : mode);
	return NULL;
}

static int archive_rc(struct archive *a)
{
	int e = archive_errno(a);

	return e > 0 ? -e : -EBADMSG;
}

static int copy(struct archive *a, struct archive *disk, struct untar *u)
{
	const void *p;
	la_int64_t at;
	size_t n;
	int r;

	while ((r = archive_read_data_block(a, &p, &n, &at)) == ARCHIVE_OK) {
		u->bytes += n;
		if (u->bytes > MAX_UNPACKED)
			return -EFBIG;
		if (archive_write_data_block(disk, p, n, at) < ARCHIVE_WARN)
			return archive_rc(disk);
		progress_at(u->progress, (uint64_t)archive_filter_bytes(a, -1));
	}
	return r == ARCHIVE_EOF ? 0 : archive_rc(a);
}

static int unpack(struct archive *a, struct archive *disk, const char *name, struct untar *u)
{
	struct archive_entry *e;
	const char *why;
	int r, rc;

	while ((r = archive_read_next_header(a, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		why = tame(e, u);
		if (why) {
			const char *path = archive_entry_pathname(e);

			progress_end(u->progress);
			warn_msg("'%s' is refused: of its entry '%s', %s", name, path ? path : "?",
				 why);
			return -EPERM;
		}
		if (++u->files > MAX_ENTRIES)
			return -EFBIG;
		r = archive_write_header(disk, e);
		if (r < ARCHIVE_WARN)
			goto disk_failed;
		if (archive_entry_size(e) > 0) {
			rc = copy(a, disk, u);
			if (rc < 0) {
				progress_end(u->progress);
				return warn_rc(rc, "unpack '%s' of '%s'", archive_entry_pathname(e),
					       name);
			}
		}
		if (archive_write_finish_entry(disk) < ARCHIVE_WARN)
			goto disk_failed;
		progress_at(u->progress, (uint64_t)archive_filter_bytes(a, -1));
	}
	if (r == ARCHIVE_EOF)
		return 0;
	progress_end(u->progress);
	rc = archive_rc(a);
	warn_msg("unpack '%s': %s", name,
		 archive_error_string(a) ? archive_error_string(a) : strerror(-rc));
	return rc;
disk_failed:
	progress_end(u->progress);
	rc = archive_rc(disk);
	warn_msg("unpack '%s' of '%s': %s", archive_entry_pathname(e), name,
		 archive_error_string(disk) ? archive_error_string(disk) : strerror(-rc));
	return rc;
}

int untar_here(struct archive *a, const char *name, struct untar *u)
{
	struct archive *disk = archive_write_disk_new();
	int rc = 0;

	if (!disk || archive_write_disk_set_options(
			     disk, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
					   ARCHIVE_EXTRACT_SECURE_NODOTDOT |
					   ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS) != ARCHIVE_OK)
		rc = warn_rc(-ENOMEM, "unpack '%s'", name);
	progress_begin(u->progress, 0, u->packed, "unpacking %s", name);
	if (rc == 0)
		rc = unpack(a, disk, name, u);
	progress_end(u->progress);
	if (rc == 0 && u->files == 0) {
		warn_msg("'%s' is empty", name);
		rc = -EBADMSG;
	}
	/* The times of directories are set here. */
	if (disk && archive_write_free(disk) != ARCHIVE_OK && rc == 0)
		rc = warn_rc(-EIO, "unpack '%s'", name);
	return rc;
}
