/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict on this machine's KVM. */
#include "accel.h"
#include "buf.h"
#include "cachedir.h"
#include "cleanup.h"
#include "ident.h"
#include "jsonr.h"
#include "jsonw.h"
#include "out.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VERDICT "accel.json"
#define KEEP_S 3600

int accel_device(void)
{
	AUTO_FD fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

/* Another boot or QEMU is another key. */
static int make_key(const char *qemu, char *key, size_t cap)
{
	char boot[64], id[128];
	int rc = ident_boot(boot, sizeof(boot));

	if (rc == 0)
		rc = ident_program(qemu, id, sizeof(id));
	if (rc == 0 && (size_t)snprintf(key, cap, "%s/%s", boot, id) >= cap)
		rc = -E2BIG;
	return rc;
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
