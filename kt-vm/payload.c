/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run hands to the guest: the page, see page.h. */
#include "payload.h"
#include "cleanup.h"
#include "frames.h"
#include "out.h"
#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define HEADER 110

#define ZSTD_MAGIC 0xFD2FB528
#define ZSTD_SKIP 0x184D2A50 /* to …5F */
#define ZSTD_BLOCK (128 << 10) /* no block holds more */

/* One zstd frame (RFC 8878, 3.1.1) at p. Returns its length and adds what it unpacks to, from
 * above, to *sum; 0 when it is none. */
static size_t zstd_frame(const uint8_t *p, size_t len, uint64_t *sum)
{
	static const unsigned int dict_len[] = { 0, 1, 2, 4 }, size_len[] = { 0, 2, 4, 8 };
	uint32_t magic = len < 9 ? 0 : get_u32(p), block;
	size_t at = 5;
	bool last = false;

	if ((magic & 0xFFFFFFF0) == ZSTD_SKIP)
		return get_u32(p + 4) <= len - 8 ? 8 + (size_t)get_u32(p + 4) : 0;
	if (magic != ZSTD_MAGIC)
		return 0;
	/* window descriptor unless a single segment, dictionary, size of the content */
	if (p[4] & 0x20)
		at += size_len[p[4] >> 6] ? 0 : 1;
	else
		at += 1;
	at += dict_len[p[4] & 3] + size_len[p[4] >> 6];
	while (!last) {
		unsigned int kind;

		if (len < at + 3)
			return 0;
		block = p[at] | (uint32_t)p[at + 1] << 8 | (uint32_t)p[at + 2] << 16;
		last = block & 1;
		kind = block >> 1 & 3;
		block >>= 3;
		*sum += kind < 2 ? block : ZSTD_BLOCK; /* raw and repeated bytes say it exactly */
		at += 3 + (size_t)(kind == 1 ? 1 : block);
	}
	at += p[4] & 4 ? 4 : 0; /* checksum */
	return at <= len ? at : 0;
}

uint64_t payload_unpacked(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	size_t n;

	if (len >= 2 && p[0] == 0x1F && p[1] == 0x8B)
		return (uint64_t)len * 5; /* gzip does not tell */
	while (len > 0 && (n = zstd_frame(p, len, &sum)) > 0) {
		p += n;
		len -= n;
	}
	return sum + len;
}

static int zeros(int fd, uint64_t n)
{
	static const char none[512];

	return out_all(fd, none, (size_t)n);
}

/* Entries and archives begin at a multiple of four. */
static int align4(int fd)
{
	off_t at = lseek(fd, 0, SEEK_CUR);

	return at < 0 ? -errno : zeros(fd, (uint64_t)(-at & 3));
}

int payload_measure(const char *path, uint64_t *ret_unpacked, uint64_t *ret_size)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_unpacked = *ret_size = (uint64_t)st.st_size;
	if (st.st_size == 0)
		return 0;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ret_unpacked = payload_unpacked(map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	return 0;
}

int payload_add(struct payload *p, const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t unpacked = 0, size = 0;
	ssize_t n;
	int rc = fd < 0 ? -errno : payload_measure(path, &unpacked, &size);

	if (rc < 0)
		return rc;
	p->unpacked += unpacked;
	while ((n = sendfile(p->fd, fd, NULL, 1 << 30)) > 0)
		;
	return n < 0 ? -errno : align4(p->fd);
}

static int put_head(const struct payload *p, uint64_t archive_len)
{
	uint8_t head[PAGE_FIELDS];

	put_u64(head, PAGE_MAGIC);
	put_u32(head + PAGE_FLAGS, p->flags);
	put_u32(head + 12, p->request);
	put_u64(head + 16, archive_len);
	return pwrite(p->fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) ? 0 : -errno;
}

int payload_open(struct payload *p, uint32_t flags)
{
	int rc;

	*p = (struct payload){ .fd = memfd_create("ktstr-page", MFD_CLOEXEC),
			       .flags = flags,
			       .ino = 1 };
	if (p->fd < 0)
		return -errno;
	rc = ftruncate(p->fd, (off_t)PAGE_BYTES) < 0 || lseek(p->fd, PAGE_HEAD, SEEK_SET) < 0
		     ? -errno
		     : put_head(p, 0);
	if (rc < 0)
		drop_fd(&p->fd);
	return rc;
}

int payload_request(struct payload *p, const void *data, size_t len)
{
	int rc;

	if (len > UINT32_MAX)
		return -EFBIG;
	p->request = (uint32_t)len;
	p->archive = PAGE_HEAD + ((len + 3) & ~(uint64_t)3);
	rc = out_all(p->fd, data, len);
	return rc < 0 ? rc : align4(p->fd);
}

static int header(struct payload *p, const char *path, unsigned int mode, uint64_t size)
{
	char text[HEADER + 1];
	size_t len = strlen(path) + 1;
	int rc;

	(void)snprintf(text, sizeof(text),
		       "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", p->ino++, mode,
		       0U, 0U, 1U, 0U, (unsigned int)size, 0U, 0U, 0U, 0U, (unsigned int)len,
		       0U); /* exactly HEADER characters */
	rc = out_all(p->fd, text, HEADER);
	if (rc == 0)
		rc = out_all(p->fd, path, len);
	return rc < 0 ? rc : align4(p->fd);
}

int payload_stream(struct payload *p, const char *path, int fd, int sig_fd)
{
	off_t head = lseek(p->fd, 0, SEEK_CUR), end;
	char buf[64 << 10], size[9];
	uint64_t total = 0;
	ssize_t n;
	int rc;

	if (head < 0)
		return -errno;
	rc = header(p, path, S_IFREG | 0600, 0);
	if (rc < 0)
		return rc;
	for (;;) {
		struct pollfd pf[] = { { fd, POLLIN, 0 }, { sig_fd, POLLIN, 0 } };

		if (poll(pf, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (pf[1].revents)
			return -EINTR;
		if (!pf[0].revents)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n < 0)
			continue;
		total += (uint64_t)n;
		if (total > UINT32_MAX)
			return -EFBIG;
		rc = out_all(p->fd, buf, (size_t)n);
		if (rc < 0)
			return rc;
	}
	if (total == 0)
		return lseek(p->fd, head, SEEK_SET) < 0 ? -errno : 0;
	p->unpacked += total;
	end = lseek(p->fd, 0, SEEK_CUR);
	(void)snprintf(size, sizeof(size), "%08X", (unsigned int)total);
	/* The size is the seventh number behind the magic. */
	if (end < 0 || pwrite(p->fd, size, 8, head + 6 + 6 * 8) != 8)
		return -errno;
	return align4(p->fd);
}

int payload_end(struct payload *p)
{
	off_t end = lseek(p->fd, 0, SEEK_CUR);
	int rc = 0;

	if (end >= 0 && (uint64_t)end > p->archive) {
		rc = header(p, "TRAILER!!!", 0, 0);
		end = lseek(p->fd, 0, SEEK_CUR);
	}
	if (rc < 0 || end < 0)
		return rc < 0 ? rc : -errno;
	return (uint64_t)end > PAGE_BYTES ? -EFBIG : put_head(p, (uint64_t)end - p->archive);
}

void payload_close(struct payload *p)
{
	drop_fd(&p->fd);
}
