/* SPDX-License-Identifier: BSD-2-Clause */
#include "reference.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 16384

const struct ref_endpoint ref_endpoints[] = {
	{ "http://10.1.2.3/", "10.1.2.3 80", NULL },
	{ "https://10.1.2.3:8443/x", "10.1.2.3 8443", NULL },
	{ "http://u@[::ffff:10.1.2.3]/", "10.1.2.3 80", NULL },
	{ "http://h1.test@10.1.2.4/", "10.1.2.4 80", NULL },
	{ "https://h1.test", "10.1.2.3 2001:db8::1 443", NULL },
	{ "h1.test:80", "10.1.2.3 2001:db8::1 80", NULL },
	{ "h1.test", NULL, "10.1.2.3 2001:db8::1 443" },
	{ "10.1.2.3", NULL, "10.1.2.3 443" },
	{ "[::1]", NULL, "::1 443" },
	{ "0.0.0.0", NULL, "0.0.0.0 443" },
	{ "[::]:80", ":: 80", NULL },
	{ "nowhere.test:80", NULL, NULL },
	{ "*", NULL, NULL },
	{ "10.0.0.0/8", NULL, NULL },
	{ "http://127.1/", NULL, NULL },
	{ "file:///etc/passwd", NULL, NULL },
	{ "http://a\\\\@10.1.2.3/", NULL, NULL },
	{ NULL, NULL, NULL },
};

static struct ref_entry *add(struct ref_entries *entries, struct ref_where where, uint8_t verbs,
			     bool deny, enum policy_access_kind kind)
{
	struct ref_entry *entry;

	entries->entries = realloc(entries->entries, (entries->count + 1) * sizeof(*entry));
	if (!entries->entries)
		abort();
	entry = &entries->entries[entries->count++];
	*entry = (struct ref_entry){ .where = where, .verbs = verbs, .deny = deny, .kind = kind };
	return entry;
}

static void add_named(struct ref_entries *entries, struct ref_where where, uint8_t verbs, bool deny,
		      enum policy_access_kind kind, const char *name, size_t size)
{
	struct ref_entry *entry = add(entries, where, verbs, deny, kind);

	if (!name)
		return;
	entry->name = malloc(size + 1);
	if (!entry->name)
		abort();
	memcpy(entry->name, name, size);
	entry->name[size] = '\0';
	entry->name_size = size;
}

/* Writing means reading, and making a socket; that nothing may be written, that none may be made. */
static uint8_t meant_verbs(uint8_t verbs, bool deny)
{
	if (verbs & MF_POL_BIT(MF_POL_WRITE))
		verbs |= MF_POL_BIT(MF_POL_LISTEN);
	if (verbs & MF_POL_BIT(MF_POL_WRITE) && !deny)
		verbs |= MF_POL_BIT(MF_POL_READ);
	return verbs;
}

static bool is_unspecified(const uint8_t *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr, zero, 16) == 0;
}

static void add_address(struct ref_entries *entries, struct ref_where where, uint8_t verbs,
			bool deny, uint8_t family, const uint8_t *addr, unsigned length,
			unsigned first, unsigned last)
{
	for (int verb = MF_POL_CONNECT; verb <= MF_POL_LISTEN; verb++) {
		struct ref_entry *entry;

		if (!(verbs >> verb & 1))
			continue;
		entry = add(entries, where, (uint8_t)(1U << verb), deny, POLICY_ACCESS_ADDRESS);
		entry->family = family;
		memcpy(entry->addr, addr, 16);
		entry->length = length;
		entry->port_first = first;
		entry->port_last = last;
		if (verb == MF_POL_CONNECT && family && length == (family == 4 ? 32 : 128) &&
		    is_unspecified(addr)) { /* to connect there is to connect to this machine */
			if (family == 4)
				memcpy(entry->addr, (const uint8_t[]){ 127, 0, 0, 1 }, 4);
			else
				entry->addr[15] = 1;
		}
	}
}

/* Who binds to every address binds to the denied one. */
static void add_wildcards(struct ref_entries *entries, struct ref_where where, uint8_t verbs,
			  uint8_t family, unsigned first, unsigned last)
{
	static const uint8_t zero[16];

	verbs &= (uint8_t)MF_POL_BIT(MF_POL_LISTEN);
	if (family == 4)
		add_address(entries, where, verbs, true, 4, zero, 32, first, last);
	if (family)
		add_address(entries, where, verbs, true, 6, zero, 128, first, last);
}

