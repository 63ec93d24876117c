/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects of rules: paths, addresses, unix sockets. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/parse.h"

static const char *text_of(const struct buf *buf)
{
	return (const char *)buf_bytes(buf);
}

static bool starts_with(const struct buf *buf, const char *word)
{
	size_t size = strlen(word);

	return buf_size(buf) >= size && memcmp(buf_bytes(buf), word, size) == 0;
}

static void keep(struct policy_parser *parser, struct policy_bytes *bytes, const struct buf *from)
{
	(void)policy_bytes_set(parser, bytes, buf_bytes(from), buf_size(from));
}

static void take_template(struct policy_parser *parser, struct policy_line *line,
			  const struct policy_expanded *expanded, enum mf_pol_template_kind kind)
{
	line->kind = POLICY_OBJECT_TEMPLATE;
	line->template_kind = kind;
	keep(parser, &line->before, &expanded->before);
	keep(parser, &line->argument, &expanded->argument);
	keep(parser, &line->after, &expanded->after);
}

static bool has_parent_step(const struct buf *buf)
{
	const char *at = text_of(buf), *end = at + buf_size(buf);

	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t length = (size_t)((slash ? slash : end) - at);

		if (length == 2 && memcmp(at, "..", 2) == 0)
			return true;
		at += length + 1;
	}
	return false;
}

