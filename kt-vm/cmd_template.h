/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-vm template make|list|drop */
#ifndef KT_CMD_TEMPLATE_H
#define KT_CMD_TEMPLATE_H

#include "exec.h"

/* Each writes a stream of records and returns kt-vm's exit status. */
int template_cmd_make(struct opts *o);
int template_cmd_list(void);

/* template_cmd_drop - keys end with NULL; all: every one. What is in use stays, which is a failure
 * that names who uses it; for all it is none. */
int template_cmd_drop(char *const *keys, bool all);

#endif
