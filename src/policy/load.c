/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "policy/shipped.h" /* made by the build */

#define LINKS_MAX 4096 /* entries of a directory that are looked at */

struct loading {
	const struct policy_load *load;
	struct fetched {
		char *name; /* of an included file */
		size_t dir_size; /* of the directory that its name on the search path is below */
	} * fetched;
	size_t fetched_count;
};

static void loading_free(struct loading *loading)
{
	for (size_t i = 0; i < loading->fetched_count; i++)
		free(loading->fetched[i].name);
	free(loading->fetched);
}

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		uint8_t *room;
		ssize_t got;
		int r = buf_reserve(out, 65536, &room);

		if (r)
			return r == -ENOBUFS ? -EFBIG : r;
		got = read(fd, room, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		buf_commit(out, (size_t)got);
	}
}

/* A pipe without a name has a writer who was started with it; one with a name may have none, for ever. */
static bool is_unnamed_pipe(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static int check_kind(int fd, bool may_be_pipe)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISFIFO(st.st_mode))
		return -ENODEV;
	return may_be_pipe && is_unnamed_pipe(fd) ? 0 : -ESPIPE;
}

int policy_read_check(const char *path, bool may_be_pipe)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : check_kind(fd, may_be_pipe);
}

int policy_read_file(const char *path, struct buf *ret_text)
{
	int r = policy_read_check(path, true); /* before opening it could block, or do anything */
	_cleanup_fd_ int fd = -1;

	if (r)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = check_kind(fd, true);
	/* a pipe's writer is waited for; what else has nothing to read yet is no file */
	if (r == 0 && is_unnamed_pipe(fd) && fcntl(fd, F_SETFL, 0) < 0)
		r = -errno;
	if (r == 0)
		r = read_all(fd, ret_text);
	return r == -EAGAIN ? -ENODEV : r;
}

static int remember(struct loading *loading, char **path, size_t dir_size)
{
	struct fetched *grown =
		realloc(loading->fetched, (loading->fetched_count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	loading->fetched = grown;
	grown[loading->fetched_count++] = (struct fetched){ take_ptr(*path), dir_size };
	return 0;
}

/* NAME.policy below a directory; size 0: below this one. */
static int include_at(struct loading *loading, const char *dir, size_t dir_size, const char *name,
		      struct buf *ret_name, struct buf *ret_text)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%.*s%s%s.policy", (int)dir_size, dir, dir_size ? "/" : "", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = policy_read_file(path, ret_text);
	if (r == 0)
		r = buf_append_str(ret_name, path);
	return r ? r : remember(loading, &path, dir_size);
}

/* How much of a file's name is the directory that its includes are looked for in first. */
static size_t directory_of(const struct loading *loading, const char *file)
{
	const char *slash = strrchr(file, '/');

	for (size_t i = 0; i < loading->fetched_count; i++) {
		if (strcmp(loading->fetched[i].name, file) == 0)
			return loading->fetched[i].dir_size;
	}
	if (!slash)
		return 0;
	return slash == file ? 1 : (size_t)(slash - file);
}

static const char *search_of(const struct policy_load *load)
{
	const char *search = load->search ? load->search : getenv(POLICY_SEARCH_ENV);

	return search ? search : POLICY_SEARCH_FIRST ":" POLICY_SHIPPED ":" POLICY_SEARCH_LAST;
}

static int include(void *data, const char *from, const char *name, struct buf *ret_name,
		   struct buf *ret_text)
{
	struct loading *loading = data;
	const char *at = search_of(loading->load);
	int r = include_at(loading, from, directory_of(loading, from), name, ret_name, ret_text);

	while (r == -ENOENT && *at) {
		size_t size = strcspn(at, ":");

		if (size)
			r = include_at(loading, at, size, name, ret_name, ret_text);
		at += size + (at[size] == ':');
	}
	return r;
}

static int look(void *data, const char *path, struct buf *ret_target)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t size;

	(void)data;
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? POLICY_PATH_MISSING : -errno;
	if (S_ISDIR(st.st_mode))
		return POLICY_PATH_DIRECTORY;
	if (!S_ISLNK(st.st_mode))
		return POLICY_PATH_FILE;
	/* links of proc lead to objects, not to the text that they show */
	size = readlink(path, target, sizeof(target));
	if (size < 0)
		return -errno;
	if (size == 0 || size == sizeof(target))
		return -ENAMETOOLONG;
	return buf_append(ret_target, target, (size_t)size) ? -ENOMEM : POLICY_PATH_LINK;
}

