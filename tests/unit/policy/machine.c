/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static void add(struct machine_row *rows, size_t *count, const char *key, const char *value)
{
	if (*count == MACHINE_ROWS)
		abort();
	rows[*count].key = strdup(key);
	rows[*count].value = strdup(value);
	if (!rows[*count].key || !rows[*count].value)
		abort();
	++*count;
}

static const char *find(const struct machine_row *rows, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].key, key) == 0)
			return rows[i].value;
	}
	return NULL;
}

static int look(void *data, const char *path, struct buf *ret_target)
{
	const struct machine *machine = data;
	const char *target = find(machine->links, machine->link_count, path);

	if (!target)
		return machine->files ? POLICY_PATH_FILE : POLICY_PATH_DIRECTORY;
	if (strcmp(target, "!") == 0)
		return -EIO;
	if (buf_append_str(ret_target, target))
		return -ENOMEM;
	return POLICY_PATH_LINK;
}

static int links(void *data, const char *path,
		 void (*each)(void *each_data, const char *name, const char *target),
		 void *each_data)
{
	const struct machine *machine = data;
	size_t size = strcmp(path, "/") == 0 ? 0 : strlen(path);

	for (size_t i = 0; i < machine->link_count; i++) {
		const char *link = machine->links[i].key;

		if (strncmp(link, path, size) == 0 && link[size] == '/' &&
		    !strchr(link + size + 1, '/'))
			each(each_data, link + size + 1, machine->links[i].value);
	}
	return 0;
}

static int resolve(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	const struct machine *machine = data;
	const char *value = find(machine->hosts, machine->host_count, name);
	char copy[4096], *rest = copy, *word;
	int count = 0;

	if (!value)
		return 0;
	if (snprintf(copy, sizeof(copy), "%s", value) >= (int)sizeof(copy))
		abort();
	while ((word = strsep(&rest, " "))) {
		struct policy_address address = { .family = strchr(word, ':') ? 6 : 4 };

		if (!*word)
			continue;
		if (inet_pton(address.family == 4 ? AF_INET : AF_INET6, word, address.addr) != 1)
			abort();
		if ((size_t)count < max)
			ret_addresses[count] = address;
		count++;
	}
	return count;
}

static int include(void *data, const char *name, struct buf *ret_name, struct buf *ret_text)
{
	const struct machine *machine = data;
	const char *text = find(machine->blocks, machine->block_count, name);

	if (!text)
		return -ENOENT;
	return buf_append_str(ret_name, name) || buf_append_str(ret_text, text) ? -ENOMEM : 0;
}

void machine_init(struct machine *machine)
{
	*machine = (struct machine){ 0 };
	machine->world = (struct policy_world){ .data = machine,
						.workspace = "/work",
						.home = "/home/u",
						.include = include,
						.look = look,
						.links = links,
						.resolve = resolve };
}

void machine_link(struct machine *machine, const char *path, const char *target)
{
	add(machine->links, &machine->link_count, path, target);
}

void machine_host(struct machine *machine, const char *name, const char *addresses)
{
	add(machine->hosts, &machine->host_count, name, addresses);
}

void machine_block(struct machine *machine, const char *name, const char *text)
{
	add(machine->blocks, &machine->block_count, name, text);
}

static void free_rows(struct machine_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].key);
		free(rows[i].value);
	}
}

void machine_free(struct machine *machine)
{
	free_rows(machine->links, machine->link_count);
	free_rows(machine->hosts, machine->host_count);
	free_rows(machine->blocks, machine->block_count);
}
