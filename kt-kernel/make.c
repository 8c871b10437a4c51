/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs make in a kernel's tree. */
#include "make.h"
#include "buf.h"
#include "cleanup.h"
#include "die.h"
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define DRAW_MS 250
#define TAIL_LINES 12
#define LOG_MAX (256 << 20) /* of a log no more is looked through */
#define MAX_ARGS 40

int make_env(uint64_t epoch, bool own)
{
	/* Those of a make that we run below, and those that the kernel's Makefile would heed. */
	static const char *const drop[] = { "MAKEFLAGS",
					    "MFLAGS",
					    "MAKELEVEL",
					    "MAKEOVERRIDES",
					    "MAKEFILES",
					    "GNUMAKEFLAGS",
					    "KBUILD_OUTPUT",
					    "KBUILD_EXTMOD",
					    "KBUILD_VERBOSE",
					    "KBUILD_EXTRA_WARN",
					    "KCONFIG_CONFIG",
					    "KCONFIG_ALLCONFIG",
					    "KCONFIG_OVERWRITECONFIG",
					    "KBUILD_DEFCONFIG",
					    "KCPPFLAGS",
					    "KAFLAGS",
					    "GIT_DIR",
					    "GIT_WORK_TREE",
					    "LOCALVERSION",
					    "TZ" };
	static const char *const set[][2] = { { "KBUILD_BUILD_USER", "ktstr" },
					      { "KBUILD_BUILD_HOST", "ktstr" },
					      { "KBUILD_BUILD_VERSION", "1" },
					      { "KCONFIG_NOTIMESTAMP", "1" },
					      { "LC_ALL", "C" } };
	time_t at = (time_t)epoch;
	char text[64], number[32];
	struct tm tm;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(drop); i++)
		if (unsetenv(drop[i]) < 0)
			return -errno;
	for (i = 0; i < KT_ARRAY_LEN(set); i++)
		if (setenv(set[i][0], set[i][1], 1) < 0)
			return -errno;
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)epoch);
	if (!gmtime_r(&at, &tm) ||
	    strftime(text, sizeof(text), "%a %b %e %H:%M:%S UTC %Y", &tm) == 0)
		return -EOVERFLOW;
	if (setenv("SOURCE_DATE_EPOCH", number, 1) < 0 ||
	    setenv("KBUILD_BUILD_TIMESTAMP", text, 1) < 0)
		return -errno;
	/* Set, but empty: no "+" for a commit that is no release. In a tree of the user's it may
	 * be. */
	return own && setenv("LOCALVERSION", "", 1) < 0 ? -errno : 0;
}

/* The command line. Strings that are made here are in b, one after the other. */
struct command {
	const char *argv[MAX_ARGS + 1];
	char jobs[16], cap[16];
	char *flags[2];
	size_t n;
};

static void add(struct command *c, const char *arg)
{
	if (c->n < MAX_ARGS)
		c->argv[c->n++] = arg;
}

static void free_command(struct command *c)
{
	free(c->flags[0]);
	free(c->flags[1]);
}

static void reserve_command(const struct make *m, const char *reserve, struct command *c)
{
	(void)snprintf(c->cap, sizeof(c->cap), "%u", m->cap);
	add(c, reserve);
	add(c, "-q");
	add(c, "--cpu-cap");
	add(c, c->cap);
	add(c, "--");
}

static int make_command(const struct make *m, const char *const *args, char *reserve,
			struct command *c)
{
	const char *mine = getenv("KCFLAGS");
	size_t i;

