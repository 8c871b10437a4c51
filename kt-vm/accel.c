/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict on this machine's KVM. */
#include "accel.h"
#include "buf.h"
#include "cachedir.h"
#include "cleanup.h"
#include "jsonr.h"
#include "jsonw.h"
#include "out.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define VERDICT "accel.json"
#define KEEP_S 3600

int accel_device(void)
{
	AUTO_FD fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

/* "boot id/device:inode:size:time of the program": another boot or QEMU is another key. */
static int make_key(const char *qemu, char *key, size_t cap)
{
	const char *path = getenv("PATH");
	char name[PATH_MAX], boot[64];
	AUTO_FD root = root_open(NULL);
	struct stat st;
	ssize_t n;
	int len;

	n = root < 0 ? root
		     : root_read(root, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	if (n < 0)
		return (int)n;
	boot[strcspn(boot, "\n")] = '\0';
	(void)snprintf(name, sizeof(name), "%s", qemu);
	while (!strchr(qemu, '/') && path && *path) {
		size_t dir = strcspn(path, ":");

		(void)snprintf(name, sizeof(name), "%.*s/%s", (int)dir, path, qemu);
		if (access(name, X_OK) == 0)
			break;
		path += dir + (path[dir] == ':');
	}
	if (stat(name, &st) < 0)
		return -errno;
	len = snprintf(key, cap, "%s/%llx:%llu:%lld:%lld", boot, (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino, (long long)st.st_size,
		       (long long)st.st_mtim.tv_sec);
	return len > 0 && (size_t)len < cap ? 0 : -E2BIG;
}

enum accel accel_load(const char *qemu)
{
	AUTO_FD dir = cachedir_open(NULL);
	char key[256], text[1024];
	struct jsonr_doc doc;
	enum accel ret = ACCEL_UNKNOWN;
	const char *verdict;
	json_t *rec;
	ssize_t n;
	int64_t age;

	if (dir < 0 || make_key(qemu, key, sizeof(key)) < 0)
		return ACCEL_UNKNOWN;
	n = root_read(dir, VERDICT, text, sizeof(text));
	rec = n < 0 ? NULL : jsonr_parse(&doc, VERDICT, 1, text, (size_t)n);
	age = (int64_t)time(NULL) - rec_i64(rec, "time", 0);
	if (rec && strcmp(rec_str(rec, "key", ""), key) == 0 && age >= 0 && age < KEEP_S) {
		verdict = rec_str(rec, "accel", "");
		ret = strcmp(verdict, "tcg") == 0   ? ACCEL_TCG
		      : strcmp(verdict, "kvm") == 0 ? ACCEL_KVM
						    : ACCEL_UNKNOWN;
	}
	json_decref(rec);
	return ret;
}

int accel_store(const char *qemu, enum accel verdict)
{
	AUTO_FD dir = cachedir_open(NULL);
	struct jsonw w;
	char key[256];
	int rc;

	if (dir < 0)
		return dir;
	if (verdict == ACCEL_UNKNOWN)
		return unlinkat(dir, VERDICT, 0) < 0 && errno != ENOENT ? -errno : 0;
	rc = make_key(qemu, key, sizeof(key));
	if (rc < 0)
		return rc;
	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	jsonw_str(&w, "key", key);
	jsonw_str(&w, "accel", verdict == ACCEL_KVM ? "kvm" : "tcg");
	jsonw_i64(&w, "time", (int64_t)time(NULL));
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = out_replace(dir, VERDICT, w.buf.p, w.buf.len);
	jsonw_free(&w);
	return rc;
}
