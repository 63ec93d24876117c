/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/words.h"

#include <string.h>

#include "base/cleanup.h"

const struct policy_word policy_keywords[POLICY_KEY_MAX] = {
	[POLICY_KEY_VERSION] = { "version", "1",
				 "The version of the language. The first line of every file.",
				 POLICY_TAKES_NUMBER, 1, -1 },
	[POLICY_KEY_DEFAULT] = { "default", "observe|audit|deny",
				 "What holds for tools without a block, and, without a base block, "
				 "while "
				 "no call is in flight: observe decides nothing, audit tells what "
				 "it "
				 "would refuse, deny refuses what base does not allow. Without "
				 "this "
				 "line: deny.",
				 POLICY_TAKES_MODE, 1, -1 },
	[POLICY_KEY_BASE] = { "base", NULL,
			      "Begins the block of what the server itself needs. It holds in any "
			      "state, beside the block of every tool, and alone while no call is "
			      "in "
			      "flight.",
			      POLICY_TAKES_NONE, 1, -1 },
	[POLICY_KEY_TOOL] = { "tool", "NAME",
			      "Begins the block of a tool: an exact name, PREFIX/* for all whose "
			      "name "
			      "begins with PREFIX/, or * for all. The most specific block is used "
			      "alone, beside base. Names compare byte for byte.",
			      POLICY_TAKES_TOOL, 1, -1 },
	[POLICY_KEY_BLOCK] = { "block", "NAME",
			       "Begins a named block, which holds where another block includes it.",
			       POLICY_TAKES_NAME, 1, -1 },
	[POLICY_KEY_CEILING] = { "ceiling", NULL,
				 "Begins the ceiling: what it does not allow, nothing else in any "
				 "file can allow. Each file may have one; all of them hold.",
				 POLICY_TAKES_NONE, 1, -1 },
	[POLICY_KEY_MODE] = { "mode", "enforce|audit",
			      "Whether what the block does not allow is refused or only told. "
			      "Without "
			      "this line: enforce.",
			      POLICY_TAKES_MODE, 0, -1 },
	[POLICY_KEY_INCLUDE] = { "include", "NAME",
				 "Puts the lines of a named block here: one of the same file, or "
				 "of "
				 "the file of that name on the search path.",
				 POLICY_TAKES_NAME, 0, -1 },
	[POLICY_KEY_READ] = { "read", "PATH",
			      "Allows to read a file, or a directory with all that is in it.",
			      POLICY_TAKES_PATH, 0, MF_POL_READ },
	[POLICY_KEY_WRITE] = { "write", "PATH",
			       "Allows to create, change and delete a file, or all of a directory. "
			       "It implies read, and binding unix sockets there.",
			       POLICY_TAKES_PATH, 0, MF_POL_WRITE },
	[POLICY_KEY_EXEC] = { "exec", "PATH [interpreter]",
			      "Allows to execute a file, or all of a directory, and to map it as "
			      "code. The word interpreter says that a shell or interpreter is "
			      "meant "
			      "to be allowed.",
			      POLICY_TAKES_PATH, 0, MF_POL_EXEC },
	[POLICY_KEY_CONNECT] = { "connect", "ADDRESS",
				 "Allows to connect or send to an address: HOST:PORT or unix:PATH.",
				 POLICY_TAKES_ADDRESS, 0, MF_POL_CONNECT },
	[POLICY_KEY_LISTEN] = { "listen", "ADDRESS",
				"Allows to bind to an address and to listen there.",
				POLICY_TAKES_ADDRESS, 0, MF_POL_LISTEN },
	[POLICY_KEY_ALLOW] = { "allow", "WORD",
			       "Allows one of the things that no session may do otherwise.",
			       POLICY_TAKES_ESCAPE, 0, -1 },
	[POLICY_KEY_DENY] = { "deny", "[VERB] OBJECT",
			      "Denies, whatever other lines allow. Without a verb: every verb that "
			      "such an object has. Also deny WORD, of the words of allow.",
			      POLICY_TAKES_DENIED, 0, -1 },
};

const struct policy_named policy_verbs[MF_POL_VERB_MAX] = {
	[MF_POL_READ] = { "read", "read a file, list a directory" },
	[MF_POL_WRITE] = { "write", "create, change, delete" },
	[MF_POL_EXEC] = { "exec", "execute, or map as code" },
	[MF_POL_CONNECT] = { "connect", "connect or send to an address or unix socket" },
	[MF_POL_LISTEN] = { "listen", "bind to an address or unix socket" },
};

const struct policy_named policy_escapes[MF_POL_ESCAPE_MAX] = {
	[MF_POL_MOUNT] = { "mount", "mount, unmount, move mounts, change the root" },
	[MF_POL_NAMESPACES] = { "namespaces", "make or enter namespaces" },
	[MF_POL_CHROOT] = { "chroot", "chroot" },
	[MF_POL_PTRACE] = { "ptrace", "trace or read processes outside the session" },
	[MF_POL_SIGNAL] = { "signal",
			    "signal processes outside the session; type into a terminal" },
	[MF_POL_BPF] = { "bpf", "the bpf system call" },
	[MF_POL_MODULES] = { "modules", "kernel modules, firmware, kexec" },
	[MF_POL_PERF] = { "perf", "performance events" },
	[MF_POL_KEYS] = { "keys", "kernel keyrings" },
	[MF_POL_IO_URING] = { "io_uring", "io_uring rings" },
	[MF_POL_CGROUP] = { "cgroup", "leave the session's cgroup" },
	[MF_POL_ANONYMOUS_EXEC] = { "anonymous-exec", "execute what has no name: memfds, deleted "
						      "files" },
	[MF_POL_RAW_SOCKETS] = { "raw-sockets",
				 "raw, packet and ICMP sockets; routes for packets" },
	[MF_POL_OTHER_SOCKETS] = { "other-sockets", "sockets that are neither TCP, UDP nor unix" },
	[MF_POL_USERFAULTFD] = { "userfaultfd", "handle page faults in user space" },
	[MF_POL_HANDLES] = { "handles",
			     "open files by handle, past their path; make device nodes" },
};

const struct policy_named policy_modes[3] = {
	[MF_POL_OBSERVE] = { "observe", "nothing is decided" },
	[MF_POL_AUDIT] = { "audit", "what would be refused is told, and passes" },
	[MF_POL_ENFORCE] = { "enforce", "what is not allowed is refused" },
};

const struct policy_named policy_verdicts[4] = {
	[MF_DENY] = { "deny", "refused" },
	[MF_WOULD_DENY] = { "would-deny", "passes, and would be refused in enforce mode" },
	[MF_OBSERVED] = { "observed", "passes, nothing was decided" },
	[MF_ALLOW] = { "allow", "a line allows it" },
};

const struct policy_named policy_variables[] = {
	{ "workspace", "the working tree that the server is started for" },
	{ "home", "the home directory of the server's user" },
	{ "arg.NAME", "the argument NAME of the call: a string, or each string of an array; "
		      "arg.A.B is member B of argument A. In the blocks of tools only" },
	{ NULL, NULL },
};

int policy_named_find(const struct policy_named *table, size_t count, const char *word, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(table[i].word) == size && memcmp(table[i].word, word, size) == 0)
			return (int)i;
	}
	return -1;
}

int policy_keyword_find(const char *word, size_t size)
{
	for (int i = 1; i < POLICY_KEY_MAX; i++) {
		const char *keyword = policy_keywords[i].word;

		if (strlen(keyword) == size && memcmp(keyword, word, size) == 0)
			return i;
	}
	return -1;
}
