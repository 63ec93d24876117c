/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_scene.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static uint32_t dice = 1;

static unsigned below(unsigned bound)
{
	dice = dice * 1664525 + 1013904223; /* Numerical Recipes; the same each time */
	return (unsigned)((uint64_t)(dice >> 8) * bound >> 24);
}

static void say(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct buf *out, const char *format, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&line, format, list) < 0 || buf_append_str(out, line))
		errx(1, "no memory");
	va_end(list);
}

/*
 * Of ten lines seven are directories, in trees that a server could have, one of them denied; three are
 * addresses. One in ten stands in base, the others in the block of the tool.
 */
static void write_line(struct buf *out, unsigned number)
{
	if (number % 10 < 6)
		say(out, "  read /srv/tenant%u/app%u/data/part%u\n", number % 97, number / 97 % 31,
		    number);
	else if (number % 10 == 6)
		say(out, "  deny /srv/tenant%u/app%u/data/part%u/keys\n", (number - 1) % 97,
		    (number - 1) / 97 % 31, number - 1);
	else
		say(out, "  connect 10.%u.%u.%u:443\n", number >> 16 & 255, number >> 8 & 255,
		    number & 255);
}

static void write_text(struct scene *scene)
{
	say(&scene->text, "version 1\nbase\n  read /usr\n");
	for (unsigned i = 0; i < scene->rules / 10; i++)
		write_line(&scene->text, i);
	say(&scene->text, "tool t\n  read ${arg.path}\n  connect ${arg.url}\n");
	for (unsigned i = scene->rules / 10; i < scene->rules; i++)
		write_line(&scene->text, i);
}

struct policy_tree *scene_parse(const struct scene *scene)
{
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };
	const struct policy_world world = { .errors_only = true };
	struct policy_tree *tree;

	if (policy_sources_add(&sources, "bench", buf_bytes(&scene->text),
			       buf_size(&scene->text)) ||
	    policy_parse(&sources, &world, &tree))
		errx(1, "the policy cannot be read");
	if (tree->notes.errors)
		errx(1, "the policy has errors: %s", tree->notes.notes[0].text);
	return tree;
}

/* Objects of lines, one in four beside them; files five names deep. */
static void choose_access(const struct scene *scene, struct policy_access *access)
{
	unsigned number = below(scene->rules) / 10 * 10 + below(10);
	char *name = NULL;

	*access = (struct policy_access){ .verbs = MF_POL_BIT(MF_POL_READ) };
	if (number % 10 >= 7) {
		*access = (struct policy_access){
			.kind = POLICY_ACCESS_ADDRESS,
			.verbs = MF_POL_BIT(MF_POL_CONNECT),
			.family = 4,
			.addr = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				  (uint8_t)number },
			.port = below(4) ? 443 : 80,
		};
		return;
	}
	number -= number % 10;
	if (asprintf(&name, "/srv/tenant%u/app%u/data/%s%u/%s/file", number % 97, number / 97 % 31,
		     below(4) ? "part" : "other", number, below(8) ? "docs" : "keys") < 0)
		errx(1, "no memory");
	access->kind = POLICY_ACCESS_PATH;
	access->name = name;
	access->name_size = strlen(name);
}

static void gather_lines(struct scene *scene)
{
	size_t count = 0;

	for (size_t i = 0; i < scene->tree->block_count; i++)
		scene->line_count += scene->tree->blocks[i].line_count;
	scene->lines = calloc(scene->line_count, sizeof(*scene->lines));
	if (!scene->lines)
		errx(1, "no memory");
	for (size_t i = 0; i < scene->tree->block_count; i++) {
		for (size_t k = 0; k < scene->tree->blocks[i].line_count; k++)
			scene->lines[count++] = &scene->tree->blocks[i].lines[k];
	}
}

struct scene *scene_open(unsigned rules)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	const char *reason = "";

	if (!scene)
		errx(1, "no memory");
	scene->rules = rules;
	write_text(scene);
	scene->tree = scene_parse(scene);
	if (policy_compile(scene->tree, &scene->image) ||
	    policy_validate(buf_bytes(&scene->image), buf_size(&scene->image), &scene->policy,
			    &reason))
		errx(1, "the policy cannot be compiled: %s", reason);
	scene->request.block = policy_tool_block(&scene->policy, "t", 1);
	scene->state = (struct policy_state){ .requests = &scene->request,
					      .request_count = 1,
					      .mode = MF_POL_ENFORCE };
	for (size_t i = 0; i < SCENE_OBJECTS; i++)
		choose_access(scene, &scene->accesses[i]);
	gather_lines(scene);
	return scene;
}

void scene_free(struct scene *scene)
{
	for (size_t i = 0; i < SCENE_OBJECTS; i++)
		free((char *)scene->accesses[i].name);
	policy_tree_free(scene->tree);
	buf_free(&scene->image);
	buf_free(&scene->text);
	free(scene->lines);
	free(scene);
}
