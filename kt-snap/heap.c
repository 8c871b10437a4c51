/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of jemalloc in other processes.
 *
 * The way there: get_robust_list(2) gives an address within glibc's descriptor of the thread, which
 * is found before it by the pointers to itself that it has in it, and is where the thread pointer
 * points. The distance from there is known from the program's file, or is in a word of the
 * library's memory. */
#include "heap.h"
#include "buf.h"
#include "cleanup.h"
#include "heap_elf.h"
#include "proc_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PROCESSES 256 /* that are remembered */
#define FILES 256
#define BEFORE_LIST 4096 /* bytes of the descriptor that may lie before the list */
#define MAPS_LINE 8192

/* One process; the later one of two that meet in the table stays. */
struct heap_process {
	pid_t tgid; /* 0: none */
	int rc; /* why there is nothing; 0: there is */
	int64_t from_tp; /* from the thread pointer to the first counter */
	uint64_t list_at; /* of the list in the descriptor; 0: not found yet */
};

/* One file by what it was when it was read. */
struct file {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	bool read, library;
	struct heap_elf elf;
};

struct heap {
	const struct machine *machine;
	struct heap_process process[PROCESSES];
	struct file file[FILES];
};

struct heap *heap_new(const struct machine *m)
{
	struct heap *h = calloc(1, sizeof(*h));

	if (h)
		h->machine = m;
	return h;
}

void heap_free(struct heap *h)
{
	free(h);
}

void heap_reset(struct heap *h)
{
	memset(h->process, 0, sizeof(h->process));
}

/* ---- files ---- */

/* Takes over fd. */
static int file_elf(struct heap *h, int owned_fd, bool library, struct heap_elf *ret)
{
	AUTO_FD fd = owned_fd;
	struct file *f;
	struct stat st;
	int rc;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	f = &h->file[(st.st_ino * 31 + st.st_dev) % FILES];
	if (!f->read || f->dev != st.st_dev || f->ino != st.st_ino || f->size != st.st_size ||
	    f->mtime.tv_sec != st.st_mtim.tv_sec || f->mtime.tv_nsec != st.st_mtim.tv_nsec ||
	    f->library != library) {
		rc = heap_elf_read(fd, library, &f->elf);
		f->read = rc == 0;
		if (rc < 0)
			return rc;
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		f->size = st.st_size;
		f->mtime = st.st_mtim;
		f->library = library;
	}
	*ret = f->elf;
	return 0;
}

