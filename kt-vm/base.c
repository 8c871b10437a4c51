/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the kernel and the archives of a guest come from. */
#include "base.h"
#include "buf.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "jsonr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Run a tool and take its standard output as text. Returns NULL after a failure, reported. */
static char *ask(char *const argv[])
{
	struct child_spec c = { .argv = argv, .stdio = { -1, -1, -1 }, .death_sig = SIGKILL };
	AUTO_FD null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_FD rd = -1;
	AUTO_FD pid_fd = -1;
	AUTO_BUF b = BUF_INIT;
	siginfo_t info;
	int p[2], rc;
	ssize_t n;

	if (null < 0 || pipe2(p, O_CLOEXEC) < 0) {
		warn_rc(-errno, "start '%s'", argv[0]);
		return NULL;
	}
	rd = p[0];
	c.stdio[0] = null;
	c.stdio[1] = p[1];
	pid_fd = child_spawn(&c, NULL);
	close(p[1]);
	if (pid_fd < 0) {
		warn_rc(pid_fd, "start '%s'", argv[0]);
		return NULL;
	}
	while ((n = buf_fill(&b, rd, 64 << 10)) > 0 || n == -EINTR)
		;
	rc = child_wait(pid_fd, -1, -1, &info);
	if (rc < 0 || n < 0) {
		warn_rc(rc < 0 ? rc : (int)n, "run '%s'", argv[0]);
		return NULL;
	}
	if (child_status(&info) != 0) {
		warn_msg("'%s' failed with status %d", argv[0], child_status(&info));
		return NULL;
	}
	return buf_take(&b);
}

/* The "path" of the first `kernel` record. */
static char *record_path(const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");
		json_t *rec = json_loadb(text, len, 0, NULL);
		char *path = NULL;

		if (rec && strcmp(rec_str(rec, "type", ""), "kernel") == 0 &&
		    rec_str(rec, "path", NULL))
			path = strdup(rec_str(rec, "path", NULL));
		json_decref(rec);
		if (path)
			return path;
		text += len + (text[len] == '\n');
	}
	return NULL;
}

char *base_kernel(const char *name)
{
	char tool[PATH_MAX], *argv[4] = { tool };
	AUTO_FREE char *text = NULL;
	char *path;

	if (name && (strchr(name, '/') || access(name, F_OK) == 0)) {
		path = strdup(name);
		if (!path)
			warn_rc(-ENOMEM, "take kernel '%s'", name);
		return path;
	}
	if (!child_tool("kt-kernel", tool, sizeof(tool))) {
		warn_msg("no kernel: kt-kernel is not there, name one with --kernel FILE");
		return NULL;
	}
	argv[1] = (char[]){ "path" };
	argv[2] = (char *)(uintptr_t)name;
	text = ask(argv);
	if (!text)
		return NULL;
	path = record_path(text);
	if (!path)
		warn_msg("'%s path' named no kernel", tool);
	return path;
}

/* kt-initramfs --cache ARGS…: the path that it prints. */
static char *make_archive(char **args, size_t n)
{
	char tool[PATH_MAX];
	AUTO_FREE char **argv = calloc(n + 4, sizeof(*argv));
	char *path = NULL;

	if (!child_tool("kt-initramfs", tool, sizeof(tool))) {
		warn_msg("kt-initramfs is not there: give an archive with --initramfs FILE");
		return NULL;
	}
	if (argv) {
		argv[0] = tool;
		argv[1] = (char[]){ "--cache" };
		memcpy(argv + 2, args, n * sizeof(*args));
		path = ask(argv);
	}
	if (path)
		path[strcspn(path, "\n")] = '\0';
	return path;
}

struct list {
	char *v[64];
	size_t n;
	int err;
};

__attribute__((format(printf, 2, 3))) static void add(struct list *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (l->n == KT_ARRAY_LEN(l->v) || vasprintf(&l->v[l->n], fmt, ap) < 0)
		l->err = -ENOMEM;
	else
		l->n++;
	va_end(ap);
}

char *base_archive(void)
{
	/* What is of use inside a guest; a build without one of them has guests without it. */
	static const char *const tools[] = { "kt-topo",	 "kt-host",	 "kt-cgroup", "kt-work",
					     "kt-play",	 "kt-scenario",	 "kt-check",  "kt-fmt",
					     "kt-snap",	 "kt-snap-diff", "kt-scx",    "kt-probe",
					     "kt-locks", "kt-reserve" };
	static const char *const boxes[] = { "/bin/busybox", "/usr/bin/busybox" };
	char path[PATH_MAX], *ret = NULL;
	struct list l = { 0 };
	size_t i;

	if (!child_tool("kt-init", path, sizeof(path))) {
		warn_msg("kt-init is not there");
		return NULL;
	}
	add(&l, "--strip");
	add(&l, "--mkdir");
	add(&l, "/include-files");
	add(&l, "--mkdir");
	add(&l, "/root");
	add(&l, "%s:/init", path);
	for (i = 0; i < KT_ARRAY_LEN(boxes) && access(boxes[i], X_OK) < 0; i++)
		;
	if (i == KT_ARRAY_LEN(boxes)) {
		warn_msg("busybox is not there: the guest needs a static one");
		return NULL;
	}
	add(&l, "%s:/bin/busybox", boxes[i]);
	for (i = 0; i < KT_ARRAY_LEN(tools); i++)
		if (child_tool(tools[i], path, sizeof(path)))
			add(&l, "%s:/usr/libexec/ktstr/%s", path, tools[i]);
	if (l.err == 0)
		ret = make_archive(l.v, l.n);
	else
		warn_rc(l.err, "make the guest's archive");
	for (i = 0; i < l.n; i++)
		free(l.v[i]);
	return ret;
}

char *base_include(const char *const *files, size_t n)
{
	/* A script's shell is busybox's there. */
	char have[] = "--have", sh[] = "/bin/sh";
	AUTO_FREE char **args = calloc(n + 3, sizeof(*args));
	char *ret = NULL;
	size_t i;
	int rc = args ? 0 : -ENOMEM;

	for (i = 0; i < n && rc == 0; i++) {
		const char *colon = strrchr(files[i], ':');

		if (asprintf(&args[i], "%s%s", files[i], colon ? "" : ":/include-files/") < 0) {
			args[i] = NULL;
			rc = -ENOMEM;
		}
	}
	if (rc == 0) {
		args[n] = have;
		args[n + 1] = sh;
		ret = make_archive(args, n + 2);
	} else
		warn_rc(rc, "take the included files");
	for (i = 0; args && i < n; i++)
		free(args[i]);
	return ret;
}
