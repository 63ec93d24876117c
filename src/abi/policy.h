/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A compiled policy: one image of bytes, read in place by user space (src/policy), and copied by
 * the engine, entry for entry, into maps that the BPF programs read. Both walk the same steps.
 *
 * The image is little-endian, 8-byte aligned, and holds no pointer: struct mf_pol_head, then the
 * sections, in the order of enum mf_pol_section, each at a multiple of 8. Bytes between them are 0.
 * A reader trusts an image only after policy_validate(); that is what the guard does with what an
 * unprivileged process hands in.
 *
 * Three look-ups, none of which looks at more for there being more rules:
 *
 *  path      one entry per component of the path that any rule of the block goes through, more for
 *            a component longer than 32 bytes. Key: the node reached so far and the next (up to) 32
 *            bytes of the component. Each entry has the answer for everything at and below it:
 *            what is allowed and denied there by the rules for it and for all directories above.
 *            Nothing found: the answer reached so far holds. Components match whole.
 *  address   longest prefix of {block, family, address} gives a class, then longest prefix of
 *            {class, port} gives the answer. Prefixes and port ranges that contain it are
 *            accounted for in it already.
 *  escape    a bit of the block.
 *
 * Enums are append-only, with explicit numbers.
 */

#include <linux/types.h>

#include "limits.h"

#define MF_POL_MAGIC 0x3150464dU /* "MFP1" */
#define MF_POL_VERSION 1

/* Stated bounds. What does not fit is an error when the policy is read, with its line. */
#define MF_POL_SIZE_MAX (256U << 20) /* bytes of an image */
#define MF_POL_BLOCKS_MAX 4096 /* base, default, ceilings and tool blocks together */
#define MF_POL_CEILINGS_MAX 4 /* files with a ceiling */
#define MF_POL_RULES_MAX (1U << 20)
#define MF_POL_NODES_MAX (1U << 22)
#define MF_POL_PROBES_MAX 32 /* slots looked at, at most, for one key */
#define MF_POL_COMPONENT_MAX 255 /* NAME_MAX */
#define MF_POL_ABSTRACT_MAX 107 /* bytes of an abstract unix name, without its leading NUL */
#define MF_POL_CHUNK 32

/* What can be asked about an object; a bit each in masks: 1 << MF_POL_READ. */
enum mf_pol_verb {
	MF_POL_READ = 0,
	MF_POL_WRITE = 1, /* create, change, delete */
	MF_POL_EXEC = 2, /* execute, or map a file executable */
	MF_POL_CONNECT = 3, /* an address; at a path: a unix socket */
	MF_POL_LISTEN = 4, /* bind and listen; at a path: bind a unix socket there */
	MF_POL_VERB_MAX = 5,
};

#define MF_POL_BIT(verb) (1U << (verb))

/*
 * What no session may do unless a line `allow WORD` says so: ways out of the policy itself, or
 * past what the engine can see. A bit each.
 */
enum mf_pol_escape {
	MF_POL_MOUNT = 0, /* mount, umount, move_mount, open_tree, pivot_root */
	MF_POL_NAMESPACES = 1, /* unshare, setns, clone with CLONE_NEW* */
	MF_POL_CHROOT = 2,
	MF_POL_PTRACE = 3, /* towards a process outside the session */
	MF_POL_SIGNAL = 4, /* towards a process outside the session */
	MF_POL_BPF = 5,
	MF_POL_MODULES = 6, /* modules, firmware, kexec */
	MF_POL_PERF = 7,
	MF_POL_KEYS = 8,
	MF_POL_IO_URING = 9, /* make a ring */
	MF_POL_CGROUP = 10, /* leave the session's cgroup */
	MF_POL_ANONYMOUS_EXEC = 11, /* execute what has no name: memfd, deleted files */
	MF_POL_RAW_SOCKETS = 12, /* raw, packet, XDP, ICMP */
	MF_POL_OTHER_SOCKETS = 13, /* neither IPv4, IPv6 nor unix; or neither TCP nor UDP */
	MF_POL_USERFAULTFD = 14,
	MF_POL_HANDLES = 15, /* open_by_handle_at */
	MF_POL_ESCAPE_MAX = 16,
};

