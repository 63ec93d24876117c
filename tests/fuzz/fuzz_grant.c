/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A call's arguments. Whatever they are: the image is valid, two builds are the same bytes, and
 * templates with something before the argument grant nothing outside of that.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/grant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "version 1\n"
			   "tool free\n"
			   "  read ${arg.path}\n"
			   "  write ${arg.a.b}\n"
			   "  deny write ${arg.keep}\n"
			   "  connect ${arg.url}\n"
			   "  connect ${arg.host}:443\n"
			   "  deny connect ${arg.not}\n"
			   "  connect unix:${arg.socket}\n"
			   "tool fenced\n"
			   "  read /srv/docs/${arg.path}\n"
			   "  exec /srv/docs/bin-${arg.a.b}\n"
			   "  write /srv/docs/${arg.keep}.txt\n"
			   "  connect 192.0.2.1:${arg.url}\n"
			   "  connect unix:@app-${arg.socket}\n";

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Links lead out of the fenced directory, round in circles, and nowhere. */
static int look(void *data, const char *path, struct buf *ret_target)
{
	const char *name = strrchr(path, '/') + 1;

	if (strcmp(path, "/srv/docs/out") == 0)
		return buf_append_str(ret_target, "/etc") ? -ENOMEM : POLICY_PATH_LINK;
	if (*name == 'u')
		return buf_append_str(ret_target, "..") ? -ENOMEM : POLICY_PATH_LINK;
	if (*name == 'l')
		return buf_append_str(ret_target, name) ? -ENOMEM : POLICY_PATH_LINK;
	if (*name == 'd')
		return buf_append_str(ret_target, name + 1) ? -ENOMEM : POLICY_PATH_LINK;
	return *name == 'e' ? -EIO : POLICY_PATH_DIRECTORY;
}

static int resolve(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	size_t count = strlen(name) % 100;

	for (size_t i = 0; i < count && i < max; i++)
		ret_addresses[i] = (struct policy_address){ 6, { 0x20, (uint8_t)i } };
	return (int)count;
}

static const struct policy_world world = { .look = look, .resolve = resolve };

static const struct policy *the_policy(void)
{
	static struct policy_tree *tree;
	static struct buf image;
	static struct policy policy;
	struct policy_sources sources = { 0 };

	if (!tree) {
		check(policy_sources_add(&sources, "p", text, sizeof(text) - 1) == 0);
		check(policy_parse(&sources, &(struct policy_world){ 0 }, &tree) == 0);
		check(policy_compile(tree, &image) == 0);
		policy_view(buf_bytes(&image), &policy);
	}
	return &policy;
}

static void build(const char *tool, const uint8_t *data, size_t size, struct buf *ret_image,
		  struct policy *ret_grants)
{
	const struct policy *policy = the_policy();
	struct policy_grant_reports reports = { 0 };
	struct policy_grant_call call = {
		.block = policy_tool_block(policy, tool, strlen(tool)),
		.arguments = (const char *)data,
		.arguments_size = size,
		.cwd = "/srv/app",
		.world = &world,
	};

	check(policy_grant_build(policy, &call, ret_image, &reports) == 0);
	check(policy_validate(buf_bytes(ret_image), buf_size(ret_image), ret_grants, NULL) == 0);
	for (size_t i = 0; i < reports.count; i++) {
		check(policy_rule(policy, reports.reports[i].rule));
		check(*policy_grant_why_word(reports.reports[i].why) != '?');
	}
	free(reports.reports);
}

static uint8_t allowed_at(const struct policy *grants, const char *path)
{
	return policy_path_answer(grants, 0, path, strlen(path), NULL)->allow;
}

static void check_fence(const struct policy *grants)
{
	const uint8_t read = MF_POL_BIT(MF_POL_READ), exec = MF_POL_BIT(MF_POL_EXEC);
	const uint8_t other[4] = { 192, 0, 2, 2 };

	check(!allowed_at(grants, "/"));
	check(!allowed_at(grants, "/etc"));
	check(!allowed_at(grants, "/srv"));
	check(!allowed_at(grants, "/srv/app"));
	check(!allowed_at(grants, "/srv/docs2"));
	check(!(allowed_at(grants, "/srv/docs") & ~read));
	check(!(allowed_at(grants, "/srv/docs/bin") & exec));
	check(!policy_abstract_answer(grants, 0, "app", 3)->allow);
	check(!policy_abstract_answer(grants, 0, "other", 5)->allow);
	for (uint32_t port = 0; port <= UINT16_MAX; port += 257)
		check(!policy_address_answer(grants, 0, 4, other, (uint16_t)port)->allow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf image = { 0 }, again = { 0 };
	struct policy grants;

	build("free", data, size, &image, &grants);
	build("free", data, size, &again, &grants);
	check(buf_size(&image) == buf_size(&again) &&
	      !memcmp(buf_bytes(&image), buf_bytes(&again), buf_size(&image)));
	buf_reset(&image, SIZE_MAX);
	build("fenced", data, size, &image, &grants);
	check_fence(&grants);
	return 0;
}
