/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-vm exec --plan-only */
#ifndef KT_CMD_PLAN_H
#define KT_CMD_PLAN_H

#include "exec.h"

/* plan_show - the machine that spec describes, as records. Returns kt-vm's exit status. */
int plan_show(const struct opts *o, const struct vm_spec *spec);

#endif
