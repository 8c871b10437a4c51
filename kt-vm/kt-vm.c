/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-vm - runs a command under a real kernel in a virtual machine of the topology you name. */
#include "accel.h"
#include "base.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "frames.h"
#include "num.h"
#include "out.h"
#include "payload.h"
#include "qemu.h"
#include "reserve.h"
#include "run.h"
#include "sha256.h"
#include "sig.h"
#include "size.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

static const char help[] =
	"Usage: kt-vm exec [OPTION]... [--] CMD [ARG]...\n"
	"Boots a kernel under QEMU, runs CMD in it, and exits with its status.\n"
	"\n"
	"  -t, --topology T      CPUs: NnLlCcTt or N,L,C,T (default 1n1l1c1t)\n"
	"  -k, --kernel K        a bzImage or vmlinux, or a name that kt-kernel knows\n"
	"  -m, --memory M        guest memory, in MiB or with a suffix K, M, G\n"
	"  -i, --include FILE[:DEST]\n"
	"                        put FILE, with its shared libraries, into /include-files\n"
	"  -n                    standard input is /dev/null\n"
	"      --clock C         virtual (default under TCG) or real\n"
	"      --accel A         auto (default), kvm or tcg\n"
	"      --seed N          what is random in the guest (virtual clock: default 1)\n"
	"      --cpu-cap N       on N CPUs of this machine, reserved by kt-reserve; 77 if others\n"
	"                        have them\n"
	"      --timeout D       end the guest after D; exit status 124\n"
	"      --boot-timeout D  give up when it is not ready after D\n"
	"      --append ARGS     more kernel arguments\n"
	"      --initramfs FILE  boot with this archive instead of ktstr's own\n"
	"      --records         records on standard output; CMD's lines pass as records\n"
	"      --dmesg           the kernel's messages on standard error\n"
	"      --console FILE    keep the guest's console in FILE\n"
	"  -q, --quiet           do not say which accelerator was found\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

enum clock_mode {
	CLOCK_AUTO,
	CLOCK_VIRTUAL,
	CLOCK_REAL
};
enum accel_mode {
	ACCEL_AUTO,
	ACCEL_ONLY_KVM,
	ACCEL_ONLY_TCG
};

struct opts {
	struct vm_opts vm;
	const char *kernel, *initramfs, *console, *cpu_cap;
	const char **include; /* n_include of them, FILE[:DEST] */
	size_t n_include;
	enum clock_mode clock;
	enum accel_mode accel;
	bool no_stdin, quiet, seeded;
	uint64_t boot_ns; /* 0: the default */
	char *const *cmd;
};

/* The request as kt-init reads it, see frames.h. The environment is made here and not inherited:
 * what our caller's shell exports must not change a run. */
static int add_request(const struct opts *o, struct payload *p)
{
	static const char *const env[] = {
		"PATH=/include-files:/usr/libexec/ktstr:/bin:/sbin:/usr/bin:/usr/sbin",
		"HOME=/root",
		"TERM=dumb",
		"LC_ALL=C",
	};
	bool input = o->vm.stdin_fd >= 0;
	char hex[SHA256_TEXT], seed[64];
	AUTO_BUF b = BUF_INIT;
	struct sha256 sum;
	size_t n = 0, i;

	(void)snprintf(seed, sizeof(seed), "ktstr seed %llu", (unsigned long long)o->vm.seed);
	sha256_init(&sum);
	sha256_add(&sum, seed, strlen(seed));
	sha256_hex(&sum, hex);
	while (o->cmd[n])
		n++;
	buf_fmt(&b, "clock=%s%cstdin=%s%cseed=%s%c%c/include-files%c%zu%c",
		o->vm.virt ? "virtual" : "real", 0,
		!input	     ? "none"
		: o->vm.virt ? "file"
			     : "port",
		0, hex, 0, 0, 0, n, 0);
	for (i = 0; i < n; i++)
		buf_add(&b, o->cmd[i], strlen(o->cmd[i]) + 1);
	for (i = 0; i < KT_ARRAY_LEN(env); i++)
		buf_add(&b, env[i], strlen(env[i]) + 1);
	if (b.err)
		return b.err;
	return payload_file(p, &REQUEST_FILE[1], b.p, b.len);
}

