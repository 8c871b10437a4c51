/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes out of a tree what make has made, and puts it into the cache. */
#include "cache.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "holders.h"
#include "image.h"
#include "job.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define STRIP_MS 600000

/* From a tree of ours the file moves. From the user's it is copied, by reference where the file
 * system can: a hard link would change with the next make. */
static int take_file(bool move, const char *from, const char *to)
{
	AUTO_FD in = -1;
	AUTO_FD out = -1;
	ssize_t n;

	if (move && rename(from, to) == 0)
		return 0;
	if (move && errno != EXDEV)
		return -errno;
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (in < 0 || out < 0)
		return -errno;
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	while ((n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0)) > 0)
		;
	return n < 0 ? -errno : 0;
}

/* vmlinux without its debugging information, which is ten times as large as the rest: symbols and
 * .BTF stay. */
static int strip_into(struct job *j, const char *from, const char *to)
{
	char command[sizeof(j->tools.objcopy)], flag[] = "--strip-debug";
	char *const argv[] = { command, flag, strdupa(from), strdupa(to), NULL };
	struct child_spec spec = {
		.argv = argv, .mask = j->make.mask, .stdio = { -1, 2, -1 }, .death_sig = SIGKILL
	};
	siginfo_t info;
	AUTO_FD pid_fd = -1;
	int rc;

	(void)snprintf(command, sizeof(command), "%s", j->tools.objcopy);
	pid_fd = child_spawn(&spec, NULL);
	if (pid_fd < 0)
		return job_fail_rc(j, pid_fd, "start '%s'", command);
	rc = child_wait(pid_fd, j->make.sig_fd, STRIP_MS, &info);
	if (rc < 0)
		return rc == -EINTR ? (warn_msg("stopped by a signal"), rc)
				    : job_fail_rc(j, rc, "run '%s'", command);
	if (child_status(&info) != 0)
		return job_fail(j, -EINVAL, "%s: '%s' could not strip vmlinux", j->label, command);
	return 0;
}

/* The files, into the staged directory. */
static int fill(struct job *j, const char *staged)
{
	const struct {
		const char *from, *to;
	} files[] = { { j->tools.image, j->tools.image_name }, { "System.map", "System.map" } };
	char from[PATH_MAX + 64], to[PATH_MAX + 64];
	size_t i;
	int rc;

	/* .config stays where it is as well: a tree that fails later is looked at */
	(void)snprintf(from, sizeof(from), "%s/.config", j->tree);
	(void)snprintf(to, sizeof(to), "%s/config", staged);
	rc = take_file(false, from, to);
	if (rc < 0)
		return job_fail_rc(j, rc, "copy '%s'", from);
	(void)snprintf(from, sizeof(from), "%s/vmlinux", j->tree);
	(void)snprintf(to, sizeof(to), "%s/vmlinux", staged);
	rc = strip_into(j, from, to);
	for (i = 0; i < KT_ARRAY_LEN(files) && rc == 0; i++) {
		(void)snprintf(from, sizeof(from), "%s/%s", j->tree, files[i].from);
		(void)snprintf(to, sizeof(to), "%s/%s", staged, files[i].to);
		rc = take_file(j->own, from, to);
		if (rc < 0)
			rc = job_fail_rc(j, rc, "take '%s'", from);
	}
	return rc;
}

/* What came of it, as the image says. */
static int look(struct job *j, const char *staged)
{
	char path[PATH_MAX + 64];
	struct image im;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", staged, j->tools.image_name);
	rc = image_probe(path, &im);
	if (rc < 0)
		return job_fail_rc(j, rc, "read '%s'", path);
	if (im.kind == IMAGE_NONE)
		return job_fail(j, -EBADMSG, "%s: make's %s is no kernel: %s", j->label,
				j->tools.image_name, im.why);
	if (im.release[0] && strcmp(im.release, j->k.version) != 0)
		return job_fail(j, -EBADMSG, "%s: make's %s is %s, and make kernelrelease says %s",
				j->label, j->tools.image_name, im.release, j->k.version);
	j->k.kind = im.kind;
	return 0;
}

static int publish(struct job *j, const char *staged)
{
	char path[PATH_MAX], who[HOLDERS_TEXT];
	int rc = cache_publish(staged, &j->k);

	if (rc == -EWOULDBLOCK && lock_cache_path("kernel", j->k.key, path, sizeof(path)))
		return job_fail(j, rc,
				"kernel '%s' in the cache cannot be replaced: it is in use by %s",
				j->k.key, holders_text_of(path, who, sizeof(who)));
	if (rc < 0)
		return job_fail_rc(j, rc, "put kernel '%s' into the cache", j->k.key);
	return 0;
}

int stage(struct job *j)
{
	char staged[PATH_MAX];
	AUTO_FD fd = cache_stage(staged, sizeof(staged));
	int rc, undo;

	if (fd < 0)
		return job_fail_rc(j, fd, "make a directory in the cache");
	rc = fill(j, staged);
	if (rc == 0)
		rc = look(j, staged);
	if (rc == 0)
		rc = publish(j, staged);
	if (rc == 0)
		return 0;
	undo = cache_unstage(staged);
	if (undo < 0 && undo != -ENOENT)
		(void)warn_rc(undo, "remove '%s'", staged);
	return rc;
}
