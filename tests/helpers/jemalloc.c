// SPDX-License-Identifier: GPL-2.0-or-later
/* jemalloc THREADS - threads that allocate, each another amount, by what malloc there is. Prints
 * for each a line of JSON with the counters that jemalloc itself tells, and "ready" before them;
 * ends with its input. It wants libjemalloc preloaded, or linked into it. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int mallctl_fn(const char *name, void *old, size_t *old_n, void *new, size_t new_n);

#ifdef JEMALLOC_LINKED
mallctl_fn mallctl;
#endif

static mallctl_fn *ctl;
static pthread_barrier_t done;
static char text[65536];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const uint64_t *counter(const char *name)
{
	const uint64_t *p = NULL;
	size_t n = sizeof(p);

	if (ctl(name, &p, &n, NULL, 0) != 0) {
		fprintf(stderr, "jemalloc: no %s\n", name);
		exit(1);
	}
	return p;
}

static void *work(void *arg)
{
	size_t k = (size_t)(uintptr_t)arg, i;
	const uint64_t *a, *d;
	void *volatile p;
	char line[128];

	for (i = 0; i < 100 * (k + 1); i++) {
		p = malloc(1000 * (k + 1));
		if (i % 2)
			free(p);
	}
	a = counter("thread.allocatedp");
	d = counter("thread.deallocatedp");
	(void)snprintf(line, sizeof(line),
		       "{\"tid\":%ld,\"allocated\":%llu,\"deallocated\":%llu}\n",
		       syscall(SYS_gettid), (unsigned long long)*a, (unsigned long long)*d);
	pthread_mutex_lock(&lock);
	strncat(text, line, sizeof(text) - strlen(text) - 1);
	pthread_mutex_unlock(&lock);
	pthread_barrier_wait(&done);
	for (;;)
		pause();
	return NULL;
}

int main(int argc, char *argv[])
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, i;
	pthread_t t;
	char c;

	if (n < 1 || n > 500) {
		fprintf(stderr, "usage: jemalloc THREADS\n");
		return 2;
	}
#ifdef JEMALLOC_LINKED
	ctl = mallctl;
#else
	*(void **)&ctl = dlsym(RTLD_DEFAULT, "mallctl");
#endif
	if (!ctl) {
		fprintf(stderr, "jemalloc: it is not there\n");
		return 1;
	}
	pthread_barrier_init(&done, NULL, (unsigned int)n + 1);
	for (i = 0; i < n; i++)
		if (pthread_create(&t, NULL, work, (void *)(uintptr_t)i) != 0)
			return 1;
	pthread_barrier_wait(&done);
	dprintf(STDOUT_FILENO, "ready %d\n%s", (int)getpid(), text);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
