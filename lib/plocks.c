/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of /proc/locks, fdinfo and mountinfo. */
#include "plocks.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

/* The next word of a line; NULL at its end. *at moves behind it. */
static const char *word(const char **at, size_t *ret_len)
{
	const char *s = *at;

	s += strspn(s, " \t");
	*ret_len = strcspn(s, " \t\n");
	*at = s + *ret_len;
	return *ret_len > 0 ? s : NULL;
}

static bool is(const char *w, size_t len, const char *text)
{
	return w && len == strlen(text) && memcmp(w, text, len) == 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number that ends at one of `ends` or at len. *at moves to where it ended. */
static bool number(const char **at, const char *end, unsigned int base, uint64_t max, uint64_t *ret)
{
	const char *s = *at;
	uint64_t v = 0;

	for (; s < end; s++) {
		int d = digit(*s);

		if (d < 0 || (unsigned int)d >= base)
			break;
		if (v > (max - (unsigned int)d) / base)
			return false;
		v = v * base + (unsigned int)d;
	}
	if (s == *at)
		return false;
	*at = s;
	*ret = v;
	return true;
}

/* "fe:00:1234" to three numbers, base 16 for the device; or "254:0" with base 10 and no inode */
static bool device(const char *s, size_t len, unsigned int base, unsigned int *ret_major,
		   unsigned int *ret_minor, uint64_t *ret_ino)
{
	const char *end = s + len;
	uint64_t major, minor, ino;

	if (!number(&s, end, base, UINT_MAX, &major) || s == end || *s++ != ':' ||
	    !number(&s, end, base, UINT_MAX, &minor))
		return false;
	if (ret_ino) {
		if (s == end || *s++ != ':' || !number(&s, end, 10, UINT64_MAX, &ino))
			return false;
		*ret_ino = ino;
	}
	if (s != end)
		return false;
	*ret_major = (unsigned int)major;
	*ret_minor = (unsigned int)minor;
	return true;
}

/* 12: FLOCK  ADVISORY  WRITE 30620 fe:00:10952719 0 EOF
 * 12:  -> FLOCK  ADVISORY  READ 30621 fe:00:10952719 0 EOF */
int plocks_parse(const char *line, struct plocks_line *ret)
{
	struct plocks_line l = { 0 };
	const char *w;
	uint64_t pid;
	size_t len;

	w = word(&line, &len);
	if (!w || w[len - 1] != ':')
		return -EINVAL;
	w = word(&line, &len);
	if (is(w, len, "->")) {
		l.waiting = true;
		w = word(&line, &len);
	}
	if (!w)
		return -EINVAL;
	if (!is(w, len, "FLOCK"))
		return -ENOMSG;
	(void)word(&line, &len); /* ADVISORY; older kernels know others */
	w = word(&line, &len);
	if (!w)
		return -EINVAL;
	l.exclusive = is(w, len, "WRITE");
	w = word(&line, &len);
	if (!w)
		return -EINVAL;
	if (*w == '-') /* of another machine: a file that a network file system serves */
		return -ENOMSG;
	if (!number(&w, w + len, 10, INT_MAX, &pid) || w != line)
		return -EINVAL;
	l.pid = (pid_t)pid;
	w = word(&line, &len);
	if (!w)
		return -EINVAL;
	if (!device(w, len, 16, &l.major, &l.minor, &l.ino))
		return is(w, len, "<none>:0") ? -ENOMSG : -EINVAL;
	*ret = l;
	return 0;
}

/* lock:	1: FLOCK  ADVISORY  WRITE 30620 fe:00:10952719 0 EOF */
int plocks_fdinfo(const char *text, struct plocks_line *ret)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strncmp(text, "lock:", 5) == 0 && plocks_parse(text + 5, ret) == 0)
			return 1;
	return 0;
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
int plocks_mount(const char *line, struct plocks_mount *ret)
{
	struct plocks_mount m = { 0 };
	const char *w;
	uint64_t id;
	size_t len;

	w = word(&line, &len);
	if (!w || !number(&w, w + len, 10, INT_MAX, &id) || w != line)
		return -EINVAL;
	m.id = (int)id;
	(void)word(&line, &len); /* the parent's id */
	w = word(&line, &len);
	if (!w || !device(w, len, 10, &m.major, &m.minor, NULL))
		return -EINVAL;
	do {
		w = word(&line, &len);
		if (!w)
			return -EINVAL;
	} while (!is(w, len, "-"));
	w = word(&line, &len);
	if (!w)
		return -EINVAL;
	m.overlay = is(w, len, "overlay");
	*ret = m;
	return 0;
}