/* A greater one is stricter. */
enum mf_pol_mode {
	MF_POL_OBSERVE = 0, /* nothing is decided */
	MF_POL_AUDIT = 1, /* what would be refused is told, and passes */
	MF_POL_ENFORCE = 2,
};

/* A greater one is more lenient: what several requests in flight come to is a minimum or maximum. */
enum mf_verdict {
	MF_DENY = 0,
	MF_WOULD_DENY = 1, /* would be refused, but for audit mode */
	MF_OBSERVED = 2, /* no policy says anything about it */
	MF_ALLOW = 3,
};

/* Why a verdict is what it is. */
enum mf_pol_reason {
	MF_POL_BY_ALLOW = 1, /* the line allows it */
	MF_POL_BY_DENY = 2, /* the line denies it */
	MF_POL_BY_CEILING_DENY = 3, /* the line, of a ceiling, denies it */
	MF_POL_BY_CEILING = 4, /* no line of the ceiling allows it */
	MF_POL_BY_NO_RULE = 5, /* no line allows it */
	MF_POL_BY_BELOW = 6, /* the line denies something of what would move */
	MF_POL_BY_NO_TEXT = 7, /* MF_POL_DEFAULT: no block is about this tool, or about no call */
	MF_POL_BY_NO_OBJECT = 32, /* the object has no path that a line could be about */
	MF_POL_BY_FAULT = 35, /* it could not be decided */
};

/* indices into mf_pol_head.section */
enum mf_pol_section {
	MF_POL_SEC_BLOCKS = 0, /* struct mf_pol_block */
	MF_POL_SEC_PATHS = 1, /* struct mf_pol_path slots, a power of two of them */
	MF_POL_SEC_ADDRS = 2, /* struct mf_pol_addr slots, a power of two */
	MF_POL_SEC_PORTS = 3, /* struct mf_pol_port slots, a power of two */
	MF_POL_SEC_CLASSES = 4, /* struct mf_pol_class; [0] is not used */
	MF_POL_SEC_ANSWERS = 5, /* struct mf_pol_answer; [0] is all zero */
	MF_POL_SEC_ESCAPES = 6, /* struct mf_pol_escapes; [0] is all zero */
	MF_POL_SEC_RULES = 7, /* struct mf_pol_rule; [0] is not used */
	MF_POL_SEC_FILES = 8, /* struct mf_pol_text: names of the files that rules are in */
	MF_POL_SEC_TOOLS = 9, /* struct mf_pol_tool, sorted by bytes, a shorter one first */
	MF_POL_SEC_TEMPLATES = 10, /* struct mf_pol_template, sorted by block */
	MF_POL_SEC_HOSTS = 11, /* struct mf_pol_host */
	MF_POL_SEC_HOST_ADDRS = 12, /* struct mf_pol_host_addr */
	MF_POL_SEC_TEXT = 13, /* bytes that struct mf_pol_text points into */
	MF_POL_SEC_MAX = 14,
};

struct mf_pol_extent {
	__u32 offset; /* bytes from the head's first byte */
	__u32 count; /* entries, not bytes */
};

/* mf_pol_head.flags */
enum {
	MF_POL_HAS_BASE = 1 << 0, /* the policy has a base block: it applies when nothing is in
				   * flight. Without one, block MF_POL_DEFAULT does */
	MF_POL_GRANTS = 1 << 1, /* the grants of one request: one block, no rules of its own */
};

/* The first two blocks of a policy are always there. */
#define MF_POL_BASE 0 /* what holds in any state; has what needs no line, as /dev/null, too */
#define MF_POL_DEFAULT 1 /* of tools without a block: no rules, its mode is the file's default */

