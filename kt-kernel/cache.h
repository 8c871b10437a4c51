/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels that are kept: CACHE/kernels/KEY/{bzImage,config,metadata.json}, and more files if
 * metadata.json names them. An entry appears by rename and is whole from then on. */
#ifndef KT_CACHE_H
#define KT_CACHE_H

#include "kernel.h"

#include <stddef.h>

/* cache_key_ok - may an entry be called that? No "/", no "." in front, 255 bytes at most. */
bool cache_key_ok(const char *key);

/* cache_load - one entry; of its files only names and sizes are looked at. Returns 0 (k->damage may
 * say something), -ENOENT or -ENOTDIR when there is none of that key, -EINVAL for a key that is no
 * plain name, or another -errno. */
int cache_load(const char *key, struct kernel *k);

/* cache_verify - read all files of a loaded entry and compare their sums; k->damage tells.
 * Returns 0 or -errno. */
int cache_verify(struct kernel *k);

/* cache_list - all entries: the newest `built` first, damaged ones last; the caller frees *ret.
 * Returns the count or -errno. */
int cache_list(struct kernel **ret);

/* cache_sort - put them into that order again. */
void cache_sort(struct kernel *v, int n);

/* cache_remove - the entry of that key; the caller holds its lock exclusively. It disappears as a
 * whole, then its files are removed. Returns 0, -ENOENT, or another -errno. */
int cache_remove(const char *key);

/* cache_stage - an empty directory CACHE/kernels/.tmp-… to fill; path in buf. What writers left who
 * have died is removed first. Returns an fd of it, whose lock says that this writer lives: the
 * caller keeps it open until cache_publish() or cache_unstage(), then closes it. Or -errno. */
int cache_stage(char *buf, size_t cap);

/* cache_publish - what lies in the staged directory becomes entry k->key: all its files are sealed
 * (sum and size, into k->files), metadata.json is written from k, all is synced, and the directory
 * renamed, under the exclusive lock of the key (waits 60 s for readers). An older entry of that key
 * is replaced. k->image and "config" must be among the files; k->path and config_path are set.
 * Returns 0; -EWOULDBLOCK when the key is still in use; -EINVAL for a key or a file that cannot be;
 * or another -errno. After a failure the staged directory is still there. */
int cache_publish(const char *staged, struct kernel *k);

/* cache_unstage - remove a staged directory. */
int cache_unstage(const char *staged);

#endif
