/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel image files: a bzImage by its setup header (Documentation/arch/x86/boot.rst), an arm64
 * Image by its own (Documentation/arch/arm64/booting.rst), a vmlinux by ELF. */
#include "image.h"
#include "child.h"
#include "cleanup.h"
#include "out.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define HEAD_BYTES 65536
#define CONFIG_MAX (4 << 20)

static uint16_t le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const unsigned char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static const char *host_machine(void)
{
	static struct utsname u;

	return uname(&u) == 0 ? u.machine : "unknown";
}

/* The first word of at most n bytes. */
static void first_word(char *buf, size_t cap, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && i + 1 < cap && s[i] > ' ' && s[i] < 127; i++)
		buf[i] = s[i];
	buf[i] = '\0';
}

static void parse_bzimage(const unsigned char *p, size_t n, struct image *ret)
{
	size_t at = (size_t)0x200 + le16(p + 0x20e);

	if (le16(p + 0x206) < 0x0200 || !(p[0x211] & 1)) {
		(void)snprintf(ret->why, sizeof(ret->why),
			       "it is a boot sector of a kind too old for this");
		return;
	}
	ret->kind = IMAGE_BZIMAGE;
	ret->machine = "x86_64";
	if (le16(p + 0x20e) != 0 && at < n)
		first_word(ret->release, sizeof(ret->release), (const char *)p + at, n - at);
	if (le16(p + 0x206) >= 0x020a && n >= 0x264)
		ret->init_bytes = le32(p + 0x260);
}

void image_parse(const void *head, size_t n, uint64_t total_bytes, struct image *ret)
{
	const unsigned char *p = head;

	memset(ret, 0, sizeof(*ret));
	ret->bytes = total_bytes;
	ret->machine = host_machine();
	if (n >= 0x264 && memcmp(p + 0x202, "HdrS", 4) == 0 && le16(p + 0x1fe) == 0xaa55) {
		parse_bzimage(p, n, ret);
	} else if (n >= 64 && memcmp(p + 0x38, "ARM\x64", 4) == 0) {
		ret->kind = IMAGE_ARM64;
		ret->machine = "aarch64";
	} else if (n >= sizeof(Elf64_Ehdr) && memcmp(p, ELFMAG, SELFMAG) == 0) {
		Elf64_Ehdr h;

		memcpy(&h, p, sizeof(h));
		if (h.e_ident[EI_CLASS] == ELFCLASS64 && h.e_type == ET_EXEC &&
		    (h.e_machine == EM_X86_64 || h.e_machine == EM_AARCH64)) {
			ret->kind = IMAGE_VMLINUX;
			ret->machine = h.e_machine == EM_X86_64 ? "x86_64" : "aarch64";
		} else {
			(void)snprintf(ret->why, sizeof(ret->why),
				       "it is an ELF file, but no kernel");
		}
	} else if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
		(void)snprintf(ret->why, sizeof(ret->why), "it is a gzip file; unpack it first");
	} else {
		(void)snprintf(ret->why, sizeof(ret->why),
			       n == 0 ? "it is empty" : "it is neither a bzImage nor a vmlinux");
	}
}

/* The kernel's own banner in an image that is not compressed. */
static void find_banner(const char *p, size_t n, struct image *ret)
{
	static const char banner[] = "Linux version ";
	const size_t len = sizeof(banner) - 1;
	const char *hit = p;

	while ((hit = memmem(hit, n - (size_t)(hit - p), banner, len))) {
		hit += len;
		if ((size_t)(hit - p) < n && *hit >= '0' && *hit <= '9') {
			first_word(ret->release, sizeof(ret->release), hit, n - (size_t)(hit - p));
			return;
		}
	}
}

int image_probe(const char *path, struct image *ret)
{
	AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE unsigned char *head = malloc(HEAD_BYTES);
	struct stat st;
	ssize_t n;

	if (!head)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		memset(ret, 0, sizeof(*ret));
		(void)snprintf(ret->why, sizeof(ret->why), "it is no file");
		return 0;
	}
	n = pread(fd, head, HEAD_BYTES, 0);
	if (n < 0)
		return -errno;
	image_parse(head, (size_t)n, (uint64_t)st.st_size, ret);
	if (ret->kind == IMAGE_VMLINUX || ret->kind == IMAGE_ARM64) {
		char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (map == MAP_FAILED)
			return -errno;
		find_banner(map, (size_t)st.st_size, ret);
		munmap(map, (size_t)st.st_size);
	}
	return 0;
}

const char *image_kind_text(enum image_kind kind)
{
	static const char *const text[] = { [IMAGE_NONE] = NULL,
					    [IMAGE_BZIMAGE] = "bzImage",
					    [IMAGE_VMLINUX] = "vmlinux",
					    [IMAGE_ARM64] = "Image" };

	return text[kind];
}

