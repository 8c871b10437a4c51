/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels that are kept: CACHE/kernels/KEY/{bzImage,config,metadata.json}. An entry appears by
 * rename and is whole from then on. */
#ifndef KT_CACHE_H
#define KT_CACHE_H

#include "config.h"
#include "image.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct kernel {
	char key[256]; /* "" for a file that is not from the cache */
	char version[128]; /* the release, "7.3.4+deb13-cloud-amd64", or "" */
	char source[16]; /* "apt", "file", "host" */
	char suite[64], flavour[64], package[192], package_version[128]; /* of apt, else "" */
	char machine[65]; /* as uname -m says */
	char image[64]; /* file name in the entry */
	char path[PATH_MAX]; /* of the image */
	char config_path[PATH_MAX]; /* or "" */
	char built[32]; /* when it came into the cache, "2026-01-01T00:00:00Z", or "" */
	char sha256[65], config_sha256[65]; /* or "" */
	enum image_kind kind;
	struct config config;
	uint64_t bytes;
	char corrupt[256]; /* why the entry is of no use, or "" */
};

/* kernel_record - write it as a record of this type; why may be NULL. Returns 0 or -errno. */
struct jsonw;
int kernel_record(struct jsonw *w, const char *type, const struct kernel *k, const char *why);

/* kernel_file - the same facts of an image file, from the file itself.
 * Returns 0 (k->kind IMAGE_NONE with k->corrupt when it is no kernel), or -errno. */
int kernel_file(const char *path, const char *source, struct kernel *k);

/* cache_load - one entry. Returns 0 (k->corrupt may say something), -ENOENT when there is none of
 * that key, -EINVAL for a key that is no plain name, or another -errno. */
int cache_load(const char *key, struct kernel *k);

/* cache_list - all entries, newest version first; the caller frees *ret. Returns the count or
 * -errno. */
int cache_list(struct kernel **ret);

/* cache_stage - an empty directory CACHE/kernels/.tmp-… to fill; path in buf. Those of earlier
 * callers are removed: the caller holds the lock kernel-get exclusively. 0 or -errno. */
int cache_stage(char *buf, size_t cap);

/* cache_publish - what lies in the staged directory becomes entry k->key: its metadata is written
 * from k (sums and sizes are taken here), all is synced, and the directory renamed, under the
 * exclusive lock of the key (waits 60 s for readers). An older entry of that key is replaced.
 * Returns 0 or -errno; then the staged directory is still there. */
int cache_publish(const char *staged, struct kernel *k);

/* cache_unstage - remove a staged directory. */
int cache_unstage(const char *staged);

#endif
