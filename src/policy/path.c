/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths as text, and where their links lead. */

#include <errno.h>
#include <string.h>

#include "abi/policy.h"
#include "policy/object.h"
#include "policy/proc_self.h"

/* Takes `out` back to `size` bytes and gives `error`. */
static int undo(struct buf *out, size_t size, int error)
{
	out->end = out->start + size;
	return error;
}

static size_t component_length(const char *at, const char *end)
{
	const char *slash = memchr(at, '/', (size_t)(end - at));

	return (size_t)((slash ? slash : end) - at);
}

/* Takes away the last component of what was appended behind `first`. */
static void drop_component(struct buf *out, size_t first)
{
	const uint8_t *bytes = buf_bytes(out);
	size_t size = buf_size(out);

	while (size > first && bytes[size - 1] != '/')
		size--;
	if (size > first)
		size--;
	out->end = out->start + size;
}

/* Appends the components of `path`, each with a slash before it, behind those that are there. */
static int append_components(struct buf *out, size_t first, const char *path, size_t size)
{
	const char *at = path, *end = path + size;

	while (at < end) {
		size_t length = component_length(at, end);
		int r = 0;

		if (length == 2 && memcmp(at, "..", 2) == 0) {
			drop_component(out, first);
		} else if (length && !(length == 1 && *at == '.')) {
			if (length > MF_POL_COMPONENT_MAX)
				return -ENAMETOOLONG;
			r = buf_append(out, "/", 1);
			if (r == 0)
				r = buf_append(out, at, length);
		}
		if (r)
			return r;
		at += length + (at + length < end);
	}
	return 0;
}

int policy_path_from(const char *cwd, const char *path, size_t size, struct buf *out)
{
	size_t first = buf_size(out);
	int r = 0;

	if (!size || memchr(path, '\0', size))
		return -EINVAL;
	if (*path != '/') {
		if (!cwd || *cwd != '/')
			return -EINVAL;
		r = append_components(out, first, cwd, strlen(cwd));
	}
	if (r == 0)
		r = append_components(out, first, path, size);
	if (r == 0 && buf_size(out) == first)
		r = buf_append(out, "/", 1);
	if (r == 0 && buf_size(out) - first > MF_PATH_MAX)
		r = -ENAMETOOLONG;
	return r ? undo(out, first, r) : 0;
}

int policy_path_normal(const char *path, size_t size, struct buf *out)
{
	return policy_path_from(NULL, path, size, out);
}

bool policy_path_in(const char *path, size_t path_size, const char *tree, size_t tree_size)
{
	if (tree_size == 1) /* the root */
		return path_size >= 1 && path[0] == '/';
	return path_size >= tree_size && memcmp(path, tree, tree_size) == 0 &&
	       (path_size == tree_size || path[tree_size] == '/');
}

/* One path being followed: `done` is what holds no link, `rest` what is still to be looked at. */
struct walk {
	const struct policy_world *world;
	struct buf *named;
	void (*each)(void *data, const char *name);
	void *data;
	struct buf done, rest, next;
	unsigned links; /* followed */
	bool name_kept; /* `named` is written */
	bool missing; /* nothing below here is there */
};

static void walk_free(struct walk *walk)
{
	buf_free(&walk->done);
	buf_free(&walk->rest);
	buf_free(&walk->next);
}

/* Puts where the link leads in front of the rest: from the root, or from the link's directory. */
static int follow(struct walk *walk, const struct buf *target)
{
	const char *text = (const char *)buf_bytes(target);
	int r;

	if (++walk->links > POLICY_LINKS_MAX)
		return -ELOOP;
	if (buf_size(target) == 0)
		return -ENOENT;
	if (*text == '/')
		walk->done.end = walk->done.start;
	else
		drop_component(&walk->done, 0);
	buf_reset(&walk->next, SIZE_MAX);
	r = buf_append(&walk->next, text, buf_size(target));
	if (r == 0)
		r = buf_append(&walk->next, "/", 1);
	if (r == 0)
		r = buf_append(&walk->next, buf_bytes(&walk->rest), buf_size(&walk->rest));
	if (r == 0) {
		struct buf swap = walk->rest;

		walk->rest = walk->next;
		walk->next = swap;
	}
	return r;
}

