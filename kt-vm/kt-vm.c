/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-vm - runs a command under a real kernel in a virtual machine of the topology you name. */
#include "cleanup.h"
#include "cmd_template.h"
#include "die.h"
#include "dur.h"
#include "exec.h"
#include "nearest.h"
#include "num.h"
#include "out.h"
#include "perf_host.h"
#include "reserve.h"
#include "sig.h"
#include "size.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/random.h>

static const char help[] =
	"Usage: kt-vm exec [OPTION]... [--] CMD [ARG]...\n"
	"       kt-vm exec --plan-only [OPTION]...\n"
	"       kt-vm shell [OPTION]...\n"
	"       kt-vm template make [OPTION]...\n"
	"       kt-vm template list\n"
	"       kt-vm template drop TEMPLATE... | --all\n"
	"Runs CMD under a kernel of its own in QEMU, and exits with its status. The machine is "
	"booted\n"
	"once and kept as a template, which later runs continue.\n"
	"\n"
	"  -t, --topology TOPOLOGY\n"
	"                        CPUs: NnLlCcTt or N,L,C,T (default 1n1l1c1t)\n"
	"  -k, --kernel KERNEL   a bzImage or vmlinux, or a name that kt-kernel knows\n"
	"  -m, --memory M        guest memory, in MiB or with a suffix K, M, G\n"
	"  -i, --include FILE[:DEST]\n"
	"                        put FILE, with its shared libraries, into /include-files\n"
	"  -n                    standard input is /dev/null\n"
	"      --clock virtual|real\n"
	"                        instructions counted (default under TCG), or the host's time\n"
	"      --accel auto|kvm|tcg\n"
	"                        what runs the guest's code (default auto)\n"
	"      --seed N          what is random in the guest (virtual clock: default 1)\n"
	"      --cold            boot, and neither use nor make a template\n"
	"      --max-templates M\n"
	"                        drop templates when all together take more (default 4G)\n"
	"      --cpu-cap N       on N CPUs of this machine, reserved by kt-reserve; 77 if others\n"
	"                        have them\n"
	"      --perf            performance mode: whole caches of this machine, the guest's CPUs\n"
	"                        pinned, its memory near to them\n"
	"      --no-perf-mode    as if --perf were not given\n"
	"      --plan-only       print machine and plan as records; reserve and run nothing\n"
	"      --root DIR        plan for the machine whose /sys and /proc are in DIR\n"
	"      --timeout D       end the guest after D; exit status 124\n"
	"      --boot-timeout D  give up when it is not ready after D\n"
	"      --append ARGS     more kernel arguments\n"
	"      --initramfs FILE  boot with this archive instead of ktstr's own\n"
	"      --records         records on standard output; CMD's lines pass as records\n"
	"      --dmesg           the kernel's messages on standard error\n"
	"      --console FILE    keep the guest's console in FILE\n"
	"  -q, --quiet           say neither that KVM does not work nor what --perf lacks\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"shell:\n"
	"      --exec CMD        run CMD by sh -c instead, without a terminal\n"
	"template drop:\n"
	"      --all             all that nobody uses\n";

enum command {
	CMD_EXEC,
	CMD_SHELL,
	CMD_TEMPLATE_MAKE,
	CMD_TEMPLATE_LIST,
	CMD_TEMPLATE_DROP
};

