/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_policy.h"

#include <string.h>

#include "policy/words.h"
#include "random_parts.h"

/* splitmix64 */
uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) >> 32) % sides;
}

/* Few names, so that rules meet; some that begin like others, and around the size of a key's part. */
static const char *const components[] = {
	"a",
	"a",
	"b",
	"b",
	"ab",
	"aa",
	"l",
	"dev",
	"null",
	LONG_32,
	LONG_32 "c",
	LONG_32 "cd",
	LONG_32 LONG_32,
	LONG_32 LONG_32 "c",
};

void random_path(struct dice *dice, struct buf *out)
{
	uint32_t depth = dice_roll(dice, 5);

	if (!depth)
		put(out, "/");
	for (; depth; depth--) {
		put(out, "/");
		put(out, PICK(dice, components));
	}
}

/* As people write them, too. */
static void put_written_path(struct dice *dice, struct buf *out)
{
	if (one_in(dice, 10))
		put(out, PICK(dice, ((const char *const[]){ "/a//b", "/a/", "/./a", "/b/../a",
							    "${workspace}", "${home}/a", "/a/b/",
							    "/dev/null", "/dev", "//" })));
	else
		random_path(dice, out);
}

static const char *const rule_hosts[] = {
	"10.0.0.0/8",
	"10.1.0.0/16",
	"10.1.2.0/24",
	"10.1.2.3",
	"10.1.2.3",
	"10.1.2.4/31",
	"0.0.0.0/0",
	"0.0.0.0",
	"0.0.0.0/1",
	"128.0.0.0/1",
	"127.0.0.1",
	"127.0.0.0/8",
	"[::1]",
	"[::]",
	"[::/0]",
	"[::/1]",
	"[2001:db8::/32]",
	"[2001:db8::1]",
	"[2001:db8::/127]",
	"[::ffff:10.1.0.0/112]",
	"[::ffff:10.1.2.3]",
	"[::ffff:0:0/96]",
	"[fe80::/10]",
	"[fe80::1]",
	"*",
	"h1.test",
	"H2.test.",
	"localhost",
	"nowhere.test",
};
static const char *const rule_ports[] = {
	"*",	   "*",	    "0-1",	  "1",	  "80",	    "443",     "443",	      "80-443",
	"0-65535", "65535", "1024-65535", "0-80", "81-442", "443-444", "32767-32768", "1-65534",
};

static void put_address(struct dice *dice, struct buf *out)
{
	put(out, PICK(dice, rule_hosts));
	put(out, ":");
	put(out, PICK(dice, rule_ports));
}

const char *const random_abstract_names[RANDOM_ABSTRACT_NAMES] = {
	"a", "ab", "b", "a/b", LONG_32, LONG_32 "c", LONG_32 LONG_32, LONG_32 LONG_32 "x",
};

static void put_socket(struct dice *dice, struct buf *out)
{
	put(out, "unix:");
	if (one_in(dice, 2)) {
		put_written_path(dice, out);
		return;
	}
	put(out, "@");
	put(out, one_in(dice, 5) ? "*" : PICK(dice, random_abstract_names));
}

static void put_escape(struct dice *dice, struct buf *out)
{
	put(out, policy_escapes[dice_roll(dice, MF_POL_ESCAPE_MAX)].word);
}

static const char *const path_templates[] = {
	"${arg.p}",    "${arg.p}",	  "${arg.q}",	  "${arg.o.r}",
	"/a/${arg.p}", "/a/b/${arg.q}",	  "/a/a${arg.p}", "/l/${arg.p}",
	"/${arg.q}",   "/a/${arg.o.r}/b", "${arg.p}b",
};
static const char *const address_templates[] = { "${arg.u}", "${arg.u}", "${arg.q}", "${arg.u}:443",
						 "${arg.q}:443" };
static const char *const socket_templates[] = { "unix:${arg.p}", "unix:${arg.q}",
						"unix:/a/${arg.p}" };

static void put_object(struct dice *dice, struct buf *out, int verb, bool templates)
{
	bool template = templates && one_in(dice, 5);

	if (verb < MF_POL_CONNECT) {
		if (template)
			put(out, PICK(dice, path_templates));
		else
			put_written_path(dice, out);
	} else if (one_in(dice, 3)) {
		if (template)
			put(out, PICK(dice, socket_templates));
		else
			put_socket(dice, out);
	} else {
		if (template)
			put(out, PICK(dice, address_templates));
		else
			put_address(dice, out);
	}
}

