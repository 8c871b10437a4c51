/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the user wants to a run of a machine. */
#include "exec.h"
#include "accel.h"
#include "base.h"
#include "cleanup.h"
#include "cmd_plan.h"
#include "die.h"
#include "dur.h"
#include "fileid.h"
#include "kernfile.h"
#include "payload.h"
#include "request.h"
#include "save.h"
#include "sha256.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define RESTORE_NS (30 * NSEC_PER_SEC) /* a machine that takes longer than this is not coming */

/* Files that the machine is made of. */
struct guest {
	char *kernel, *base, *include; /* include may be NULL */
	int kernel_lock;
	uint64_t base_bytes, base_unpacked;
};

static void guest_free(struct guest *g)
{
	free(g->kernel);
	free(g->base);
	free(g->include);
	drop_fd(&g->kernel_lock);
}

#define AUTO_GUEST __attribute__((cleanup(guest_free))) struct guest

/* The request as kt-init reads it, see request.h. The environment is made here and not inherited:
 * what our caller's shell exports must not change a run. */
static int add_request(const struct opts *o, struct payload *p)
{
	static const char *const env[] = {
		"PATH=/include-files:/usr/libexec/ktstr:/bin:/sbin:/usr/bin:/usr/sbin",
		"HOME=/root",
	};
	bool virt = o->vm.spec.virt;
	const char *input = o->vm.stdin_fd < 0 ? "none"
			    : o->vm.shell      ? "tty"
			    : virt	       ? "file"
					       : "port";
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
		virt ? "virtual" : "real", 0, input, 0, hex, 0, 0, 0, n, 0);
	for (i = 0; i < n; i++)
		buf_add(&b, o->cmd[i], strlen(o->cmd[i]) + 1);
	for (i = 0; i < KT_ARRAY_LEN(env); i++)
		buf_add(&b, env[i], strlen(env[i]) + 1);
	if (o->vm.shell)
		shell_env(&o->vm.spec.topo, &b);
	else
		buf_fmt(&b, "TERM=dumb%cLC_ALL=C%c", 0, 0);
	return b.err ? b.err : payload_request(p, b.p, b.len);
}

/* All that this run adds to the machine. Returns -EINTR for a signal while standard input was read;
 * else a failure is reported. */
static int make_payload(const struct opts *o, const struct guest *g, struct payload *p)
{
	int rc = payload_open(p, 0);

	if (rc == 0)
		rc = add_request(o, p);
	if (rc == 0 && g->include) {
		rc = payload_add(p, g->include);
		if (rc < 0)
			return warn_rc(rc, "read the archive '%s'", g->include);
	}
	if (rc == 0 && o->vm.spec.virt && o->vm.stdin_fd >= 0) {
		rc = payload_stream(p, &REQUEST_STDIN[1], o->vm.stdin_fd, o->vm.sig_fd);
		if (rc == -EINTR)
			return rc;
		if (rc < 0)
			return warn_rc(rc, "read standard input");
	}
	if (rc == 0)
		rc = payload_end(p);
	return rc < 0 ? warn_rc(rc, "make the guest's files") : 0;
}

/* By doubling, so that a file that grows a little does not ask for another machine, whose template
 * has yet to be made. The root file system may take half of the memory. */
static uint64_t default_mib(const struct opts *o, const struct guest *g, uint64_t unpacked)
{
	uint64_t mib = 256 + 64 * (uint64_t)topospec_cpus(&o->vm.spec.topo);
	uint64_t need = 2 * ((g->base_unpacked + unpacked) >> 20) + 128;

	while (mib < need)
		mib *= 2;
	return mib;
}

/* While it is unpacked the archive is there twice, beside a kernel of at least 48 MiB. A guest that
 * has less does not fail at once, it hangs. */
static bool fits(const struct guest *g, uint64_t unpacked, uint64_t mib)
{
	uint64_t boot = g->base_unpacked + g->base_bytes, later = g->base_unpacked + unpacked;

	return (boot > later ? boot : later) + (48 << 20) <= mib << 20;
}

/* Run it; boots that QEMU has spoiled do not count. */
static int run_again(struct vm_opts *vm, struct vm_end *ret)
{
	int left, rc = 0;

	for (left = 2; left >= 0; left--) {
		vm->retry = left > 0 && !vm->spec.kvm && !vm->spec.virt;
		rc = vm_run(vm, ret);
		if (rc < 0 || !ret->again)
			break;
		warn_msg("this QEMU has spoiled the boot (%s by int3): booting again", ret->reason);
	}
	return rc;
}

