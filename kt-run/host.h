/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host did to the virtual CPUs while a worker was waiting. */
#ifndef KT_HOST_H
#define KT_HOST_H

#include "events.h"
#include "stats.h"

#include <stdbool.h>
#include <stdint.h>

/* host_stolen - time in [from, to) of the guest's clock that the host did not give to vCPU `cpu`
 * though the guest used it: the larger of its delay on the host, and of what the workers believe to
 * have used there minus what the host gave. 0 without samples. When they are not aligned with the
 * guest's clock, the delay of the whole run. */
uint64_t host_stolen(const struct plan_run *run, const struct workers *ws, unsigned int cpu,
		     uint64_t from, uint64_t to);

/* host_aligned - the samples can tell about a window. */
bool host_aligned(const struct plan_run *run);

/* host_worst_step - the largest delay of vCPU `cpu` between two samples. */
uint64_t host_worst_step(const struct plan_run *run, unsigned int cpu);

/* host_delay - delay of all vCPUs over the whole run, UNKNOWN without samples. */
uint64_t host_delay(const struct plan_run *run);

#endif
