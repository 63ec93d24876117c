/* SPDX-License-Identifier: BSD-2-Clause */
/* What Landlock refuses: changes of files by name, and reaching out to processes outside. */

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "abi/control.h"
#include "base/cleanup.h"
#include "relay/floor.h"

/* The headers of the machine that it is built on may be older than the kernel that it runs on. */
#define ACCESS_TRUNCATE (1ULL << 14)
#define SCOPE_ABSTRACT (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

struct ruleset {
	__u64 files;
	__u64 net;
	__u64 scoped;
};

/* Opening to write is not among them: the engine decides that for each open, and tells it. */
#define MAKE_ANY                                                        \
	(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |   \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)
#define CHANGES                                                                      \
	(MAKE_ANY | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_REFER | ACCESS_TRUNCATE)
/* What it takes to make, replace and remove a file, asked of the directory that it is in */
#define FILE_IN                                                                                    \
	(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER | \
	 ACCESS_TRUNCATE)

int floor_landlock_version(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

/* No link is followed: what one leads to is in the policy by its own name. */
static int open_path(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int add(int ruleset, int fd, __u64 rights)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = rights, .parent_fd = fd };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0
		       ? -errno
		       : 0;
}

/* Of a name that is not there, or not of a directory: the next directory above that is. */
static int add_above(int ruleset, const char *path, __u64 rights)
{
	_cleanup_free_ char *up = strdup(path);
	char *slash;

	if (!up)
		return -ENOMEM;
	while ((slash = strrchr(up, '/'))) {
		_cleanup_fd_ int fd = -1;
		struct stat st;

		slash[slash == up] = '\0';
		fd = open_path(up);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			return add(ruleset, fd, rights);
		if (slash == up || fd == -ELOOP || fd == -EACCES)
			return 0; /* by that name nothing is reached */
	}
	return 0;
}

/*
 * Names lie in directories, and a rule is about a whole one. So of a file that a line names, the line
 * opens its directory for making and removing files; of a directory that is there it opens what is in
 * it, but not that it is itself removed: the next one of that name would be another one.
 */
static int add_tree(int ruleset, const struct policy_floor_tree *tree)
{
	_cleanup_fd_ int fd = open_path(tree->path);
	struct stat st;

	if (fd == -ELOOP)
		return 0;
	if (tree->socket)
		return add_above(ruleset, tree->path, LANDLOCK_ACCESS_FS_MAKE_SOCK);
	if (fd < 0)
		return add_above(ruleset, tree->path, CHANGES);
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? add(ruleset, fd, CHANGES)
				   : add_above(ruleset, tree->path, FILE_IN);
}

/* Below /proc the directories of processes that are not there yet are meant, too; nothing is made there. */
static int add_proc(int ruleset)
{
	_cleanup_fd_ int fd = open_path("/proc");

	return fd < 0 ? 0 : add(ruleset, fd, ACCESS_TRUNCATE);
}

static int add_trees(int ruleset, const struct policy_floor *floor)
{
	bool proc = false;
	int err = 0;

	for (size_t i = 0; !err && i < floor->tree_count; i++) {
		if (!strncmp(floor->trees[i].path, "/proc/", 6))
			proc = true;
		else
			err = add_tree(ruleset, &floor->trees[i]);
	}
	return !err && proc ? add_proc(ruleset) : err;
}

static bool is_allowed(const struct policy_floor *floor, enum mf_pol_escape way)
{
	return floor->ways >> way & 1;
}

/* What it refuses besides, whatever it is asked for: see landlock(7). */
static struct ruleset choose(const struct policy_floor *floor)
{
	int version = floor_landlock_version();
	struct ruleset ruleset = { 0 };

	if (is_allowed(floor, MF_POL_PTRACE)) /* outside of itself no domain traces anybody */
		return ruleset;
	/* in a domain that is about files nobody mounts */
	if (version >= FLOOR_LANDLOCK_FILES && floor->changes && !is_allowed(floor, MF_POL_MOUNT))
		ruleset.files = CHANGES;
	if (version >= FLOOR_LANDLOCK_SCOPES && !is_allowed(floor, MF_POL_SIGNAL))
		ruleset.scoped |= SCOPE_SIGNAL;
	if (version >= FLOOR_LANDLOCK_SCOPES && !floor->abstract)
		ruleset.scoped |= SCOPE_ABSTRACT;
	return ruleset;
}

int floor_files(const struct policy_floor *floor, uint32_t *held)
{
	struct ruleset chosen = choose(floor);
	_cleanup_fd_ int ruleset = -1;
	int err;

	if (!chosen.files && !chosen.scoped)
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &chosen, sizeof(chosen), 0);
	if (ruleset < 0)
		return -errno;
	err = chosen.files ? add_trees(ruleset, floor) : 0;
	if (err)
		return err;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return -errno;
	*held |= 1U << MF_POL_PTRACE;
	if (chosen.files)
		*held |= MF_FLOOR_CHANGES | (floor->tree_count ? 0 : MF_FLOOR_ALL_CHANGES);
	if (chosen.scoped & SCOPE_SIGNAL)
		*held |= 1U << MF_POL_SIGNAL;
	if (chosen.scoped & SCOPE_ABSTRACT)
		*held |= MF_FLOOR_ABSTRACT;
	return 0;
}