static void add_prefix(struct ref_entries *entries, struct ref_where where, uint8_t verbs,
		       bool deny, const struct policy_address *address, unsigned length,
		       struct policy_ports ports)
{
	add_address(entries, where, verbs, deny, address->family, address->addr, length,
		    ports.first, ports.last);
	if (deny)
		add_wildcards(entries, where, verbs, address->family, ports.first, ports.last);
}

struct adding {
	struct ref_entries *entries;
	const struct ref_request *request; /* NULL: the lines, else the templates */
	const struct ref_state *state;
};

static void add_names(const struct policy_line *line, struct ref_where where, uint8_t verbs,
		      struct ref_entries *entries)
{
	add_named(entries, where, verbs, line->deny, POLICY_ACCESS_PATH, line->resolved.bytes,
		  line->resolved.size);
	add_named(entries, where, verbs, line->deny, POLICY_ACCESS_PATH, line->named.bytes,
		  line->named.size);
	for (size_t i = 0; line->deny && i < line->chain_count; i++)
		add_named(entries, where, verbs, true, POLICY_ACCESS_PATH, line->chain[i].bytes,
			  line->chain[i].size);
}

static int add_line(void *data, const struct policy_line *line)
{
	const struct adding *adding = data;
	struct ref_entries *entries = adding->entries;
	struct ref_where where = { line->where.file, line->where.line };
	uint8_t verbs = meant_verbs(line->verbs, line->deny);
	struct policy_address any = { 0 };

	switch (line->kind) {
	case POLICY_OBJECT_PATH:
	case POLICY_OBJECT_UNIX:
		add_names(line, where, verbs, entries);
		break;
	case POLICY_OBJECT_ADDRESS:
		add_prefix(entries, where, verbs, line->deny,
			   line->prefix.any ? &any : &line->prefix.address,
			   line->prefix.any ? 0 : line->prefix.length, line->ports);
		break;
	case POLICY_OBJECT_HOST:
		for (size_t i = 0; i < line->address_count; i++)
			add_prefix(entries, where, verbs, line->deny, &line->addresses[i],
				   line->addresses[i].family == 4 ? 32 : 128, line->ports);
		break;
	case POLICY_OBJECT_ABSTRACT:
		add_named(entries, where, verbs, line->deny, POLICY_ACCESS_ABSTRACT,
			  line->any ? NULL : line->name.bytes, line->name.size);
		break;
	case POLICY_OBJECT_ESCAPE:
		add(entries, where, 1, line->deny, POLICY_ACCESS_ESCAPE)->escape = line->escape;
		break;
	case POLICY_OBJECT_TEMPLATE:
	case POLICY_OBJECT_NONE:
		break;
	}
	return 0;
}

void ref_entries_of(const struct policy_tree *tree, const struct policy_block *block,
		    struct ref_entries *ret_entries)
{
	struct adding adding = { .entries = ret_entries };

	policy_block_each(tree, block, add_line, &adding);
}

void ref_entries_built_in(uint32_t file, struct ref_entries *entries)
{
	static const struct {
		const char *path;
		bool write;
	} built_in[] = {
		{ "/dev/null", true },	  { "/dev/zero", true },     { "/dev/full", true },
		{ "/dev/random", false }, { "/dev/urandom", false }, { "/dev/tty", true },
		{ "/dev/ptmx", true },	  { "/dev/pts", true },
	};

	for (uint32_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++)
		add_named(entries, (struct ref_where){ file, i + 1 },
			  meant_verbs(built_in[i].write ? MF_POL_BIT(MF_POL_WRITE)
							: MF_POL_BIT(MF_POL_READ),
				      false),
			  false, POLICY_ACCESS_PATH, built_in[i].path, strlen(built_in[i].path));
}

