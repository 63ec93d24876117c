/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/reload.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "relay/session.h"

#define SETTLE_NS (50 * NS_PER_MS) /* an editor writes, renames and removes in one go */
#define CLOCK_STEP_NS (20 * NS_PER_MS) /* how much older than it is a change may look */
#define COMPILE_NS (60 * NS_PER_S) /* names that do not resolve take their time */

static const struct relay_policy *asked_policy(const struct reload *reload)
{
	return &reload->session->options->policy;
}

/* --- what the files look like --- */

static uint64_t mix(uint64_t digest, uint64_t value)
{
	return (digest ^ value) * 0x9e3779b97f4a7c15ULL + (digest >> 29);
}

static uint64_t look(const struct reload *reload, uint64_t *ret_changed_ns)
{
	const char *end = reload->files + reload->files_size;
	uint64_t digest = 1, newest_ns = 0;

	for (const char *file = reload->files; file < end; file += strlen(file) + 1) {
		struct stat is = { 0 };
		uint64_t changed_ns;

		(void)stat(file, &is); /* one that is not there looks like nothing else */
		changed_ns = (uint64_t)is.st_ctim.tv_sec * NS_PER_S + (uint64_t)is.st_ctim.tv_nsec;
		if (changed_ns > newest_ns)
			newest_ns = changed_ns;
		digest = mix(digest, is.st_dev);
		digest = mix(digest, is.st_ino);
		digest = mix(digest, (uint64_t)is.st_size);
		digest = mix(digest, (uint64_t)is.st_mtim.tv_sec);
		digest = mix(digest, (uint64_t)is.st_mtim.tv_nsec);
		digest = mix(digest, changed_ns);
	}
	if (ret_changed_ns)
		*ret_changed_ns = newest_ns;
	return digest;
}

/* A rename over a file is seen in its directory only, and so is a link to another directory. */
static void watch_directory_of(const struct reload *reload, const char *file)
{
	char path[PATH_MAX];
	char *slash;

	if (snprintf(path, sizeof(path), "%s", file) >= (int)sizeof(path))
		return;
	slash = strrchr(path, '/');
	if (!slash)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
	inotify_add_watch(reload->watch, path,
			  IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
				  IN_ATTRIB | IN_ONLYDIR);
}

/* Where they lie now: all of it anew, as a link may lead elsewhere. */
static void watch_files(struct reload *reload)
{
	const char *end = reload->files + reload->files_size;

	close_fd(reload->watch);
	reload->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (reload->watch < 0)
		return;
	for (const char *file = reload->files; file < end; file += strlen(file) + 1) {
		_cleanup_free_ char *real = realpath(file, NULL);

		watch_directory_of(reload, file);
		if (real)
			watch_directory_of(reload, real);
	}
}

/* --- compiling --- */

/* u64 size of the image, the image, the names of the files */
static int write_result(int fd, const struct buf *image, const struct buf *files)
{
	_cleanup_buf_ struct buf all = { 0 };
	uint64_t size = buf_size(image);
	int err = buf_append(&all, &size, sizeof(size));

	if (!err)
		err = buf_append(&all, buf_bytes(image), buf_size(image));
	if (!err)
		err = buf_append(&all, buf_bytes(files), buf_size(files));
	for (size_t at = 0; !err && at < buf_size(&all);) {
		ssize_t put = write(fd, (const char *)buf_bytes(&all) + at, buf_size(&all) - at);

		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		at += (size_t)put;
	}
	return err;
}

/* With nothing of the session's in its hands: what it keeps open, nobody would see closed. */
static _Noreturn void compile_in_child(const struct relay_policy *policy, int result)
{
	_cleanup_buf_ struct buf image = { 0 }, files = { 0 };
	int null;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(result, 3) < 0 || close_range(4, ~0U, 0) < 0)
		_exit(1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(1);
	if (policy->compile(policy->compile_data, &image, &files))
		_exit(1);
	_exit(write_result(3, &image, &files) ? 1 : 0);
}

