/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/risk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

const char *risk_name(enum risk risk)
{
	static const char *const names[] = { NULL,	   "baseline", "write",
					     "read-write", "create",   "alert" };

	return risk < ARRAY_LEN(names) ? names[risk] : NULL;
}

enum match {
	MATCH_PATH, /* the path itself */
	MATCH_TREE, /* it and what is below */
	MATCH_PART, /* anywhere in the path: "/.ssh/" */
	MATCH_END, /* the path's end */
};

struct pattern {
	enum match match;
	const char *text;
};

/* Credentials, accounts, and files that decide what runs next: reading them is an alert too. */
static const struct pattern sensitive[] = {
	{ MATCH_PATH, "/etc/passwd" },
	{ MATCH_PATH, "/etc/shadow" },
	{ MATCH_PATH, "/etc/gshadow" },
	{ MATCH_PATH, "/etc/passwd-" },
	{ MATCH_PATH, "/etc/shadow-" },
	{ MATCH_PATH, "/etc/sudoers" },
	{ MATCH_TREE, "/etc/sudoers.d" },
	{ MATCH_TREE, "/etc/ssl/private" },
	{ MATCH_PART, "/.ssh/" },
	{ MATCH_PART, "/ssh_host_" },
	{ MATCH_PART, "/.aws/" },
	{ MATCH_PART, "/.gnupg/" },
	{ MATCH_PART, "/.azure/" },
	{ MATCH_PART, "/.kube/" },
	{ MATCH_PART, "/.config/gcloud/" },
	{ MATCH_PART, "/.config/gh/" },
	{ MATCH_PART, "/.docker/config.json" },
	{ MATCH_PART, "/.password-store/" },
	{ MATCH_PART, "/.mozilla/" },
	{ MATCH_PART, "/.config/google-chrome/" },
	{ MATCH_END, "/.netrc" },
	{ MATCH_END, "/.git-credentials" },
	{ MATCH_END, "/.pgpass" },
	{ MATCH_END, "/.env" },
	{ MATCH_END, "/.bash_history" },
	{ MATCH_END, "/.claude.json" },
	{ MATCH_END, "/.mcp.json" },
	{ MATCH_END, "/claude_desktop_config.json" },
	{ MATCH_END, "/.cursor/mcp.json" },
	{ MATCH_PATH, "/dev/mem" },
	{ MATCH_PATH, "/dev/kmem" },
	{ MATCH_PATH, "/proc/kcore" },
	{ MATCH_PATH, "/proc/sysrq-trigger" },
};

/* Where a runtime writes in its usual work. */
static const struct pattern usual_writes[] = {
	{ MATCH_TREE, "/tmp" },	     { MATCH_TREE, "/var/tmp" },  { MATCH_TREE, "/dev/shm" },
	{ MATCH_TREE, "/dev/pts" },  { MATCH_PATH, "/dev/null" }, { MATCH_PATH, "/dev/tty" },
	{ MATCH_PATH, "/dev/zero" }, { MATCH_PATH, "/dev/full" }, { MATCH_PATH, "/dev/ptmx" },
	{ MATCH_PART, "/.cache/" },  { MATCH_PART, "/.npm/" },	  { MATCH_PART, "/__pycache__/" },
};

/* What no tool changes in its usual work: used where the working tree is "/" or not known. */
static const struct pattern system_trees[] = {
	{ MATCH_TREE, "/etc" },
	{ MATCH_TREE, "/usr" },
	{ MATCH_TREE, "/bin" },
	{ MATCH_TREE, "/sbin" },
	{ MATCH_TREE, "/lib" },
	{ MATCH_TREE, "/lib64" },
	{ MATCH_TREE, "/boot" },
	{ MATCH_TREE, "/sys" },
	{ MATCH_TREE, "/opt" },
	{ MATCH_TREE, "/var/lib" },
	{ MATCH_TREE, "/var/spool" },
	{ MATCH_END, "/.bashrc" },
	{ MATCH_END, "/.profile" },
	{ MATCH_END, "/.bash_profile" },
	{ MATCH_END, "/.zshrc" },
	{ MATCH_PART, "/.git/hooks/" },
	{ MATCH_PART, "/.config/autostart/" },
	{ MATCH_PART, "/.config/systemd/" },
};

