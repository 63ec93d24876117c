/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/learn_fold.h"

#include <string.h>

#include "base/cleanup.h"

#define LEVELS_MAX 64 /* how often a directory is folded into the one above it */

static bool bytes_are(const char *bytes, size_t size, const char *text)
{
	return size && strlen(text) == size && memcmp(bytes, text, size) == 0;
}

static bool is_below(const char *path, size_t path_size, const char *tree, size_t size)
{
	return path_size > size && memcmp(path, tree, size) == 0 &&
	       (path[size] == '/' || size == 1);
}

/* The size of the directory that `path` is in; 0 for the root. */
static size_t parent_of(const char *path, size_t size)
{
	size_t at = size;

	while (at > 1 && path[at - 1] != '/')
		at--;
	return size < 2 ? 0 : at > 1 ? at - 1 : 1;
}

/* Below these every directory has something else in it; where one is used as a directory of its
 * own, its line is written by hand. */
static const char *const wide[] = {
	"/",	     "/bin",	   "/boot",	 "/dev",	   "/etc",
	"/home",     "/lib",	   "/lib64",	 "/media",	   "/mnt",
	"/opt",	     "/proc",	   "/root",	 "/run",	   "/sbin",
	"/srv",	     "/sys",	   "/usr",	 "/var",	   "/Users",
	"/run/user", "/usr/local", "/usr/share", "/var/cache",	   "/var/lib",
	"/var/log",  "/var/run",   "/var/spool", "/sys/kernel",	   "/etc/ssl/private",
	"/proc/sys", "/sys/class", "/sys/fs",	 "/sys/fs/cgroup", "/var/backups",
};

/* Everybody's: names that pass may be folded to them, files that stay may not. */
static const char *const shared[] = { "/tmp", "/var/tmp", "/dev/shm" };

/* of a home directory */
static const char *const wide_at_home[] = { ".config",	 ".local", ".local/share", ".local/state",
					    ".cache",	 ".var",   "Documents",	   "Desktop",
					    "Downloads", "snap",   ".local/bin",   "bin" };

static bool is_listed(const char *const *list, size_t count, const char *path, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes_are(path, size, list[i]))
			return true;
	}
	return false;
}

/* The home directory itself, what it is in, and the places in it that hold everything. */
static bool is_wide_by_home(const char *home, const char *path, size_t size)
{
	size_t home_size = home ? strlen(home) : 0;

	if (home_size < 2)
		return false;
	if (home_size >= size)
		return memcmp(home, path, size) == 0 && (!home[size] || home[size] == '/');
	return is_below(path, size, home, home_size) &&
	       is_listed(wide_at_home, ARRAY_LEN(wide_at_home), path + home_size + 1,
			 size - home_size - 1);
}

bool policy_fold_is_wide(const struct fold_place *place, const char *path, size_t size)
{
	size_t parent = parent_of(path, size);

	if (is_listed(wide, ARRAY_LEN(wide), path, size) ||
	    is_wide_by_home(place->home, path, size))
		return true;
	/* somebody's home, and the /proc of a process */
	return bytes_are(path, parent, "/home") || bytes_are(path, parent, "/Users") ||
	       bytes_are(path, parent, "/proc") || bytes_are(path, parent, "/run/user");
}

static bool is_shared(const char *path, size_t size)
{
	return is_listed(shared, ARRAY_LEN(shared), path, size);
}

/* Whether several files of a directory may be folded to it. */
static bool may_fold(const struct fold_place *place, const char *path, size_t size)
{
	return parent_of(path, size) > 1 && !is_shared(path, size) &&
	       !policy_fold_is_wide(place, path, size);
}

/* Trees that belong together whatever is used of them. */
static bool is_unit(enum mf_pol_verb verb, const char *name, size_t size)
{
	static const char *const code[] = { "node_modules", "site-packages", "dist-packages" };
	static const char *const more[] = { "__pycache__", ".venv", "venv" };

	if (verb == MF_POL_READ || verb == MF_POL_WRITE) {
		if (bytes_are(name, size, ".git"))
			return true;
	}
	if (verb != MF_POL_READ && verb != MF_POL_EXEC)
		return false;
	if (is_listed(code, ARRAY_LEN(code), name, size) ||
	    (verb == MF_POL_READ && is_listed(more, ARRAY_LEN(more), name, size)))
		return true;
	/* python3, python3.11; not python3-config */
	return size >= 7 && memcmp(name, "python3", 7) == 0 &&
	       (size == 7 || (name[7] == '.' && size > 8));
}

/* The size of the outermost unit that `path` is below, or 0. */
static size_t unit_of(enum mf_pol_verb verb, const char *path, size_t size)
{
	size_t begin = 1;

	while (begin < size) {
		const char *slash = memchr(path + begin, '/', size - begin);

		if (!slash)
			return 0;
		if (is_unit(verb, path + begin, (size_t)(slash - path) - begin))
			return (size_t)(slash - path);
		begin = (size_t)(slash - path) + 1;
	}
	return 0;
}

