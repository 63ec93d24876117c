/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Control packets against the request table, with the guard's sessions on a fake engine.
 *
 * An input is a row of packets: one byte of switches, one byte of length, the bytes. The switches
 * choose the descriptors that come along, whether the head is put right, whether an open names the
 * waiting child (else no input would ever open a session), and whether the client goes away.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "guard/control.h"
#include "guard/state.h"

/* They define what the engine's and the recorder's rooms would, so those are not linked in. */
#include "../unit/guard/fake_engine.c"
#include "../unit/guard/fake_recorder.c"

enum {
	SEND_FDS = 3, /* how many */
	GOOD_HEAD = 1 << 2,
	GOOD_CHILD = 1 << 3,
	LEAVE = 1 << 4,
	TURN = 1 << 5,
	OTHER_FD = 1 << 6,
};

static struct guard guard;
static char state_dir[] = "/tmp/fuzz-control-XXXXXX";
static pid_t child;
static int child_fd = -1, null_fd = -1;

static void start_child(void)
{
	if (child_fd >= 0 && pidfd_alive(child_fd))
		return;
	if (child_fd >= 0)
		waitpid(child, NULL, 0);
	close_fd(child_fd);
	child = fork();
	if (child == 0) {
		close_range(3, ~0U, 0);
		for (;;)
			pause();
	}
	child_fd = pidfd_of(child);
}

static void clean_up(void)
{
	char command[128];

	kill(child, SIGKILL);
	snprintf(command, sizeof(command), "rm -rf %s", state_dir);
	if (system(command))
		return;
}

static void set_up(void)
{
	struct guard_options options = { .state_dir = state_dir };

	if (null_fd >= 0)
		return;
	if (!mkdtemp(state_dir) || guard_prepare(&guard, &options, false))
		abort();
	guard.sweep_at_ns = 0;
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	atexit(clean_up);
}

static int new_client(struct connection **ret_connection)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) ||
	    control_adopt(&guard, pair[1], CONN_FRESH, ret_connection))
		abort();
	return pair[0];
}

static void read_all(int client)
{
	static unsigned char bytes[8192];
	struct ipc_fds fds = IPC_FDS_NONE;

	while (ipc_recv(client, bytes, sizeof(bytes), &fds) > 0)
		ipc_fds_close(&fds);
}

static struct ipc_fds fds_for(uint8_t switches)
{
	struct ipc_fds fds = IPC_FDS_NONE;

	for (fds.count = 0; fds.count < (switches & SEND_FDS); fds.count++)
		fds.fd[fds.count] = switches & OTHER_FD ? null_fd : child_fd;
	return fds;
}

static void repair(uint8_t switches, unsigned char *packet, size_t size)
{
	struct mf_control head = { .version = MF_ABI_VERSION };
	struct mf_c_open *open_packet = (void *)packet;

	if (switches & GOOD_HEAD && size >= sizeof(head)) {
		memcpy(&head.kind, packet + offsetof(struct mf_control, kind), sizeof(head.kind));
		head.kind %= MF_C_JOURNAL + 1;
		memcpy(packet, &head, sizeof(head));
	}
	if (switches & GOOD_CHILD && size == sizeof(*open_packet)) {
		start_child();
		open_packet->child_pid = (uint32_t)child;
		open_packet->name[MF_NAME_LEN - 1] = '\0';
		open_packet->tenant[MF_NAME_LEN - 1] = '\0';
		open_packet->flags &= MF_OPEN_MNTNS | MF_OPEN_DIGEST_ONLY;
	}
}

/* Every session comes to its end, or the target hangs and is caught at it. */
static void settle(void)
{
	while (guard.connections)
		control_close(guard.connections);
	while (guard.sessions)
		guard_turn(&guard, clock_mono_ns() + NS_PER_MS);
	if (guard.session_count || guard.connection_count || guard.stats_waiting ||
	    guard.sessions_ending)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_Alignas(8) unsigned char packet[256];
	struct connection *connection = NULL;
	size_t at = 0;
	int client;

	set_up();
	start_child();
	client = new_client(&connection);
	while (at + 2 <= size) {
		uint8_t switches = data[at];
		size_t length = data[at + 1] < size - at - 2 ? data[at + 1] : size - at - 2;
		struct ipc_fds fds = fds_for(switches);

		memcpy(packet, data + at + 2, length);
		at += 2 + length;
		repair(switches, packet, length);
		/* through the socket: what the guard reads is what the kernel delivers */
		if (length && ipc_send(client, packet, length, &fds) == 0)
			guard_turn(&guard, clock_mono_ns());
		if (switches & TURN)
			guard_turn(&guard, clock_mono_ns());
		read_all(client);
		if (!guard.connections || switches & LEAVE) {
			close(client);
			client = new_client(&connection);
		}
	}
	close(client);
	settle();
	return 0;
}