	if (m->cap) {
		reserve_command(m, reserve, c);
		add(c, "/bin/sh");
		add(c, "-c");
		add(c, "exec make -j\"$KTSTR_JOBS\" \"$@\"");
		add(c, "make");
	} else {
		(void)snprintf(c->jobs, sizeof(c->jobs), "-j%u", m->jobs);
		add(c, "make");
		add(c, c->jobs);
	}
	add(c, "-C");
	add(c, m->tree);
	add(c, "--no-print-directory");
	for (i = 0; i < m->tools->n_vars; i++)
		add(c, m->tools->vars[i]);
	if (m->own) {
		/* Debugging information holds the directory, and the build id depends on that. */
		if (asprintf(&c->flags[0], "KCFLAGS=-Wno-error -ffile-prefix-map=%s=.%s%s", m->tree,
			     mine ? " " : "", mine ? mine : "") < 0) {
			c->flags[0] = NULL;
			return -ENOMEM;
		}
		if (asprintf(&c->flags[1], "KAFLAGS=-ffile-prefix-map=%s=.", m->tree) < 0) {
			c->flags[1] = NULL;
			return -ENOMEM;
		}
		add(c, c->flags[0]);
		add(c, c->flags[1]);
		/* The configuration has the version of a compiler that only happens to be there. */
		if (!getenv("RUSTC"))
			add(c, "RUSTC=false");
	}
	while (*args)
		add(c, *args++);
	c->argv[c->n] = NULL;
	return c->n == MAX_ARGS ? -E2BIG : 0;
}

/* The last whole line of the log, for the line that is redrawn. */
static const char *last_line(int fd, char *buf, size_t cap)
{
	struct stat st;
	off_t at;
	ssize_t n;
	char *end, *p;

	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return NULL;
	at = st.st_size > (off_t)cap - 1 ? st.st_size - (off_t)cap + 1 : 0;
	n = pread(fd, buf, cap - 1, at);
	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	end = strrchr(buf, '\n');
	if (!end)
		return NULL;
	*end = '\0';
	p = strrchr(buf, '\n');
	for (p = p ? p + 1 : buf; *p == ' '; p++)
		;
	for (end = p; *end; end++)
		if (*end < ' ')
			*end = ' '; /* make's lines have tabs */
	return p;
}

/* Run a command, its output to out_fd, and its errors to err_fd. */
static int run(const struct make *m, const struct command *c, int out_fd, int err_fd)
{
	AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct keeper keeper = KEEPER_INIT;
	char doing[1024], *argv[MAX_ARGS + 1];
	struct child_spec spec = { .argv = argv,
				   .mask = m->mask,
				   .stdio = { null_fd, out_fd, err_fd } };
	siginfo_t info;
	int rc, ended;

	if (null_fd < 0)
		return warn_rc(-errno, "open /dev/null");
	memcpy(argv, c->argv, sizeof(argv)); /* execvp(3) knows no const, and changes nothing */
	rc = keeper_start(&spec, &keeper);
	if (rc < 0)
		return warn_rc(rc, "start '%s'", argv[0]);
	while ((rc = keeper_wait(&keeper, m->sig_fd, m->phase && m->phase->tty ? DRAW_MS : -1)) ==
	       0)
		if (m->phase)
			phase_draw(m->phase, last_line(err_fd, doing, sizeof(doing)));
	if (rc < 0)
		keeper_stop(&keeper);
	ended = keeper_end(&keeper, &info);
	if (rc == -EINTR) {
		if (m->phase)
			phase_drop(m->phase);
		warn_msg("stopped by a signal");
		return rc;
	}
	if (rc < 0 || ended < 0)
		return warn_rc(rc < 0 ? rc : ended, "run '%s'", argv[0]);
	if (child_status(&info) == 0)
		return 0;
	return m->cap && child_status(&info) == KT_SKIP ? -EUSERS : -EINVAL;
}

static int find_reserve(const struct make *m, char *buf, size_t cap)
{
	if (m->cap && !child_tool("kt-reserve", buf, cap))
		return warn_rc(-ENOENT, "find kt-reserve");
	return 0;
}

