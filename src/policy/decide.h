/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The decision: (tables, requests in flight, grants, access) → verdict, line, reason. Pure, without
 * allocation, bounded by the number of requests and components. The BPF programs take the same
 * steps over the same entries; docs/policy.md has the rule in words.
 *
 * 1. Blocks in play. For each request in flight: its tool's block (MF_POL_DEFAULT when no block
 *    names the tool), its grants, and base. Nothing in flight: base alone; when the policy has no
 *    base block, MF_POL_DEFAULT in its place. A policy without base block still has block
 *    MF_POL_BASE, for what needs no line; it is looked at, but decides nothing else.
 * 2. Each block in play answers for the object: allow, deny, each a mask of verbs.
 * 3. Denials. A deny of any block in play denies, whatever another one allows: what an access
 *    belongs to is not always known, and a line that says "never" must hold. A denial weighs what
 *    its block's mode says: MF_DENY (enforce), MF_WOULD_DENY (audit), MF_OBSERVED (observe). D is
 *    the least of them; without any, D = MF_ALLOW.
 * 4. Permission. Each request allows the access when base, its block and its grants together allow
 *    all verbs asked for; otherwise its answer is what its block's mode says. Grants have the
 *    mode of their block. Nothing in flight: base (or default) is the one "request". P is the
 *    greatest of the answers (union), or the least (strict: intersection).
 * 5. Ceilings. Each ceiling, of this policy and of the administrator's, denies what it denies and
 *    what it does not allow, by its own mode. C is the least.
 * 6. The verdict is the least of D, P and C. Of equals the reason is the first of: denial, ceiling,
 *    permission.
 * A session's own mode is a limit: no block weighs more than that.
 *
 * Addresses: IPv4-mapped IPv6 is IPv4. Connecting to the unspecified address is connecting to
 * 127.0.0.1 or ::1, in rules and in accesses. A deny of listen for an address also denies binding
 * to the wildcard that includes it: 0.0.0.0 and :: for IPv4, :: for IPv6. A scope id is no part of an
 * address. Port 0 is a port number like others.
 * Paths: `write` implies read and binding a unix socket (listen) there; `deny write` also denies
 * binding there; `deny PATH` denies all five verbs. A line that names a link means the object that
 * it leads to and the name; a deny also means every name on the way.
 * Moving an object (`whole_tree`) is denied where any block in play has a deny, of whatever verb, for
 * this very path or one below it: at its new name that line would not hold.
 */

#include "base/buf.h"
#include "policy/tables.h"

enum policy_access_kind {
	POLICY_ACCESS_PATH = 1, /* read, write, exec; connect or listen of a unix socket */
	POLICY_ACCESS_ADDRESS = 2, /* connect, listen */
	POLICY_ACCESS_ABSTRACT = 3, /* connect or listen of an abstract unix name */
	POLICY_ACCESS_ESCAPE = 4,
};

struct policy_access {
	enum policy_access_kind kind;
	/* MF_POL_BIT; several (O_RDWR): all of them must be allowed; 0: no line allows that */
	uint8_t verbs;
	/* PATH: it is moved, linked, exchanged or replaced: what is denied of it and below counts, too */
	bool whole_tree;
	const char *name; /* PATH: absolute, normalised; ABSTRACT: without the leading NUL */
	size_t name_size;
	/* ADDRESS, as the kernel has it: IPv4-mapped and unspecified addresses are dealt with here */
	uint8_t family; /* 4 or 6 */
	uint8_t addr[16];
	uint16_t port; /* host order */
	enum mf_pol_escape escape;
};

struct policy_request {
	uint32_t block; /* of policy_tool_block(); one out of range counts as MF_POL_DEFAULT */
	const struct policy *grants; /* an image with MF_POL_GRANTS, block 0; NULL: none */
};

struct policy_state {
	/* What the access may belong to: all in flight, or the one in which its process was born. */
	const struct policy_request *requests;
	size_t request_count;
	bool strict; /* intersection instead of union */
	enum mf_pol_mode mode; /* of the session: MF_POL_ENFORCE leaves each block its own */
	const struct policy *administrator; /* its ceilings hold as well; NULL: none */
};

enum policy_reason {
	POLICY_BY_ALLOW = MF_POL_BY_ALLOW, /* `rule` allows it */
	POLICY_BY_DENY = MF_POL_BY_DENY, /* `rule` denies it */
	POLICY_BY_CEILING_DENY = MF_POL_BY_CEILING_DENY, /* `rule`, of a ceiling, denies it */
	POLICY_BY_CEILING = MF_POL_BY_CEILING, /* no line of the ceiling allows it */
	POLICY_BY_NO_RULE = MF_POL_BY_NO_RULE, /* no line allows it */
	POLICY_BY_BELOW = MF_POL_BY_BELOW, /* `rule` denies something of what would move */
	POLICY_BY_NO_TEXT =
		MF_POL_BY_NO_TEXT, /* MF_POL_DEFAULT: no block is about this tool, or about no call */
};

struct policy_decision {
	enum mf_verdict verdict;
	enum policy_reason reason;
	uint32_t rule; /* the deciding line, an index into the rules; 0: none, the block decides */
	uint32_t block; /* whose line or mode it was */
	uint32_t request; /* index of the request whose answer it was; UINT32_MAX: no request's */
	uint8_t verb; /* enum mf_pol_verb: the (first) verb that was decisive */
	bool by_administrator; /* rule and block are of state->administrator */
	bool by_grant; /* an argument of the call allows it, through the template of `rule` */
};

void policy_decide(const struct policy *policy, const struct policy_state *state,
		   const struct policy_access *access, struct policy_decision *ret_decision);

/* What the decision is the least of: the steps 3 to 5. `reason` 0: nothing was denied so. */
struct policy_weights {
	struct policy_decision denial, ceiling, permission;
};

void policy_weigh(const struct policy *policy, const struct policy_state *state,
		  const struct policy_access *access, struct policy_weights *ret_weights);

/*
 * Appends the decision for people, one line, safe to print:
 *	allowed by crm.policy:12: read /srv/docs
 *	denied by crm.policy:14: deny read /srv/docs/secret
 *	denied: nothing in tool read_file (crm.policy:9) or base allows it
 */
int policy_decision_print(struct buf *out, const struct policy *policy,
			  const struct policy_state *state, const struct policy_decision *decision);
/* Appends `tool read_file (crm.policy:9)`, or `base`. */
int policy_block_print(struct buf *out, const struct policy *policy, uint32_t block);
/* Appends `crm.policy:12: read /srv/docs`. */
int policy_rule_print(struct buf *out, const struct policy *policy, uint32_t rule);