static void put_rule(struct dice *dice, struct buf *out, bool templates)
{
	int verb = (int)dice_roll(dice, MF_POL_VERB_MAX);
	uint32_t kind = dice_roll(dice, 12);

	put(out, one_in(dice, 4) ? "\t" : "  ");
	if (kind == 0) {
		put(out, one_in(dice, 2) ? "allow " : "deny ");
		put_escape(dice, out);
	} else if (kind == 1) { /* every verb that it has; a word alone would not do as an object */
		put(out, "deny ");
		if (one_in(dice, 2))
			put_written_path(dice, out);
		else
			put_object(dice, out, MF_POL_CONNECT, false);
	} else {
		put(out, kind < 5 ? "deny " : "");
		put(out, policy_verbs[verb].word);
		put(out, " ");
		put_object(dice, out, verb, templates);
		if (verb == MF_POL_EXEC && kind >= 5 && one_in(dice, 4))
			put(out, " interpreter");
	}
	put(out, one_in(dice, 10) ? " # so\n" : "\n");
}

static void put_lines(struct dice *dice, struct buf *out, const char *const *includes,
		      uint32_t include_count, bool templates, uint32_t most)
{
	uint32_t count = dice_roll(dice, most);

	for (uint32_t i = 0; i < count; i++) {
		if (include_count && one_in(dice, 6)) {
			put(out, "  include ");
			put(out, includes[dice_roll(dice, include_count)]);
			put(out, "\n");
		} else {
			put_rule(dice, out, templates);
		}
	}
}

/* Tools that begin like others; the last ones are not ASCII, or hold a star that is none. */
static const char *const tools[] = {
	"t", "T", "fs", "fs/a", "fs/a/b", "fs/", "fs/a/", "u", "\xd1\x82", "t\xe2\x80\x8b", "*",
};

static void put_tool_head(struct dice *dice, struct buf *out)
{
	put(out, PICK(dice, ((const char *const[]){ "tool t\n", "tool t\n", "tool *\n",
						    "tool fs/*\n", "tool fs/a/*\n", "tool fs/a\n",
						    "tool fs\n", "tool u\n", "tool \"\xd1\x82\"\n",
						    "tool \"\\*\"\n", "tool fs/a/b/*\n" })));
}

static void put_mode(struct dice *dice, struct buf *out, bool *ret_said)
{
	/* a block that says two modes is an error, so blocks of one name say the same one */
	*ret_said = one_in(dice, 4);
	if (*ret_said)
		put(out, "  mode audit\n");
}

static void put_block(struct dice *dice, struct buf *out, const char *head, bool templates,
		      const char *const *includes, uint32_t include_count)
{
	put(out, head);
	put_lines(dice, out, includes, include_count, templates, 9);
}

void random_text(struct dice *dice, bool ceilings_only, struct buf *ret_text)
{
	static const char *const includes[] = { "n1", "n2", "n3", "runtime/x" };
	uint32_t blocks = dice_roll(dice, 7);
	bool said;

	put(ret_text, "version 1\n");
	if (!ceilings_only && one_in(dice, 2))
		put(ret_text,
		    PICK(dice, ((const char *const[]){ "default audit\n", "default observe\n",
						       "default deny\n" })));
	/* n3 includes n2, which includes n1: never in a circle */
	put_block(dice, ret_text, "block n1\n", false, NULL, 0);
	put_block(dice, ret_text, "block n2\n", false, includes, 1);
	put_block(dice, ret_text, "block n3\n", false, includes, 2);
	if (ceilings_only || one_in(dice, 5)) {
		put_block(dice, ret_text, "ceiling\n", false, includes, 4);
		if (!one_in(dice, 4))
			put(ret_text, "  write /\n  exec /\n  connect *:*\n");
	}
	if (ceilings_only)
		return;
	if (!one_in(dice, 4)) {
		put_block(dice, ret_text, "base\n", false, includes, 4);
		put_mode(dice, ret_text, &said);
	}
	for (uint32_t i = 0; i < blocks; i++) {
		put_tool_head(dice, ret_text);
		put_lines(dice, ret_text, includes, 4, true, 12);
		if (one_in(dice, 5))
			put(ret_text, "  mode audit\n");
	}
}

void random_include(struct dice *dice, const char *name, struct buf *ret_text)
{
	put(ret_text, "version 1\nblock ");
	put(ret_text, name);
	put(ret_text, "\n");
	put_lines(dice, ret_text, NULL, 0, false, 6);
}

