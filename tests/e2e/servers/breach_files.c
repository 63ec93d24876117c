/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files. DIR has: seen, which may be read; out, where may be written; out/secret, which may not; kept and
 * dir, which no line is about.
 */
#include "breach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static volatile bool racing;
static char shared_name[4096];
static const char *names[2];

/* What is read there, for its first byte; 0: nothing is */
static char first_byte(const char *path)
{
	char byte = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, &byte, 1) != 1)
		byte = 0;
	close(fd);
	return byte;
}

static void *rewrite_name(void *data)
{
	unsigned i = 0;

	while (racing)
		memcpy(shared_name, names[i++ & 1], strlen(names[0]) + 1);
	return data;
}

static void *turn_link(void *data)
{
	char aside[4200];
	unsigned i = 0;

	snprintf(aside, sizeof(aside), "%s.aside", shared_name);
	while (racing) {
		if (!symlink(names[i++ & 1], aside))
			rename(aside, shared_name);
	}
	return data;
}

static void race(void *(*other)(void *), const char *rounds)
{
	int got[2] = {}, i;
	pthread_t thread;

	racing = true;
	pthread_create(&thread, NULL, other, NULL);
	for (i = 0; i < atoi(rounds); i++) {
		char byte = first_byte(shared_name);

		got[0] += byte == 's'; /* of seen */
		got[1] += byte == 'k'; /* of kept */
	}
	racing = false;
	pthread_join(thread, NULL);
	counted("allowed", got[0]);
	counted("forbidden", got[1]);
}

/* E02: DIR ROUNDS */
static void race_name(char **args)
{
	names[0] = in(args[0], "seen");
	names[1] = in(args[0], "kept");
	snprintf(shared_name, sizeof(shared_name), "%s", names[0]);
	race(rewrite_name, args[1]);
}

/* E18: DIR ROUNDS */
static void race_link(char **args)
{
	names[0] = in(args[0], "seen");
	names[1] = in(args[0], "kept");
	snprintf(shared_name, sizeof(shared_name), "%s/out/turned", args[0]);
	said("link", symlink(names[0], shared_name));
	race(turn_link, args[1]);
}

/* E15: FILE, which may be read and not executed: each way to have it in memory as code */
static void as_code(char **args)
{
	int fd = open(args[0], O_RDONLY | O_CLOEXEC);
	char *at;

	said("open", fd);
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	said("mmap", at == MAP_FAILED ? -1 : 0);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	said("mprotect", mprotect(at, 4096, PROT_READ | PROT_EXEC));
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	said("mprotect-shared", mprotect(at, 4096, PROT_READ | PROT_EXEC));
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	said("mprotect-anonymous", mprotect(at, 4096, PROT_READ | PROT_EXEC));
	personality(READ_IMPLIES_EXEC);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	said("read-implies-exec", at == MAP_FAILED ? -1 : 0);
	personality(0);
}