/* Takes out `.`, `..` and empty components of an absolute path, in place. */
static void normalise(char *path)
{
	char copy[TEXT_MAX], *rest = copy, *word;
	size_t size = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((word = strsep(&rest, "/"))) {
		if (!*word || strcmp(word, ".") == 0)
			continue;
		if (strcmp(word, "..") == 0) {
			while (size && path[--size] != '/')
				;
			continue;
		}
		path[size++] = '/';
		memmove(path + size, word, strlen(word));
		size += strlen(word);
	}
	if (!size)
		path[size++] = '/';
	path[size] = '\0';
}

static const char *link_at(const struct machine *machine, const char *path)
{
	for (size_t i = 0; i < machine->link_count; i++) {
		if (strcmp(machine->links[i].key, path) == 0)
			return machine->links[i].value;
	}
	return NULL;
}

/* Replaces the first link in the path (`last`: be it its last component) by where it leads. */
static bool replace_link(const struct machine *machine, char *path, bool last)
{
	char head[TEXT_MAX], whole[TEXT_MAX];

	for (size_t i = 1; i <= strlen(path); i++) {
		const char *target;

		if (path[i] != '/' && (path[i] || !last))
			continue;
		snprintf(head, sizeof(head), "%.*s", (int)i, path);
		target = link_at(machine, head);
		if (!target)
			continue;
		if (*target == '/')
			*head = '\0';
		else
			*strrchr(head, '/') = '\0';
		if (snprintf(whole, sizeof(whole), "%s/%s%s", head, target, path + i) >=
		    (int)sizeof(whole))
			abort();
		normalise(whole); /* the links of these tests have .. at their beginning only */
		strcpy(path, whole);
		return true;
	}
	return false;
}

static bool follow(const struct machine *machine, char *path, bool last)
{
	for (int links = 0; replace_link(machine, path, last); links++) {
		if (links == POLICY_LINKS_MAX)
			return false;
	}
	return true;
}

static bool begins_with(const char *path, const char *fence)
{
	size_t size = strlen(fence);

	return strncmp(path, fence, size) == 0 ||
	       (size && fence[size - 1] == '/' && strlen(path) + 1 == size &&
		strncmp(path, fence, size - 1) == 0);
}

/* `before` with the links of its directory followed. */
static void lead(const struct machine *machine, const struct policy_line *line, char *ret_fence)
{
	char directory[TEXT_MAX];
	const char *slash = memrchr(line->before.bytes, '/', line->before.size);
	size_t size = (size_t)(slash - line->before.bytes);

	snprintf(directory, sizeof(directory), "%.*s", (int)size, line->before.bytes);
	if (size)
		(void)follow(machine, directory, true);
	if (snprintf(ret_fence, TEXT_MAX, "%s/%.*s", strcmp(directory, "/") ? directory : "",
		     (int)(line->before.size - size - 1), slash + 1) >= TEXT_MAX)
		abort();
}

static bool add_path_of(const struct adding *adding, const struct policy_line *line,
			const char *value, struct ref_where where, uint8_t verbs)
{
	char text[TEXT_MAX], named[TEXT_MAX], fence[TEXT_MAX];
	size_t before = adding->entries->count;
	bool relative = !(line->before.size ? line->before.bytes[0] == '/' : *value == '/');

	if (snprintf(text, sizeof(text), "%s/%.*s%s%.*s", relative ? adding->state->cwd : "",
		     (int)line->before.size, line->before.bytes, value, (int)line->after.size,
		     line->after.bytes) >= TEXT_MAX)
		abort();
	normalise(text);
	snprintf(fence, sizeof(fence), "%.*s", (int)line->before.size, line->before.bytes);
	if (!line->deny && line->before.size && !begins_with(text, fence))
		return false;
	strcpy(named, text);
	if (!follow(adding->state->machine, named, false))
		return false;
	strcpy(text, named);
	if (line->deny) { /* every name on the way */
		for (int links = 0; replace_link(adding->state->machine, text, true); links++) {
			if (links == POLICY_LINKS_MAX) {
				while (adding->entries->count > before)
					free(adding->entries->entries[--adding->entries->count]
						     .name);
				return false;
			}
			(void)follow(adding->state->machine, text, false);
			add_named(adding->entries, where, verbs, true, POLICY_ACCESS_PATH, text,
				  strlen(text));
		}
	} else if (!follow(adding->state->machine, text, true)) {
		return false;
	}
	if (line->before.size)
		lead(adding->state->machine, line, fence);
	if (!line->deny && line->before.size && !begins_with(text, fence))
		return false;
	add_named(adding->entries, where, verbs, line->deny, POLICY_ACCESS_PATH, named,
		  strlen(named));
	add_named(adding->entries, where, verbs, line->deny, POLICY_ACCESS_PATH, text,
		  strlen(text));
	return true;
}

