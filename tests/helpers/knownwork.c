// SPDX-License-Identifier: GPL-2.0-or-later
/* knownwork FILE [NAME] - one thread, beside the leader, does a known amount of work of each kind,
 * then waits. Prints one line of JSON: what was done, and what clocks and getrusage say of this
 * thread; ends when its input does. FILE is written; NAME becomes the thread's name (any bytes). */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	SWITCHES = 300,
	SLEEP_NS = 200000, /* long enough for any timer not to have expired before it sleeps */
	FAULTS = 700,
	NULL_WRITES = 50,
	NULL_BYTES = 1000, /* each */
	ZERO_READS = 40,
	ZERO_BYTES = 500,
	FILE_PAGES = 25,
	MIGRATIONS = 120,
	CPU_MS = 400,
};

static const char *file;
static int go_on[2]; /* nothing comes: the thread sleeps here */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void switches(void)
{
	struct timespec ts = { 0, SLEEP_NS };
	int i;

	for (i = 0; i < SWITCHES; i++)
		nanosleep(&ts, NULL);
}

static void faults(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	volatile char *p = mmap(NULL, FAULTS * page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	madvise((void *)(uintptr_t)p, FAULTS * page, MADV_NOHUGEPAGE);
	for (i = 0; i < FAULTS; i++)
		p[i * page] = 1;
}

static void input_output(void)
{
	static char bytes[4096];
	int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY), i;
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (null < 0 || zero < 0 || fd < 0)
		fail(file);
	for (i = 0; i < NULL_WRITES; i++)
		if (write(null, bytes, NULL_BYTES) != NULL_BYTES)
			fail("write");
	for (i = 0; i < ZERO_READS; i++)
		if (read(zero, bytes, ZERO_BYTES) != ZERO_BYTES)
			fail("read");
	for (i = 0; i < FILE_PAGES; i++)
		if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			fail("write");
	close(fd);
	close(null);
	close(zero);
}

static void pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		fail("sched_setaffinity");
}

/* The first two CPUs that it may use. Returns how many there are, 2 at most. */
static int two_cpus(int cpu[2])
{
	cpu_set_t all;
	int n = 0, i;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		fail("sched_getaffinity");
	for (i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &all))
			cpu[n++] = i;
	return n;
}

/* Returns how many times it was on another CPU than before. It is pinned all the time, so that
 * nobody else moves it. */
static int migrations(const int cpu[2])
{
	int i, moved = 0, before;

	for (i = 1; i <= MIGRATIONS; i++) {
		before = sched_getcpu();
		pin(cpu[i % 2]);
		moved += sched_getcpu() != before;
	}
	return moved;
}

static void *work(void *arg)
{
	struct rusage ru;
	int cpu[2], n = two_cpus(cpu), moved;
	char c;

	pin(cpu[0]);
	switches();
	faults();
	input_output();
	moved = n < 2 ? 0 : migrations(cpu);
	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < CPU_MS * UINT64_C(1000000))
		;
	getrusage(RUSAGE_THREAD, &ru);
	printf("{\"tgid\":%d,\"tid\":%ld,\"switches\":%d,\"faults\":%d,\"migrations\":%d,"
	       "\"wchar\":%d,\"rchar\":%d,\"syscw\":%d,\"syscr\":%d,\"file_bytes\":%d,",
	       (int)getpid(), syscall(SYS_gettid), SWITCHES, FAULTS, moved,
	       NULL_WRITES * NULL_BYTES + FILE_PAGES * 4096, ZERO_READS * ZERO_BYTES,
	       NULL_WRITES + FILE_PAGES, ZERO_READS, FILE_PAGES * 4096);
	fflush(NULL);
	getrusage(RUSAGE_THREAD, &ru); /* after all that printing costs but this */
	dprintf(STDOUT_FILENO,
		"\"minflt\":%ld,\"majflt\":%ld,\"nvcsw\":%ld,\"nivcsw\":%ld,\"utime_us\":%ld,"
		"\"stime_us\":%ld,\"cpu_ns\":%llu}\n",
		ru.ru_minflt, ru.ru_majflt, ru.ru_nvcsw, ru.ru_nivcsw,
		ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec,
		ru.ru_stime.tv_sec * 1000000 + ru.ru_stime.tv_usec,
		(unsigned long long)now_ns(CLOCK_THREAD_CPUTIME_ID));
	if (read(go_on[0], &c, 1) < 0)
		fail("read");
	return arg;
}

int main(int argc, char *argv[])
{
	pthread_t t;
	char c;

	if (argc != 2) {
		fprintf(stderr, "usage: knownwork FILE\n");
		return 2;
	}
	file = argv[1];
	if (pipe(go_on) < 0 || pthread_create(&t, NULL, work, NULL) != 0)
		fail("begin");
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
