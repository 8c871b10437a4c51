// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs a fuzz target over every file of a directory, as TAP: `make check` has no libFuzzer. */
#include "buf.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of exactly its size, so that the sanitizer sees a read past the end. */
static int replay(int dir_fd, const char *name)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	AUTO_FREE uint8_t *data = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	if (!data)
		return -ENOMEM;
	n = read(fd, data, (size_t)st.st_size);
	if (n != st.st_size)
		return n < 0 ? -errno : -EIO;
	return LLVMFuzzerTestOneInput(data, (size_t)n) == 0 ? 0 : -EINVAL;
}

int main(int argc, char *argv[])
{
	struct dirent **names = NULL;
	unsigned int done = 0, failed = 0;
	AUTO_FD dir_fd = -1;
	int i, n, rc;

	if (argc != 2 || (dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	n = scandir(argv[1], &names, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			/* Said first: a crash ends the stream, and this is where. */
			printf("# %s\n", names[i]->d_name);
			fflush(stdout);
			rc = replay(dir_fd, names[i]->d_name);
			failed += rc != 0;
			printf("%sok %u - %s%s%s\n", rc ? "not " : "", ++done, names[i]->d_name,
			       rc ? ": " : "", rc ? strerror(-rc) : "");
		}
		free(names[i]);
	}
	free(names);
	printf("1..%u\n", done);
	return fflush(stdout) == 0 && done > 0 && failed == 0 ? 0 : 1;
}
