/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the kernel and the archives of a guest come from. */
#include "base.h"
#include "buf.h"
#include "cachedir.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "holders.h"
#include "jsonr.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define REPLACE_MS 10000 /* a kernel that is being replaced or removed is waited for */
#define TRIES 5 /* when what kt-kernel named has gone by the time it is locked */

/* Run a tool and take its standard output as text. Returns NULL after a failure, reported. */
static char *ask(char *const argv[])
{
	struct child_spec c = { .argv = argv, .stdio = { -1, -1, -1 }, .death_sig = SIGKILL };
	AUTO_FD null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_FD rd = -1;
	AUTO_FD pid_fd = -1;
	AUTO_BUF b = BUF_INIT;
	siginfo_t info;
	int p[2], rc, read_rc;

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
	read_rc = buf_rest(&b, rd, SIZE_MAX);
	rc = child_wait(pid_fd, -1, -1, &info);
	if (rc < 0 || read_rc < 0) {
		warn_rc(rc < 0 ? rc : read_rc, "run '%s'", argv[0]);
		return NULL;
	}
	if (child_status(&info) != 0) {
		warn_msg("'%s' failed with status %d", argv[0], child_status(&info));
		return NULL;
	}
	return buf_take(&b);
}

/* The first `kernel` record. NULL: there is none. */
static json_t *kernel_record(const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");
		json_t *rec = json_loadb(text, len, 0, NULL);

		if (rec && strcmp(rec_str(rec, "type", ""), "kernel") == 0 &&
		    rec_str(rec, "path", NULL))
			return rec;
		json_decref(rec);
		text += len + (text[len] == '\n');
	}
	return NULL;
}

/* Is it a file of an entry in the cache? Then key is set. */
static bool in_cache(const char *file, char *key, size_t cap)
{
	char dir[PATH_MAX], at[PATH_MAX], *slash;
	size_t n;

	if (!cachedir_path(dir, sizeof(dir) - sizeof("/kernels")) || !realpath(file, at))
		return false;
	strcat(dir, "/kernels");
	if (!realpath(strdupa(dir), dir))
		return false;
	n = strlen(dir);
	slash = strncmp(at, dir, n) == 0 && at[n] == '/' ? strchr(at + n + 1, '/') : NULL;
	if (!slash || strchr(slash + 1, '/'))
		return false;
	*slash = '\0';
	return snprintf(key, cap, "%s", at + n + 1) < (int)cap;
}

/* What kt-kernel says; key is "" for a file that is not in the cache. */
static char *ask_kernel(const char *name, char *key, size_t cap)
{
	char tool[PATH_MAX], *argv[4] = { tool };
	AUTO_FREE char *text = NULL;
	char *path = NULL;
	json_t *rec;

	if (!child_tool("kt-kernel", tool, sizeof(tool))) {
		warn_msg("no kernel: kt-kernel is not there, name one with --kernel FILE");
		return NULL;
	}
	argv[1] = (char[]){ "path" };
	argv[2] = (char *)(uintptr_t)name;
	text = ask(argv);
	if (!text)
		return NULL;
	rec = kernel_record(text);
	if (rec) {
		path = strdup(rec_str(rec, "path", ""));
		(void)snprintf(key, cap, "%s", rec_str(rec, "key", "")); /* keys are shorter */
		if (!path)
			warn_rc(-ENOMEM, "take kernel '%s'", rec_str(rec, "path", ""));
	} else {
		warn_msg("'%s path' named no kernel", tool);
	}
	json_decref(rec);
	return path;
}

/* The entry's lock for reading, and its time of last use. Returns 0 or -errno; a cache that we may
 * not write to is read without. */
static int use_entry(const char *key, const char *path, int *ret_lock_fd)
{
	int fd = lock_cache("kernel", key, LOCK_SHARED, REPLACE_MS);
	char lock[PATH_MAX], who[HOLDERS_TEXT], *slash;
	AUTO_FREE char *dir = strdup(path);

	if (fd == -EWOULDBLOCK) {
		warn_msg("kernel '%s' is being replaced or removed: its lock is held by %s", key,
			 lock_cache_path("kernel", key, lock, sizeof(lock))
				 ? holders_text_of(lock, who, sizeof(who))
				 : "somebody");
		return fd;
	}
	if (fd < 0 && fd != -EACCES && fd != -EROFS && fd != -EPERM)
		return warn_rc(fd, "lock kernel '%s'", key);
	slash = dir ? strrchr(dir, '/') : NULL;
	if (slash) {
		*slash = '\0';
		(void)utimensat(AT_FDCWD, dir, NULL, 0); /* for kt-kernel list, if it may be */
	}
	*ret_lock_fd = fd < 0 ? -1 : fd;
	return 0;
}

char *base_kernel(const char *name, int *ret_lock_fd)
{
	int tries;

	*ret_lock_fd = -1;
	for (tries = 0; tries < TRIES; tries++) {
		AUTO_FREE char *path = NULL;
		char key[NAME_MAX + 1] = "";
		struct stat st;

		if (name && stat(name, &st) == 0 && S_ISREG(st.st_mode)) {
			path = strdup(name);
			if (!path)
				warn_rc(-ENOMEM, "take kernel '%s'", name);
			else if (!in_cache(path, key, sizeof(key)))
				key[0] = '\0';
		} else if (name && strchr(name, '/') && stat(name, &st) < 0) {
			path = strdup(name); /* whoever opens it says why not */
		} else {
			path = ask_kernel(name, key, sizeof(key));
		}
		if (!path || !key[0])
			return take_ptr(&path);
		if (use_entry(key, path, ret_lock_fd) < 0)
			return NULL;
		if (access(path, F_OK) == 0)
			return take_ptr(&path);
		/* It was removed between the answer and the lock: ask again, without holding up
		 * whoever makes a new one. */
		drop_fd(ret_lock_fd);
	}
	warn_msg("kernel '%s' is removed again and again", name ? name : "");
	return NULL;
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