static void forget_compiler(struct compiler *compiler)
{
	compiler->pidfd = close_fd(compiler->pidfd);
	compiler->result = close_fd(compiler->result);
	compiler->pid = 0;
}

static void not_taken(struct reload *reload, int err)
{
	say(&reload->session->say,
	    "the policy changed and cannot be taken (%s): the one before stays in force",
	    strerror(-err));
	guard_link_policy_bad(&reload->session->guard);
}

static void start(struct reload *reload, uint64_t now_ns)
{
	struct compiler *compiler = &reload->compiler;

	reload->due_ns = UINT64_MAX;
	reload->stale = false;
	reload->seen = look(reload, NULL);
	compiler->result = memfd_create("mcpfloor-reload", MFD_CLOEXEC);
	if (compiler->result < 0) {
		not_taken(reload, -errno);
		return;
	}
	compiler->pid = fork();
	if (compiler->pid == 0)
		compile_in_child(asked_policy(reload), compiler->result);
	if (compiler->pid > 0)
		compiler->pidfd = pidfd_open(compiler->pid, 0);
	if (compiler->pid > 0 && compiler->pidfd >= 0) {
		compiler->until_ns = now_ns + COMPILE_NS;
		return;
	}
	not_taken(reload, -errno);
	if (compiler->pid > 0) {
		kill(compiler->pid, SIGKILL);
		waitpid(compiler->pid, NULL, 0);
	}
	forget_compiler(compiler);
}

/* --- what came of it --- */

struct compiled {
	void *bytes;
	uint64_t image_size;
	size_t files_size;
};

static int read_result(int fd, struct compiled *ret_compiled)
{
	struct stat is;
	_cleanup_free_ char *bytes = NULL;
	uint64_t size;

	if (fstat(fd, &is) < 0 || (size_t)is.st_size < sizeof(size))
		return -EBADMSG;
	bytes = malloc((size_t)is.st_size);
	if (!bytes)
		return -ENOMEM;
	if (pread(fd, bytes, (size_t)is.st_size, 0) != is.st_size)
		return -EIO;
	memcpy(&size, bytes, sizeof(size));
	if (size > (size_t)is.st_size - sizeof(size))
		return -EBADMSG;
	/* the image has to begin where any type may */
	memmove(bytes, bytes + sizeof(size), (size_t)is.st_size - sizeof(size));
	*ret_compiled = (struct compiled){ .bytes = take_ptr(bytes),
					   .image_size = size,
					   .files_size = (size_t)is.st_size - sizeof(size) - size };
	return 0;
}

static int keep_files(struct reload *reload, const char *files, size_t size)
{
	char *copy = size && files[size - 1] == '\0' ? malloc(size) : NULL;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, files, size);
	free(reload->files);
	reload->files = copy;
	reload->files_size = size;
	watch_files(reload);
	return 0;
}

static bool is_in_force(const struct reload *reload, const struct compiled *compiled)
{
	const struct grants *grants = &reload->session->traffic.grants;
	const struct grants_policy *policy = &grants->policy[grants_parity(grants)];

	return policy->size == compiled->image_size &&
	       !memcmp(policy->view.head, compiled->bytes, policy->size);
}

/* The calls in flight first: what the guard puts in force finds what each of them has by it. */
static void publish(struct reload *reload, struct compiled *compiled)
{
	struct session *session = reload->session;
	struct relay_policy policy = *asked_policy(reload);
	int err;

	policy.image = compiled->bytes;
	policy.size = compiled->image_size;
	policy.mode = session->guard.mode;
	traffic_policy_next(&session->traffic, take_ptr(compiled->bytes), policy.size);
	err = guard_link_replace(&session->guard, &policy, session->traffic.grants.generation + 1);
	reload->publishing = !err;
	if (!err)
		return;
	traffic_policy_done(&session->traffic, false);
	not_taken(reload, err);
}