/* E16: DIR */
static void roundabout(char **args)
{
	char path[8192];
	int dir = open(args[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	int file = open(in(args[0], "kept"), O_PATH | O_CLOEXEC);

	said("chdir", chdir(args[0]));
	snprintf(path, sizeof(path), "/proc/self/root%s/kept", args[0]);
	said_fd("root", open(path, O_RDONLY));
	said_fd("dots", open(in(args[0], "out/../kept"), O_RDONLY));
	said_fd("slashes", open(in(args[0], "//./kept"), O_RDONLY));
	said_fd("cwd", open("/proc/self/cwd/kept", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d/kept", dir);
	said_fd("fd-of-dir", open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	said_fd("fd-of-file", open(path, O_RDONLY));
	said_fd("relative", openat(dir, "kept", O_RDONLY));
	said("symlink", symlink("../kept", in(args[0], "out/by-link")));
	said_fd("by-symlink", open(in(args[0], "out/by-link"), O_RDONLY));
	said_fd("seen-by-fd", openat(dir, "seen", O_RDONLY));
}

/* E17: DIR */
static void hard_links(char **args)
{
	const char *kept = in(args[0], "kept"), *mine = in(args[0], "out/mine");
	char by_fd[64];
	int fd = open(kept, O_PATH | O_CLOEXEC);

	said("link", link(kept, in(args[0], "out/hard")));
	said("empty-path", linkat(fd, "", AT_FDCWD, in(args[0], "out/hard"), AT_EMPTY_PATH));
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	said("followed",
	     linkat(AT_FDCWD, by_fd, AT_FDCWD, in(args[0], "out/hard"), AT_SYMLINK_FOLLOW));
	said("of-denied", link(in(args[0], "out/secret"), in(args[0], "out/hard")));
	said("out-of-tree", link(mine, in(args[0], "dir/hard")));
	fd = open(in(args[0], "out"), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	said("tmpfile", fd);
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	said("tmpfile-out",
	     linkat(AT_FDCWD, by_fd, AT_FDCWD, in(args[0], "dir/hard"), AT_SYMLINK_FOLLOW));
	said("tmpfile-in",
	     linkat(AT_FDCWD, by_fd, AT_FDCWD, in(args[0], "out/named"), AT_SYMLINK_FOLLOW));
	said_fd("tmpfile-dir", open(in(args[0], "dir"), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	said("own", link(mine, in(args[0], "out/own")));
}

static long rename2(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* E19: DIR */
static void renames(char **args)
{
	const char *kept = in(args[0], "kept"), *mine = in(args[0], "out/mine");
	const char *secret = in(args[0], "out/secret"), *new = in(args[0], "out/new");

	said("in", rename(kept, new));
	said("over", rename(mine, kept));
	said("exchange", rename2(mine, kept, RENAME_EXCHANGE));
	said("exchange-back", rename2(kept, mine, RENAME_EXCHANGE));
	said("exchange-denied", rename2(mine, secret, RENAME_EXCHANGE));
	said("whiteout", rename2(kept, new, RENAME_WHITEOUT));
	said("above-denied", rename(in(args[0], "out"), in(args[0], "dir/out")));
	said("dir", rename(in(args[0], "dir"), in(args[0], "out/dir")));
	said("own", rename(mine, new));
	said("own-back", rename2(new, mine, RENAME_NOREPLACE));
}

/* E20: DIR */
static void without_write(char **args)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	const char *kept = in(args[0], "kept"), *seen = in(args[0], "seen");
	int fd = open(seen, O_RDONLY | O_CLOEXEC), flags = FS_NODUMP_FL;
	char by_fd[64];

	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	said("unlink", unlink(kept));
	said("rmdir", rmdir(in(args[0], "dir")));
	said("mkdir", mkdir(in(args[0], "made"), 0700));
	said("mkfifo", mkfifo(in(args[0], "made"), 0600));
	said("symlink", symlink("x", in(args[0], "made")));
	said_fd("creat", open(in(args[0], "made"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	said("truncate", truncate(kept, 0));
	said("chmod", chmod(kept, 0640));
	said("fchmod", fchmod(fd, 0640));
	said("chmod-by-fd", chmod(by_fd, 0640));
	said("lchown", lchown(kept, 1, 1));
	said("fchown", fchown(fd, 1, 1));
	said("setxattr", setxattr(kept, "trusted.x", "v", 1, 0));
	said("fsetxattr", fsetxattr(fd, "trusted.x", "v", 1, 0));
	said("removexattr", removexattr(seen, "trusted.there"));
	said("utimensat", utimensat(AT_FDCWD, kept, times, 0));
	said("utimensat-now", utimensat(AT_FDCWD, kept, NULL, 0));
	said("futimens", futimens(fd, times));
	said("setflags", ioctl(fd, FS_IOC_SETFLAGS, &flags));
	said("own-utimensat", utimensat(AT_FDCWD, in(args[0], "out/mine"), times, 0));
	said("own-chmod", chmod(in(args[0], "out/mine"), 0600));
}

static int by_handle(const char *path, const char *dir)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount_id, 0))
		return -1;
	return open_by_handle_at(at, &handle.head, O_RDONLY | O_CLOEXEC);
}

static int open2(const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* E21: DIR */
static void other_opens(char **args)
{
	const char *kept = in(args[0], "kept"), *seen = in(args[0], "seen");
	int fd = open(kept, O_PATH | O_CLOEXEC);
	char by_fd[64], byte;

	said("o-path", fd);
	said("read-o-path", read(fd, &byte, 1));
	said("getxattr", getxattr(kept, "trusted.there", &byte, 1));
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	said_fd("reopened", open(by_fd, O_RDONLY | O_CLOEXEC));
	said_fd("openat2", open2(kept, O_RDONLY, 0));
	said_fd("openat2-flags", open2(kept, O_RDONLY, RESOLVE_NO_MAGICLINKS));
	said_fd("openat2-seen", open2(seen, O_RDONLY, 0));
	said_fd("openat2-write", open2(seen, O_RDWR, 0));
	said_fd("accmode-3", open(seen, 3));
	said_fd("truncating", open(seen, O_RDONLY | O_TRUNC));
	said_fd("by-handle", by_handle(kept, in(args[0], "out")));
	said("inotify",
	     inotify_add_watch(inotify_init1(IN_CLOEXEC), in(args[0], "dir"), IN_ALL_EVENTS));
}

/* E25: DIR: names that are hard to look at, where nothing may be written, and where it may */
static void long_names(char **args)
{
	char step[201], name[32];
	int i;

	memset(step, 'x', 200);
	step[200] = 0;
	said("chdir", chdir(in(args[0], "out")));
	said_fd("newline", open("new\nline", O_WRONLY | O_CREAT, 0600));
	said_fd("newline-outside", open("../new\nline", O_WRONLY | O_CREAT, 0600));
	for (i = 0; i < 30; i++) {
		if (mkdir(step, 0700) || chdir(step))
			break;
	}
	snprintf(name, sizeof(name), "%s-deep", i < 30 ? strerrorname_np(errno) : "all");
	said(name, 0);
	said_fd("over-4096", open("file", O_WRONLY | O_CREAT, 0600));
}

const struct verb file_verbs[] = {
	{ "race-name", 2, race_name },
	{ "race-link", 2, race_link },
	{ "as-code", 1, as_code },
	{ "roundabout", 1, roundabout },
	{ "hard-links", 1, hard_links },
	{ "renames", 1, renames },
	{ "without-write", 1, without_write },
	{ "other-opens", 1, other_opens },
	{ "long-names", 1, long_names },
	{ 0 },
};