struct mf_pol_head {
	__u32 magic;
	__u16 version; /* MF_POL_VERSION */
	__u16 head_size; /* sizeof(struct mf_pol_head) */
	__u32 size; /* of the whole image */
	__u32 flags;
	__u8 source_sha256[32]; /* of texts and variables that it was made from; grants: 0 */
	__u32 path_seed; /* of the slots' hashes, see mf_pol_hash */
	__u32 addr_seed;
	__u32 port_seed;
	__u32 node_count; /* nodes are numbered 1 … node_count - 1; 0 is none */
	__u32 ceiling_count;
	__u32 ceilings[MF_POL_CEILINGS_MAX]; /* blocks; unused ones are 0 */
	__u32 rule_count; /* of the policy: grants refer to its rules, but do not have them */
	struct mf_pol_extent section[MF_POL_SEC_MAX];
};

struct mf_pol_block {
	__u32 path_root; /* node of "/" */
	__u32 path_answer; /* the answer there */
	__u32 abstract_root; /* node of the abstract unix names: one component each */
	__u32 abstract_answer;
	__u32 escape_allow; /* 1 << enum mf_pol_escape */
	__u32 escape_deny;
	__u32 escapes; /* index into the escapes: the lines that say so */
	__u32 mode; /* enum mf_pol_mode */
	__u32 kind; /* enum mf_pol_block_kind */
	__u32 rule; /* the block's head line; 0: there is none */
	__u8 prefix4[8]; /* bit n: some rule of IPv4 has prefix length n (0 … 32) */
	__u8 prefix6[24]; /* the same of IPv6 (0 … 128) */
	__u32 pad[2];
};

enum mf_pol_block_kind {
	MF_POL_BLOCK_BASE = 1,
	MF_POL_BLOCK_DEFAULT = 2,
	MF_POL_BLOCK_CEILING = 3,
	MF_POL_BLOCK_TOOL = 4,
	MF_POL_BLOCK_GRANTS = 5,
};

/*
 * The next bytes of a path component, from a node. A component of n bytes is (n + 31) / 32 entries:
 * all but the last have 32 bytes and `last` 0. An abstract name is one component, whatever bytes
 * it has. Unused bytes are 0. As the key of a BPF hash map it is these 40 bytes.
 */
struct mf_pol_path_key {
	__u32 node; /* 0: an empty slot */
	__u8 size; /* 1 … 32, of bytes */
	__u8 last; /* 1: the component ends here */
	__u16 pad;
	__u8 bytes[MF_POL_CHUNK];
};

struct mf_pol_path {
	struct mf_pol_path_key key;
	__u32 child; /* the node that it leads to; 0: no rule goes further, the answer is final */
	__u32 answer; /* index; of an entry whose `last` is 0: that of the node it comes from */
};

/* Key of an LPM trie with prefix length 64 + `length`, when bytes are in this order: */
struct mf_pol_addr_key {
	__u32 block;
	__u32 family; /* 4 or 6; 0: an empty slot */
	__u8 addr[16]; /* network order; IPv4 in the first four. Bits behind `length` are 0 */
};

struct mf_pol_addr {
	struct mf_pol_addr_key key;
	__u32 length; /* of the prefix, in bits of the address */
	__u32 class;
};

/* Key of an LPM trie with prefix length 32 + `length`. */
struct mf_pol_port_key {
	__u32 class; /* 0: an empty slot */
	__u8 port[2]; /* network order. Bits behind `length` are 0 */
	__u8 length; /* 0 … 16 */
	__u8 pad;
};

struct mf_pol_port {
	struct mf_pol_port_key key;
	__u32 answer;
	__u32 pad;
};

struct mf_pol_class {
	__u32 lengths; /* bit n: some entry has prefix length n */
};

/*
 * What the rules that hold for an object say. A rule is the index of the one that is closest to
 * the object (longest path or prefix); of two equally close ones, the one that comes first.
 */
