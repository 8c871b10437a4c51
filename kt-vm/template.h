/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines that have booted, kept to be continued: a directory for each, named by all that decides
 * what is in it, with
 *	ram0 ram1 …	the memory of each node, sparse
 *	state		what QEMU saved of everything else
 *	console		what the kernel said until then
 *	metadata.json	written last
 * They lie below /dev/shm/ktstr-UID-HASH if there was room when they were made, where HASH stands
 * for the cache directory, else in CACHE/templates. With KTSTR_CACHE_DIR all is in that one.
 *
 * Readers have the lock of kind "template" shared, so long as their QEMU runs; who makes or removes
 * one has it exclusively. An unfinished one, KEY.new, is a leftover unless its lock is held. */
#ifndef KT_TEMPLATE_H
#define KT_TEMPLATE_H

#include "buf.h"
#include "qemu.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TEMPLATE_KEY 33 /* half a SHA-256 in hexadecimal, with the NUL */
#define TEMPLATE_MAX_BYTES (UINT64_C(4) << 30) /* all together, unless the user says otherwise */
#define TEMPLATE_MAX_AGE_S (7 * 24 * 3600) /* since it was last used */

struct template
{
	char key[TEMPLATE_KEY];
	int dir_fd, lock_fd, state_fd; /* owned; -1: none */
	struct buf console;
};

/* template_key - of the machine that spec describes and the archive it boots, a path that says what
 * is in it. What tells two runs of one machine apart (role, seed, descriptors) does not count. 0 or
 * -errno. */
int template_key(const struct vm_spec *spec, const char *archive, char key[TEMPLATE_KEY]);

void template_init(struct template *t, const char *key);
void template_free(struct template *t);

/* template_lock - for reading, or to make or remove it. Waits as long as others have it, but no
 * longer than until sig_fd (-1: none) has something to read: -EINTR; it is left there. 0 or another
 * -errno. Nobody waits with wait false: -EWOULDBLOCK. */
int template_lock(struct template *t, bool exclusive, bool wait, int sig_fd);
void template_unlock(struct template *t);

/* template_open - the finished one. Needs the lock. Its time of last use is set to now.
 * 0; -ENOENT when there is none, or none that this boot of this machine has made; or another
 * -errno. */
int template_open(struct template *t);

/* template_stage - an empty directory to make it in: t->dir_fd. Needs the lock exclusively, like
 * the rest. mem_mib decides where it goes. 0 or -errno. */
int template_stage(struct template *t, uint64_t mem_mib);

/* template_publish - what is staged is the template from now on. spec is told in its metadata.
 * 0 or -errno, after which nothing is left. */
int template_publish(struct template *t, const struct vm_spec *spec);

/* template_remove - what there is of it, finished or not. *ret_bytes, if not NULL, is what that
 * frees. 0; -ENOENT; or another -errno. */
int template_remove(struct template *t, uint64_t *ret_bytes);

/* template_prune - remove unfinished ones that nobody is making, those of earlier boots, those not
 * used for long, and the least recently used ones until the rest takes no more than max_bytes.
 * What is in use stays, and so does the one with key `but` (may be NULL). */
void template_prune(uint64_t max_bytes, const char *but);

struct template_info {
	char key[TEMPLATE_KEY];
	const char *place, *name; /* the directory above, and what it is called there; borrowed */
	uint64_t bytes; /* on the disk or in memory */
	int64_t used_s; /* time of last use, since 1970 */
	bool finished; /* and of this boot: it may be used */
	json_t *metadata; /* borrowed; NULL: there is none that can be read */
};

/* template_each - call fn for each, finished or not, until it returns other than 0, which is then
 * returned. -errno when a place cannot be read. */
int template_each(int (*fn)(const struct template_info *info, void *arg), void *arg);

#endif