/* Where programs are looked for that are named without a directory */
static bool find_program(struct policy_parser *parser, const struct buf *name, char *ret_path,
			 size_t room)
{
	static const char *const places[] = { "/usr/bin", "/usr/local/bin", "/usr/sbin" };
	const struct policy_world *world = parser->world;

	if (!world || !world->look || memchr(buf_bytes(name), '/', buf_size(name)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		_cleanup_buf_ struct buf target = { 0 };

		snprintf(ret_path, room, "%s/%s", places[i],
			 policy_parser_shown(parser, text_of(name), buf_size(name)));
		if (world->look(world->data, ret_path, &target) > 0)
			return true;
	}
	return false;
}

/* What was probably meant by a path that does not begin with a slash. */
static void refuse_relative(struct policy_parser *parser, const struct policy_line *line,
			    const struct policy_lex_word *word, const struct buf *path)
{
	static const struct {
		const char *begin, *meant;
	} known[] = {
		{ "~/", "${home}/" },	   { "$HOME/", "${home}/" },	 { "$home/", "${home}/" },
		{ "./", "${workspace}/" }, { "$PWD/", "${workspace}/" }, { "$arg.", "${arg." },
		{ "${arg.", "${arg." },	   { "{arg.", "${arg." },
	};
	char suggestion[200] = "";
	size_t i = 0;

	while (i < ARRAY_LEN(known) && !starts_with(path, known[i].begin))
		i++;
	if (i < ARRAY_LEN(known)) {
		size_t begin = strlen(known[i].begin), end = buf_size(path);
		bool argument = strcmp(known[i].meant, "${arg.") == 0;

		end -= argument && text_of(path)[end - 1] == '}';
		snprintf(suggestion, sizeof(suggestion), "%s%s%s", known[i].meant,
			 policy_parser_shown(parser, text_of(path) + begin, end - begin),
			 argument ? "}" : "");
	} else if (isalnum((unsigned char)text_of(path)[0]) &&
		   !(line->verbs & MF_POL_BIT(MF_POL_EXEC) &&
		     find_program(parser, path, suggestion, sizeof(suggestion)))) {
		snprintf(suggestion, sizeof(suggestion), "${workspace}/%s",
			 policy_parser_shown(parser, text_of(path), buf_size(path)));
	}
	policy_complain(parser, POLICY_E_PATH, word, NULL, *suggestion ? suggestion : NULL,
			"expected a path that begins with /, found '%s'",
			policy_parser_shown(parser, text_of(path), buf_size(path)));
}

static bool path_is_good(struct policy_parser *parser, const struct policy_line *line,
			 const struct policy_lex_word *word, const struct policy_expanded *expanded)
{
	const struct buf *path = &expanded->before;

	if (starts_with(path, "unix:") || starts_with(path, "file:")) {
		policy_complain(
			parser, POLICY_E_PATH, word, NULL, NULL, "expected a path, found '%s'%s",
			policy_parser_shown(parser, word->bytes, word->size),
			starts_with(path, "unix:") ? "; sockets go with connect and listen" : "");
		return false;
	}
	if (expanded->stars) {
		policy_complain(
			parser, POLICY_E_PATH, word, NULL, NULL,
			"a path has no patterns, a directory is its whole tree; a * that is "
			"part of a name is written \"\\*\"");
		return false;
	}
	if (expanded->has_argument && !buf_size(path))
		return true;
	if (!starts_with(path, "/")) {
		refuse_relative(parser, line, word, path);
		return false;
	}
	if (expanded->has_argument &&
	    (has_parent_step(path) || has_parent_step(&expanded->after))) {
		policy_complain(parser, POLICY_E_PATH, word, NULL, NULL,
				"expected no .. beside an argument");
		return false;
	}
	return true;
}

struct chain {
	struct policy_parser *parser;
	struct policy_line *line;
};

static void keep_link(void *data, const char *name)
{
	struct chain *chain = data;
	struct policy_line *line = chain->line;
	struct policy_bytes *grown =
		policy_grow(chain->parser, line->chain, line->chain_count, sizeof(*grown));

	if (!grown)
		return;
	line->chain = grown;
	if (policy_bytes_set(chain->parser, &grown[line->chain_count], name, strlen(name)) == 0)
		line->chain_count++;
}

/* The last of the chain is the object itself. */
static void end_chain(struct policy_line *line)
{
	while (line->chain_count &&
	       line->chain[line->chain_count - 1].size == line->resolved.size &&
	       memcmp(line->chain[line->chain_count - 1].bytes, line->resolved.bytes,
		      line->resolved.size) == 0)
		free(line->chain[--line->chain_count].bytes);
}

static int resolve_links(struct policy_parser *parser, struct policy_line *line,
			 const struct policy_lex_word *word)
{
	struct chain chain = { parser, line };
	_cleanup_buf_ struct buf named = { 0 }, object = { 0 };
	int r = policy_path_resolve(parser->world, line->name.bytes, &named, &object, keep_link,
				    &chain);

	if (r == -ENOMEM) {
		parser->failed = r;
	} else if (r == -ELOOP || r == -ENAMETOOLONG) {
		policy_complain(parser, POLICY_E_LINKS, word, NULL, NULL, "%s: '%s'",
				r == -ELOOP ? "the links of this path lead in a circle"
					    : "the links of this path lead to one that is too long",
				policy_parser_shown(parser, line->name.bytes, line->name.size));
	} else if (r < 0) { /* as written */
		keep(parser, &line->named,
		     &(struct buf){ .data = (uint8_t *)line->name.bytes, .end = line->name.size });
		keep(parser, &line->resolved,
		     &(struct buf){ .data = (uint8_t *)line->name.bytes, .end = line->name.size });
		return 0;
	} else {
		keep(parser, &line->named, &named);
		keep(parser, &line->resolved, &object);
	}
	if (!parser->failed && r >= 0)
		end_chain(line);
	return r < 0 ? -EINVAL : 0;
}

/* Sets name, named and resolved from an absolute path. */
static int take_path(struct policy_parser *parser, struct policy_line *line,
		     const struct policy_lex_word *word, const struct buf *path, size_t skip)
{
	_cleanup_buf_ struct buf normal = { 0 };
	int r = policy_path_normal(text_of(path) + skip, buf_size(path) - skip, &normal);

	if (r == -ENAMETOOLONG) {
		policy_complain(parser, POLICY_E_PATH, word, NULL, NULL,
				"the path is too long: at most %d bytes, %d in one name",
				MF_PATH_MAX, MF_POL_COMPONENT_MAX);
		return r;
	}
	if (r == -EINVAL) {
		policy_complain(parser, POLICY_E_PATH, word, NULL, NULL,
				"expected a path without a NUL byte");
		return r;
	}
	if (r)
		parser->failed = r;
	if (r || policy_bytes_set(parser, &line->name, buf_bytes(&normal), buf_size(&normal)))
		return -ENOMEM;
	return resolve_links(parser, line, word);
}

void policy_parse_path(struct policy_parser *parser, struct policy_line *line,
		       const struct policy_lex_word *word)
{
	_cleanup_policy_expanded_ struct policy_expanded expanded = { 0 };

	if (policy_expand(parser, word, &expanded) || !path_is_good(parser, line, word, &expanded))
		return;
	if (expanded.has_argument)
		take_template(parser, line, &expanded, MF_POL_TEMPLATE_PATH);
	else if (take_path(parser, line, word, &expanded.before, 0) == 0)
		line->kind = POLICY_OBJECT_PATH;
}

static void take_abstract(struct policy_parser *parser, struct policy_line *line,
			  const struct policy_lex_word *word,
			  const struct policy_expanded *expanded)
{
	const char *name = text_of(&expanded->before) + 6; /* unix:@ */
	size_t size = buf_size(&expanded->before) - 6;

	if (size == 1 && expanded->star == 6) {
		line->any = true;
		size = 0;
	} else if (expanded->stars) {
		policy_complain(parser, POLICY_E_UNIX, word, NULL, "unix:@*",
				"an abstract name has no patterns, but unix:@* is all of them; a * "
				"that is part of a name is written \"\\*\"");
		return;
	}
	if ((!size && !line->any) || size > MF_POL_ABSTRACT_MAX) {
		policy_complain(parser, POLICY_E_UNIX, word, NULL, NULL,
				"expected an abstract name of 1 to %d bytes behind unix:@",
				MF_POL_ABSTRACT_MAX);
		return;
	}
	if (policy_bytes_set(parser, &line->name, name, size) == 0)
		line->kind = POLICY_OBJECT_ABSTRACT;
}

static void take_unix(struct policy_parser *parser, struct policy_line *line,
		      const struct policy_lex_word *word, struct policy_expanded *expanded)
{
	const struct buf *text = &expanded->before;

	if (expanded->has_argument) {
		buf_consume(&expanded->before, 5);
		take_template(parser, line, expanded, MF_POL_TEMPLATE_UNIX);
		return;
	}
	if (starts_with(text, "unix:@")) {
		take_abstract(parser, line, word, expanded);
		return;
	}
	if (!starts_with(text, "unix:/") || expanded->stars) {
		policy_complain(parser, POLICY_E_UNIX, word, NULL, NULL,
				"expected unix:/PATH, of a socket or of a directory of sockets, or "
				"unix:@NAME, found '%s'",
				policy_parser_shown(parser, word->bytes, word->size));
		return;
	}
	if (take_path(parser, line, word, text, 5) == 0)
		line->kind = POLICY_OBJECT_UNIX;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct policy_address));
}