struct mf_pol_answer {
	__u8 allow; /* MF_POL_BIT of verbs */
	__u8 deny;
	__u8 below; /* denied by lines for this very path or one below it: moving it undoes them */
	__u8 pad;
	__u32 allow_rule[MF_POL_VERB_MAX]; /* 0 where the bit is not set */
	__u32 deny_rule[MF_POL_VERB_MAX];
	__u32 below_rule;
};

struct mf_pol_escapes {
	__u32 allow_rule[MF_POL_ESCAPE_MAX];
	__u32 deny_rule[MF_POL_ESCAPE_MAX];
};

struct mf_pol_text {
	__u32 offset; /* into MF_POL_SEC_TEXT */
	__u32 size; /* bytes, no NUL */
};

struct mf_pol_rule {
	__u32 file; /* index into the files */
	__u32 line; /* 1 … */
	__u32 block; /* in which it holds. A line of an include is a rule of each block that has it */
	__u32 pad;
	struct mf_pol_text text; /* the line, without blanks around it and comment */
};

/* mf_pol_tool.kind */
enum {
	MF_POL_TOOL_EXACT = 0,
	MF_POL_TOOL_PREFIX = 1, /* the name is what comes before the *: "fs/", or "" */
};

struct mf_pol_tool {
	struct mf_pol_text name;
	__u32 kind;
	__u32 block;
};

/* An object with ${arg.NAME} in it: what grants are made from, src/policy/grant.h. */
struct mf_pol_template {
	__u32 block;
	__u32 rule;
	__u8 verbs; /* MF_POL_BIT; what the line says, without what it implies */
	__u8 deny;
	__u8 kind; /* enum mf_pol_template_kind */
	__u8 pad[5];
	struct mf_pol_text before; /* what stands before the argument, variables expanded */
	struct mf_pol_text argument; /* "path", "options.file" */
	struct mf_pol_text after;
};

enum mf_pol_template_kind {
	MF_POL_TEMPLATE_PATH = 1, /* before + argument + after is a path */
	MF_POL_TEMPLATE_ADDRESS = 2, /* … is HOST:PORT, or a URL when it is the argument alone */
	MF_POL_TEMPLATE_UNIX = 3, /* … is the path of a unix socket, or @NAME */
};

/* A host that a rule names, and what it was resolved to when the image was made. */
struct mf_pol_host {
	struct mf_pol_text name;
	__u32 rule;
	__u32 first; /* into the host addresses */
	__u32 count;
	__u32 verbs;
	__u16 port_first;
	__u16 port_last;
	__u32 deny;
};

struct mf_pol_host_addr {
	__u8 addr[16]; /* as in struct mf_pol_addr_key */
	__u32 family;
	__u32 pad;
};

#ifndef __bpf__
_Static_assert(sizeof(struct mf_pol_head) == 200, "struct mf_pol_head");
_Static_assert(sizeof(struct mf_pol_block) == 80, "struct mf_pol_block");
_Static_assert(sizeof(struct mf_pol_path_key) == 40, "struct mf_pol_path_key");
_Static_assert(sizeof(struct mf_pol_path) == 48, "struct mf_pol_path");
_Static_assert(sizeof(struct mf_pol_addr) == 32, "struct mf_pol_addr");
_Static_assert(sizeof(struct mf_pol_port) == 16, "struct mf_pol_port");
_Static_assert(sizeof(struct mf_pol_answer) == 48, "struct mf_pol_answer");
_Static_assert(sizeof(struct mf_pol_escapes) == 128, "struct mf_pol_escapes");
_Static_assert(sizeof(struct mf_pol_rule) == 24, "struct mf_pol_rule");
_Static_assert(sizeof(struct mf_pol_tool) == 16, "struct mf_pol_tool");
_Static_assert(sizeof(struct mf_pol_template) == 40, "struct mf_pol_template");
_Static_assert(sizeof(struct mf_pol_host) == 32, "struct mf_pol_host");
_Static_assert(sizeof(struct mf_pol_host_addr) == 24, "struct mf_pol_host_addr");
#endif