/* $KTSTR_COLD, set and not empty, is --cold. */
static int set_defaults(struct opts *o)
{
	const char *cold = getenv("KTSTR_COLD");
	uint64_t seed;

	o->cold = o->cold || (cold && *cold);

	if (!o->seeded) {
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			return warn_rc(-errno, "draw a seed");
		o->vm.seed = seed >> 1; /* a record's integer */
	}
	o->vm.spec.qemu = getenv("KTSTR_QEMU");
	if (!o->vm.spec.qemu || !*o->vm.spec.qemu)
		o->vm.spec.qemu = "qemu-system-x86_64";
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

/* What the options say. Returns 0, or kt-vm's exit status; with *ret_done all is done, and it may
 * be 0 too. */
static int parse(int argc, char *argv[], struct opts *o, bool *ret_done)
{
	enum {
		OPT_CLOCK = 256,
		OPT_ACCEL,
		OPT_SEED,
		OPT_CPU_CAP,
		OPT_PERF,
		OPT_NO_PERF,
		OPT_PLAN,
		OPT_ROOT,
		OPT_TIMEOUT,
		OPT_BOOT_TIMEOUT,
		OPT_APPEND,
		OPT_INITRAMFS,
		OPT_RECORDS,
		OPT_DMESG,
		OPT_CONSOLE,
		OPT_EXEC,
		OPT_COLD,
		OPT_MAX,
		OPT_ALL,
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
		{ "perf", no_argument, NULL, OPT_PERF },
		{ "no-perf-mode", no_argument, NULL, OPT_NO_PERF },
		{ "plan-only", no_argument, NULL, OPT_PLAN },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "boot-timeout", required_argument, NULL, OPT_BOOT_TIMEOUT },
		{ "append", required_argument, NULL, OPT_APPEND },
		{ "initramfs", required_argument, NULL, OPT_INITRAMFS },
		{ "records", no_argument, NULL, OPT_RECORDS },
		{ "dmesg", no_argument, NULL, OPT_DMESG },
		{ "console", required_argument, NULL, OPT_CONSOLE },
		{ "exec", required_argument, NULL, OPT_EXEC },
		{ "cold", no_argument, NULL, OPT_COLD },
		{ "max-templates", required_argument, NULL, OPT_MAX },
		{ "all", no_argument, NULL, OPT_ALL },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	uint64_t bytes;
	int c, rc;

	while ((c = getopt_long(argc, argv, "+t:k:m:i:nqhV", longopts, NULL)) != -1) {
		switch (c) {
		case 't':
			rc = topospec_parse(optarg, &o->vm.spec.topo);
			if (rc < 0)
				return usage_prefix("bad --topology '%s': %s", optarg,
						    topospec_why(rc));
			break;
		case 'k':
			o->kernel = optarg;
			break;
		case 'm':
			if (size_parse(optarg, 1 << 20, &bytes) < 0 || bytes < 32 << 20 ||
			    bytes > UINT64_C(1) << 44)
				return usage_prefix("bad --memory '%s'", optarg);
			o->vm.spec.mem_mib = bytes >> 20;
			break;
		case 'i':
			o->include[o->n_include++] = optarg;
			break;
		case 'n':
			o->no_stdin = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case OPT_CLOCK:
			if (strcmp(optarg, "virtual") != 0 && strcmp(optarg, "real") != 0)
				return usage_prefix("bad --clock '%s': virtual or real", optarg);
			o->clock = *optarg == 'v' ? CLOCK_VIRTUAL : CLOCK_REAL;
			break;
		case OPT_ACCEL:
			if (strcmp(optarg, "auto") != 0 && strcmp(optarg, "kvm") != 0 &&
			    strcmp(optarg, "tcg") != 0)
				return usage_prefix("bad --accel '%s': auto, kvm or tcg", optarg);
			o->accel = *optarg == 'a'   ? ACCEL_AUTO
				   : *optarg == 'k' ? ACCEL_ONLY_KVM
						    : ACCEL_ONLY_TCG;
			break;
		case OPT_SEED:
			if (num_u64(optarg, 0, INT64_MAX, &o->vm.seed) < 0)
				return usage_prefix("bad --seed '%s'", optarg);
			o->seeded = true;
			break;
		case OPT_CPU_CAP:
			o->cpu_cap = optarg;
			break;
		case OPT_PERF:
			o->perf = true;
			break;
		case OPT_NO_PERF:
			o->no_perf = true;
			break;
		case OPT_PLAN:
			o->plan_only = true;
			break;
		case OPT_ROOT:
			o->root_dir = optarg;
			break;
		case OPT_TIMEOUT:
			if (dur_parse(optarg, &o->vm.timeout_ns) < 0 || o->vm.timeout_ns == 0)
				return usage_prefix("bad --timeout '%s'", optarg);
			break;
		case OPT_BOOT_TIMEOUT:
			if (dur_parse(optarg, &o->boot_ns) < 0 || o->boot_ns == 0)
				return usage_prefix("bad --boot-timeout '%s'", optarg);
			break;
		case OPT_APPEND:
			o->vm.spec.append = optarg;
			break;
		case OPT_INITRAMFS:
			o->initramfs = optarg;
			break;
		case OPT_RECORDS:
			o->vm.records = true;
			break;
		case OPT_DMESG:
			o->vm.dmesg = true;
			break;
		case OPT_CONSOLE:
			o->console = optarg;
			break;
		case OPT_EXEC:
			o->script = optarg;
			break;
		case OPT_COLD:
			o->cold = true;
			break;
		case OPT_MAX:
			if (size_parse(optarg, 1 << 20, &o->max_bytes) < 0)
				return usage_prefix("bad --max-templates '%s'", optarg);
			break;
		case OPT_ALL:
			o->all = true;
			break;
		case 'h':
			*ret_done = true;
			return print_help(help) == 0 ? KT_OK : KT_PREFIX_FAIL;
		case 'V':
			*ret_done = true;
			return print_version() == 0 ? KT_OK : KT_PREFIX_FAIL;
		default:
			return KT_PREFIX_FAIL; /* getopt_long has said what is wrong */
		}
	}
	if (o->clock == CLOCK_VIRTUAL && o->accel == ACCEL_ONLY_KVM)
		return usage_prefix("--clock virtual needs TCG");
	if (topospec_cpus(&o->vm.spec.topo) > QEMU_CPUS)
		return usage_prefix("--topology: %u CPUs, QEMU's limit is %d",
				    topospec_cpus(&o->vm.spec.topo), QEMU_CPUS);
	return 0;
}

static const struct {
	const char *word, *second;
	enum command command;
} commands[] = {
	{ "exec", NULL, CMD_EXEC },
	{ "shell", NULL, CMD_SHELL },
	{ "template", "make", CMD_TEMPLATE_MAKE },
	{ "template", "list", CMD_TEMPLATE_LIST },
	{ "template", "drop", CMD_TEMPLATE_DROP },
};

/* Words that come before the options. Returns how many there are, or a negative number for an
 * unknown one, reported. */
static int subcommand(int argc, char *argv[], enum command *ret)
{
	char hint[NEAREST_HINT];
	size_t i;
	int n = 0;

	*ret = CMD_EXEC;
	if (argc < 2 || argv[1][0] == '-')
		return 0;
	for (i = 0; i < KT_ARRAY_LEN(commands); i++) {
		if (strcmp(argv[1], commands[i].word) != 0)
			continue;
		n = 1;
		*ret = commands[i].command;
		if (!commands[i].second)
			return 1;
		if (argc > 2 && strcmp(argv[2], commands[i].second) == 0)
			return 2;
	}
	if (n == 0)
		(void)usage_prefix("unknown subcommand '%s'%s", argv[1],
				   nearest_command(help, argv[1], hint));
	else if (argc > 2)
		(void)usage_prefix("%s '%s': make, list or drop", argv[1], argv[2]);
	else
		(void)usage_prefix("%s: make, list or drop", argv[1]);
	return -EINVAL;
}

/* The rest of what a command line must not say. A person needs the clock to run as theirs does. */
static int check(struct opts *o, enum command command)
{
	bool shell = command == CMD_SHELL;

	if (o->script && !shell)
		return usage_prefix("--exec is an option of shell");
	if (!shell)
		return 0;
	if (o->cmd[0])
		return usage_prefix("shell: unexpected argument '%s'", o->cmd[0]);
	if (o->clock == CLOCK_VIRTUAL)
		return usage_prefix("shell: its clock is always the real one");
	o->clock = CLOCK_REAL;
	if (o->script)
		return 0;
	if (o->no_stdin || o->vm.records)
		return usage_prefix("shell: -n and --records are for --exec");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		warn_msg("shell: standard input and output must be a terminal; without one, run a "
			 "command by kt-vm exec, or with --exec");
		return KT_PREFIX_FAIL;
	}
	return 0;
}

