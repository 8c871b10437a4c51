/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages of the distribution's archive, by apt-get and apt-cache with a state directory of ours.
 */
#include "apt.h"
#include "apt_sources.h"
#include "cleanup.h"
#include "die.h"
#include "out.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_ARGS 24
#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

/* argv of an apt program with all that keeps it in our state; free_argv() afterwards. */
static char **apt_argv(const struct apt *a, const char *program, const char *const *args)
{
	static const char *const common[] = {
		"Dir::State=%s",
		"Dir::State::lists=%s/lists",
		"Dir::State::status=%s/status",
		"Dir::Cache=%s/cache",
		"Dir::Etc::preferences=/dev/null",
		"Dir::Etc::preferencesparts=/dev/null",
		"APT::Sandbox::User=",
		"Acquire::Languages=none",
		"Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
		"Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=false",
		"Acquire::Retries=2",
		"Acquire::http::Timeout=30",
		"Acquire::https::Timeout=30",
		"APT::Get::List-Cleanup=true",
		"quiet=2",
		NULL
	};
	/* Of the system's sources one may be out of reach that has nothing to do with us. */
	static const char *const own[] = { "Dir::Etc::sourcelist=/dev/null",
					   "Dir::Etc::sourceparts=%s/sources",
					   "APT::Update::Error-Mode=any", NULL };
	const char *const *const lists[] = { common, a->system ? NULL : own };
	char **argv =
		calloc(2 * (KT_ARRAY_LEN(common) + KT_ARRAY_LEN(own)) + MAX_ARGS, sizeof(*argv));
	size_t n = 0, i, k;
	int len;

	if (!argv)
		return NULL;
	argv[n++] = strdup(program);
	for (i = 0; args[i]; i++)
		argv[n++] = strdup(args[i]);
	for (k = 0; k < KT_ARRAY_LEN(lists); k++)
		for (i = 0; lists[k] && lists[k][i]; i++) {
			const char *o = lists[k][i], *percent = strstr(o, "%s");

			argv[n++] = strdup("-o");
			if (!percent)
				len = asprintf(&argv[n], "%s", o);
			else
				len = asprintf(&argv[n], "%.*s%s%s", (int)(percent - o), o,
					       a->state, percent + 2);
			if (len < 0)
				argv[n] = NULL;
			n++;
		}
	for (i = 0; i < n; i++) {
		if (argv[i])
			continue;
		for (i = 0; i < n; i++)
			free(argv[i]);
		free(argv);
		return NULL;
	}
	return argv;
}

int apt_run(const struct apt *a, const char *program, const char *const *args, struct buf *out)
{
	char **argv = apt_argv(a, program, args);
	int rc, i;

	if (!argv)
		return warn_rc(-ENOMEM, "run '%s'", program);
	rc = run_capture(argv, out);
	for (i = 0; argv[i]; i++)
		free(argv[i]);
	free(argv);
	return rc;
}

static int chosen_source(const char *uri, const char *suite, struct buf *out)
{
	const char *trusted = getenv("KTSTR_APT_TRUSTED");

	buf_fmt(out, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", uri, suite);
	if (trusted && strcmp(trusted, "yes") == 0)
		buf_str(out, "Trusted: yes\n");
	else if (access(KEYRING, R_OK) == 0)
		buf_str(out, "Signed-By: " KEYRING "\n");
	return out->err;
}

int apt_setup(const struct apt *a, const char *suite)
{
	static const char *const dirs[] = { "sources", "lists",		 "lists/partial",
					    "cache",   "cache/archives", "cache/archives/partial" };
	const char *uri = getenv("KTSTR_APT_URI");
	AUTO_BUF source = BUF_INIT;
	AUTO_FD fd = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD sources_fd = -1;
	const char *name = "kt.sources", *other = "kt.list";
	size_t i;
	int rc = 0;

	if (fd < 0)
		return warn_rc(-errno, "open '%s'", a->state);
	for (i = 0; i < KT_ARRAY_LEN(dirs); i++)
		if (mkdirat(fd, dirs[i], 0755) < 0 && errno != EEXIST)
			return warn_rc(-errno, "create '%s/%s'", a->state, dirs[i]);
	if (out_replace(fd, "status", "", 0) < 0)
		return warn_rc(-EIO, "write into '%s'", a->state);
	if (a->system)
		return 0;
	rc = uri && *uri ? chosen_source(uri, suite, &source) : apt_system_source(suite, &source);
	if (rc < 0)
		return rc;
	if (strncmp(source.p, "deb ", 4) == 0) { /* a one-line entry needs a file of that kind */
		name = "kt.list";
		other = "kt.sources";
	}
	sources_fd = openat(fd, "sources", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = sources_fd < 0 ? -errno : out_replace(sources_fd, name, source.p, source.len);
	if (rc == 0 && unlinkat(sources_fd, other, 0) < 0 && errno != ENOENT)
		rc = -errno;
	return rc < 0 ? warn_rc(rc, "write into '%s'", a->state) : 0;
}

int apt_update(const struct apt *a)
{
	static const char *const args[] = { "update", NULL };

	return apt_run(a, "apt-get", args, NULL);
}

int apt_download(const struct apt *a, const char *package, const char *version, const char *dir,
		 char *ret_file, size_t cap)
{
	AUTO_FREE char *what = NULL;
	AUTO_DIR *d = NULL;
	const struct dirent *de;
	size_t n = strlen(package);
	int rc;

	if (asprintf(&what, "%s=%s", package, version) < 0) {
		what = NULL;
		return -ENOMEM;
	}
	if (chdir(dir) < 0) /* apt-get download knows no other place */
		return warn_rc(-errno, "enter '%s'", dir);
	rc = apt_run(a, "apt-get", (const char *const[]){ "download", what, NULL }, NULL);
	if (rc < 0)
		return rc;
	d = opendir(".");
	if (!d)
		return warn_rc(-errno, "open '%s'", dir);
	while ((de = readdir(d)))
		if (strncmp(de->d_name, package, n) == 0 && de->d_name[n] == '_') {
			(void)snprintf(ret_file, cap, "%s", de->d_name); /* NAME_MAX fits */
			return 0;
		}
	return warn_rc(-ENOENT, "find the package '%s' in '%s'", package, dir);
}
