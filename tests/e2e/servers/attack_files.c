/* SPDX-License-Identifier: BSD-2-Clause */
/* Files: reached by other ways, changed without an open, named so that nobody can read it. */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static void read_by(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		broken(path);
	close(fd);
}

/* E02: a name that another thread rewrites while the kernel reads it */

static char shared_name[4096];
static const char *names[2];
static volatile bool racing;

static void *rewrite_name(void *data)
{
	unsigned i = 0;

	while (racing)
		memcpy(shared_name, names[i++ & 1], strlen(names[0]) + 1);
	return data;
}

static int by_inode(const char *path, ino_t inodes[2])
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		return -1;
	close(fd);
	return st.st_ino == inodes[1];
}

static void inodes_of(char **paths, ino_t inodes[2])
{
	struct stat st;
	int i;

	for (i = 0; i < 2; i++) {
		if (stat(paths[i], &st))
			broken(paths[i]);
		inodes[i] = st.st_ino;
	}
}

/* A B ROUNDS: names of one length */
static void race_name(char **args)
{
	int seen[2] = {}, which, i;
	pthread_t thread;
	ino_t inodes[2];

	inodes_of(args, inodes);
	names[0] = args[0];
	names[1] = args[1];
	strcpy(shared_name, names[0]);
	racing = true;
	pthread_create(&thread, NULL, rewrite_name, NULL);
	for (i = 0; i < atoi(args[2]); i++) {
		which = by_inode(shared_name, inodes);
		if (which >= 0)
			seen[which]++;
	}
	racing = false;
	pthread_join(thread, NULL);
	report("opened %d %d", seen[0], seen[1]);
}

/* E18: a link that another thread turns while it is followed */

static char link_path[4096];

static void *turn_link(void *data)
{
	char aside[4200];
	unsigned i = 0;

	snprintf(aside, sizeof(aside), "%s.aside", link_path);
	while (racing)
		if (!symlink(names[i++ & 1], aside))
			rename(aside, link_path);
	return data;
}

/* A B ROUNDS LINK */
static void race_link(char **args)
{
	int seen[2] = {}, which, i;
	pthread_t thread;
	ino_t inodes[2];

	inodes_of(args, inodes);
	names[0] = args[0];
	names[1] = args[1];
	snprintf(link_path, sizeof(link_path), "%s", args[3]);
	if (symlink(names[0], link_path))
		broken("symlink");
	racing = true;
	pthread_create(&thread, NULL, turn_link, NULL);
	for (i = 0; i < atoi(args[2]); i++) {
		which = by_inode(link_path, inodes);
		if (which >= 0)
			seen[which]++;
	}
	racing = false;
	pthread_join(thread, NULL);
	report("opened %d %d", seen[0], seen[1]);
}

/* E16: DIR NAME, five ways to the same file, then one through a directory's descriptor */
static void roundabout(char **args)
{
	char path[8192];
	int dir = open(args[0], O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || chdir(args[0]))
		broken(args[0]);
	snprintf(path, sizeof(path), "/proc/self/root%s/%s", args[0], args[1]);
	read_by(path);
	snprintf(path, sizeof(path), "%s/../%s/./%s", args[0], strrchr(args[0], '/') + 1, args[1]);
	read_by(path);
	snprintf(path, sizeof(path), "//%s///%s", args[0], args[1]);
	read_by(path);
	snprintf(path, sizeof(path), "/proc/self/cwd/%s", args[1]);
	read_by(path);
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d/%s", dir, args[1]);
	read_by(path);
}

/* E19: FORBIDDEN INSIDE: brought in by a rename, read there; written aside, put over it */
static void by_rename(char **args)
{
	char aside[4200];

	snprintf(aside, sizeof(aside), "%s.aside", args[1]);
	if (rename(args[0], args[1]))
		broken("rename");
	read_by(args[1]);
	touch(aside);
	if (rename(aside, args[0]))
		broken("rename over");
}

/* E20: DIR */
static void without_open(char **args)
{
	char file[4096], gone[4096];
	int fd;

	if (chdir(args[0]) || mkdir("dir", 0700) || rmdir("dir") ||
	    mknod("fifo", S_IFIFO | 0600, 0) || symlink("nowhere", "link"))
		broken("making");
	snprintf(file, sizeof(file), "%s/file", args[0]);
	snprintf(gone, sizeof(gone), "%s/gone", args[0]);
	touch(file);
	touch(gone);
	if (unlink(gone) || chmod(file, 0640) || chown(file, 1, 1) ||
	    utimensat(AT_FDCWD, file, NULL, 0) || setxattr(file, "trusted.mf", "v", 1, 0) ||
	    removexattr(file, "trusted.mf"))
		broken("attributes");
	if (truncate(file, 100))
		broken("truncate");
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 10) || fallocate(fd, 0, 0, 4096))
		broken("ftruncate");
	close(fd);
}

/* E21: PATH */
static void reopened(char **args)
{
	struct open_how how = { .flags = O_RDWR | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
	char path[64];
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, args[0], &how, sizeof(how));

	if (fd < 0)
		absent("openat2");
	close(fd);
	fd = open(args[0], O_PATH | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		broken("reopen");
	close(fd);
}

/* E21: PATH DIR: by its handle, on the mount of DIR */
static void by_handle(char **args)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, fd, at = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (name_to_handle_at(AT_FDCWD, args[0], &handle.head, &mount_id, 0))
		absent("name_to_handle_at");
	fd = open_by_handle_at(at, &handle.head, O_RDWR | O_NOATIME | O_CLOEXEC);
	if (fd < 0)
		absent("open_by_handle_at");
	close(fd);
}

/* Goes down `count` directories of this name, then makes `name` there. */
static void make_below(const char *dir, const char *step, int count, const char *name)
{
	int i, fd;

	if (chdir(dir))
		broken(dir);
	for (i = 0; i < count; i++)
		if ((mkdir(step, 0700) && errno != EEXIST) || chdir(step))
			broken(step);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		broken(name);
	close(fd);
}

#define FIFTY "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* E25: DIR */
static void unreadable_names(char **args)
{
	make_below(args[0], FIFTY, 6, "over-256");
	make_below(args[0], FIFTY FIFTY FIFTY FIFTY, 22, "over-4096");
	make_below(args[0], "d", 200, "deep");
	make_below(args[0], ".", 0, "new\nline");
	make_below(args[0], ".", 0, "\033[2Jescape");
}

/* The file that a path is of is put in other hands: PATH, once */
static void read_once(char **args)
{
	read_by(args[0]);
}

const struct verb file_verbs[] = {
	{ "race-name", 3, race_name },
	{ "race-link", 4, race_link },
	{ "roundabout", 2, roundabout },
	{ "by-rename", 2, by_rename },
	{ "without-open", 1, without_open },
	{ "reopened", 1, reopened },
	{ "by-handle", 2, by_handle },
	{ "unreadable-names", 1, unreadable_names },
	{ "read", 1, read_once },
	{ 0 },
};