/* Boot it and save it, with the lock for writing. *ret tells of a failure. */
static int make_template(const struct opts *o, const struct vm_opts *vm, const struct guest *g,
			 struct template *t, struct save_end *ret)
{
	AUTO_FD base = open(g->base, O_RDONLY | O_CLOEXEC);
	struct vm_spec spec = vm->spec;
	int left, rc = base < 0 ? -errno : 0;

	*ret = (struct save_end){ 0 };
	for (left = 2; rc == 0; left--) {
		rc = template_stage(t, spec.mem_mib);
		if (rc < 0)
			break;
		spec.initrd_fd = base;
		spec.ram_fd = t->dir_fd;
		buf_free(&ret->console);
		rc = vm_save(&spec, vm->boot_ns, vm->sig_fd, ret);
		if (rc == 0 || !ret->again || left == 0)
			break;
		rc = 0;
	}
	if (rc == 0)
		rc = template_publish(t, &spec);
	else
		(void)template_remove(t, NULL); /* rc is the news */
	if (rc == 0)
		template_prune(o->max_bytes, t->key);
	else if (!ret->reason[0])
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", strerror(-rc));
	return rc;
}

/* The machine's template, open and locked for reading; it is made if need be. Returns 0 or -errno;
 * *ret tells more. */
static int get_template(const struct opts *o, const struct vm_opts *vm, const struct guest *g,
			struct template *t, struct save_end *ret, bool *ret_made)
{
	int rc, tries;

	*ret = (struct save_end){ 0 };
	*ret_made = false;
	for (tries = 0; tries < 3; tries++) {
		rc = template_lock(t, false, true, vm->sig_fd);
		if (rc == 0)
			rc = template_open(t);
		if (rc != -ENOENT)
			break;
		/* Others may have made it by the time we have the lock, and others may remove it
		 * while we have none. */
		rc = template_lock(t, true, true, vm->sig_fd);
		if (rc == 0)
			rc = template_open(t);
		drop_fd(&t->dir_fd);
		drop_fd(&t->state_fd);
		if (rc == -ENOENT) {
			if (!o->quiet && isatty(STDERR_FILENO))
				warn_msg("booting this machine once; later runs continue it");
			buf_free(&ret->console);
			rc = make_template(o, vm, g, t, ret);
			*ret_made = rc == 0;
		}
		if (rc < 0)
			break;
	}
	if (rc < 0) {
		template_unlock(t);
		if (!ret->reason[0])
			(void)snprintf(ret->reason, sizeof(ret->reason), "%s", strerror(-rc));
	}
	return rc;
}

/* It is of no use to anybody; whoever still runs one of its machines goes on. */
static void drop_template(struct template *t)
{
	if (template_lock(t, true, false, -1) == 0)
		(void)template_remove(t, NULL); /* or the next one finds it and says so again */
	template_unlock(t);
}

/* Continue the template. Returns 1 when there was none to continue, and the machine must boot; 0
 * with *ret; or -errno. */
static int run_template(const struct opts *o, const struct vm_opts *cold, const struct guest *g,
			struct vm_end *ret)
{
	struct vm_opts vm = *cold;
	struct save_end end = { 0 };
	struct template t;
	AUTO_FD head = -1;
	char key[TEMPLATE_KEY];
	bool made;
	int rc = template_key(&vm.spec, g->base, key);

	template_init(&t, key);
	if (rc == 0)
		rc = get_template(o, &vm, g, &t, &end, &made);
	if (rc == -ETIMEDOUT && !end.booted) {
		/* To boot once more would take as long, and come to the same. */
		vm.earlier = &end.console;
		rc = vm_refuse(&vm, ret, VM_BOOT_FAIL, KT_PREFIX_FAIL, "%s", end.reason);
	} else if (rc < 0 && rc != -EINTR) {
		/* What is wrong with a boot is best seen in a boot. */
		if (end.booted || !end.reason[0])
			warn_msg("no template could be made (%s): booting",
				 end.reason[0] ? end.reason : strerror(-rc));
		rc = 1;
	} else if (rc == 0) {
		vm.spec.role = VM_RESTORE;
		vm.spec.ram_fd = t.dir_fd;
		vm.state_fd = t.state_fd;
		vm.spec.initrd_fd = -1;
		head = kernfile_head(vm.spec.kernel);
		vm.spec.head_fd = head; /* without one QEMU reads the whole file */
		vm.template = t.key;
		vm.earlier = &t.console;
		vm.boot_ns = RESTORE_NS;
		rc = vm_run(&vm, ret);
		if (rc == 0 && ret->stale) {
			warn_msg("template %s does not restore (%s): dropped, booting", t.key,
				 ret->reason);
			drop_template(&t);
			rc = 1;
		}
	}
	buf_free(&end.console);
	template_free(&t);
	return rc;
}