/* Feed gz to gzip and collect what comes out, both at once: a pipe holds less than either. */
static int gunzip(const char *gz, size_t len, struct buf *out)
{
	char *const argv[] = { (char[]){ "gzip" }, (char[]){ "-dc" }, NULL };
	AUTO_FD in_rd = -1, in_wr = -1, out_rd = -1, out_wr = -1, pid_fd = -1;
	struct child_spec spec = { .argv = argv, .stdio = { -1, -1, -1 }, .death_sig = SIGKILL };
	siginfo_t info;
	int p[2], rc = 0;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	in_rd = p[0];
	in_wr = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	out_rd = p[0];
	out_wr = p[1];
	if (fcntl(in_wr, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	spec.stdio[0] = in_rd;
	spec.stdio[1] = out_wr;
	pid_fd = child_spawn(&spec, NULL);
	if (pid_fd < 0)
		return pid_fd;
	drop_fd(&in_rd);
	drop_fd(&out_wr);
	while (rc == 0) {
		struct pollfd pf[] = { { out_rd, POLLIN, 0 }, { in_wr, POLLOUT, 0 } };
		ssize_t n;

		if (poll(pf, 2, -1) < 0 && errno != EINTR)
			rc = -errno;
		if (pf[1].revents) {
			n = len ? write(in_wr, gz, len) : 0;
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				len = 0; /* it has enough: its own status tells */
			else if (n > 0)
				gz += n, len -= (size_t)n;
			if (len == 0)
				drop_fd(&in_wr);
		}
		if (pf[0].revents) {
			n = buf_fill(out, out_rd, 65536);
			if (n == 0)
				break;
			if ((n < 0 && n != -EINTR) || out->len > CONFIG_MAX)
				rc = n < 0 ? (int)n : -E2BIG;
		}
	}
	drop_fd(&out_rd);
	if (child_wait(pid_fd, -1, -1, &info) == 0 && rc == 0 && child_status(&info) != 0 &&
	    child_status(&info) != 2) /* 2: bytes behind the end, which is the kernel */
		rc = -EBADMSG;
	return rc;
}

/* What CONFIG_IKCONFIG puts into the image: "IKCFG_ST", gzip, "IKCFG_ED". */
static int embedded(const char *path, struct buf *out)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	const char *st_mark, *ed_mark;
	char *map;
	size_t n;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	n = (size_t)st.st_size;
	map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	st_mark = memmem(map, n, "IKCFG_ST\x1f\x8b", 10);
	ed_mark = st_mark ? memmem(st_mark, n - (size_t)(st_mark - map), "IKCFG_ED", 8) : NULL;
	if (ed_mark)
		rc = gunzip(st_mark + 8, (size_t)(ed_mark - st_mark) - 8, out);
	munmap(map, n);
	return rc < 0 ? rc : ed_mark != NULL;
}

static int read_config(const char *path, struct buf *out)
{
	int rc = buf_file(out, path, CONFIG_MAX);

	if (rc < 0)
		return rc == -ENOENT || rc == -ENOTDIR ? 0 : rc;
	/* a file named config may be anything (git's is one) */
	if (memmem(out->p ? out->p : "", out->len, "CONFIG_", 7))
		return 1;
	buf_reset(out);
	return 0;
}

int image_config(const char *path, const struct image *im, struct buf *ret_text, char *ret_from,
		 size_t cap)
{
	static const char *const beside[] = { "config",	    ".config",	     "config-%s",
					      "../.config", "../../.config", "../../../.config" };
	char dir[PATH_MAX], name[PATH_MAX], clean[PATH_MAX];
	const char *slash;
	size_t i;
	int rc = 0, n;

	if (im->kind == IMAGE_VMLINUX || im->kind == IMAGE_ARM64)
		rc = embedded(path, ret_text);
	if (rc != 0) {
		(void)snprintf(ret_from, cap, "%s", path);
		return rc;
	}
	n = (slash = strrchr(path, '/')) ? (int)(slash - path) + (slash == path) : 1;
	if (snprintf(dir, sizeof(dir), "%.*s", n, slash ? path : ".") >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	for (i = 0; i < KT_ARRAY_LEN(beside) + 2 && rc == 0; i++) {
		bool by_release = i >= KT_ARRAY_LEN(beside) || strchr(beside[i], '%');

		if (by_release && !im->release[0])
			continue;
		if (i == KT_ARRAY_LEN(beside))
			n = snprintf(name, sizeof(name), "/boot/config-%s", im->release);
		else if (i == KT_ARRAY_LEN(beside) + 1)
			n = snprintf(name, sizeof(name), "/lib/modules/%s/config", im->release);
		else if (by_release)
			n = snprintf(name, sizeof(name), "%s/config-%s", dir, im->release);
		else
			n = snprintf(name, sizeof(name), "%s/%s", dir, beside[i]);
		if (n < 0 || n >= (int)sizeof(name))
			continue;
		rc = read_config(name, ret_text);
		if (rc != 0 && !realpath(name, clean))
			return -errno;
		if (rc != 0)
			(void)snprintf(ret_from, cap, "%s", clean);
	}
	return rc;
}
