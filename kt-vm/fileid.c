/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file is it? */
#include "fileid.h"
#include "cleanup.h"
#include "root.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

int fileid_file(const char *path, char *buf, size_t cap)
{
	struct stat st;
	int len;

	if (stat(path, &st) < 0)
		return -errno;
	len = snprintf(buf, cap, "%llx:%llu:%lld:%lld.%09ld", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino, (long long)st.st_size,
		       (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return (size_t)len < cap ? 0 : -E2BIG;
}

static void find_program(const char *name, char file[PATH_MAX])
{
	const char *path = getenv("PATH");

	(void)snprintf(file, PATH_MAX, "%s", name); /* cut off it is not there */
	while (!strchr(name, '/') && path && *path) {
		size_t dir = strcspn(path, ":");

		(void)snprintf(file, PATH_MAX, "%.*s/%s", (int)dir, path, name);
		if (access(file, X_OK) == 0)
			break;
		path += dir + (path[dir] == ':');
	}
}

int fileid_program(const char *name, char *buf, size_t cap)
{
	char file[PATH_MAX];

	find_program(name, file);
	return fileid_file(file, buf, cap);
}

bool fileid_data(const char *qemu, const char *name)
{
	char file[PATH_MAX], real[PATH_MAX];
	size_t len;

	find_program(qemu, file);
	if (!realpath(file, real))
		return false;
	len = (size_t)(strrchr(real, '/') - real);
	return (size_t)snprintf(file, sizeof(file), "%.*s/../share/qemu/%s", (int)len, real, name) <
		       sizeof(file) &&
	       access(file, R_OK) == 0;
}

int fileid_boot(char *buf, size_t cap)
{
	AUTO_FD root = root_open(NULL);
	ssize_t n = root < 0 ? root : root_read(root, "/proc/sys/kernel/random/boot_id", buf, cap);

	if (n < 0)
		return (int)n;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}
