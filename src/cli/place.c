/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/place.h"

#include <string.h>

int place_state_dir(const char *given, char **ret_dir)
{
	const char *base = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char *dir = NULL;
	int r;

	if (given)
		r = asprintf(&dir, "%s", given);
	else if (geteuid() == 0)
		r = asprintf(&dir, "%s", PLACE_STATE_DIR_ROOT);
	else if (base && base[0] == '/') /* relative ones are to be ignored, says the base directory
					  * specification */
		r = asprintf(&dir, "%s/mcpfloor", base);
	else if (home && home[0] == '/')
		r = asprintf(&dir, "%s/.local/state/mcpfloor", home);
	else
		return -ENOENT;
	if (r < 0)
		return -ENOMEM;
	*ret_dir = dir;
	return 0;
}
