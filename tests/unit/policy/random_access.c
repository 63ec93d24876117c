/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <string.h>

#include "policy/words.h"
#include "random_parts.h"

static const char *const asked_hosts[] = {
	"10.1.2.3",
	"10.1.2.4",
	"10.1.2.5",
	"10.1.3.1",
	"10.2.0.1",
	"11.0.0.1",
	"127.0.0.1",
	"127.0.0.2",
	"0.0.0.0",
	"255.255.255.255",
	"::1",
	"::",
	"::2",
	"2001:db8::1",
	"2001:db8::",
	"2001:db8:1::",
	"2001:db9::1",
	"::ffff:10.1.2.3",
	"::ffff:127.0.0.1",
	"::ffff:0.0.0.0",
	"fe80::1",
	"ffff::1",
	"::10.1.2.3",
};
static const uint16_t asked_ports[] = { 0,    1,    79,	  80,	 81,	442,   443,  444,
					1023, 1024, 8443, 32767, 32768, 65534, 65535 };

static void ask_address(struct dice *dice, struct random_access *random)
{
	const char *host = PICK(dice, asked_hosts);
	struct policy_access *access = &random->access;

	access->kind = POLICY_ACCESS_ADDRESS;
	access->verbs =
		(uint8_t)(one_in(dice, 3) ? MF_POL_BIT(MF_POL_LISTEN) : MF_POL_BIT(MF_POL_CONNECT));
	access->family = strchr(host, ':') ? 6 : 4;
	if (inet_pton(access->family == 6 ? AF_INET6 : AF_INET, host, access->addr) != 1)
		abort();
	access->port = one_in(dice, 6) ? (uint16_t)dice_roll(dice, 65536) : PICK(dice, asked_ports);
}

static void name_it(struct random_access *random, struct buf *name)
{
	if (buf_size(name) >= sizeof(random->name))
		abort();
	memcpy(random->name, buf_bytes(name), buf_size(name));
	random->name[buf_size(name)] = '\0';
	random->access.name = random->name;
	random->access.name_size = buf_size(name);
	buf_free(name);
}

static void ask_path(struct dice *dice, struct random_access *random)
{
	static const uint8_t verbs[] = {
		MF_POL_BIT(MF_POL_READ),
		MF_POL_BIT(MF_POL_READ),
		MF_POL_BIT(MF_POL_WRITE),
		MF_POL_BIT(MF_POL_EXEC),
		MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE),
		MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_EXEC),
		MF_POL_BIT(MF_POL_CONNECT),
		MF_POL_BIT(MF_POL_LISTEN),
		0,
	};
	struct buf name = { 0 };

	random->access.kind = POLICY_ACCESS_PATH;
	random->access.verbs = PICK(dice, verbs);
	random->access.whole_tree = (random->access.verbs & MF_POL_BIT(MF_POL_WRITE)) &&
				    one_in(dice, 2);
	if (one_in(dice, 20))
		put(&name,
		    PICK(dice, ((const char *const[]){ "/dev/null", "/dev/urandom", "/dev/nullx",
						       "/dev/pts/3", "/dev/tty" })));
	else
		random_path(dice, &name);
	name_it(random, &name);
}

void random_access(struct dice *dice, struct random_access *ret_access)
{
	uint32_t kind = dice_roll(dice, 10);
	struct buf name = { 0 };

	*ret_access = (struct random_access){ 0 };
	if (kind < 5) {
		ask_path(dice, ret_access);
	} else if (kind < 8) {
		ask_address(dice, ret_access);
	} else if (kind == 8) {
		ret_access->access.kind = POLICY_ACCESS_ABSTRACT;
		ret_access->access.verbs = (uint8_t)(one_in(dice, 2) ? MF_POL_BIT(MF_POL_LISTEN)
								     : MF_POL_BIT(MF_POL_CONNECT));
		put(&name, PICK(dice, random_abstract_names));
		name_it(ret_access, &name);
	} else {
		ret_access->access.kind = POLICY_ACCESS_ESCAPE;
		ret_access->access.escape = (enum mf_pol_escape)dice_roll(dice, MF_POL_ESCAPE_MAX);
	}
}

void random_access_say(const struct random_access *random, struct buf *out)
{
	const struct policy_access *access = &random->access;
	char text[INET6_ADDRSTRLEN];

	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
		if (access->verbs >> verb & 1) {
			put(out, policy_verbs[verb].word);
			put(out, " ");
		}
	}
	put(out, access->whole_tree ? "tree " : "");
	if (access->kind == POLICY_ACCESS_ESCAPE)
		put(out, policy_escapes[access->escape].word);
	else if (access->kind != POLICY_ACCESS_ADDRESS)
		put(out, access->kind == POLICY_ACCESS_ABSTRACT ? "@" : "");
	put(out, random->name);
	if (access->kind != POLICY_ACCESS_ADDRESS)
		return;
	inet_ntop(access->family == 4 ? AF_INET : AF_INET6, access->addr, text, sizeof(text));
	if (buf_printf(out, "[%s]:%u", text, access->port))
		abort();
}
