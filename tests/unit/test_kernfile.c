// SPDX-License-Identifier: GPL-2.0-or-later
/* The head of a kernel's file. */
#include "kernfile.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/kt-kernfile-XXXXXX";
static unsigned char file[1 << 20];

static void write_file(size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, file, n) != (ssize_t)n || close(fd) < 0)
		exit(1);
}

/* sects: of the setup code, as the file says it */
static void head_is(unsigned char sects, size_t size, long want, const char *name)
{
	unsigned char *got = malloc(sizeof(file));
	struct stat st;
	int fd;

	memcpy(file + 0x202, "HdrS", 4);
	file[0x1f1] = sects;
	write_file(size);
	fd = kernfile_head(path);
	if (want < 0) {
		ok(fd == want, "%s: %d", name, fd);
	} else {
		ok(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == want, "%s: %ld bytes", name,
		   want);
		ok(fd >= 0 && pread(fd, got, sizeof(file), 0) == want &&
			   memcmp(got, file, (size_t)want) == 0,
		   "%s: as in the file", name);
		if (fd >= 0)
			close(fd);
	}
	free(got);
}

static void check_is(const char *magic, size_t at, size_t size, int want, const char *name)
{
	char why[256] = "";
	size_t i;

	memset(file, 0, sizeof(file));
	for (i = 0; magic[i]; i++)
		file[at + i] = (unsigned char)magic[i];
	write_file(size);
	ok(kernfile_check(path, why, sizeof(why)) == want && (want == 0) == (why[0] == '\0'), "%s",
	   name);
}

int main(void)
{
	int fd = mkstemp(path);
	size_t i;
	char why[256];

	if (fd < 0)
		return 1;
	close(fd);
	for (i = 0; i < sizeof(file); i++)
		file[i] = (unsigned char)(i * 7);
	/* The first sector, the setup code, and one more. */
	head_is(31, sizeof(file), 33 * 512, "a kernel of today");
	head_is(0, sizeof(file), 6 * 512, "one that leaves the number out");
	head_is(255, sizeof(file), 257 * 512, "the largest");
	head_is(31, 33 * 512, 33 * 512, "one that is as long as that");
	head_is(31, 33 * 512 - 1, -ENOTSUP, "one that was cut off");
	head_is(31, 0x205, -ENOTSUP, "one that ends in its magic");
	head_is(31, 0, -ENOTSUP, "an empty one");
	check_is("HdrS", 0x202, 4096, 0, "a bzImage is a kernel");
	check_is("\177ELF", 0, 4096, 0, "an ELF file is one");
	check_is("\177ELF", 0, 4, 0, "so is a short one");
	check_is("HdrS", 0x201, 4096, -EINVAL, "anything else is none");
	check_is("", 0, 0, -EINVAL, "nor is an empty file");
	ok(kernfile_head(path) == -ENOTSUP, "and has no head");
	unlink(path);
	ok(kernfile_head(path) == -ENOENT && kernfile_check(path, why, sizeof(why)) == -EINVAL &&
		   strstr(why, "No such file") != NULL,
	   "what is not there is told");
	return tap_done();
}