/* The machine that this accelerator gives; 0, or 1 when it cannot have it, for *why. */
static int describe(struct opts *o, bool kvm, bool probe)
{
	struct vm_spec *s = &o->vm.spec;
	uint64_t cpus = topospec_cpus(&s->topo);

	s->role = VM_COLD;
	s->kvm = kvm;
	s->virt = !kvm && o->clock != CLOCK_REAL;
	/* SeaBIOS looks for things to boot from, which takes TCG a quarter of a second. */
	s->qboot = !kvm && fileid_data(s->qemu, QEMU_QBOOT);
	s->verbose = o->vm.dmesg;
	s->page_fd = s->ram_fd = s->initrd_fd = s->head_fd = -1;
	if (s->virt && !o->seeded)
		o->vm.seed = 1;
	o->vm.probe = probe;
	o->vm.boot_ns = o->boot_ns ? o->boot_ns
			: probe	   ? 5 * NSEC_PER_SEC + cpus * 100 * NSEC_PER_MSEC
				   : 60 * NSEC_PER_SEC + cpus * 4 * NSEC_PER_SEC;
	return !kvm && qemu_max_apic_id(&s->topo) >= QEMU_TCG_APIC_IDS;
}

/* One run with one accelerator. Returns 0 with *ret, or -errno, reported. */
static int boot(struct opts *o, const struct guest *g, bool kvm, bool probe, struct vm_end *ret)
{
	AUTO_FD base = -1;
	struct payload p;
	struct vm_opts vm;
	int rc;

	if (describe(o, kvm, probe))
		return vm_refuse(&o->vm, ret, VM_SKIP, KT_SKIP,
				 "this topology has APIC id %u, and without KVM 254 is the highest",
				 qemu_max_apic_id(&o->vm.spec.topo));
	rc = make_payload(o, g, &p);
	vm = o->vm;
	if (vm.spec.virt)
		vm.stdin_fd = -1; /* it is in the page */
	vm.spec.page_fd = p.fd;
	if (vm.spec.mem_mib == 0)
		vm.spec.mem_mib = default_mib(o, g, p.unpacked);
	if (vm.spec.perf)
		vm.spec.mem_mib = perf_memory(vm.spec.perf, vm.spec.mem_mib);
	if (rc == 0 && !fits(g, p.unpacked, vm.spec.mem_mib)) {
		rc = vm_refuse(&o->vm, ret, VM_BOOT_FAIL, KT_PREFIX_FAIL,
			       "what is in the guest (%llu MiB unpacked) does not fit into %llu "
			       "MiB of memory",
			       (unsigned long long)((g->base_unpacked + p.unpacked) >> 20),
			       (unsigned long long)vm.spec.mem_mib);
	} else if (rc == 0) {
		rc = o->cold || o->initramfs || probe ? 1 : run_template(o, &vm, g, ret);
		if (rc == 1) {
			base = open(g->base, O_RDONLY | O_CLOEXEC);
			vm.spec.initrd_fd = base;
			rc = base < 0 ? warn_rc(-errno, "read the archive '%s'", g->base)
				      : run_again(&vm, ret);
		}
	}
	if (rc == -EINTR)
		rc = vm_refuse(&o->vm, ret, VM_HOST_ERROR, 128 + sig_read(o->vm.sig_fd),
			       "interrupted before the guest had started");
	payload_close(&p);
	return rc;
}

static int boot_auto(struct opts *o, const struct guest *g, struct vm_end *ret)
{
	enum accel known;
	int rc;

	if (o->accel == ACCEL_ONLY_TCG || o->clock == CLOCK_VIRTUAL)
		return boot(o, g, false, false, ret);
	if (o->accel == ACCEL_ONLY_KVM) {
		rc = accel_store(o->vm.spec.qemu, ACCEL_UNKNOWN);
		if (rc < 0)
			warn_rc(rc, "forget the verdict on KVM");
		return boot(o, g, true, false, ret);
	}
	if (accel_device() < 0)
		return boot(o, g, false, false, ret);
	known = accel_load(o->vm.spec.qemu);
	if (known != ACCEL_UNKNOWN)
		return boot(o, g, known == ACCEL_KVM, false, ret);
	rc = boot(o, g, true, true, ret);
	if (rc < 0 || ret->status >= 128)
		return rc;
	rc = accel_store(o->vm.spec.qemu, ret->ready ? ACCEL_KVM : ACCEL_TCG);
	if (rc < 0)
		warn_rc(rc, "keep the verdict on KVM");
	if (ret->ready)
		return 0;
	if (!o->quiet)
		warn_msg("KVM cannot run this kernel here (%s): using TCG", ret->reason);
	return boot(o, g, false, false, ret);
}

