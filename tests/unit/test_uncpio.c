// SPDX-License-Identifier: GPL-2.0-or-later
/* Archives as the guest unpacks them: a second one replaces what the first has made, and nothing
 * gets out. */
#include "tap.h"

#include "cleanup.h"
#include "uncpio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

struct archive {
	char bytes[8192];
	size_t len;
};

static void entry(struct archive *a, const char *name, unsigned int mode, const char *data)
{
	size_t name_len = strlen(name) + 1, size = strlen(data);

	a->len += (size_t)sprintf(
		a->bytes + a->len, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1,
		mode, 0, 0, 1, 0, (unsigned int)size, 0, 0, 0, 0, (unsigned int)name_len, 0);
	memcpy(a->bytes + a->len, name, name_len);
	a->len = (a->len + name_len + 3) & ~(size_t)3;
	memcpy(a->bytes + a->len, data, size);
	a->len = (a->len + size + 3) & ~(size_t)3;
}

static int unpack(const struct archive *a, int dir, char *failed)
{
	return uncpio((const uint8_t *)a->bytes, a->len, dir, failed);
}

static void text_is(int dir, const char *name, const char *want, const char *why)
{
	AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW);
	char got[64] = "";
	ssize_t n = fd < 0 ? 0 : read(fd, got, sizeof(got) - 1);

	got[n < 0 ? 0 : n] = '\0';
	ok_str(got, want, "%s", why);
}

int main(void)
{
	static const char *const bad[] = { "/etc/x", "..", "../x", "d/../../x", "d/..", "" };
	char dir_name[] = "/tmp/ktstr-uncpio.XXXXXX", failed[PATH_MAX], target[64] = "", cmd[128];
	AUTO_FD dir = mkdtemp(dir_name) ? open(dir_name, O_RDONLY | O_DIRECTORY) : -1;
	struct archive a = { "", 0 };
	struct stat st;
	size_t i;

	if (!ok(dir >= 0, "a directory to unpack into"))
		return tap_done();
	entry(&a, "d", S_IFDIR | 0700, "");
	entry(&a, "d/f", S_IFREG | 0640, "one");
	entry(&a, "d/l", S_IFLNK | 0777, "f");
	entry(&a, "TRAILER!!!", 0, "");
	a.len += 8; /* padding between archives */
	entry(&a, "d", S_IFDIR | 0755, "");
	entry(&a, "d/g", S_IFREG | 0600, "");
	ok(unpack(&a, dir, failed) == 0, "two archives behind each other");
	text_is(dir, "d/f", "one", "a file has its bytes");
	text_is(dir, "d/g", "", "an empty one is there");
	ok(fstatat(dir, "d/f", &st, 0) == 0 && (st.st_mode & 07777) == 0640, "and its mode");
	ok(fstatat(dir, "d", &st, 0) == 0 && (st.st_mode & 07777) == 0755,
	   "a directory that is there stays, with the later mode");
	ok(readlinkat(dir, "d/l", target, sizeof(target) - 1) == 1 && target[0] == 'f',
	   "a link has its target");

	a.len = 0;
	memset(a.bytes, 0, sizeof(a.bytes));
	entry(&a, "d/l", S_IFREG | 0644, "two");
	ok(unpack(&a, dir, failed) == 0, "a file takes the place of a link");
	text_is(dir, "d/f", "one", "and what that led to is as before");
	text_is(dir, "d/l", "two", "the file is there");

	for (i = 0; i < KT_ARRAY_LEN(bad); i++) {
		a.len = 0;
		memset(a.bytes, 0, sizeof(a.bytes));
		entry(&a, bad[i], S_IFREG | 0644, "x");
		ok(unpack(&a, dir, failed) == -EPROTO, "the name '%s' is refused", bad[i]);
	}
	a.len = 0;
	memset(a.bytes, 0, sizeof(a.bytes));
	entry(&a, "none/x", S_IFREG | 0644, "x");
	ok(unpack(&a, dir, failed) == -ENOENT, "a directory that is not there is an error");
	ok_str(failed, "none/x", "that names the entry");
	a.len = 0;
	entry(&a, "dev", S_IFCHR | 0644, "");
	ok(unpack(&a, dir, failed) == -EPROTO, "devices are refused");
	a.len -= 3;
	a.bytes[a.len] = 'x';
	ok(unpack(&a, dir, failed) == -EPROTO, "and so is an archive that is cut off");
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir_name); /* fits */
	ok(system(cmd) == 0, "all is removed again");
	return tap_done();
}
