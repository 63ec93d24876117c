/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/row_words.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/tree.h"

const struct row_path_flag row_path_flags[ROW_PATH_FLAGS] = {
	{ MF_PATH_CUT, "path_cut" },
	{ MF_PATH_UNRESOLVED, "path_unresolved" },
	{ MF_PATH_DELETED, "deleted" },
	{ MF_PATH_ANON, "anonymous" },
};

const struct row_act_keys row_act_keys[MF_EV_KIND_MAX] = {
	[MF_EV_UNIX_CONNECT] = { .number = "socket_type", .name = "abstract_name" },
	[MF_EV_UNIX_SEND] = { .number = "socket_type", .name = "abstract_name" },
	[MF_EV_SOCKET] = { .number = "family", .value = "type_and_protocol" },
	[MF_EV_MOUNT] = { .value = "mount_flags", .name = "fs_type" },
	[MF_EV_PTRACE] = { .number = "mode" },
	[MF_EV_KILL] = { .number = "signal" },
	[MF_EV_BPF] = { .number = "command" },
	[MF_EV_MODULE] = { .name = "module" },
	[MF_EV_KERNEL_READ] = { .number = "reading" },
	[MF_EV_URING] = { .number = "uring" },
	[MF_EV_UMOUNT] = { .number = "umount_flags" },
	[MF_EV_NAMESPACES] = { .value = "clone_flags" },
	[MF_EV_CGROUP] = { .value = "clone_flags" },
	[MF_EV_KEYS] = { .number = "need" },
	[MF_EV_DEVICE] = { .value = "rdev" },
	[MF_EV_TERMINAL] = { .number = "ioctl" },
	[MF_EV_SOURCE_ROUTE] = { .number = "level", .value = "option" },
	[MF_EV_UNIX_BIND] = { .number = "socket_type", .name = "abstract_name" },
};

static const char *const accesses[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

static const struct {
	uint32_t bit;
	const char *name;
} open_flags[] = {
	{ O_CREAT, "O_CREAT" },	    { O_EXCL, "O_EXCL" },	    { O_NOCTTY, "O_NOCTTY" },
	{ O_TRUNC, "O_TRUNC" },	    { O_APPEND, "O_APPEND" },	    { O_NONBLOCK, "O_NONBLOCK" },
	{ O_DSYNC, "O_DSYNC" },	    { O_ASYNC, "O_ASYNC" },	    { O_DIRECT, "O_DIRECT" },
	{ 0100000, "O_LARGEFILE" }, { O_DIRECTORY, "O_DIRECTORY" }, { O_NOFOLLOW, "O_NOFOLLOW" },
	{ O_NOATIME, "O_NOATIME" }, { O_CLOEXEC, "O_CLOEXEC" },	    { 04000000, "O_SYNC" },
	{ O_PATH, "O_PATH" },	    { 020000000, "O_TMPFILE" },
};

void row_write_open_flags(struct jsonout *json, uint32_t flags)
{
	char rest[16];

	json_key(json, "flags");
	json_open(json, '[');
	json_str(json, accesses[flags & O_ACCMODE]);
	flags &= ~(uint32_t)O_ACCMODE;
	for (size_t i = 0; i < ARRAY_LEN(open_flags); i++) {
		if (!(flags & open_flags[i].bit))
			continue;
		json_str(json, open_flags[i].name);
		flags &= ~open_flags[i].bit;
	}
	if (flags) {
		snprintf(rest, sizeof(rest), "0x%x", flags);
		json_str(json, rest);
	}
	json_close(json, ']');
}

static uint32_t read_flag(const char *name)
{
	for (uint32_t i = 0; i < ARRAY_LEN(accesses); i++) {
		if (strcmp(name, accesses[i]) == 0)
			return i;
	}
	for (size_t i = 0; i < ARRAY_LEN(open_flags); i++) {
		if (strcmp(name, open_flags[i].name) == 0)
			return open_flags[i].bit;
	}
	return name[0] == '0' ? (uint32_t)strtoul(name, NULL, 16) : 0;
}

uint32_t row_read_open_flags(yajl_val names)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < tree_count(names); i++)
		flags |= read_flag(tree_string(tree_at(names, i)));
	return flags;
}