/* A person's shell, or with --exec what exec does. */
static int run_shell(struct opts *o)
{
	struct shell s = { .include = o->include, .n_include = o->n_include, .quiet = o->quiet };
	char sh[] = "/bin/sh", login[] = "-l", script[] = "-c";
	char *argv[] = { sh, o->script ? script : login, (char *)(uintptr_t)o->script, NULL };

	term_init(&s.term, STDIN_FILENO);
	if (!o->script)
		o->vm.shell = &s;
	o->cmd = argv;
	return exec_run(o);
}

/* Options are checked, the words behind them are o->cmd. */
static int run(struct opts *o, enum command command)
{
	switch (command) {
	case CMD_TEMPLATE_LIST:
		return o->cmd[0] ? usage_prefix("unexpected argument '%s'", o->cmd[0])
				 : template_cmd_list();
	case CMD_TEMPLATE_DROP:
		if (o->all ? o->cmd[0] != NULL : o->cmd[0] == NULL)
			return usage_prefix("template drop: keys, or --all");
		return template_cmd_drop(o->cmd, o->all);
	case CMD_TEMPLATE_MAKE:
		if (o->cmd[0])
			return usage_prefix("unexpected argument '%s'", o->cmd[0]);
		return set_defaults(o) < 0 ? KT_PREFIX_FAIL : template_cmd_make(o);
	case CMD_SHELL:
		return set_defaults(o) < 0 ? KT_PREFIX_FAIL : run_shell(o);
	case CMD_EXEC:
		break;
	}
	if (o->plan_only)
		return set_defaults(o) < 0 ? KT_PREFIX_FAIL : exec_show(o);
	return set_defaults(o) < 0 ? KT_PREFIX_FAIL : exec_run(o);
}

