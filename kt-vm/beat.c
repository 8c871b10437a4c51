/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread for each CPU of a guest in virtual time. */
#include "beat.h"
#include "burn.h"
#include "dur.h"
#include "mono.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define STACK (32 << 10)

__attribute__((noreturn)) static void *beat(void *arg)
{
	uint64_t at = mono_ns();

	(void)arg;
	(void)pthread_setname_np(pthread_self(), "kt-beat"); /* just a name */
	for (;;) {
		at += NSEC_PER_SEC;
		(void)mono_sleep_until(at); /* no signal is handled here */
		burn(0);
	}
}

int beats_start(int priority)
{
	const struct sched_param sp = { .sched_priority = priority };
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), cpu, rc;
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t one;

	rc = pthread_attr_init(&attr);
	if (rc != 0)
		return -rc;
	(void)pthread_attr_setstacksize(&attr, STACK); /* none of these can fail */
	(void)pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	(void)pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	(void)pthread_attr_setschedparam(&attr, &sp);
	for (cpu = 0; cpu < cpus && rc == 0; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		rc = pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
		if (rc == 0)
			rc = pthread_create(&thread, &attr, beat, NULL);
	}
	(void)pthread_attr_destroy(&attr);
	return -rc;
}