static bool add_endpoint_of(const struct adding *adding, const struct policy_line *line,
			    const char *value, struct ref_where where, uint8_t verbs)
{
	const struct ref_endpoint *known = ref_endpoints;
	char copy[256], *rest = copy, *word;
	const char *meant;
	unsigned port;

	while (known->argument && strcmp(known->argument, value) != 0)
		known++;
	meant = !known->argument ? NULL : line->after.size ? known->with_443 : known->alone;
	if (!meant)
		return false;
	port = (unsigned)atoi(strrchr(meant, ' ') + 1);
	snprintf(copy, sizeof(copy), "%.*s", (int)(strrchr(meant, ' ') - meant), meant);
	while ((word = strsep(&rest, " "))) {
		struct policy_address address = { .family = strchr(word, ':') ? 6 : 4 };

		if (inet_pton(address.family == 4 ? AF_INET : AF_INET6, word, address.addr) != 1)
			abort();
		add_prefix(adding->entries, where, verbs, line->deny, &address,
			   address.family == 4 ? 32 : 128,
			   (struct policy_ports){ (uint16_t)port, (uint16_t)port });
	}
	return true;
}

static bool add_value(const struct adding *adding, const struct policy_line *line,
		      const char *value, struct ref_where where, uint8_t verbs)
{
	if (line->template_kind == MF_POL_TEMPLATE_ADDRESS)
		return add_endpoint_of(adding, line, value, where, verbs);
	if (line->template_kind == MF_POL_TEMPLATE_UNIX && !line->before.size && *value == '@') {
		if (value[1])
			add_named(adding->entries, where, verbs, line->deny, POLICY_ACCESS_ABSTRACT,
				  value + 1, strlen(value + 1));
		return true;
	}
	return add_path_of(adding, line, value, where, verbs);
}

static void deny_all(const struct adding *adding, const struct policy_line *line,
		     struct ref_where where, uint8_t verbs)
{
	struct policy_address any = { 0 };

	if (line->template_kind == MF_POL_TEMPLATE_ADDRESS) {
		add_prefix(adding->entries, where, verbs, true, &any, 0,
			   (struct policy_ports){ 0, UINT16_MAX });
		return;
	}
	add_named(adding->entries, where, verbs, true, POLICY_ACCESS_PATH, "/", 1);
	if (line->template_kind == MF_POL_TEMPLATE_UNIX)
		add_named(adding->entries, where, verbs, true, POLICY_ACCESS_ABSTRACT, NULL, 0);
}

static int add_template(void *data, const struct policy_line *line)
{
	const struct adding *adding = data;
	struct ref_where where = { line->where.file, line->where.line };
	uint8_t verbs = meant_verbs(line->verbs, line->deny);

	if (line->kind != POLICY_OBJECT_TEMPLATE)
		return 0;
	for (size_t i = 0; i < adding->request->argument_count; i++) {
		const struct ref_argument *argument = &adding->request->arguments[i];

		if (strlen(argument->name) != line->argument.size ||
		    memcmp(argument->name, line->argument.bytes, line->argument.size) != 0)
			continue;
		if (argument->unreadable && line->deny)
			deny_all(adding, line, where, verbs);
		for (size_t j = 0; !argument->unreadable && j < argument->count; j++) {
			const char *value = argument->values[j];

			if (value && !*value)
				continue;
			if ((!value || !add_value(adding, line, value, where, verbs)) && line->deny)
				deny_all(adding, line, where, verbs);
		}
	}
	return 0;
}

void ref_entries_of_call(const struct policy_tree *tree, const struct policy_block *block,
			 const struct ref_request *request, const struct ref_state *state,
			 struct ref_entries *ret_entries)
{
	struct adding adding = { ret_entries, request, state };

	if (block)
		policy_block_each(tree, block, add_template, &adding);
}

void ref_entries_free(struct ref_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->entries[i].name);
	free(entries->entries);
	*entries = (struct ref_entries){ 0 };
}