/* What the options say of performance mode and plans, and the plan. Returns 0, or kt-vm's exit
 * status, reported. */
static int plan(struct opts *o, enum command command, bool capped, bool reserved)
{
	const char *off = getenv("KTSTR_NO_PERF_MODE"), *root = getenv("KTSTR_ROOT");
	const char *cap = o->cpu_cap ? "--cpu-cap" : "KTSTR_CPU_CAP";
	int rc;

	if (o->plan_only && command != CMD_EXEC)
		return usage_prefix("--plan-only is for exec");
	if (o->perf && command != CMD_EXEC && command != CMD_SHELL)
		return usage_prefix("--perf is for exec and shell");
	if (o->root_dir && !o->plan_only)
		return usage_prefix("--root needs --plan-only: machines run on this one");
	if (o->plan_only && o->cmd[0])
		return usage_prefix("--plan-only takes no command");
	if (command == CMD_EXEC && !o->plan_only && !o->cmd[0])
		return usage_prefix("no command");
	if (o->plan_only && !o->root_dir && root && *root)
		o->root_dir = root;
	if (!o->perf)
		return 0;
	off = o->no_perf ? "--no-perf-mode" : off && *off ? "KTSTR_NO_PERF_MODE" : NULL;
	if (off) {
		o->vm.perf_off = off;
		if (!o->quiet && !reserved)
			warn_msg("no performance mode: %s is given", off);
		return 0;
	}
	if (o->clock == CLOCK_VIRTUAL)
		return usage_prefix("--perf and --clock virtual exclude each other: the one is for "
				    "speed, to the other it means nothing");
	if (capped)
		return usage_prefix("--perf and %s exclude each other: the one takes whole caches, "
				    "the other not more than so many CPUs",
				    cap);
	if (reserve_bypass() && !o->plan_only)
		return usage_prefix(
			"--perf and KTSTR_BYPASS_LLC_LOCKS exclude each other: the one is a "
			"resource contract that holds by locks, the other does without them");
	o->clock = CLOCK_REAL;
	o->cold = true; /* a template has other memory */
	rc = perf_host_plan(o->root_dir, reserved, &o->vm.spec.topo, &o->plan);
	o->plan.quiet = o->quiet;
	o->vm.spec.perf = &o->plan;
	return rc;
}

