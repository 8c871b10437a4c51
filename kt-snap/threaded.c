/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroups are threaded. */
#include "threaded.h"
#include "cg.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define KNOWN 64 /* paths that are remembered */

struct threaded {
	const struct machine *machine;
	struct {
		char *path; /* owned */
		bool is;
	} known[KNOWN]; /* by a hash of the path; the later one stays */
};

struct threaded *threaded_new(const struct machine *m)
{
	struct threaded *t = calloc(1, sizeof(*t));

	if (t)
		t->machine = m;
	return t;
}

void threaded_reset(struct threaded *t)
{
	unsigned int i;

	for (i = 0; i < KNOWN; i++) {
		free(t->known[i].path);
		t->known[i].path = NULL;
	}
}

void threaded_free(struct threaded *t)
{
	if (t)
		threaded_reset(t);
	free(t);
}

static bool type_of(int cg_fd, const char *name)
{
	char text[CG_KNOB];
	ssize_t n;
	AUTO_FD fd = openat(cg_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return true;
	n = cg_read(fd, "cgroup.type", text, sizeof(text));
	return n < 0 || strstr(text, "threaded") != NULL;
}

static int child_type(int cg_fd, const char *name, void *arg)
{
	(void)arg;
	return type_of(cg_fd, name) ? -EEXIST : 0; /* one is enough */
}

static bool look(const struct machine *m, const char *path)
{
	AUTO_FD fd = machine_cgroup(m, path);
	char text[CG_KNOB];
	ssize_t n;

	if (fd < 0)
		return true; /* deleted, or outside of this namespace */
	n = cg_read(fd, "cgroup.type", text, sizeof(text));
	if (n == -ENOENT) /* the root has no type; it may have threaded children */
		return cg_each_child(fd, child_type, NULL) < 0;
	return n < 0 || strstr(text, "threaded") != NULL;
}

bool threaded_is(struct threaded *t, const char *path)
{
	const unsigned char *s = (const unsigned char *)path;
	unsigned int h = 0;

	while (*s)
		h = h * 31 + *s++;
	h %= KNOWN;
	if (!t->known[h].path || strcmp(t->known[h].path, path) != 0) {
		free(t->known[h].path);
		t->known[h].path = strdup(path);
		t->known[h].is = look(t->machine, path);
		if (!t->known[h].path)
			return true;
	}
	return t->known[h].is;
}