static int run_make(const struct make *m, const char *const *args, int out_fd, int err_fd)
{
	struct command c = { 0 };
	char reserve[PATH_MAX];
	int rc = find_reserve(m, reserve, sizeof(reserve));

	if (rc < 0)
		return rc;
	rc = make_command(m, args, reserve, &c);
	rc = rc < 0 ? warn_rc(rc, "start make") : run(m, &c, out_fd, err_fd);
	free_command(&c);
	return rc;
}

int make_may(const struct make *m, char *ret_why, size_t cap)
{
	struct command c = { 0 };
	char reserve[PATH_MAX], text[2048];
	const char *line;
	AUTO_FD fd = -1;
	int rc = find_reserve(m, reserve, sizeof(reserve));

	*ret_why = '\0';
	if (rc < 0 || m->cap == 0)
		return rc;
	reserve_command(m, reserve, &c);
	add(&c, "true");
	fd = memfd_create("kt-kernel", MFD_CLOEXEC);
	rc = fd < 0 ? warn_rc(-errno, "ask kt-reserve") : run(m, &c, fd, fd);
	line = rc < 0 ? last_line(fd, text, sizeof(text)) : NULL;
	if (line)
		(void)snprintf(ret_why, cap, "%s", line);
	return rc;
}

static int open_log(const struct make *m)
{
	int fd = open(m->log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? warn_rc(-errno, "open '%s'", m->log) : fd;
}

int make_run(const struct make *m, const char *const *args)
{
	AUTO_FD log = open_log(m);

	return log < 0 ? log : run_make(m, args, log, log);
}

int make_ask(const struct make *m, const char *target, char *buf, size_t cap)
{
	const char *const args[] = { "-s", target, NULL };
	AUTO_FD log = open_log(m);
	AUTO_FD fd = log < 0 ? -1 : memfd_create("kt-kernel", MFD_CLOEXEC);
	ssize_t n;
	int rc;

	if (log < 0)
		return log;
	if (fd < 0)
		return warn_rc(-errno, "ask make");
	rc = run_make(m, args, fd, log);
	if (rc < 0)
		return rc;
	n = pread(fd, buf, cap - 1, 0);
	if (n < 0)
		return warn_rc(-errno, "ask make");
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

void make_last(const char *log, char *buf, size_t cap)
{
	AUTO_FD fd = open(log, O_RDONLY | O_CLOEXEC);
	char text[2048];
	const char *line = fd < 0 ? NULL : last_line(fd, text, sizeof(text));

	(void)snprintf(buf, cap, "%s", line ? line : "");
}

/* Does the line tell of an error? 2: as a compiler or linker says it; 1: as make says it. */
static int error_line(const char *p, size_t n)
{
	static const char *const sure[] = { "error:", "Error:", "undefined reference to",
					    "FAILED:", "fatal:" };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(sure); i++)
		if (memmem(p, n, sure[i], strlen(sure[i])))
			return 2;
	return memmem(p, n, "*** ", 4) != NULL;
}

void make_explain(const char *log, char *ret_error, size_t cap)
{
	AUTO_FD fd = open(log, O_RDONLY | O_CLOEXEC);
	AUTO_BUF b = BUF_INIT;
	const char *p, *end, *tail;
	int best = 0, lines = 0;

	*ret_error = '\0';
	if (fd < 0)
		return;
	while (b.len < LOG_MAX && buf_fill(&b, fd, 1 << 20) > 0)
		;
	if (b.len == 0)
		return;
	p = b.p;
	end = p + b.len;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		int is = error_line(p, n);

		if (is > best) {
			(void)snprintf(ret_error, cap, "%.*s", (int)(n < 1024 ? n : 1024), p);
			best = is;
		}
		p += n + 1;
	}
	for (tail = end; tail > b.p && lines <= TAIL_LINES; tail--)
		lines += tail[-1] == '\n';
	if (lines > TAIL_LINES)
		tail++; /* behind the newline */
	warn_msg("the end of '%s':", log);
	fprintf(stderr, "%.*s%s", (int)(end - tail), tail, end[-1] == '\n' ? "" : "\n");
}
