/* SPDX-License-Identifier: BSD-2-Clause */
#include "scenes.h"

#include <ctype.h>
#include <string.h>

#include "policy/words.h"

enum part {
	PART_NONE,
	PART_TEXT, /* of a policy, an include, the administrator's policy */
	PART_LINKS,
	PART_HOSTS,
	PART_CASES,
};

struct reading {
	const char *path;
	unsigned line;
	struct scenes *scenes;
	struct scene *scene;
	enum part part;
	struct buf *text; /* that lines go to */
	char *include; /* name of the include that is being read */
	struct buf include_text;
	struct scene_case state; /* what the next cases begin with */
};

__attribute__((noreturn)) static void stop(const struct reading *reading, const char *what)
{
	printf("Bail out! %s:%u: %s\n", reading->path, reading->line, what);
	exit(1);
}

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static char *copy_of(const char *text)
{
	return must(strdup(text));
}

static char *trimmed(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* Cuts off the first word, which may stand in quotes with \xNN in it. */
static char *take_word(const struct reading *reading, char **rest)
{
	char *word, *out;
	unsigned code;

	*rest = trimmed(*rest);
	if (**rest != '"') {
		word = strsep(rest, " \t");
		*rest = *rest ? trimmed(*rest) : word + strlen(word);
		return word;
	}
	word = out = ++*rest;
	for (; **rest && **rest != '"'; ++*rest) {
		if (sscanf(*rest, "\\x%2x", &code) == 1) {
			*out++ = (char)code;
			*rest += 3;
		} else {
			*out++ = **rest;
		}
	}
	if (!**rest)
		stop(reading, "a quote is not closed");
	++*rest;
	*out = '\0';
	*rest = trimmed(*rest);
	return word;
}

static void forget_state(struct scene_case *state)
{
	for (size_t i = 0; i < state->request_count; i++) {
		free(state->tools[i]);
		free(state->arguments[i]);
	}
	state->request_count = 0;
}

static void add_request(struct reading *reading, char *text)
{
	struct scene_case *state = &reading->state;
	char *tool = take_word(reading, &text);

	if (state->request_count == SCENE_REQUESTS)
		stop(reading, "too many requests");
	state->tools[state->request_count] = copy_of(tool);
	state->arguments[state->request_count++] = *text ? copy_of(text) : NULL;
}

static bool read_state(struct reading *reading, char *text)
{
	struct scene_case *state = &reading->state;
	char *rest = text, *word = take_word(reading, &rest);
	int mode;

	if (strcmp(word, "in") == 0 || strcmp(word, "idle") == 0)
		forget_state(state);
	if (strcmp(word, "in") == 0 || strcmp(word, "with") == 0) {
		add_request(reading, rest);
	} else if (strcmp(word, "strict") == 0 || strcmp(word, "union") == 0) {
		state->strict = *word == 's';
	} else if (strcmp(word, "cwd") == 0) {
		free(state->cwd);
		state->cwd = copy_of(rest);
	} else if (strcmp(word, "session") == 0) {
		mode = policy_named_find(policy_modes, 3, rest, strlen(rest));
		if (mode < 0)
			stop(reading, "no such mode");
		state->mode = (enum mf_pol_mode)mode;
	} else {
		return strcmp(word, "idle") == 0;
	}
	return true;
}

static struct scene_case *add_case(struct reading *reading, const char *name)
{
	struct scenes *scenes = reading->scenes;
	struct scene_case *added = must(malloc(sizeof(*added)));
	struct buf full = { 0 };

	*added = reading->state;
	for (size_t i = 0; i < added->request_count; i++) {
		added->tools[i] = copy_of(added->tools[i]);
		added->arguments[i] = added->arguments[i] ? copy_of(added->arguments[i]) : NULL;
	}
	added->cwd = copy_of(added->cwd);
	added->scene = reading->scene;
	added->line = reading->line;
	if (buf_printf(&full, "%s: %s", reading->scene->name, name))
		abort();
	added->name = must(strndup((const char *)buf_bytes(&full), buf_size(&full)));
	buf_free(&full);
	scenes->cases =
		must(realloc(scenes->cases, (scenes->case_count + 1) * sizeof(*scenes->cases)));
	scenes->cases[scenes->case_count++] = added;
	return added;
}

/* QUESTION | VERDICT WHERE | NAME, or error|warning LINE WORD | NAME, or no WORD | NAME */
static void read_case(struct reading *reading, char *text)
{
	char *first = trimmed(strsep(&text, "|")), *second = text ? strsep(&text, "|") : NULL;
	char *name = trimmed(text ? text : (second ? second : first)), *word = first;
	struct scene_case *added;

	if (!second) {
		char *copy = copy_of(first);

		if (!read_state(reading, copy))
			stop(reading, "neither a state nor a case");
		free(copy);
		return;
	}
	added = add_case(reading, name);
	if (text) {
		added->question = copy_of(first);
		second = trimmed(second);
		added->verdict = copy_of(take_word(reading, &second));
		added->where = copy_of(second);
		return;
	}
	word = take_word(reading, &first);
	added->ask = strcmp(word, "no") == 0 ? SCENE_SILENCE : SCENE_NOTE;
	added->verdict = copy_of(word);
	if (added->ask == SCENE_NOTE)
		added->where = copy_of(take_word(reading, &first));
	added->question = copy_of(first);
}

static void begin_scene(struct reading *reading, const char *name)
{
	struct scenes *scenes = reading->scenes;
	struct scene *scene = must(calloc(1, sizeof(*scene)));

	scene->name = copy_of(name);
	machine_init(&scene->machine);
	scenes->scenes =
		must(realloc(scenes->scenes, (scenes->count + 1) * sizeof(*scenes->scenes)));
	scenes->scenes[scenes->count++] = scene;
	reading->scene = scene;
	reading->part = PART_NONE;
	forget_state(&reading->state);
	free(reading->state.cwd);
	reading->state = (struct scene_case){ .mode = MF_POL_ENFORCE, .cwd = copy_of("/srv/app") };
}

static void end_include(struct reading *reading)
{
	if (!reading->include)
		return;
	if (buf_append(&reading->include_text, "", 1))
		abort();
	machine_block(&reading->scene->machine, reading->include,
		      (const char *)buf_bytes(&reading->include_text));
	free(reading->include);
	reading->include = NULL;
	buf_free(&reading->include_text);
}

static void begin_file(struct reading *reading, const char *name)
{
	struct scene *scene = reading->scene;

	if (scene->file_count == SCENE_FILES)
		stop(reading, "too many files");
	scene->files[scene->file_count].name = copy_of(name);
	reading->text = &scene->files[scene->file_count++].text;
}

static void begin_part(struct reading *reading, char *text)
{
	char *word = take_word(reading, &text);

	end_include(reading);
	reading->part = PART_TEXT;
	if (!reading->scene)
		stop(reading, "no scene has begun");
	if (strcmp(word, "policy") == 0) {
		begin_file(reading, "p");
	} else if (strcmp(word, "file") == 0) {
		begin_file(reading, text);
	} else if (strcmp(word, "include") == 0) {
		reading->include = copy_of(text);
		reading->text = &reading->include_text;
	} else if (strcmp(word, "admin") == 0) {
		reading->text = &reading->scene->admin;
	} else if (strcmp(word, "links") == 0) {
		reading->part = PART_LINKS;
	} else if (strcmp(word, "hosts") == 0) {
		reading->part = PART_HOSTS;
	} else if (strcmp(word, "cases") == 0) {
		reading->part = PART_CASES;
	} else {
		stop(reading, "no such part");
	}
}

static void read_line(struct reading *reading, char *line)
{
	char *trim, *word;

	if (strncmp(line, "=== ", 4) == 0) {
		end_include(reading);
		begin_scene(reading, trimmed(line + 4));
		return;
	}
	if (strncmp(line, "--- ", 4) == 0) {
		begin_part(reading, line + 4);
		return;
	}
	if (reading->part == PART_TEXT) {
		if (buf_append_str(reading->text, line))
			abort();
		return;
	}
	trim = trimmed(line);
	if (!*trim || *trim == '#')
		return;
	if (reading->part == PART_CASES) {
		read_case(reading, trim);
	} else if (reading->part == PART_LINKS) {
		word = take_word(reading, &trim);
		if (strcmp(take_word(reading, &trim), "->") != 0)
			stop(reading, "expected LINK -> TARGET");
		machine_link(&reading->scene->machine, word, trim);
	} else if (reading->part == PART_HOSTS) {
		word = take_word(reading, &trim);
		machine_host(&reading->scene->machine, word, trim);
	} else {
		stop(reading, "it belongs to nothing");
	}
}

void scenes_read(const char *path, struct scenes *scenes)
{
	struct reading reading = { .path = path, .scenes = scenes };
	_cleanup_file_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	if (!file)
		stop(&reading, "cannot be read");
	while (getline(&line, &room, file) > 0) {
		reading.line++;
		read_line(&reading, line);
	}
	end_include(&reading);
	forget_state(&reading.state);
	free(reading.state.cwd);
}

static void compile(struct scene *scene, struct policy_sources *sources,
		    struct policy_tree **ret_tree, struct buf *ret_image, struct policy *ret_policy)
{
	const char *reason = "";

	if (policy_parse(sources, &scene->machine.world, ret_tree))
		abort();
	if ((*ret_tree)->notes.errors)
		return;
	if (policy_compile(*ret_tree, ret_image))
		abort();
	if (policy_validate(buf_bytes(ret_image), buf_size(ret_image), ret_policy, &reason)) {
		printf("# %s: %s\n", scene->name, reason);
		abort();
	}
}

bool scene_make(struct scene *scene)
{
	struct policy_sources sources = { 0 };

	if (!scene->tree) {
		for (size_t i = 0; i < scene->file_count; i++) {
			const struct scene_file *file = &scene->files[i];

			if (policy_sources_add(&sources, file->name, buf_bytes(&file->text),
					       buf_size(&file->text)))
				abort();
		}
		compile(scene, &sources, &scene->tree, &scene->image, &scene->policy);
		if (buf_size(&scene->admin)) {
			if (policy_sources_add(&sources, "admin", buf_bytes(&scene->admin),
					       buf_size(&scene->admin)))
				abort();
			compile(scene, &sources, &scene->admin_tree, &scene->admin_image,
				&scene->administrator);
		}
	}
	return !scene->tree->notes.errors &&
	       (!scene->admin_tree || !scene->admin_tree->notes.errors);
}

static void free_case(struct scene_case *gone)
{
	forget_state(gone);
	free(gone->name);
	free(gone->question);
	free(gone->verdict);
	free(gone->where);
	free(gone->cwd);
	free(gone);
}

void scenes_free(struct scenes *scenes)
{
	for (size_t i = 0; i < scenes->case_count; i++)
		free_case(scenes->cases[i]);
	for (size_t i = 0; i < scenes->count; i++) {
		struct scene *scene = scenes->scenes[i];

		for (size_t j = 0; j < scene->file_count; j++) {
			free(scene->files[j].name);
			buf_free(&scene->files[j].text);
		}
		free(scene->name);
		buf_free(&scene->admin);
		machine_free(&scene->machine);
		policy_tree_free(scene->tree);
		policy_tree_free(scene->admin_tree);
		buf_free(&scene->image);
		buf_free(&scene->admin_image);
		free(scene);
	}
	free(scenes->scenes);
	free(scenes->cases);
}
