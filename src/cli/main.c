/* SPDX-License-Identifier: BSD-2-Clause */

#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"

/*
 * A descriptor 0, 1 or 2 that is closed would be given to the first file opened, and the protocol
 * or a message would be written into it. Closed ones are opened so that using them fails.
 */
static int hold_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (hold_standard_fds() < 0)
		return 125;
	return cli_dispatch(argc, argv);
}
