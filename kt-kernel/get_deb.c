/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings the kernel of a local package into the cache. Nobody has signed such a file; who names it
 * knows where it is from. */
#include "cache.h"
#include "cleanup.h"
#include "die.h"
#include "fetcher.h"
#include "get.h"
#include "jsonr.h"
#include "lock.h"
#include "prebuilt.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Eight digits for what is in the files: the same ones make the same entry. */
static int sum_files(const char *const *files, char ret[9])
{
	char sum[SHA256_TEXT];
	struct sha256 s;
	uint64_t bytes;
	size_t i;

	sha256_init(&s);
	for (i = 0; files[i]; i++) {
		AUTO_FD fd = open(files[i], O_RDONLY | O_CLOEXEC);
		int rc = fd < 0 ? -errno : sha256_fd(fd, sum, &bytes);

		if (rc < 0)
			return warn_rc(rc, "read '%s'", files[i]);
		sha256_add(&s, sum, sizeof(sum));
	}
	sha256_hex(&s, sum);
	memcpy(ret, sum, 8);
	ret[8] = '\0';
	return 0;
}

/* An entry of these files. 1 or 0, or -errno (said). */
static int in_cache(const char *sum, struct kernel *ret)
{
	AUTO_FREE struct kernel *v = NULL;
	int n = cache_list(&v), i;
	char tail[32];
	size_t len;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	len = (size_t)snprintf(tail, sizeof(tail), "-%s-deb", sum);
	for (i = 0; i < n; i++)
		if (!v[i].damage && strcmp(v[i].source, "deb") == 0 && strlen(v[i].key) > len &&
		    strcmp(v[i].key + strlen(v[i].key) - len, tail) == 0) {
			*ret = v[i];
			return 1;
		}
	return 0;
}

static int take_release(const json_t *rec, void *arg)
{
	struct kernel *k = arg;

	(void)snprintf(k->version, sizeof(k->version), "%s", rec_str(rec, "release", ""));
	return 0;
}

/* One file of a package into the staged directory; the first one says which release it is. */
static int unpack(const struct fetcher *f, const char *deb, const char *what, const char *staged,
		  struct kernel *k)
{
	const char *const args[] = { "deb",	 deb,	 what,
				     "--into",	 staged, k->version[0] ? "--release" : NULL,
				     k->version, NULL };
	AUTO_BUF out = BUF_INIT;
	int rc = fetcher_run(f, args, &out);

	if (rc < 0)
		return rc;
	rc = fetcher_each(&out, "file", take_release, k);
	if (rc >= 0 && k->version[0])
		return 0;
	return rc == -EBADMSG ? rc : warn_rc(rc < 0 ? rc : -ENODATA, "read '%s'", deb);
}

static int fill(const struct fetcher *f, const char *const *files, const char *sum,
		const char *staged, struct kernel *k)
{
	int rc = prebuilt_begin(k, "deb");

	if (rc == 0)
		rc = unpack(f, files[0], "image", staged, k);
	if (rc == 0)
		rc = unpack(f, files[1] ? files[1] : files[0], "config", staged, k);
	if (rc == -EIO && k->version[0] && !files[1])
		warn_msg("name the package with the configuration of %s behind '%s'", k->version,
			 files[0]);
	if (rc == 0)
		rc = prebuilt_config(staged, k);
	if (rc < 0)
		return rc;
	prebuilt_say_missing(k);
	if (config_can(&k->config, NEED_BOOT, k->machine) != TRI_YES) {
		warn_msg("%s of '%s' cannot be booted as a guest", k->version, files[0]);
		return -EINVAL;
	}
	k->verified = TRI_NO;
	if (snprintf(k->key, sizeof(k->key), "%s-%s-deb", k->version, sum) >= (int)sizeof(k->key) ||
	    !cache_key_ok(k->key))
		return warn_rc(-ENAMETOOLONG, "name the kernel %s", k->version);
	return prebuilt_publish(staged, k, files[0]);
}

int get_deb(const char *image, const char *config, bool quiet, struct kernel *ret,
	    const char **ret_why)
{
	const char *const files[] = { image, config, NULL };
	char staged[PATH_MAX], sum[9];
	AUTO_FD sig_fd = -1, lock = -1, held = -1;
	struct fetcher f = { .quiet = quiet };
	sigset_t mask;
	int rc = sum_files(files, sum), gone;

	if (rc < 0)
		return rc;
	sig_fd = sig_block(NULL, &mask);
	if (sig_fd < 0)
		return warn_rc(sig_fd, "set up signals");
	f.sig_fd = sig_fd;
	f.mask = &mask;
	lock = lock_cache("kernel", "get", LOCK_EXCLUSIVE, GET_OTHER_MS);
	if (lock < 0)
		return warn_rc(lock, "wait for another kt-kernel get");
	*ret_why = "it is in the cache";
	rc = in_cache(sum, ret);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	*ret_why = "it was taken from a package";
	held = cache_stage(staged, sizeof(staged));
	if (held < 0)
		return warn_rc(held, "make a directory in the cache");
	rc = fill(&f, files, sum, staged, ret);
	gone = cache_unstage(staged); /* after publishing there is none */
	if (rc == 0 && gone < 0 && gone != -ENOENT)
		rc = warn_rc(gone, "remove '%s'", staged);
	return rc;
}