/* Find the files. Returns 0, or -1, reported; with a kernel that is none *ret tells, and the
 * records say so. */
static int find_guest(struct opts *o, struct guest *g, struct vm_end *ret)
{
	char why[512];
	int rc;

	g->kernel = base_kernel(o->kernel, &g->kernel_lock);
	if (!g->kernel)
		return -1;
	o->vm.spec.kernel = g->kernel;
	if (kernfile_check(g->kernel, why, sizeof(why)) < 0) {
		(void)vm_refuse(&o->vm, ret, VM_BOOT_FAIL, KT_PREFIX_FAIL, "%s", why);
		return -1;
	}
	g->base = o->initramfs ? strdup(o->initramfs) : base_archive();
	if (!g->base)
		return -1;
	rc = payload_measure(g->base, &g->base_unpacked, &g->base_bytes);
	if (rc < 0)
		return warn_rc(rc, "read the archive '%s'", g->base);
	if (o->n_include > 0) {
		g->include = base_include(o->include, o->n_include);
		if (!g->include)
			return -1;
	}
	return 0;
}

int exec_run(struct opts *o)
{
	AUTO_GUEST g = { .kernel_lock = -1 };
	struct vm_end end = { .status = KT_PREFIX_FAIL };

	if (find_guest(o, &g, &end) < 0)
		return end.status;
	if (boot_auto(o, &g, &end) < 0)
		return KT_PREFIX_FAIL;
	if (end.status == KT_NOTFOUND && end.no_exec)
		warn_msg("'%s' is not in the guest: give it with -i %s", o->cmd[0], o->cmd[0]);
	else if (end.no_exec)
		warn_msg("'%s' cannot be executed in the guest: %s", o->cmd[0], end.reason);
	return end.status;
}

/* What --accel comes to, as far as that is known without a try. With another machine's files there
 * is no device to open. */
static bool likely_kvm(const struct opts *o)
{
	if (o->accel != ACCEL_AUTO || o->clock == CLOCK_VIRTUAL || o->root_dir)
		return o->accel == ACCEL_ONLY_KVM;
	return accel_device() == 0 && accel_load(o->vm.spec.qemu) == ACCEL_KVM;
}

int exec_show(struct opts *o)
{
	AUTO_GUEST g = { .kernel_lock = -1 };
	struct vm_end end = { .status = KT_PREFIX_FAIL };
	struct vm_spec *s = &o->vm.spec;
	uint64_t unpacked = 0, bytes;

	if (find_guest(o, &g, &end) < 0)
		return end.status;
	if (g.include && payload_measure(g.include, &unpacked, &bytes) < 0)
		return warn_rc(-EIO, "read the archive '%s'", g.include), KT_PREFIX_FAIL;
	if (describe(o, likely_kvm(o), false)) {
		warn_msg("this topology has APIC id %u, and without KVM 254 is the highest",
			 qemu_max_apic_id(&s->topo));
		return KT_SKIP;
	}
	if (!o->cold && !o->initramfs)
		s->role = VM_RESTORE;
	if (s->mem_mib == 0)
		s->mem_mib = default_mib(o, &g, unpacked);
	if (s->perf) {
		perf_accel(s->perf, s->kvm);
		s->mem_mib = perf_memory(s->perf, s->mem_mib);
	}
	return plan_show(o, s);
}

int exec_prepare(struct opts *o, struct template *t, bool *ret_made)
{
	AUTO_GUEST g = { .kernel_lock = -1 };
	struct vm_end end = { 0 };
	struct save_end save;
	char key[TEMPLATE_KEY];
	int rc = find_guest(o, &g, &end);

	template_init(t, "");
	if (rc < 0)
		return rc;
	if (describe(o, likely_kvm(o), false)) {
		warn_msg("this topology has APIC id %u, and without KVM 254 is the highest",
			 qemu_max_apic_id(&o->vm.spec.topo));
		return -ENOTSUP;
	}
	if (o->vm.spec.mem_mib == 0)
		o->vm.spec.mem_mib = default_mib(o, &g, 0);
	rc = template_key(&o->vm.spec, g.base, key);
	if (rc < 0)
		return warn_rc(rc, "name the template");
	template_init(t, key);
	rc = get_template(o, &o->vm, &g, t, &save, ret_made);
	if (rc < 0)
		warn_msg("no template could be made: %s", save.reason);
	buf_free(&save.console);
	return rc;
}
