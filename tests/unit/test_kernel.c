// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-kernel: the order of versions, sources of apt, configurations, image headers. */
#include "apt.h"
#include "config.h"
#include "image.h"
#include "tap.h"
#include "version.h"

#include <string.h>

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void order(const char *a, const char *b, int want)
{
	ok(sign(version_compare(a, b)) == want, "%s %c %s", a, "<=>"[want + 1], b);
	ok(sign(version_compare(b, a)) == -want, "%s %c %s", b, "<=>"[1 - want], a);
}

static void source(const char *text, int deb822, unsigned long number, const char *want)
{
	AUTO_BUF out = BUF_INIT;
	int rc = apt_private_source(text, strlen(text), deb822, number, "next", &out);

	ok(rc == (want != NULL), "entry %lu is %sthere", number, want ? "" : "not ");
	ok_str(out.p ? out.p : "", want ? want : "", "and is rewritten");
}

static const char sources[] = "# first\n\n"
			      "Types: deb deb-src\n"
			      "# why\n"
			      "URIs: http://a.example/debian\n"
			      "Suites: now\n now-updates\n"
			      "Components: main contrib\n"
			      "Signed-By: /k.gpg\n"
			      "\n \n"
			      "Enabled: no\n"
			      "types: deb\n"
			      "URIs: http://b.example/\n"
			      "suites: now\n"
			      "components: main\n"
			      "Signed-By:\n"
			      " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
			      " .\n"
			      " abc\n";

static const char lines[] =
	"# deb http://a.example/debian now main\n"
	"deb [ arch=amd64 signed-by=/k.gpg ] http://a.example/debian now main contrib # x\n"
	"deb\thttp://b.example/debian  now   main\n"
	"deb [open http://c.example/debian now main\n"
	"deb-src http://d.example/debian now main";

static enum tristate can(const char *text, enum need_for what)
{
	struct config c;

	config_read(&c, text, strlen(text));
	return config_can(&c, what, "x86_64");
}

static enum tristate has(const char *text, const char *option)
{
	struct config c;

	config_read(&c, text, strlen(text));
	return config_has(&c, option);
}

int main(void)
{
	static const struct config unknown;
	unsigned char head[0x400] = { 0 };
	struct image im;

	order("7.3.10", "7.3.4", 1);
	order("7.3.4", "7.3.4", 0);
	order("7.3.4-1~bpo13+1", "7.3.4-1", -1);
	order("7.3.4-1~bpo13+1", "7.3.4-1~bpo13+2", -1);
	order("7.3", "7.3.0", -1);
	order("7.4~rc1", "7.4", -1);
	order("6.12.48+deb13-cloud-amd64", "6.12.9+deb13-cloud-amd64", 1);
	order("1.007", "1.7", 0);
	order("a", "+", -1);
	order("", "~", 1);
	order("99999999999999999999999", "100000000000000000000000", -1);

	source(sources, 1, 1,
	       "Types: deb\nSuites: next\nComponents: main\nURIs: http://a.example/debian\n"
	       "Signed-By: /k.gpg\n");
	source(sources, 1, 2,
	       "Types: deb\nSuites: next\nComponents: main\nURIs: http://b.example/\nSigned-By:\n"
	       " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n");
	source(sources, 1, 3, NULL);
	source("", 1, 1, NULL);
	source(lines, 0, 1, NULL);
	source(lines, 0, 2,
	       "deb [ arch=amd64 signed-by=/k.gpg ] http://a.example/debian next main\n");
	source(lines, 0, 3, "deb http://b.example/debian next main\n");
	source(lines, 0, 4, NULL);
	source(lines, 0, 5, NULL);
	source(lines, 0, 6, NULL);

	ok(can("CONFIG_SCHED_CLASS_EXT=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n"
	       "CONFIG_DEBUG_INFO_BTF=y\n",
	       NEED_SCHED_EXT) == TRI_YES,
	   "all options of a kind");
	ok(can("CONFIG_SCHED_CLASS_EXT=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n"
	       "CONFIG_DEBUG_INFO_BTF=m",
	       NEED_SCHED_EXT) == TRI_NO,
	   "a module is not built in");
	ok(has("# CONFIG_NUMA is not set\n", "NUMA") == TRI_NO, "what is not set");
	ok(has("CONFIG_NUMA_BALANCING=y\n", "NUMA") == TRI_NO, "an option that begins like it");
	ok(has("XCONFIG_NUMA=y\n", "NUMA") == TRI_NO, "and one that ends like it");
	ok(has("CONFIG_NUMA=y", "NUMA") == TRI_YES, "a last line without its newline");
	ok(has("CONFIG_NUMA=yes\n", "NUMA") == TRI_NO, "another value");
	ok(config_can(&unknown, NEED_BOOT, "x86_64") == TRI_UNKNOWN &&
		   config_has(&unknown, "NUMA") == TRI_UNKNOWN &&
		   !config_lacks(&unknown, 0, "x86_64"),
	   "an unknown configuration has neither");

	memcpy(head + 0x202, "HdrS", 4);
	head[0x1fe] = 0x55;
	head[0x1ff] = 0xaa;
	head[0x206] = 0x0f;
	head[0x207] = 0x02;
	head[0x20e] = 0x80; /* the text is at 0x280 */
	head[0x211] = 1;
	head[0x262] = 0x10;
	strcpy((char *)head + 0x280, "7.3.4+deb13-cloud-amd64 (builder@host) #1 SMP");
	image_parse(head, sizeof(head), 12345, &im);
	ok(im.kind == IMAGE_BZIMAGE && im.bytes == 12345 && im.init_bytes == 0x100000, "a bzImage");
	ok_str(im.release, "7.3.4+deb13-cloud-amd64", "and its release");
	head[0x20f] = 0xff; /* the text is behind the end */
	image_parse(head, sizeof(head), 12345, &im);
	ok(im.kind == IMAGE_BZIMAGE && im.release[0] == '\0', "a bzImage that does not say");
	head[0x206] = 0;
	head[0x207] = 1;
	image_parse(head, sizeof(head), 12345, &im);
	ok(im.kind == IMAGE_NONE && im.why[0], "a boot sector of old");
	image_parse(head, 0, 0, &im);
	ok(im.kind == IMAGE_NONE && strcmp(im.why, "it is empty") == 0, "an empty file");
	image_parse("\x1f\x8b\x08", 3, 3, &im);
	ok(im.kind == IMAGE_NONE && strstr(im.why, "gzip"), "a gzip file");
	return tap_done();
}