static void take_compiled(struct reload *reload)
{
	struct compiled compiled = { 0 };
	int err = read_result(reload->compiler.result, &compiled);

	if (!err && keep_files(reload, (const char *)compiled.bytes + compiled.image_size,
			       compiled.files_size))
		err = -ENOMEM;
	if (err)
		not_taken(reload, err);
	else if (reload->asked || !is_in_force(reload, &compiled))
		publish(reload, &compiled);
	reload->asked = false;
	free(compiled.bytes);
}

void reload_compiled(struct reload *reload)
{
	struct compiler *compiler = &reload->compiler;
	int status = 0;

	if (waitpid(compiler->pid, &status, WNOHANG) != compiler->pid)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		take_compiled(reload);
	} else {
		reload->asked = false;
		not_taken(reload, WIFSIGNALED(status) ? -ETIMEDOUT : -EINVAL);
	}
	forget_compiler(compiler);
	/* its directories are watched anew: what changed meanwhile was told to nobody */
	reload->due_ns = 0;
}

void reload_heard(struct reload *reload)
{
	struct session *session = reload->session;
	struct guard_link *link;

	if (!session)
		return;
	link = &session->guard;
	if (link->reload)
		reload->due_ns = 0;
	reload->asked |= link->reload;
	reload->stale |= link->reload;
	link->reload = false;
	if (!reload->publishing || (!link->policy_answered && link->control >= 0))
		return;
	reload->publishing = false;
	traffic_policy_done(&session->traffic, link->policy_answered && !link->policy_error);
	if (!link->policy_answered) /* the guard is gone, and that was said */
		return;
	link->policy_answered = false;
	if (link->policy_error)
		not_taken(reload, link->policy_error);
	else
		say(&session->say, "the policy changed: generation %llu is in force",
		    (unsigned long long)session->traffic.grants.generation);
}

/* --- when --- */

void reload_init(struct reload *reload, struct session *session)
{
	const struct relay_policy *policy = &session->options->policy;
	uint64_t changed_ns;

	if (!policy->size || !policy->compile)
		return;
	reload->session = session;
	if (keep_files(reload, policy->files, policy->files_size)) {
		reload->session = NULL;
		return;
	}
	reload->seen = look(reload, &changed_ns);
	/* they may have changed since they were read */
	reload->stale = changed_ns + CLOCK_STEP_NS >= policy->read_ns;
	reload->due_ns = reload->stale ? 0 : UINT64_MAX;
}

void reload_free(struct reload *reload)
{
	if (reload->compiler.pidfd >= 0) {
		kill(reload->compiler.pid, SIGKILL);
		waitpid(reload->compiler.pid, NULL, 0);
	}
	forget_compiler(&reload->compiler);
	reload->watch = close_fd(reload->watch);
	free(reload->files);
}

void reload_looked(struct reload *reload)
{
	char events[4096];

	while (read(reload->watch, events, sizeof(events)) > 0)
		;
	if (reload->due_ns == UINT64_MAX)
		reload->due_ns = clock_mono_ns() + SETTLE_NS;
}

uint64_t reload_tick(struct reload *reload, uint64_t now_ns)
{
	struct compiler *compiler = &reload->compiler;

	if (!reload->session || reload->session->guard.control < 0)
		return UINT64_MAX;
	if (compiler->pidfd >= 0) {
		if (compiler->until_ns <= now_ns)
			kill(compiler->pid, SIGKILL);
		return compiler->until_ns <= now_ns ? UINT64_MAX : compiler->until_ns;
	}
	if (reload->publishing || reload->due_ns > now_ns)
		return reload->publishing ? UINT64_MAX : reload->due_ns;
	reload->due_ns = UINT64_MAX;
	if (!reload->stale && look(reload, NULL) == reload->seen)
		return UINT64_MAX;
	start(reload, now_ns);
	return compiler->until_ns;
}