static void sort_addresses(struct policy_line *line)
{
	size_t kept = 0;

	if (line->address_count)
		qsort(line->addresses, line->address_count, sizeof(*line->addresses), by_address);
	for (size_t i = 0; i < line->address_count; i++) {
		if (kept == 0 || by_address(&line->addresses[kept - 1], &line->addresses[i]) != 0)
			line->addresses[kept++] = line->addresses[i];
	}
	line->address_count = kept;
}

static void tell_private(struct policy_parser *parser, const struct policy_line *line,
			 const struct policy_lex_word *word)
{
	for (size_t i = 0; i < line->address_count; i++) {
		_cleanup_buf_ struct buf text = { 0 };

		if (!policy_address_is_private(&line->addresses[i]))
			continue;
		if (policy_address_print(&text, &line->addresses[i]) || buf_append(&text, "", 1)) {
			parser->failed = -ENOMEM;
			return;
		}
		policy_complain(parser, POLICY_W_PRIVATE, word, NULL, NULL,
				"%s is at a private address now: %s", line->name.bytes,
				text_of(&text));
		return;
	}
}

static void resolve_host(struct policy_parser *parser, struct policy_line *line,
			 const struct policy_lex_word *word)
{
	static const struct policy_address localhost[] = {
		{ 4, { 127, 0, 0, 1 } },
		{ 6, { [15] = 1 } },
	};
	const struct policy_world *world = parser->world;
	bool local = strcmp(line->name.bytes, "localhost") == 0;
	int count;

	line->addresses = calloc(POLICY_HOST_ADDRS_MAX, sizeof(*line->addresses));
	if (!line->addresses) {
		parser->failed = -ENOMEM;
		return;
	}
	if (local) {
		memcpy(line->addresses, localhost, sizeof(localhost));
		line->address_count = ARRAY_LEN(localhost);
		return;
	}
	if (!world || !world->resolve)
		return;
	count = world->resolve(world->data, line->name.bytes, line->addresses,
			       POLICY_HOST_ADDRS_MAX);
	if (count <= 0) {
		policy_complain(parser, POLICY_W_UNRESOLVED, word, NULL, NULL,
				"%s has no address now, so this line %s nothing", line->name.bytes,
				line->deny ? "denies" : "permits");
		return;
	}
	if (count > POLICY_HOST_ADDRS_MAX)
		policy_complain(parser, POLICY_W_UNRESOLVED, word, NULL, NULL,
				"%s has %d addresses; %d of them count", line->name.bytes, count,
				POLICY_HOST_ADDRS_MAX);
	line->address_count =
		(size_t)(count < POLICY_HOST_ADDRS_MAX ? count : POLICY_HOST_ADDRS_MAX);
	for (size_t i = 0; i < line->address_count; i++)
		policy_address_normal(&line->addresses[i]);
	sort_addresses(line);
	tell_private(parser, line, word);
}