/* 7f0df7a00000-7f0df7a08000 r--p 00000000 fe:00 1234 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 */
uint64_t heap_map_line(const char *line, const char **ret_path)
{
	const char *slash = strchr(line, '/'), *name, *p;
	uint64_t start = 0;
	int i;

	if (!slash)
		return 0;
	name = strrchr(slash, '/') + 1;
	if (strncmp(name, "libjemalloc.so", 14) != 0)
		return 0;
	for (p = line; (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f'); p++) {
		if (start >> 60)
			return 0;
		start = start << 4 | (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	}
	if (*p != '-')
		return 0;
	for (i = 0; i < 2; i++) { /* behind the range, behind the rights */
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	if (strncmp(p, "00000000 ", 9) != 0) /* not where the file begins */
		return 0;
	*ret_path = slash;
	return start;
}

/* Where libjemalloc is in this process: *ret_start, and the file. Returns an fd or -errno. */
static int open_library(pid_t tgid, uint64_t *ret_start)
{
	char path[64], line[MAPS_LINE], *full;
	AUTO_FILE *maps = NULL;
	const char *file;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)tgid); /* it fits */
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	errno = 0;
	while (fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		*ret_start = heap_map_line(line, &file);
		if (*ret_start == 0)
			continue;
		if (asprintf(&full, "/proc/%d/root%s", (int)tgid, file) < 0)
			return -ENOMEM;
		fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* whatever is there by now */
		if (fd < 0)
			fd = -errno;
		free(full);
		return fd;
	}
	return errno ? -errno : -ENOENT;
}

static int peek(pid_t pid, uint64_t at, void *to, size_t n)
{
	struct iovec mine = { to, n }, theirs = { (void *)(uintptr_t)at, n };
	ssize_t got = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -ENODATA;
}

/* ---- processes ---- */

static int look_at(struct heap *h, struct heap_process *p)
{
	struct heap_elf elf = { 0 };
	uint64_t start = 0, word = 0;
	char path[64];
	int fd, rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->tgid); /* it fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = file_elf(h, fd < 0 ? -errno : fd, false, &elf);
	if (rc < 0)
		return rc;
	if (elf.jemalloc) {
		p->from_tp = elf.offset;
		return elf.known ? 0 : -ENODATA;
	}
	fd = open_library(p->tgid, &start);
	rc = file_elf(h, fd, true, &elf);
	if (rc < 0)
		return rc;
	if (!elf.known)
		return -ENODATA;
	rc = peek(p->tgid, start - elf.base + elf.got, &word, sizeof(word));
	p->from_tp = (int64_t)word + elf.offset;
	return rc;
}

static struct heap_process *process_of(struct heap *h, pid_t tgid)
{
	struct heap_process *p = &h->process[(unsigned int)tgid % PROCESSES];

	if (p->tgid != tgid) {
		*p = (struct heap_process){ .tgid = tgid };
		p->rc = look_at(h, p);
	}
	return p;
}

/* ---- threads ---- */

/* glibc's descriptor begins with its own address, which is also in its third word. */
static int find_descriptor(pid_t tid, uint64_t list, uint64_t *ret_tp)
{
	uint64_t w[BEFORE_LIST / 8 + 8], from = (list & ~UINT64_C(63)) - BEFORE_LIST;
	size_t n, i;
	int rc;

	/* What lies before the descriptor may not be there to be read. */
	for (;; from = (from + 4096) & ~UINT64_C(4095)) {
		if (from + 24 > list)
			return -ENODATA;
		n = (list - from) / 8;
		rc = peek(tid, from, w, n * 8);
		if (rc == 0)
			break;
		if (rc != -EFAULT && rc != -ENODATA)
			return rc;
	}
	for (i = n - 2; i-- > 0;) {
		if (w[i] == from + i * 8 && w[i + 2] == w[i] && w[i] % 16 == 0) {
			*ret_tp = w[i];
			return 0;
		}
	}
	return -ENODATA;
}

static int counters(struct heap_process *p, pid_t tid, uint64_t v[3])
{
	uint64_t tp, self[3];
	void *list = NULL;
	size_t len;
	int rc;

	if (syscall(SYS_get_robust_list, tid, &list, &len) < 0)
		return -errno;
	if (!list)
		return -ENODATA; /* made without glibc, or on its way */
	tp = (uint64_t)(uintptr_t)list - p->list_at;
	if (p->list_at == 0 || peek(tid, tp, self, sizeof(self)) < 0 || self[0] != tp ||
	    self[2] != tp) {
		rc = find_descriptor(tid, (uint64_t)(uintptr_t)list, &tp);
		if (rc < 0)
			return rc;
		p->list_at = (uint64_t)(uintptr_t)list - tp;
	}
	return peek(tid, tp + (uint64_t)p->from_tp, v, 3 * sizeof(v[0]));
}

/* Whether the thread that was read by number is the one of the record. */
static bool same(const struct heap *h, const struct thread_rec *t)
{
	const uint64_t tick = UINT64_C(1000000000) / h->machine->clk_tck;
	struct stat_units u = { h->machine->clk_tck, h->machine->page_kb };
	struct thread_rec now;
	char path[64], text[4096];
	ssize_t n;
	AUTO_FD fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)t->v[F_tgid],
		       (int)t->v[F_tid]); /* it fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	thread_clear(&now);
	return n > 0 && parse_stat(text, (size_t)n, &u, &now) == 0 &&
	       now.v[F_start_ns] / tick == t->v[F_start_ns] / tick;
}

void heap_read(struct heap *h, struct thread_rec *t, struct tally *missing)
{
	struct heap_process *p;
	uint64_t v[3] = { 0 };
	int rc;

	if (field_has(&t->has, F_kthread) && t->v[F_kthread])
		return;
	p = process_of(h, (pid_t)t->v[F_tgid]);
	rc = p->rc < 0 ? p->rc : counters(p, (pid_t)t->v[F_tid], v);
	if (rc == 0 && !same(h, t))
		rc = -ESRCH;
	if (rc < 0) {
		tally_rc(missing, "heap", rc);
		return;
	}
	thread_set(t, F_allocated_bytes, v[0]);
	thread_set(t, F_deallocated_bytes, v[HEAP_DEALLOCATED / 8]);
}