static const struct pattern side_files[] = {
	{ MATCH_END, "-wal" }, { MATCH_END, "-shm" },	       { MATCH_END, "-journal" },
	{ MATCH_END, ".pyc" }, { MATCH_PART, "/__pycache__" }, { MATCH_END, ".lock" },
};

static bool in_tree(const char *path, size_t size, const char *tree)
{
	size_t length = strlen(tree);

	return size >= length && !memcmp(path, tree, length) &&
	       (size == length || path[length] == '/');
}

static bool matches(const struct pattern *pattern, const char *path, size_t size)
{
	size_t length = strlen(pattern->text);

	switch (pattern->match) {
	case MATCH_PATH:
		return size == length && !memcmp(path, pattern->text, length);
	case MATCH_TREE:
		return in_tree(path, size, pattern->text);
	case MATCH_PART:
		return memmem(path, size, pattern->text, length) != NULL;
	case MATCH_END:
		return size >= length && !memcmp(path + size - length, pattern->text, length);
	}
	return false;
}

/* Most paths have no hidden component, and most patterns ask for one. */
static bool matches_any(const struct pattern *table, size_t count, const char *path, size_t size)
{
	bool hidden = memmem(path, size, "/.", 2) != NULL;

	for (size_t i = 0; i < count; i++)
		if ((hidden || table[i].text[1] != '.') && matches(&table[i], path, size))
			return true;
	return false;
}

#define IN_TABLE(table, path, size) matches_any(table, ARRAY_LEN(table), path, size)

bool path_is_side_file(const char *path, size_t size)
{
	return IN_TABLE(side_files, path, size);
}

/* /proc/PID/environ, mem and maps hold what other processes keep to themselves. */
static bool is_process_secret(const char *path, size_t size)
{
	static const struct pattern ends[] = { { MATCH_END, "/environ" }, { MATCH_END, "/mem" } };

	return in_tree(path, size, "/proc") && IN_TABLE(ends, path, size);
}

/* A filesystem server is told on its command line where it may work. */
static bool is_given(const char *path, size_t size, const struct workplace *place)
{
	size_t at = 0;

	while (at < place->argv_size) {
		const char *arg = place->argv + at;
		size_t length = strnlen(arg, place->argv_size - at);

		if (at && length > 1 && arg[0] == '/') {
			while (length > 1 && arg[length - 1] == '/')
				length--;
			if (size >= length && !memcmp(path, arg, length) &&
			    (size == length || path[length] == '/') && length > 1)
				return true;
		}
		at += strnlen(arg, place->argv_size - at) + 1;
	}
	return false;
}

static bool write_is_unexpected(const char *path, size_t size, const struct workplace *place)
{
	if (!place) /* a policy expects it */
		return false;
	if (in_tree(path, size, "/proc/sys")) /* the whole machine's settings */
		return true;
	if (IN_TABLE(usual_writes, path, size) || in_tree(path, size, "/proc") ||
	    is_given(path, size, place))
		return false;
	if (place->cwd[0] && strcmp(place->cwd, "/"))
		return !in_tree(path, size, place->cwd);
	return IN_TABLE(system_trees, path, size);
}

bool open_writes(const struct mf_ev_file *file)
{
	if (!(file->how & MF_OPEN_FLAGS_KNOWN))
		return false;
	return (file->open_flags & O_ACCMODE) != O_RDONLY ||
	       (file->open_flags & (O_CREAT | O_TRUNC)) != 0;
}

static bool is_plain(const struct mf_ev_file *file)
{
	return !file->mode || S_ISREG(file->mode) || S_ISDIR(file->mode) || S_ISBLK(file->mode);
}

