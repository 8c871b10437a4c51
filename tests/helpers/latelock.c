// SPDX-License-Identifier: GPL-2.0-or-later
/* latelock N - for a guest of two CPUs. N times, a timer that was set on CPU 0 is cut off by a
 * thread on CPU 1 at the tick, when CPU 0, where a program runs without end, sets its clock for the
 * next tick. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 4000000 /* CONFIG_HZ=250; its beats are at whole multiples */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("sched_setaffinity");
}

static void sleep_to_a_tick(void)
{
	struct timespec ts;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	ns = (ns / TICK_NS + 3) * TICK_NS;
	ts.tv_sec = (time_t)(ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

int main(int argc, char *argv[])
{
	struct itimerspec later = { .it_value.tv_sec = 1000 }, never = { 0 };
	struct sched_param sp = { .sched_priority = 10 };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), n = argc == 2 ? atoi(argv[1]) : 0;
	pid_t hog = fork();

	if (hog == 0) {
		go_to(0);
		for (;;)
			__asm__ volatile("");
	}
	if (fd < 0 || hog < 0)
		fail("begin");
	if (sched_setscheduler(0, SCHED_FIFO, &sp) < 0)
		fail("sched_setscheduler");
	for (; n > 0; n--) {
		go_to(0);
		timerfd_settime(fd, 0, &later, NULL);
		go_to(1);
		sleep_to_a_tick();
		timerfd_settime(fd, 0, &never, NULL);
	}
	kill(hog, SIGKILL);
	return 0;
}
