/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file is it? */
#ifndef KT_VM_IDENT_H
#define KT_VM_IDENT_H

#include <stdbool.h>
#include <stddef.h>

/* ident_file - "device:inode:size:time of change" of its contents. 0 or -errno. */
int ident_file(const char *path, char *buf, size_t cap);

/* ident_program - the same of a program, looked up in PATH when it has no slash. */
int ident_program(const char *name, char *buf, size_t cap);

/* ident_data - is there a file of this name where a QEMU looks for its data? That is
 * ../share/qemu beside it. */
bool ident_data(const char *qemu, const char *name);

/* ident_boot - this boot of this machine. */
int ident_boot(char *buf, size_t cap);

#endif