void random_machine(struct machine *machine)
{
	machine_init(machine);
	machine->world.workspace = "/a/b";
	machine->world.home = "/b";
	machine_link(machine, "/a/l", "/b");
	machine_link(machine, "/b/l", "../a/a");
	machine_link(machine, "/l", "a/b");
	machine_link(machine, "/a/b/l", "l2");
	machine_link(machine, "/a/b/l2", "/ab/a");
	machine_link(machine, "/ab/l", "/");
	machine_link(machine, "/aa/loop", "loop");
	machine_host(machine, "h1.test", "10.1.2.3 2001:db8::1");
	machine_host(machine, "h2.test", "::ffff:10.1.2.4 127.0.0.1 10.1.2.3");
}

static const struct {
	const char *json, *text; /* text NULL: no value, "": nothing */
} path_values[] = {
	{ "\"/a\"", "/a" },	   { "\"/a/b\"", "/a/b" },
	{ "\"a\"", "a" },	   { "\"b/./a//\"", "b/./a//" },
	{ "\"../b\"", "../b" },	   { "\"../../..\"", "../../.." },
	{ "\"/\"", "/" },	   { "\".\"", "." },
	{ "\"l\"", "l" },	   { "\"/a/l/a\"", "/a/l/a" },
	{ "\"/ab/l\"", "/ab/l" },  { "\"/aa/loop\"", "/aa/loop" },
	{ "\"b/l\"", "b/l" },	   { "\"@a\"", "@a" },
	{ "\"@\"", "@" },	   { "\"\"", "" },
	{ "\"/a\\u0000\"", NULL }, { "7", NULL },
	{ "[\"/b\"]", NULL },	   { "{}", NULL },
	{ "true", NULL },
};

static const char *put_value(struct dice *dice, struct buf *json, bool url)
{
	size_t count = 0, index;

	if (!url) {
		index = dice_roll(dice, sizeof(path_values) / sizeof(*path_values));
		put(json, path_values[index].json);
		return path_values[index].text;
	}
	while (ref_endpoints[count].argument)
		count++;
	index = dice_roll(dice, (uint32_t)count);
	put(json, "\"");
	put(json, ref_endpoints[index].argument);
	put(json, "\"");
	return ref_endpoints[index].argument;
}

static void put_argument(struct dice *dice, struct buf *json, struct ref_argument *argument,
			 const char *key)
{
	bool url = *key == 'u' || (*key == 'q' && one_in(dice, 2));
	uint32_t kind = dice_roll(dice, 10);

	if (buf_printf(json, "\"%s\":", key))
		abort();
	if (kind < 6) {
		size_t before = buf_size(json);

		argument->values[argument->count++] = put_value(dice, json, url);
		/* an array is one with elements, here; as a value it is another thing */
		argument->unreadable = argument->values[0] == NULL &&
				       buf_bytes(json)[before] != '[';
		if (buf_bytes(json)[before] == '[')
			argument->values[0] = "/b";
	} else if (kind < 9) {
		put(json, "[");
		while (argument->count < 1 + dice_roll(dice, 4)) {
			put(json, argument->count ? "," : "");
			argument->values[argument->count] = put_value(dice, json, url);
			argument->count++;
		}
		put(json, "]");
	} else {
		put(json, "null");
	}
	if (argument->count && one_in(dice, 15)) {
		if (buf_printf(json, ",\"%c%s\":1", *key - (one_in(dice, 2) ? 32 : 0), key + 1))
			abort();
		argument->unreadable = true;
	}
}

void random_call(struct dice *dice, struct random_call *ret_call)
{
	static const char *const names[] = { "p", "q", "u", "o.r" };
	struct random_call *call = ret_call;

	*call = (struct random_call){ 0 };
	call->request.tool = PICK(dice, tools);
	call->request.tool_size = strlen(call->request.tool);
	call->request.arguments = call->arguments;
	put(&call->json, "{\"x\":[1,{\"p\":\"/b\"}]");
	for (size_t i = 0; i < 4; i++) {
		struct ref_argument *argument = &call->arguments[call->request.argument_count];

		if (one_in(dice, 4))
			continue;
		call->request.argument_count++;
		argument->name = names[i];
		put(&call->json, i == 3 ? ",\"o\":{" : ",");
		put_argument(dice, &call->json, argument, names[i] + (i == 3 ? 2 : 0));
		put(&call->json, i == 3 ? "}" : "");
	}
	put(&call->json, "}");
}

void random_call_free(struct random_call *call)
{
	buf_free(&call->json);
}
