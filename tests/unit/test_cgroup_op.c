// SPDX-License-Identifier: GPL-2.0-or-later
/* Ops as kt-cgroup reads them: what is one, and what is said about what is none. */
#include "../../kt-cgroup/ops.h"
