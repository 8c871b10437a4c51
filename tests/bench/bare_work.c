/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bare_work spin|pingpong SECONDS CPU - the loops of CpuSpin and FutexPingPong without a clock, a
 * stamp or a counter in shared memory. Prints how much was done per nanosecond of CPU time. */
#include "burn.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct side {
	_Alignas(64) _Atomic uint32_t seq;
	uint64_t n;
};

struct shared {
	_Alignas(64) _Atomic uint32_t stop;
	struct side side[2];
};

static void spin(const struct shared *sh, uint64_t n)
{
	while (n > 0 && !atomic_load_explicit(&sh->stop, memory_order_relaxed)) {
		unsigned int chunk = n < BURN_STEPS ? (unsigned int)n : BURN_STEPS;

		burn(chunk);
		n -= chunk;
	}
}

static bool await(struct shared *sh, struct side *me, uint32_t *seen)
{
	while (!atomic_load(&sh->stop) && atomic_load(&me->seq) == *seen)
		(void)syscall(SYS_futex, &me->seq, FUTEX_WAIT, *seen, NULL, NULL, 0);
	++*seen;
	return !atomic_load(&sh->stop);
}

static void pingpong(struct shared *sh, int me)
{
	struct side *mine = &sh->side[me], *other = &sh->side[!me];
	uint32_t seen = 0;

	if (me == 1 && !await(sh, mine, &seen))
		return;
	while (!atomic_load(&sh->stop)) {
		spin(sh, 1024);
		mine->n++;
		atomic_fetch_add(&other->seq, 1);
		(void)syscall(SYS_futex, &other->seq, FUTEX_WAKE, 1, NULL, NULL, 0);
		if (!await(sh, mine, &seen))
			return;
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

int main(int argc, char *argv[])
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct shared *sh =
		mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool two = argc == 4 && strcmp(argv[1], "pingpong") == 0;
	struct timespec ts = { 0 };
	struct rusage ru;
	cpu_set_t cpus;
	pid_t pid[2];
	int i, n = two ? 2 : 1;

	if (argc != 4 || sh == MAP_FAILED || sigaction(SIGUSR1, &sa, NULL) < 0)
		return 2;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[3]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			return 1;
		if (pid[i] > 0)
			continue;
		if (two)
			pingpong(sh, i);
		while (!two && !atomic_load_explicit(&sh->stop, memory_order_relaxed)) {
			spin(sh, 1024);
			sh->side[0].n++;
		}
		_exit(0);
	}
	ts.tv_sec = (time_t)atof(argv[2]);
	ts.tv_nsec = (long)((atof(argv[2]) - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
	atomic_store(&sh->stop, 1);
	for (i = 0; i < n; i++)
		while (waitpid(pid[i], NULL, WNOHANG) == 0) {
			kill(pid[i], SIGUSR1);
			usleep(1000);
		}
	getrusage(RUSAGE_CHILDREN, &ru);
	printf("%.9f\n", (double)(sh->side[0].n + sh->side[1].n) /
				 ((double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e9 +
				  (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e3));
	return 0;
}
