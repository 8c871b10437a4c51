/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks cpio archives. An entry is a head of 110 characters, "070701" and 13 numbers of 8
 * hexadecimal digits, the name with its NUL, the bytes; name and bytes end at multiples of 4
 * (Documentation/driver-api/early-userspace/buffer-format.rst). */
#include "uncpio.h"
#include "cleanup.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD 110
enum {
	MODE = 1,
	FILESIZE = 6,
	NAMESIZE = 11
};

static int number(const uint8_t *head, int nth, uint32_t *ret)
{
	const uint8_t *p = head + 6 + 8 * nth;
	uint32_t v = 0;
	int i;

	for (i = 0; i < 8; i++) {
		uint8_t c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -EPROTO;
		v = v << 4 | (uint32_t)digit;
	}
	*ret = v;
	return 0;
}

/* Relative, and not out of the directory. */
static bool harmless(const char *name)
{
	const char *p = name;

	if (*p == '/' || *p == '\0')
		return false;
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
		p += n + (p[n] == '/');
	}
	return true;
}

int uncpio_next(const uint8_t *p, size_t len, size_t *at, struct uncpio_entry *ret)
{
	for (;;) {
		uint32_t mode, size, name_len;
		size_t name_at, data_at;
		const char *name;

		while (*at < len && p[*at] == '\0')
			(*at)++; /* between two archives */
		if (*at == len)
			return 0;
		if (len - *at < HEAD || memcmp(p + *at, "070701", 6) != 0 ||
		    number(p + *at, MODE, &mode) < 0 || number(p + *at, FILESIZE, &size) < 0 ||
		    number(p + *at, NAMESIZE, &name_len) < 0)
			return -EPROTO;
		name_at = *at + HEAD;
		if (name_len == 0 || name_len > PATH_MAX || name_len > len - name_at ||
		    p[name_at + name_len - 1] != '\0')
			return -EPROTO;
		name = (const char *)p + name_at;
		data_at = (name_at + name_len + 3) & ~(size_t)3;
		if (data_at > len || size > len - data_at)
			return -EPROTO;
		*at = (data_at + size + 3) & ~(size_t)3;
		if (*at > len)
			*at = len;
		if (strcmp(name, "TRAILER!!!") == 0)
			continue;
		if (!harmless(name) || (!S_ISDIR(mode) && !S_ISREG(mode) && !S_ISLNK(mode)) ||
		    (S_ISLNK(mode) && (size == 0 || size >= PATH_MAX)))
			return -EPROTO;
		*ret = (struct uncpio_entry){ name, p + data_at, size, mode };
		return 1;
	}
}

static int make_file(int dir_fd, const struct uncpio_entry *e)
{
	AUTO_FD fd = openat(dir_fd, e->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : out_all(fd, e->data, e->size);

	return rc == 0 && fchmod(fd, e->mode & 07777) < 0 ? -errno : rc;
}

static int make_link(int dir_fd, const struct uncpio_entry *e)
{
	char target[PATH_MAX];

	memcpy(target, e->data, e->size);
	target[e->size] = '\0';
	return symlinkat(target, dir_fd, e->name) < 0 ? -errno : 0;
}

static int make(int dir_fd, const struct uncpio_entry *e)
{
	if (S_ISDIR(e->mode)) {
		if (mkdirat(dir_fd, e->name, 0755) < 0 && errno != EEXIST)
			return -errno;
		return fchmodat(dir_fd, e->name, e->mode & 07777, 0) < 0 ? -errno : 0;
	}
	if (unlinkat(dir_fd, e->name, 0) < 0 && errno != ENOENT)
		return -errno;
	return S_ISREG(e->mode) ? make_file(dir_fd, e) : make_link(dir_fd, e);
}

int uncpio(const uint8_t *p, size_t len, int dir_fd, char failed[PATH_MAX])
{
	struct uncpio_entry e;
	size_t at = 0;
	int rc;

	failed[0] = '\0';
	while ((rc = uncpio_next(p, len, &at, &e)) > 0) {
		rc = make(dir_fd, &e);
		if (rc < 0) {
			(void)snprintf(failed, PATH_MAX, "%s", e.name); /* no longer than that */
			break;
		}
	}
	return rc;
}
