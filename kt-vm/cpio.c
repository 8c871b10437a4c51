/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a tree as a cpio archive, by libarchive. */
#include "cpio.h"
#include "cleanup.h"
#include "elf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

struct job {
	struct archive *a;
	uint32_t ino;
	cpio_sink_fn sink;
	void *arg;
	int sink_rc;
	const char *what;
};

static la_ssize_t sink(struct archive *a, void *arg, const void *p, size_t n)
{
	struct job *j = arg;

	j->sink_rc = j->sink(p, n, j->arg);
	if (j->sink_rc < 0) {
		archive_set_error(a, -j->sink_rc, "write failed");
		return -1;
	}
	return (la_ssize_t)n;
}

static int archive_rc(const struct job *j)
{
	int e = archive_errno(j->a);

	return j->sink_rc < 0 ? j->sink_rc : e > 0 ? -e : -EIO;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int write_file(struct job *j, const struct node *n)
{
	AUTO_FD fd = open(n->source, O_RDONLY | O_CLOEXEC);
	uint64_t left = n->size;
	char buf[65536];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!same(&st, &n->st))
		return -ESTALE;
	while (left > 0) {
		size_t want = left < sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t got = read(fd, buf, want);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ESTALE;
		if (left == n->size && n->size < (uint64_t)n->st.st_size)
			elf_trim(buf, (size_t)got);
		if (archive_write_data(j->a, buf, (size_t)got) != got)
			return archive_rc(j);
		left -= (uint64_t)got;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	return same(&st, &n->st) ? 0 : -ESTALE;
}

static int write_node(const struct node *n, void *arg)
{
	static const mode_t type[] = {
		[NODE_DIR] = AE_IFDIR, [NODE_FILE] = AE_IFREG, [NODE_LINK] = AE_IFLNK
	};
	struct job *j = arg;
	struct archive_entry *e = archive_entry_new();
	int rc = 0;

	if (!e)
		return -ENOMEM;
	j->what = n->source ? n->source : n->path;
	archive_entry_set_pathname(e, n->path);
	archive_entry_set_filetype(e, type[n->kind]);
	archive_entry_set_perm(e, n->mode);
	archive_entry_set_ino64(e, ++j->ino);
	archive_entry_set_nlink(e, n->kind == NODE_DIR ? 2 : 1);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_size(e, n->kind == NODE_FILE ? (la_int64_t)n->size : 0);
	if (n->kind == NODE_LINK)
		archive_entry_set_symlink(e, n->target);
	if (archive_write_header(j->a, e) != ARCHIVE_OK)
		rc = archive_rc(j);
	else if (n->kind == NODE_FILE)
		rc = n->source ? write_file(j, n) : -EINVAL;
	archive_entry_free(e);
	if (rc == 0)
		j->what = NULL;
	return rc;
}

int cpio_write(const struct tree *t, int level, cpio_sink_fn fn, void *arg, const char **ret_what)
{
	struct job j = { .a = archive_write_new(), .sink = fn, .arg = arg };
	char option[64];
	int rc = 0;

	*ret_what = NULL;
	if (!j.a)
		return -ENOMEM;
	/* The kernel unpacks one frame of any window up to 128 MiB. */
	(void)snprintf(option, sizeof(option), "zstd:compression-level=%d", level);
	if (archive_write_set_format_cpio_newc(j.a) != ARCHIVE_OK ||
	    (level > 0 && (archive_write_add_filter_zstd(j.a) != ARCHIVE_OK ||
			   archive_write_set_options(j.a, option) != ARCHIVE_OK)) ||
	    archive_write_set_bytes_in_last_block(j.a, 1) != ARCHIVE_OK ||
	    archive_write_open(j.a, &j, NULL, sink, NULL) != ARCHIVE_OK)
		rc = archive_rc(&j);
	if (rc == 0)
		rc = tree_each(t, write_node, &j);
	if (rc == 0 && archive_write_close(j.a) != ARCHIVE_OK)
		rc = archive_rc(&j);
	if (j.sink_rc < 0) {
		rc = j.sink_rc;
		j.what = NULL;
	}
	*ret_what = j.what;
	if (rc < 0)
		(void)archive_write_fail(j.a); /* or freeing would finish the archive */
	(void)archive_write_free(j.a); /* what there was to report has been */
	return rc;
}
