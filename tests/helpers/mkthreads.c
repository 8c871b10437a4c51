// SPDX-License-Identifier: GPL-2.0-or-later
/* mkthreads THREADS [PROCESSES] - so many idle threads in all, in one process or in several. Prints
 * "ready PID..." (the processes) when they are there, and ends, with all of them, when its input
 * does. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Returns once n threads are there beside the caller. */
static void make(unsigned long n)
{
	pthread_attr_t attr;
	pthread_t t;
	unsigned long i;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN));
	pthread_attr_setguardsize(&attr, 0); /* or each takes two mappings, of 65,530 */
	for (i = 0; i < n; i++) {
		rc = pthread_create(&t, &attr, idle, NULL);
		if (rc != 0) {
			fprintf(stderr, "mkthreads: thread %lu: %s\n", i + 1, strerror(rc));
			exit(1);
		}
	}
	pthread_attr_destroy(&attr);
}

int main(int argc, char *argv[])
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, procs, i, share;
	pid_t *pid;
	char c;

	procs = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	if (n < 1 || n > 4000000 || procs < 1 || procs > n) {
		fprintf(stderr, "usage: mkthreads THREADS [PROCESSES [NAME]]\n");
		return 2;
	}
	pid = calloc(procs, sizeof(*pid));
	if (!pid)
		return 1;
	for (i = 0; i < procs; i++) {
		int ready[2];

		share = n / procs + (i < n % procs);
		if (pipe(ready) < 0) {
			perror("mkthreads: pipe");
			return 1;
		}
		pid[i] = fork();
		if (pid[i] < 0) {
			perror("mkthreads: fork");
			return 1;
		}
		if (pid[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (argc > 3)
				prctl(PR_SET_NAME, argv[3]);
			make(share - 1);
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
			close(ready[0]);
			close(ready[1]);
			idle(NULL);
		}
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			return 1; /* it has said why; the others go with this process */
		close(ready[0]);
	}
	printf("ready");
	for (i = 0; i < procs; i++)
		printf(" %d", (int)pid[i]);
	printf("\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	for (i = 0; i < procs; i++)
		kill(pid[i], SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	free(pid);
	return 0;
}