/* For a cap, or for the mode, we start again as kt-reserve's command. Returns kt-vm's exit status
 * if that failed, reported. */
static int reserve(const struct opts *o, unsigned int cap, char *const again[])
{
	char text[16];
	char *how[] = { (char[]){ "--cpu-cap" }, text, NULL };
	int rc;

	(void)snprintf(text, sizeof(text), "%u", cap);
	rc = o->vm.spec.perf ? perf_host_reserve(&o->plan, o->quiet, again)
			     : reserve_exec(how, o->quiet, "kt-vm", again);
	return warn_rc(rc, "run kt-reserve"), KT_PREFIX_FAIL;
}

int main(int argc, char *argv[])
{
	static const int quit[] = { SIGQUIT, 0 };
	struct opts o = { .vm = { .spec.topo = { 1, 1, 1, 1 }, .stdin_fd = -1, .console_fd = -1 },
			  .max_bytes = TEMPLATE_MAX_BYTES };
	AUTO_FREE const char **include = NULL;
	AUTO_FREE char **again = NULL;
	enum command command;
	int rc = out_open_stdio(), words;
	bool done = false, reserved, boots;
	unsigned int cap;
	char why[512];
	sigset_t old;

	if (rc < 0)
		return warn_rc(rc, "open '/dev/null'"), KT_PREFIX_FAIL;
	include = calloc((size_t)argc, sizeof(*include));
	again = calloc((size_t)argc + 1, sizeof(*again));
	o.include = include;
	if (!include || !again)
		return warn_rc(-ENOMEM, "read the options"), KT_PREFIX_FAIL;
	memcpy(again, argv, (size_t)argc * sizeof(*argv)); /* getopt_long() wants its name first */
	words = subcommand(argc, argv, &command);
	if (words < 0)
		return KT_PREFIX_FAIL;
	argv[words] = argv[0];
	argc -= words;
	argv += words;
	rc = parse(argc, argv, &o, &done);
	if (rc != 0 || done)
		return rc;
	o.cmd = argv + optind;
	rc = check(&o, command);
	if (rc != 0)
		return rc;
	if (reserve_cap(o.cpu_cap, &cap, why, sizeof(why)) < 0)
		return usage_prefix("%s", why);
	boots = (command == CMD_EXEC && !o.plan_only) || command == CMD_SHELL ||
		command == CMD_TEMPLATE_MAKE;
	reserved = reserve_inside();
	rc = plan(&o, command, cap > 0, reserved);
	if (rc == 0 && boots && !reserved && (cap > 0 || o.vm.spec.perf))
		rc = reserve(&o, cap, again);
	if (rc == 0) {
		/* Ending a person's shell must put the terminal right, whatever the signal. */
		o.vm.sig_fd = sig_block(command == CMD_SHELL ? quit : NULL, &old);
		if (o.vm.sig_fd < 0)
			warn_rc(o.vm.sig_fd, "set up signals");
		rc = o.vm.sig_fd < 0 ? KT_PREFIX_FAIL : run(&o, command);
	}
	perf_free(&o.plan);
	return rc;
}