static enum risk risk_of_flags(const struct mf_ev_file *file)
{
	if (!(file->how & MF_OPEN_FLAGS_KNOWN))
		return file->how & MF_OPEN_IOURING ? RISK_READ_WRITE : RISK_BASELINE;
	if (file->open_flags & O_CREAT)
		return RISK_CREATE;
	switch (file->open_flags & O_ACCMODE) {
	case O_RDONLY:
		return RISK_BASELINE;
	case O_WRONLY:
		return RISK_WRITE;
	default:
		return RISK_READ_WRITE;
	}
}

static enum risk risk_of_file(const struct mf_ev_file *file, const char *path,
			      const struct workplace *place)
{
	size_t size = file->path_len;

	if (file->path_flags & (MF_PATH_UNRESOLVED | MF_PATH_ANON))
		return risk_of_flags(file);
	if (IN_TABLE(sensitive, path, size) || is_process_secret(path, size))
		return RISK_ALERT;
	if (open_writes(file) && is_plain(file) && write_is_unexpected(path, size, place))
		return RISK_ALERT;
	return risk_of_flags(file);
}

static enum risk risk_of_change(const struct mf_ev_change *change, const char *texts,
				const struct workplace *place)
{
	const char *path2 = texts + change->path_len;

	if (!(change->path_flags & MF_PATH_UNRESOLVED) &&
	    (IN_TABLE(sensitive, texts, change->path_len) ||
	     write_is_unexpected(texts, change->path_len, place)))
		return RISK_ALERT;
	if (change->path2_len && !(change->path2_flags & MF_PATH_UNRESOLVED) &&
	    (IN_TABLE(sensitive, path2, change->path2_len) ||
	     write_is_unexpected(path2, change->path2_len, place)))
		return RISK_ALERT;
	return RISK_WRITE;
}

static enum risk risk_of_act(const struct mf_ev_act *act, const char *path)
{
	if (act->path_flags & (MF_PATH_UNRESOLVED | MF_PATH_ANON))
		return RISK_BASELINE;
	return IN_TABLE(sensitive, path, act->path_len) ? RISK_ALERT : RISK_BASELINE;
}

enum risk risk_of(unsigned kind, const void *body, const char *texts, const struct workplace *place)
{
	switch (kind) {
	case MF_EV_OPEN:
		return risk_of_file(body, texts, place);
	case MF_EV_OPEN_EXEC:
		return RISK_BASELINE;
	case MF_EV_CREATE:
		return risk_of_change(body, texts, place) == RISK_ALERT ? RISK_ALERT : RISK_CREATE;
	case MF_EV_DELETE:
	case MF_EV_RENAME:
	case MF_EV_ATTRIB:
	case MF_EV_TRUNCATE:
		return risk_of_change(body, texts, place);
	case MF_EV_MAP_EXEC:
	case MF_EV_UNIX_CONNECT:
	case MF_EV_UNIX_SEND:
	case MF_EV_SOCKET:
	case MF_EV_FILE_RECEIVE:
	case MF_EV_UNIX_BIND:
		return risk_of_act(body, texts);
	case MF_EV_MOUNT:
	case MF_EV_MOVE_MOUNT:
	case MF_EV_PIVOT_ROOT:
	case MF_EV_CHROOT:
	case MF_EV_USERNS:
	case MF_EV_PTRACE:
	case MF_EV_KILL:
	case MF_EV_BPF:
	case MF_EV_MODULE:
	case MF_EV_KERNEL_READ:
	case MF_EV_PERF:
	case MF_EV_URING:
	case MF_EV_UMOUNT:
	case MF_EV_NAMESPACES:
	case MF_EV_CGROUP:
	case MF_EV_KEYS:
	case MF_EV_USERFAULTFD:
	case MF_EV_DEVICE:
	case MF_EV_TERMINAL:
	case MF_EV_SOURCE_ROUTE:
		/* a way out of what is watched, or into others */
		return place ? RISK_ALERT : RISK_BASELINE;
	default:
		return RISK_NONE;
	}
}
