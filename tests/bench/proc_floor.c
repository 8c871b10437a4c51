// SPDX-License-Identifier: GPL-2.0-or-later
/* proc_floor FILE... - what reading /proc costs at least: for each thread of the machine each of
 * these files is opened, read in one go and closed, and what was read is thrown away. Prints the
 * number of threads. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char text[64 << 10];

static void one(const char *pid, const char *tid, int n, char *files[])
{
	char path[512];
	int i;

	for (i = 0; i < n; i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/%s/task/%s/%s", pid, tid, files[i]);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue; /* it has gone */
		if (read(fd, text, sizeof(text)) < 0)
			(void)0; /* not allowed, or gone: it took its time all the same */
		close(fd);
	}
}

int main(int argc, char *argv[])
{
	DIR *proc = opendir("/proc"), *task;
	struct dirent *p, *t;
	unsigned long threads = 0;
	char path[512];

	if (!proc) {
		perror("/proc");
		return 1;
	}
	while ((p = readdir(proc))) {
		if (!isdigit((unsigned char)p->d_name[0]))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/task", p->d_name);
		task = opendir(path);
		if (!task)
			continue;
		while ((t = readdir(task))) {
			if (!isdigit((unsigned char)t->d_name[0]))
				continue;
			threads++;
			one(p->d_name, t->d_name, argc - 1, argv + 1);
		}
		closedir(task);
	}
	closedir(proc);
	printf("%lu\n", threads);
	return 0;
}