/* Rules 1 to 3: what one path stands for. */
static void seat(const struct fold_place *place, enum mf_pol_verb verb, struct fold_path *path)
{
	size_t unit = unit_of(verb, path->path, path->size);
	size_t parent = parent_of(path->path, path->size);

	if (unit && !policy_fold_is_wide(place, path->path, unit)) {
		path->size = unit;
		path->tree = true;
	} else if (path->passing && verb == MF_POL_WRITE &&
		   !policy_fold_is_wide(place, path->path, parent)) {
		path->size = parent;
		path->tree = true;
	}
	path->passing = false;
	/* however it was used: a line of it would be its tree */
	path->left_out = policy_fold_is_wide(place, path->path, path->size);
}

/* Component by component, so that a tree stands right before all that is below it. */
static int compare_paths(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t size = a_size < b_size ? a_size : b_size;

	for (size_t i = 0; i < size; i++) {
		if (a[i] == b[i])
			continue;
		if (a[i] == '/' || b[i] == '/')
			return a[i] == '/' ? -1 : 1;
		return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
	}
	return (a_size > b_size) - (a_size < b_size);
}

static int by_path(const void *first, const void *second)
{
	const struct fold_path *a = first, *b = second;
	int order = compare_paths(a->path, a->size, b->path, b->size);

	if (order)
		return order;
	if (a->left_out != b->left_out)
		return a->left_out ? 1 : -1;
	return (int)b->tree - (int)a->tree;
}

static int by_parent(const void *first, const void *second)
{
	const struct fold_path *a = first, *b = second;
	int order = compare_paths(a->path, parent_of(a->path, a->size), b->path,
				  parent_of(b->path, b->size));

	return order ? order : by_path(first, second);
}

static void join(struct fold_path *into, const struct fold_path *other)
{
	into->uses += other->uses;
	into->calls += other->calls;
	into->paths += other->paths;
	into->tree |= other->tree;
	into->sure |= other->sure;
}

/* Equal ones become one, and what is below a tree becomes part of it. */
static size_t merge(struct fold_path *paths, size_t count)
{
	size_t kept = 0, tree = SIZE_MAX;

	qsort(paths, count, sizeof(*paths), by_path);
	for (size_t i = 0; i < count; i++) {
		struct fold_path *last = kept ? &paths[kept - 1] : NULL;

		if (tree != SIZE_MAX && !paths[i].left_out &&
		    is_below(paths[i].path, paths[i].size, paths[tree].path, paths[tree].size)) {
			join(&paths[tree], &paths[i]);
			continue;
		}
		if (last && last->left_out == paths[i].left_out && last->size == paths[i].size &&
		    memcmp(last->path, paths[i].path, last->size) == 0) {
			join(last, &paths[i]);
			continue;
		}
		paths[kept] = paths[i];
		if (paths[kept].tree && !paths[kept].left_out)
			tree = kept;
		kept++;
	}
	return kept;
}

/* The paths from `first` on that are in the same directory. */
static size_t run_of(const struct fold_path *paths, size_t count, size_t first)
{
	size_t parent = parent_of(paths[first].path, paths[first].size), i = first + 1;

	while (i < count && parent_of(paths[i].path, paths[i].size) == parent &&
	       memcmp(paths[i].path, paths[first].path, parent) == 0)
		i++;
	return i - first;
}

/* Rule 4, one level. Returns whether anything was folded. */
static bool fold_level(const struct fold_place *place, struct fold_path *paths, size_t count)
{
	bool folded = false;

	qsort(paths, count, sizeof(*paths), by_parent);
	for (size_t first = 0, run; first < count; first += run) {
		size_t parent = parent_of(paths[first].path, paths[first].size), counting = 0;

		run = run_of(paths, count, first);
		for (size_t i = first; i < first + run; i++)
			counting += !paths[i].left_out;
		if (counting < FOLD_MIN || !may_fold(place, paths[first].path, parent))
			continue;
		for (size_t i = first; i < first + run; i++) {
			if (paths[i].left_out)
				continue;
			paths[i].size = parent;
			paths[i].tree = true;
		}
		folded = true;
	}
	return folded;
}

void policy_fold(const struct fold_place *place, enum mf_pol_verb verb, struct fold_path *paths,
		 size_t *count)
{
	bool counts = verb == MF_POL_READ || verb == MF_POL_WRITE;

	for (size_t i = 0; i < *count; i++)
		seat(place, verb, &paths[i]);
	*count = merge(paths, *count);
	for (unsigned level = 0; counts && level < LEVELS_MAX; level++) {
		bool folded = fold_level(place, paths, *count);

		*count = merge(paths, *count);
		if (!folded)
			break;
	}
}

bool policy_fold_covers(const struct fold_path *lines, size_t count, const char *path, size_t size)
{
	size_t low = 0, high = count;

	/* the last one that is not behind the path: nothing stands between a tree and what it has */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_paths(lines[middle].path, lines[middle].size, path, size) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low && lines[low - 1].left_out)
		low--;
	if (!low)
		return false;
	low--;
	if (lines[low].size == size && memcmp(lines[low].path, path, size) == 0)
		return true;
	return lines[low].tree && is_below(path, size, lines[low].path, lines[low].size);
}
