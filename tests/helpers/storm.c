// SPDX-License-Identifier: GPL-2.0-or-later
/* storm RATE - begins and ends threads, and for each eighth of them a process, at least RATE a
 * second, until its input ends. Prints "ready", and at the end how many there were and the
 * milliseconds. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ALIVE 200 /* threads at a time */

static sem_t room;

static void *brief(void *arg)
{
	struct timespec ts = { 0, 2000000 };

	nanosleep(&ts, NULL);
	sem_post(&room);
	return arg;
}

static int begin(void)
{
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	while (sem_wait(&room) != 0)
		;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &attr, brief, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int main(int argc, char *argv[])
{
	unsigned long rate = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, n = 0, due;
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	uint64_t start = now_ms();
	pid_t pid;

	if (rate < 1 || rate > 1000000) {
		fprintf(stderr, "usage: storm RATE\n");
		return 2;
	}
	sem_init(&room, 0, ALIVE);
	printf("ready\n");
	fflush(stdout);
	while (poll(&in, 1, 1) == 0) {
		/* Half as many again, since what is late is caught up with in the next millisecond.
		 */
		due = (unsigned long)(now_ms() - start + 1) * rate * 3 / 2000;
		if (due > n + rate / 50 +
				  1) /* a busy machine: the input is to be looked at all the same */
			due = n + rate / 50 + 1;
		for (; n < due; n++) {
			if (n % 8 == 0) {
				pid = fork();
				if (pid == 0)
					_exit(0);
				if (pid < 0 || waitpid(pid, NULL, 0) < 0)
					return 1;
			} else if (begin() != 0) {
				return 1;
			}
		}
	}
	printf("%lu %llu\n", n, (unsigned long long)(now_ms() - start));
	return 0;
}