/* Everything the guest starts with, in one memory file. */
static int make_payload(const struct opts *o, const char *base, const char *include,
			struct payload *p)
{
	int rc = payload_open(p, base);

	if (rc < 0)
		return warn_rc(rc, "read the archive '%s'", base);
	if (include) {
		rc = payload_add(p, include);
		if (rc < 0)
			return warn_rc(rc, "read the archive '%s'", include);
	}
	rc = payload_begin(p);
	if (rc == 0)
		rc = add_request(o, p);
	if (rc == 0 && o->vm.virt && o->vm.stdin_fd >= 0) {
		rc = payload_stream(p, &REQUEST_STDIN[1], o->vm.stdin_fd, o->vm.sig_fd);
		if (rc == -EINTR)
			return rc;
		if (rc < 0)
			return warn_rc(rc, "read standard input");
	}
	if (rc == 0)
		rc = payload_end(p);
	return rc < 0 ? warn_rc(rc, "make the guest's archive") : 0;
}

/* "HdrS" of the x86 boot protocol, or an ELF file. */
static int check_kernel(const char *path, char *why, size_t cap)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[0x206];
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (n < 0) {
		(void)snprintf(why, cap, "kernel '%s': %s", path, strerror(errno));
		return -EINVAL;
	}
	if ((n == (ssize_t)sizeof(head) && memcmp(head + 0x202, "HdrS", 4) == 0) ||
	    (n >= 4 && memcmp(head, "\177ELF", 4) == 0))
		return 0;
	(void)snprintf(why, cap, "'%s' is no kernel (neither bzImage nor ELF)", path);
	return -EINVAL;
}

static uint64_t default_mib(const struct opts *o, const struct payload *p)
{
	uint64_t by_cpus = 256 + 64 * (uint64_t)topospec_cpus(&o->vm.topo);
	uint64_t by_size = 2 * ((p->unpacked + (1 << 20) - 1) >> 20) + 128;

	return by_cpus > by_size ? by_cpus : by_size;
}

/* While it is unpacked the archive is there twice, beside a kernel of at least 48 MiB. A guest that
 * has less does not fail at once, it hangs. */
static bool fits(const struct payload *p, uint64_t mib)
{
	struct stat st;

	return fstat(p->fd, &st) < 0 ||
	       p->unpacked + (uint64_t)st.st_size + (48 << 20) <= mib << 20;
}

/* Run it; boots that QEMU has spoiled do not count. */
static int run_again(struct vm_opts *vm, struct vm_end *ret)
{
	int left, rc = 0;

	for (left = 2; left >= 0; left--) {
		vm->retry = left > 0 && !vm->kvm && !vm->virt;
		rc = vm_run(vm, ret);
		if (rc < 0 || !ret->again)
			break;
		warn_msg("this QEMU has spoiled the boot (%s by int3): booting again", ret->reason);
	}
	return rc;
}

/* One boot with one accelerator. Returns 0 with *ret, or -errno, reported. */
static int boot(struct opts *o, const char *base, const char *include, bool kvm, bool probe,
		struct vm_end *ret)
{
	uint64_t cpus = topospec_cpus(&o->vm.topo);
	struct payload p;
	struct vm_opts vm;
	int rc;

