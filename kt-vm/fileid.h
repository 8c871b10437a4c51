/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file is it? */
#ifndef KT_FILEID_H
#define KT_FILEID_H

#include <stdbool.h>
#include <stddef.h>

/* fileid_file - "device:inode:size:time of change" of its contents. 0 or -errno. */
int fileid_file(const char *path, char *buf, size_t cap);

/* fileid_program - the same of a program, looked up in PATH when it has no slash. */
int fileid_program(const char *name, char *buf, size_t cap);

/* fileid_data - is there a file of this name where a QEMU looks for its data? That is
 * ../share/qemu beside it. */
bool fileid_data(const char *qemu, const char *name);

/* fileid_boot - this boot of this machine. */
int fileid_boot(char *buf, size_t cap);

#endif
