/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path that an argument names. Its bytes are a path and nothing else: no ~, no %2f, no file://,
 * no pattern means anything in it.
 */

#include "policy/grant_object.h"

#include <errno.h>
#include <string.h>

void policy_names_free(struct policy_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	*names = (struct policy_names){ 0 };
}

static int add_name(struct policy_names *names, const char *name)
{
	char *copy;

	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->names[i], name) == 0)
			return 0;
	}
	if (names->count == ARRAY_LEN(names->names))
		return -ELOOP;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	names->names[names->count++] = copy;
	for (; *name; name++)
		names->components += *name == '/';
	return 0;
}

struct chain {
	struct policy_names *names;
	int failed;
};

static void add_link(void *data, const char *name)
{
	struct chain *chain = data;

	if (!chain->failed)
		chain->failed = add_name(chain->names, name);
}

static int why_of(int r)
{
	if (r == -ENOMEM)
		return r;
	if (r == -ENAMETOOLONG || r == -ENOBUFS)
		return POLICY_GRANT_LONG;
	return POLICY_GRANT_LINK;
}

static const char *text_of(const struct buf *buf)
{
	return (const char *)buf_bytes(buf);
}

/*
 * What a path must begin with to be within the text before the argument: the directory, normalised,
 * with its slash, and what of a name stands behind it. With `world`, the directory's own links are
 * followed.
 */
static int fence_of(const struct policy_template_text *text, const struct policy_world *world,
		    struct buf *ret_fence)
{
	_cleanup_buf_ struct buf directory = { 0 }, named = { 0 };
	const char *slash = memrchr(text->before, '/', text->before_size);
	const char *part = slash + 1, *end = text->before + text->before_size;
	int r = policy_path_normal(text->before, (size_t)(part - text->before), &directory);

	if (r == 0)
		r = buf_append(&directory, "", 1);
	if (r == 0 && world)
		r = policy_path_resolve(world, text_of(&directory), &named, ret_fence, NULL, NULL);
	else if (r == 0)
		r = buf_append_str(ret_fence, text_of(&directory));
	if (r >= 0 && buf_size(ret_fence) > 1) /* the root has its slash */
		r = buf_append(ret_fence, "/", 1);
	if (r >= 0)
		r = buf_append(ret_fence, part, (size_t)(end - part));
	return r;
}

/* `path` has no slash at its end, so that the directory itself is within as well. */
static bool is_within(const char *path, const struct buf *fence)
{
	size_t size = strlen(path), fence_size = buf_size(fence);

	if (size + 1 == fence_size && text_of(fence)[size] == '/')
		return memcmp(path, buf_bytes(fence), size) == 0;
	return size >= fence_size && memcmp(path, buf_bytes(fence), fence_size) == 0;
}

static int stays_within(const struct policy_template_text *text, const struct policy_world *world,
			const char *path)
{
	_cleanup_buf_ struct buf fence = { 0 };
	int r = fence_of(text, world, &fence);

	if (r < 0)
		return why_of(r);
	return is_within(path, &fence) ? POLICY_GRANT_OK : POLICY_GRANT_OUTSIDE;
}

/*
 * The name, its directory's links followed, and the object that its own links lead to: what the
 * kernel may call it. A denial holds for every link on the way, too.
 */
static int follow_links(const struct policy_template_text *text, const char *path,
			const struct policy_world *world, bool deny, bool fenced,
			struct policy_names *names)
{
	_cleanup_buf_ struct buf named = { 0 }, object = { 0 };
	struct chain chain = { .names = names };
	int r = policy_path_resolve(world, path, &named, &object, deny ? add_link : NULL, &chain);

	if (r >= 0)
		r = chain.failed;
	if (r >= 0)
		r = buf_append(&named, "", 1);
	if (r >= 0)
		r = buf_append(&object, "", 1);
	if (r >= 0)
		r = add_name(names, text_of(&named));
	if (r >= 0)
		r = add_name(names, text_of(&object));
	if (r < 0)
		return why_of(r);
	return fenced ? stays_within(text, world, text_of(&object)) : POLICY_GRANT_OK;
}

static int whole_path(const struct policy_template_text *text, const char *value, size_t size,
		      const char *cwd, struct buf *ret_path)
{
	_cleanup_buf_ struct buf whole = { 0 };
	int r = buf_append(&whole, text->before, text->before_size);

	if (r == 0)
		r = buf_append(&whole, value, size);
	if (r == 0)
		r = buf_append(&whole, text->after, text->after_size);
	if (r == 0)
		r = policy_path_from(cwd, text_of(&whole), buf_size(&whole), ret_path);
	if (r == -EINVAL)
		return POLICY_GRANT_RELATIVE;
	return r ? why_of(r) : buf_append(ret_path, "", 1);
}

int policy_grant_path(const struct policy_template_text *text, const char *value, size_t size,
		      const struct policy_grant_call *call, bool deny,
		      struct policy_names *ret_names)
{
	_cleanup_policy_names_ struct policy_names names = { 0 };
	_cleanup_buf_ struct buf path = { 0 };
	bool fenced = !deny && text->before_size && text->before[0] == '/';
	int r = whole_path(text, value, size, call->cwd, &path);

	if (r == 0 && fenced)
		r = stays_within(text, NULL, text_of(&path));
	if (r == 0)
		r = follow_links(text, text_of(&path), call->world, deny, fenced, &names);
	if (r)
		return r;
	*ret_names = names;
	names = (struct policy_names){ 0 };
	return 0;
}
