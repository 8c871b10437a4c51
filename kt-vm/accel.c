/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict on this machine's KVM. */
#include "accel.h"
#include "buf.h"
#include "cachedir.h"
#include "cleanup.h"
#include "fileid.h"
#include "jsonr.h"
#include "jsonw.h"
#include "out.h"
#include "root.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEEP_S 3600

int accel_device(void)
{
	AUTO_FD fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

/* Each QEMU has a file of its own, in which another boot is another key. */
struct place {
	char file[sizeof("accel-.json") + 16], boot[64];
};

static int find_place(const char *qemu, struct place *ret)
{
	char id[128], hex[SHA256_TEXT];
	struct sha256 sum;
	int rc = fileid_boot(ret->boot, sizeof(ret->boot));

	if (rc == 0)
		rc = fileid_program(qemu, id, sizeof(id));
	if (rc < 0)
		return rc;
	sha256_init(&sum);
	sha256_add(&sum, id, strlen(id));
	sha256_hex(&sum, hex);
	(void)snprintf(ret->file, sizeof(ret->file), "accel-%.16s.json",
		       hex); /* fits by its type */
	return 0;
}

enum accel accel_load(const char *qemu)
{
	AUTO_FD dir = cachedir_open(NULL);
	struct place at;
	char text[1024];
	struct jsonr_doc doc;
	enum accel ret = ACCEL_UNKNOWN;
	const char *verdict;
	json_t *rec;
	ssize_t n;
	int64_t age;

	if (dir < 0 || find_place(qemu, &at) < 0)
		return ACCEL_UNKNOWN;
	n = root_read(dir, at.file, text, sizeof(text));
	rec = n < 0 ? NULL : jsonr_parse(&doc, at.file, 1, text, (size_t)n);
	age = (int64_t)time(NULL) - rec_i64(rec, "time", 0);
	if (rec && strcmp(rec_str(rec, "boot_id", ""), at.boot) == 0 && age >= 0 && age < KEEP_S) {
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
	struct place at;
	int rc = dir < 0 ? dir : find_place(qemu, &at);

	if (rc < 0)
		return rc;
	if (verdict == ACCEL_UNKNOWN)
		return unlinkat(dir, at.file, 0) < 0 && errno != ENOENT ? -errno : 0;
	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	jsonw_str(&w, "boot_id", at.boot);
	jsonw_str(&w, "accel", verdict == ACCEL_KVM ? "kvm" : "tcg");
	jsonw_i64(&w, "time", (int64_t)time(NULL));
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = out_replace(dir, at.file, w.buf.p, w.buf.len);
	jsonw_free(&w);
	return rc;
}
