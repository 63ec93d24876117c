/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/interpreter.h"

#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const interpreters[] = {
	"sh",		"bash",	   "dash",	 "ash",	    "zsh",	 "ksh",	      "mksh",
	"fish",		"csh",	   "tcsh",	 "rbash",   "busybox",	 "toybox",    "python",
	"python[0-9]*", "pypy*",   "node",	 "nodejs",  "deno",	 "bun",	      "perl",
	"perl[0-9]*",	"ruby",	   "ruby[0-9]*", "irb",	    "php",	 "php[0-9]*", "lua",
	"lua[0-9]*",	"luajit*", "tclsh*",	 "wish*",   "expect",	 "awk",	      "gawk",
	"mawk",		"nawk",	   "env",	 "xargs",   "ld-linux*", "ld.so",     "ld-musl*",
	"gdb",		"R",	   "Rscript",	 "julia",   "ghc*",	 "guile*",    "java",
	"npx",		"npm",	   "uv",	 "uvx",	    "make",	 "ssh",	      "sudo",
	"su",		"doas",	   "nsenter",	 "unshare", "setpriv",
};

bool policy_is_interpreter(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_LEN(interpreters); i++) {
		if (fnmatch(interpreters[i], name, 0) == 0)
			return true;
	}
	return false;
}
