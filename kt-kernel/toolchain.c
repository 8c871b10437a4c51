/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel is built with. */
#include "toolchain.h"
#include "cleanup.h"
#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#define ASK_MS 20000 /* a compiler on a busy machine says its version within this */

static const char *env(const char *name)
{
	const char *s = getenv(name);

	return s && s[strspn(s, " \t")] ? s : NULL;
}

/* The first line that "COMMAND --version" prints; -ENOENT when there is no such program. */
static int ask(const char *command, char *buf, size_t cap)
{
	char *words = strdupa(command), *argv[16], *save = NULL, *p, version[] = "--version";
	AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	AUTO_FD rd = -1, wr = -1, pid_fd = -1;
	AUTO_BUF out = BUF_INIT;
	struct child_spec spec = { .argv = argv, .death_sig = SIGKILL };
	siginfo_t info;
	size_t n = 0;
	ssize_t got;
	int fds[2], rc;

	for (p = strtok_r(words, " \t", &save); p && n + 2 < KT_ARRAY_LEN(argv);
	     p = strtok_r(NULL, " \t", &save))
		argv[n++] = p;
	argv[n++] = version;
	argv[n] = NULL;
	if (null_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	rd = fds[0];
	wr = fds[1];
	spec.stdio[0] = null_fd;
	spec.stdio[1] = wr;
	spec.stdio[2] = null_fd;
	pid_fd = child_spawn(&spec, NULL);
	if (pid_fd < 0)
		return pid_fd;
	drop_fd(&wr);
	while ((got = buf_fill(&out, rd, 4096)) > 0 && out.len < 65536)
		;
	rc = child_wait(pid_fd, -1, ASK_MS, &info);
	if (got < 0 || rc < 0)
		return got < 0 ? (int)got : rc;
	if (child_status(&info) != 0 || out.len == 0)
		return -EINVAL;
	(void)snprintf(buf, cap, "%.*s", (int)strcspn(out.p, "\n"), out.p);
	return 0;
}

/* NAME as the Makefile makes it of LLVM and CROSS_COMPILE: clang-18, /opt/bin/clang,
 * aarch64-linux-gnu-gcc. */
static void tool_name(const char *llvm_name, const char *gnu_name, char *buf, size_t cap)
{
	const char *llvm = env("LLVM"), *cross = env("CROSS_COMPILE");
	size_t n = llvm ? strlen(llvm) : 0;

	if (llvm && llvm[n - 1] == '/')
		(void)snprintf(buf, cap, "%s%s", llvm, llvm_name);
	else if (llvm)
		(void)snprintf(buf, cap, "%s%s", llvm_name, llvm[0] == '-' ? llvm : "");
	else
		(void)snprintf(buf, cap, "%s%s", cross ? cross : "", gnu_name);
}

int toolchain_machine(struct toolchain *t)
{
	static const struct {
		const char *arch, *machine, *image, *name;
	} known[] = {
		{ "x86", "x86_64", "arch/x86/boot/bzImage", "bzImage" },
		{ "x86_64", "x86_64", "arch/x86/boot/bzImage", "bzImage" },
		{ "arm64", "aarch64", "arch/arm64/boot/Image", "Image" },
	};
	const char *arch = env("ARCH");
	struct utsname u;
	size_t i;

	if (uname(&u) < 0)
		return warn_rc(-errno, "name this machine");
	for (i = 0; i < KT_ARRAY_LEN(known); i++)
		if (strcmp(arch ? arch : u.machine, arch ? known[i].arch : known[i].machine) == 0) {
			(void)snprintf(t->machine, sizeof(t->machine), "%s", known[i].machine);
			t->image = known[i].image;
			t->image_name = known[i].name;
			return 0;
		}
	warn_msg("kernels for %s%s cannot be built", arch ? "ARCH=" : "", arch ? arch : u.machine);
	return -EOPNOTSUPP;
}

static bool in_path(const char *name)
{
	const char *p = getenv("PATH");
	char file[PATH_MAX];

	while (p && *p) {
		size_t n = strcspn(p, ":");

		if (snprintf(file, sizeof(file), "%.*s/%s", (int)n, p, name) < (int)sizeof(file) &&
		    access(file, X_OK) == 0)
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}

int toolchain_programs(void)
{
	static const char *const names[] = { "make", "flex", "bison", "bc" };
	AUTO_BUF missing = BUF_INIT;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(names); i++)
		if (!in_path(names[i]))
			(void)buf_fmt(&missing, "%s%s", missing.len ? ", " : "", names[i]);
	if (missing.err)
		return warn_rc(missing.err, "look for what a build needs");
	if (missing.len == 0)
		return 0;
	warn_msg("to build a kernel, this is missing: %s", missing.p);
	return -ENOENT;
}

int toolchain_read(struct toolchain *t)
{
	static const char *const choose[] = { "ARCH", "LLVM",	"CROSS_COMPILE", "CC",
					      "LD",   "PAHOLE", "RUSTC" };
	char cc[256], ld[256], line[512];
	const char *pahole = env("PAHOLE") ? env("PAHOLE") : "pahole";
	AUTO_BUF text = BUF_INIT;
	size_t i;
	int rc;

	*t = (struct toolchain){ 0 };
	rc = toolchain_machine(t);
	if (rc < 0)
		return rc;
	tool_name("clang", "gcc", cc, sizeof(cc));
	tool_name("ld.lld", "ld", ld, sizeof(ld));
	tool_name("llvm-objcopy", "objcopy", t->objcopy, sizeof(t->objcopy));
	if (env("CC"))
		(void)snprintf(cc, sizeof(cc), "%s", env("CC"));
	if (env("LD"))
		(void)snprintf(ld, sizeof(ld), "%s", env("LD"));
	rc = ask(cc, line, sizeof(line));
	if (rc < 0)
		return warn_rc(rc, "ask compiler '%s' for its version", cc);
	(void)buf_str(&text, line);
	rc = ask(ld, line, sizeof(line));
	if (rc < 0)
		return warn_rc(rc, "ask linker '%s' for its version", ld);
	(void)buf_fmt(&text, ", %s", line);
	/* Without it only BTF cannot be had: the check of the configuration will say so. */
	rc = ask(pahole, line, sizeof(line));
	(void)buf_fmt(&text, ", %s%s", rc < 0 ? "no pahole" : "pahole ", rc < 0 ? "" : line);
	for (i = 0; i < KT_ARRAY_LEN(choose); i++)
		if (env(choose[i])) {
			if (asprintf(&t->vars[t->n_vars], "%s=%s", choose[i], env(choose[i])) < 0)
				return warn_rc(-ENOMEM, "prepare make");
			(void)buf_fmt(&text, ", %s", t->vars[t->n_vars++]);
		}
	if (env("KCFLAGS")) /* make.c hands it on */
		(void)buf_fmt(&text, ", KCFLAGS=%s", env("KCFLAGS"));
	if (text.err)
		return warn_rc(text.err, "name the toolchain");
	if (text.len >= sizeof(t->text))
		return warn_rc(-ENAMETOOLONG, "name the toolchain");
	memcpy(t->text, text.p, text.len + 1);
	return 0;
}

void toolchain_free(struct toolchain *t)
{
	while (t->n_vars > 0)
		free(t->vars[--t->n_vars]);
}