	o->vm.kvm = kvm;
	o->vm.virt = !kvm && o->clock != CLOCK_REAL;
	o->vm.probe = probe;
	o->vm.boot_ns = o->boot_ns ? o->boot_ns
			: probe	   ? 5 * NSEC_PER_SEC + cpus * 100 * NSEC_PER_MSEC
				   : 60 * NSEC_PER_SEC + cpus * 4 * NSEC_PER_SEC;
	if (o->vm.virt && !o->seeded)
		o->vm.seed = 1;
	if (!kvm && qemu_max_apic_id(&o->vm.topo) >= QEMU_TCG_APIC_IDS)
		return vm_refuse(&o->vm, ret, VM_SKIP, KT_SKIP,
				 "this topology has APIC id %u, and without KVM 254 is the highest",
				 qemu_max_apic_id(&o->vm.topo));
	rc = make_payload(o, base, include, &p);
	vm = o->vm;
	if (vm.virt)
		vm.stdin_fd = -1; /* it is in the archive */
	vm.initrd_fd = p.fd;
	if (vm.mem_mib == 0)
		vm.mem_mib = default_mib(o, &p);
	if (rc == 0 && !fits(&p, vm.mem_mib))
		rc = vm_refuse(
			&o->vm, ret, VM_BOOT_FAIL, KT_PREFIX_FAIL,
			"the archive (%llu MiB unpacked) does not fit into %llu MiB of memory",
			(unsigned long long)(p.unpacked >> 20), (unsigned long long)vm.mem_mib);
	else if (rc == 0)
		rc = run_again(&vm, ret);
	if (rc == -EINTR)
		rc = vm_refuse(&o->vm, ret, VM_HOST_ERROR, 128 + sig_read(o->vm.sig_fd),
			       "interrupted while standard input was read");
	payload_close(&p);
	return rc;
}

static int boot_auto(struct opts *o, const char *base, const char *include, struct vm_end *ret)
{
	enum accel known;
	int rc;

	if (o->accel == ACCEL_ONLY_TCG || o->clock == CLOCK_VIRTUAL)
		return boot(o, base, include, false, false, ret);
	if (o->accel == ACCEL_ONLY_KVM) {
		rc = accel_store(o->vm.qemu, ACCEL_UNKNOWN);
		if (rc < 0)
			warn_rc(rc, "forget the verdict on KVM");
		return boot(o, base, include, true, false, ret);
	}
	if (accel_device() < 0)
		return boot(o, base, include, false, false, ret);
	known = accel_load(o->vm.qemu);
	if (known != ACCEL_UNKNOWN)
		return boot(o, base, include, known == ACCEL_KVM, false, ret);
	rc = boot(o, base, include, true, true, ret);
	if (rc < 0 || ret->status >= 128)
		return rc;
	rc = accel_store(o->vm.qemu, ret->ready ? ACCEL_KVM : ACCEL_TCG);
	if (rc < 0)
		warn_rc(rc, "keep the verdict on KVM");
	if (ret->ready)
		return 0;
	if (!o->quiet)
		warn_msg("KVM cannot run this kernel here (%s): using TCG", ret->reason);
	return boot(o, base, include, false, false, ret);
}

static int run(struct opts *o)
{
	AUTO_FREE char *kernel = NULL;
	AUTO_FREE char *base = NULL;
	AUTO_FREE char *include = NULL;
	AUTO_FD kernel_lock = -1;
	struct vm_end end = { .status = KT_PREFIX_FAIL };
	char why[512];
	int rc = 0;

	kernel = base_kernel(o->kernel, &kernel_lock);
	if (!kernel)
		return KT_PREFIX_FAIL;
	o->vm.kernel = kernel;
	if (check_kernel(kernel, why, sizeof(why)) < 0) {
		(void)vm_refuse(&o->vm, &end, VM_BOOT_FAIL, KT_PREFIX_FAIL, "%s", why);
		return end.status;
	}
	base = o->initramfs ? strdup(o->initramfs) : base_archive();
	if (base && o->n_include > 0) {
		include = base_include(o->include, o->n_include);
		rc = include ? 0 : -1;
	}
	if (!base || rc < 0)
		return KT_PREFIX_FAIL;
	rc = boot_auto(o, base, include, &end);
	if (rc < 0)
		return KT_PREFIX_FAIL;
	if (end.status == KT_NOTFOUND && end.no_exec)
		warn_msg("'%s' is not in the guest: give it with -i %s", o->cmd[0], o->cmd[0]);
	else if (end.no_exec)
		warn_msg("'%s' cannot be executed in the guest: %s", o->cmd[0], end.reason);
	return end.status;
}