static int links(void *data, const char *path,
		 void (*each)(void *each_data, const char *name, const char *target),
		 void *each_data)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	(void)data;
	if (!dir) {
		close_fd(fd);
		return -errno;
	}
	for (int i = 0; i < LINKS_MAX && (entry = readdir(dir)); i++) {
		char target[PATH_MAX];
		ssize_t size;

		if (entry->d_type != DT_LNK)
			continue;
		size = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
		if (size <= 0)
			continue;
		target[size] = '\0';
		each(each_data, entry->d_name, target);
	}
	closedir(dir);
	return 0;
}

static bool take_address(const struct addrinfo *info, struct policy_address *ret_address)
{
	*ret_address = (struct policy_address){ 0 };
	if (info->ai_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)info->ai_addr;

		ret_address->family = 4;
		memcpy(ret_address->addr, &in->sin_addr, 4);
		return true;
	}
	if (info->ai_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)info->ai_addr;

		ret_address->family = 6;
		memcpy(ret_address->addr, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}

static int ask_resolver(const char *name, struct policy_address *ret_addresses, size_t max)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int count = 0;

	if (getaddrinfo(name, NULL, &hints, &all) != 0)
		return 0;
	for (const struct addrinfo *info = all; info; info = info->ai_next) {
		struct policy_address address;

		if (!take_address(info, &address))
			continue;
		if ((size_t)count < max)
			ret_addresses[count] = address;
		count++;
	}
	freeaddrinfo(all);
	return count;
}

/* 100::/64, the discard prefix of RFC 6666, and the name's bytes folded: the same every time. */
static void stand_in(const char *name, struct policy_address *ret_address)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	*ret_address = (struct policy_address){ .family = 6, .addr = { 1 } };
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3ULL;
	memcpy(ret_address->addr + 8, &hash, sizeof(hash));
}

static int resolve(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	const struct loading *loading = data;
	int count = loading->load->resolve ? ask_resolver(name, ret_addresses, max) : 0;

	if (count || !loading->load->stand_in)
		return count;
	stand_in(name, ret_addresses);
	return 1;
}

static int resolve_only(void *data, const char *name, struct policy_address *ret_addresses,
			size_t max)
{
	const struct loading loading = { .load = data };

	return resolve((void *)&loading, name, ret_addresses, max);
}

void policy_load_world(const struct policy_load *load, struct policy_world *ret_world)
{
	*ret_world = (struct policy_world){
		.data = (void *)load,
		.workspace = load->workspace,
		.home = load->home,
		.look = look,
		.links = links,
		.errors_only = load->errors_only,
		.resolve = load->resolve || load->stand_in ? resolve_only : NULL,
	};
}

int policy_load(const char *const *files, size_t count, const struct policy_load *load,
		struct policy_tree **ret_tree, size_t *ret_file)
{
	_cleanup_(loading_free) struct loading loading = { .load = load };
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };
	struct policy_world world;

	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf text = { .limit = POLICY_FILE_BYTES_MAX + 65536 };
		int r = policy_read_file(files[i], &text);

		if (r == 0)
			r = policy_sources_add(&sources, files[i], buf_bytes(&text),
					       buf_size(&text));
		if (r) {
			*ret_file = i;
			return r;
		}
	}
	policy_load_world(load, &world);
	world.data = &loading;
	world.include_from = include;
	world.resolve = load->resolve || load->stand_in ? resolve : NULL;
	return policy_parse(&sources, &world, ret_tree);
}