static void take_host(struct policy_parser *parser, struct policy_line *line,
		      const struct policy_lex_word *word,
		      const struct policy_endpoint_text *endpoint)
{
	_cleanup_buf_ struct buf name = { 0 };
	const char *reason;
	int r = policy_host_parse(endpoint->host, endpoint->host_size, &name, &reason);

	if (r == -EINVAL) {
		policy_complain(parser, POLICY_E_ADDRESS, word, NULL, NULL, "%s, found '%s'",
				reason,
				policy_parser_shown(parser, endpoint->host, endpoint->host_size));
		return;
	}
	if (r < 0) {
		parser->failed = r;
		return;
	}
	keep(parser, &line->name, &name);
	if (parser->failed)
		return;
	line->kind = POLICY_OBJECT_HOST;
	resolve_host(parser, line, word);
}

/* What was probably meant by an address that is none: of a URL its host and port, of a port alone or a
 * name alone what is missing. */
static void refuse_endpoint(struct policy_parser *parser, const struct policy_line *line,
			    const struct policy_lex_word *word, const char *reason)
{
	static const struct {
		const char *scheme, *port;
	} known[] = { { "https://", ":443" }, { "http://", ":80" }, { "wss://", ":443" },
		      { "ws://", ":80" },     { "ssh://", ":22" },  { "", "" } };
	const char *shown = policy_parser_shown(parser, word->bytes, word->size), *host = shown;
	bool colon = *shown == ':';
	bool port_alone = !shown[colon + strspn(shown + colon, "0123456789-")];
	char suggestion[200] = "";
	size_t i = 0, size;

	while (strncmp(shown, known[i].scheme, strlen(known[i].scheme)) != 0)
		i++;
	host += strlen(known[i].scheme);
	size = strcspn(host, "/?#");
	if (host != shown && size)
		snprintf(suggestion, sizeof(suggestion), "%.*s%s", (int)size, host,
			 memchr(host, ':', size) ? "" : known[i].port);
	else if (port_alone && line->verbs & MF_POL_BIT(MF_POL_LISTEN))
		snprintf(suggestion, sizeof(suggestion), "127.0.0.1:%s", shown + colon);
	else if (!port_alone && !strpbrk(shown, ":/*[]"))
		snprintf(suggestion, sizeof(suggestion), "%s:443", shown);
	policy_complain(parser, POLICY_E_ADDRESS, word, NULL, *suggestion ? suggestion : NULL,
			"%s, found '%s'",
			strstr(shown, "://") ? "expected HOST:PORT, no URL" : reason, shown);
}

static void take_endpoint(struct policy_parser *parser, struct policy_line *line,
			  const struct policy_lex_word *word, const struct buf *text)
{
	struct policy_endpoint_text endpoint;
	const char *reason = "";
	int r = policy_endpoint_split(text_of(text), buf_size(text), &endpoint, &reason);

	if (r < 0 || memmem(word->bytes, word->size, "://", 3)) {
		refuse_endpoint(parser, line, word, reason);
		return;
	}
	if (policy_ports_parse(endpoint.port, endpoint.port_size, &line->ports, &reason) < 0) {
		policy_complain(parser, POLICY_E_PORT, word, NULL, NULL, "%s, found '%s'", reason,
				policy_parser_shown(parser, endpoint.port, endpoint.port_size));
		return;
	}
	if (line->ports.last == 0 && line->verbs == MF_POL_BIT(MF_POL_CONNECT)) {
		policy_complain(parser, POLICY_E_PORT, word, NULL, NULL,
				"nothing can be connected to at port 0");
		return;
	}
	r = policy_prefix_parse(&endpoint, &line->prefix, &reason);
	if (r == 0)
		line->kind = POLICY_OBJECT_ADDRESS;
	else if (r == -ENOENT)
		take_host(parser, line, word, &endpoint);
	else
		policy_complain(parser, POLICY_E_ADDRESS, word, NULL, NULL, "%s, found '%s'",
				reason, policy_parser_shown(parser, word->bytes, word->size));
}

void policy_parse_address(struct policy_parser *parser, struct policy_line *line,
			  const struct policy_lex_word *word)
{
	_cleanup_policy_expanded_ struct policy_expanded expanded = { 0 };

	if (policy_expand(parser, word, &expanded))
		return;
	if (starts_with(&expanded.before, "unix:"))
		take_unix(parser, line, word, &expanded);
	else if (expanded.has_argument)
		take_template(parser, line, &expanded, MF_POL_TEMPLATE_ADDRESS);
	else
		take_endpoint(parser, line, word, &expanded.before);
}