static int set_defaults(struct opts *o)
{
	uint32_t seed;

	if (!o->seeded) {
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			return warn_rc(-errno, "draw a seed");
		o->vm.seed = seed;
	}
	o->vm.qemu = getenv("KTSTR_QEMU");
	if (!o->vm.qemu || !*o->vm.qemu)
		o->vm.qemu = "qemu-system-x86_64";
	if (!o->kernel) {
		o->kernel = getenv("KTSTR_KERNEL");
		if (o->kernel && !*o->kernel)
			o->kernel = NULL;
	}
	if (o->console) {
		o->vm.console_fd = open(o->console, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (o->vm.console_fd < 0)
			return warn_rc(-errno, "write '%s'", o->console);
	}
	/* A terminal is for the real clock, where somebody may type. */
	if (!o->no_stdin && !(isatty(STDIN_FILENO) && o->clock != CLOCK_REAL))
		o->vm.stdin_fd = STDIN_FILENO;
	return 0;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_CLOCK = 256,
		OPT_ACCEL,
		OPT_SEED,
		OPT_CPU_CAP,
		OPT_TIMEOUT,
		OPT_BOOT_TIMEOUT,
		OPT_APPEND,
		OPT_INITRAMFS,
		OPT_RECORDS,
		OPT_DMESG,
		OPT_CONSOLE,
	};
	static const struct option longopts[] = {
		{ "topology", required_argument, NULL, 't' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "memory", required_argument, NULL, 'm' },
		{ "include", required_argument, NULL, 'i' },
		{ "clock", required_argument, NULL, OPT_CLOCK },
		{ "accel", required_argument, NULL, OPT_ACCEL },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "cpu-cap", required_argument, NULL, OPT_CPU_CAP },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "boot-timeout", required_argument, NULL, OPT_BOOT_TIMEOUT },
		{ "append", required_argument, NULL, OPT_APPEND },
		{ "initramfs", required_argument, NULL, OPT_INITRAMFS },
		{ "records", no_argument, NULL, OPT_RECORDS },
		{ "dmesg", no_argument, NULL, OPT_DMESG },
		{ "console", required_argument, NULL, OPT_CONSOLE },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct opts o = { .vm = { .topo = { 1, 1, 1, 1 }, .stdin_fd = -1, .console_fd = -1 } };
	AUTO_FREE const char **include = NULL;
	char **const all = argv, exec[] = "exec";
	int c, rc = out_open_stdio();
	unsigned int cap;
	char why[512];
	uint64_t bytes;
	sigset_t old;

	if (rc < 0)
		return warn_rc(rc, "open '/dev/null'"), KT_PREFIX_FAIL;
	include = calloc((size_t)argc, sizeof(*include));
	o.include = include;
	if (!include)
		return warn_rc(-ENOMEM, "read the options"), KT_PREFIX_FAIL;
	if (argc > 1 && argv[1][0] != '-') {
		if (strcmp(argv[1], "exec") != 0)
			return usage_prefix("unknown subcommand '%s'", argv[1]);
		argv[1] = argv[0]; /* getopt_long() names the program by it */
		argv++;
		argc--;
	}
	while ((c = getopt_long(argc, argv, "+t:k:m:i:nqhV", longopts, NULL)) != -1) {
		switch (c) {
		case 't':
			rc = topospec_parse(optarg, &o.vm.topo);
			if (rc < 0)
				return usage_prefix("bad --topology '%s': %s", optarg,
						    topospec_why(rc));
			break;
		case 'k':
			o.kernel = optarg;
			break;
		case 'm':
			if (size_parse(optarg, 1 << 20, &bytes) < 0 || bytes < 32 << 20 ||
			    bytes > UINT64_C(1) << 44)
				return usage_prefix("bad --memory '%s'", optarg);
			o.vm.mem_mib = bytes >> 20;
			break;
		case 'i':
			o.include[o.n_include++] = optarg;
			break;
		case 'n':
			o.no_stdin = true;
			break;
		case 'q':
			o.quiet = true;
			break;
		case OPT_CLOCK:
			if (strcmp(optarg, "virtual") != 0 && strcmp(optarg, "real") != 0)
				return usage_prefix("bad --clock '%s': virtual or real", optarg);
			o.clock = *optarg == 'v' ? CLOCK_VIRTUAL : CLOCK_REAL;
			break;
		case OPT_ACCEL:
			if (strcmp(optarg, "auto") != 0 && strcmp(optarg, "kvm") != 0 &&
			    strcmp(optarg, "tcg") != 0)
				return usage_prefix("bad --accel '%s': auto, kvm or tcg", optarg);
			o.accel = *optarg == 'a'   ? ACCEL_AUTO
				  : *optarg == 'k' ? ACCEL_ONLY_KVM
						   : ACCEL_ONLY_TCG;
			break;
		case OPT_SEED:
			if (num_u64(optarg, 0, INT64_MAX, &o.vm.seed) < 0)
				return usage_prefix("bad --seed '%s'", optarg);
			o.seeded = true;
			break;
		case OPT_CPU_CAP:
			o.cpu_cap = optarg;
			break;
		case OPT_TIMEOUT:
			if (dur_parse(optarg, &o.vm.timeout_ns) < 0 || o.vm.timeout_ns == 0)
				return usage_prefix("bad --timeout '%s'", optarg);
			break;
		case OPT_BOOT_TIMEOUT:
			if (dur_parse(optarg, &o.boot_ns) < 0 || o.boot_ns == 0)
				return usage_prefix("bad --boot-timeout '%s'", optarg);
			break;
		case OPT_APPEND:
			o.vm.append = optarg;
			break;
		case OPT_INITRAMFS:
			o.initramfs = optarg;
			break;
		case OPT_RECORDS:
			o.vm.records = true;
			break;
		case OPT_DMESG:
			o.vm.dmesg = true;
			break;
		case OPT_CONSOLE:
			o.console = optarg;
			break;
		case 'h':
			return print_help(help) == 0 ? KT_OK : KT_PREFIX_FAIL;
		case 'V':
			return print_version() == 0 ? KT_OK : KT_PREFIX_FAIL;
		default:
			return KT_PREFIX_FAIL; /* getopt_long has said what is wrong */
		}
	}
	if (optind == argc)
		return usage_prefix("no command");
	if (o.clock == CLOCK_VIRTUAL && o.accel == ACCEL_ONLY_KVM)
		return usage_prefix("--clock virtual needs TCG");
	if (topospec_cpus(&o.vm.topo) > QEMU_CPUS)
		return usage_prefix("--topology: %u CPUs, QEMU's limit is %d",
				    topospec_cpus(&o.vm.topo), QEMU_CPUS);
	if (reserve_cap(o.cpu_cap, &cap, why, sizeof(why)) < 0)
		return usage_prefix("%s", why);
	if (argv > all)
		all[1] = exec;
	if (!reserve_inside() && cap > 0)
		return warn_rc(reserve_exec(cap, o.quiet, "kt-vm", all), "run kt-reserve"),
		       KT_PREFIX_FAIL;
	o.cmd = argv + optind;
	o.vm.sig_fd = sig_block(NULL, &old);
	if (o.vm.sig_fd < 0)
		return warn_rc(o.vm.sig_fd, "set up signals"), KT_PREFIX_FAIL;
	if (set_defaults(&o) < 0)
		return KT_PREFIX_FAIL;
	rc = run(&o);
	return rc;
}