static bool rest_is_empty(const struct walk *walk)
{
	const uint8_t *bytes = buf_bytes(&walk->rest);

	for (size_t i = 0; i < buf_size(&walk->rest); i++) {
		if (bytes[i] != '/')
			return false;
	}
	return true;
}

/* The last component of what is being followed is in `done`, not looked at yet: a name of it. */
static int keep_name(struct walk *walk, const char *name)
{
	if (walk->name_kept) {
		if (walk->each)
			walk->each(walk->data, name);
		return 0;
	}
	walk->name_kept = true;
	return buf_append_str(walk->named, name);
}

static const char *done_text(struct walk *walk)
{
	uint8_t *room;

	if (buf_reserve(&walk->done, 1, &room))
		return NULL;
	*room = '\0';
	return buf_size(&walk->done) ? (const char *)buf_bytes(&walk->done) : "/";
}

/* Takes the next component of the rest to `done`. 1: there was one, 0: none left. */
static int step(struct walk *walk)
{
	const char *at = (const char *)buf_bytes(&walk->rest);
	size_t length = component_length(at, at + buf_size(&walk->rest));
	int r;

	if (!buf_size(&walk->rest))
		return 0;
	r = append_components(&walk->done, 0, at, length);
	buf_consume(&walk->rest, length + (buf_size(&walk->rest) > length));
	if (r == 0 && buf_size(&walk->done) > MF_PATH_MAX)
		r = -ENAMETOOLONG;
	return r ? r : 1;
}

/* What a name is, and of a link its text. What /proc/self holds for whoever looks here is nobody else's. */
static int look(const struct walk *walk, const char *name, struct buf *ret_target)
{
	const char *link = policy_proc_self_link(name, strlen(name));

	if (link)
		return buf_append_str(ret_target, link) ? -ENOMEM : POLICY_PATH_LINK;
	if (policy_proc_self_has(name, strlen(name)))
		return POLICY_PATH_DIRECTORY;
	return walk->world->look(walk->world->data, name, ret_target);
}

static int look_at(struct walk *walk)
{
	_cleanup_buf_ struct buf target = { .limit = MF_PATH_MAX };
	const char *name = done_text(walk);
	int r = name ? 0 : -ENOMEM;

	if (r == 0 && rest_is_empty(walk))
		r = keep_name(walk, name);
	if (r < 0 || walk->missing || buf_size(&walk->done) == 0)
		return r;
	r = look(walk, name, &target);
	if (r == POLICY_PATH_MISSING || r == -EACCES)
		walk->missing = true;
	else if (r == POLICY_PATH_LINK)
		return follow(walk, &target);
	return r < 0 && r != -EACCES ? r : 0;
}

int policy_path_resolve(const struct policy_world *world, const char *path, struct buf *ret_named,
			struct buf *ret_object, void (*each)(void *data, const char *name),
			void *data)
{
	_cleanup_(walk_free) struct walk walk = {
		.world = world, .named = ret_named, .each = each, .data = data
	};
	size_t named = buf_size(ret_named);
	int r;

	if (!world || !world->look) {
		r = buf_append_str(ret_named, path);
		if (r == 0)
			r = buf_append_str(ret_object, path);
		return r ? undo(ret_named, named, r) : 0;
	}
	r = buf_append_str(&walk.rest, path);
	while (r == 0 && (r = step(&walk)) > 0)
		r = look_at(&walk);
	if (r == 0 && !walk.name_kept) /* the root, or a link that leads there */
		r = buf_append_str(ret_named, "/");
	if (r == 0) {
		const char *object = done_text(&walk);

		r = object ? buf_append_str(ret_object, object) : -ENOMEM;
	}
	return r ? undo(ret_named, named, r) : walk.links > 0;
}
