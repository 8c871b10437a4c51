/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's memory holds at boot. */
#include "payload.h"
#include "cleanup.h"
#include "frames.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define HEADER 110

uint64_t payload_unpacked(const uint8_t *h, size_t len, uint64_t size)
{
	static const unsigned int dict_len[] = { 0, 1, 2, 4 }, size_len[] = { 0, 2, 4, 8 };
	unsigned int at = 5, n, i;
	uint64_t v = 0;

	if (len >= 6 && memcmp(h, "070701", 6) == 0)
		return size;
	/* RFC 8878, 3.1.1.1: magic, descriptor, window unless single segment, dictionary, size */
	if (len < 18 || get_u32(h) != 0xFD2FB528)
		return size * 5;
	n = size_len[h[4] >> 6];
	if (h[4] & 0x20)
		n = n ? n : 1;
	else
		at++;
	at += dict_len[h[4] & 3];
	if (n == 0)
		return size * 5;
	for (i = 0; i < n; i++)
		v |= (uint64_t)h[at + i] << (8 * i);
	return n == 2 ? v + 256 : v;
}

static int zeros(int fd, uint64_t n)
{
	static const char none[512];

	return out_all(fd, none, (size_t)n);
}

/* The kernel takes the next archive at a multiple of four. */
static int align4(int fd)
{
	off_t at = lseek(fd, 0, SEEK_END);

	return at < 0 ? -errno : zeros(fd, (uint64_t)(-at & 3));
}

int payload_add(struct payload *p, const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t head[32];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return -errno;
	p->unpacked += payload_unpacked(head, (size_t)n, (uint64_t)st.st_size);
	while ((n = sendfile(p->fd, fd, NULL, 1 << 30)) > 0)
		;
	return n < 0 ? -errno : align4(p->fd);
}

int payload_open(struct payload *p, const char *path)
{
	int rc;

	*p = (struct payload){ .fd = memfd_create("ktstr-initrd", MFD_CLOEXEC), .ino = 1 };
	if (p->fd < 0)
		return -errno;
	rc = payload_add(p, path);
	if (rc < 0)
		drop_fd(&p->fd);
	return rc;
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

int payload_begin(struct payload *p)
{
	return header(p, &REQUEST_DIR[1], S_IFDIR | 0755, 0);
}

int payload_file(struct payload *p, const char *path, const void *data, size_t len)
{
	int rc;

	if (len > UINT32_MAX)
		return -EFBIG;
	p->unpacked += len;
	rc = header(p, path, S_IFREG | 0600, len);
	if (rc == 0)
		rc = out_all(p->fd, data, len);
	return rc < 0 ? rc : align4(p->fd);
}

int payload_stream(struct payload *p, const char *path, int fd, int sig_fd)
{
	off_t head = lseek(p->fd, 0, SEEK_END), end;
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
	return header(p, "TRAILER!!!", 0, 0);
}

void payload_close(struct payload *p)
{
	drop_fd(&p->fd);
}
