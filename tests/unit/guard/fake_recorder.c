/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recorder that writes what it hears, a line each, into the file `heard` of the log directory. How
 * it behaves is told by $FAKE_RECORDER: "die" at each session, "deaf" reads nothing, "rude" sends
 * what no recorder sends, "failing" says that the log cannot be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/recorder.h"
#include "base/cleanup.h"
#include "base/ipc.h"
#include "recorder/recorder.h"

static const char *behaviour(void)
{
	const char *text = getenv("FAKE_RECORDER");

	return text ? text : "";
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 3; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void on_session(const struct recorder_options *options, const struct mf_r_session *said,
		       int fds, FILE *heard)
{
	struct mf_r_token token = { .head = { MF_ABI_VERSION, MF_R_BARRIER }, .token = 77 };

	fprintf(heard, "session %016llx slot=%u resumed=%u uid=%u fds=%d\n",
		(unsigned long long)said->session, said->slot, said->flags & MF_RS_RESUMED,
		said->uid, fds);
	fflush(heard);
	if (strcmp(behaviour(), "die") == 0)
		_exit(9);
	ipc_send(options->guard_fd, &token, sizeof(token), NULL);
	token = (struct mf_r_token){ .head = { MF_ABI_VERSION, MF_R_STATE }, .token = ENOSPC };
	if (strcmp(behaviour(), "failing") == 0)
		ipc_send(options->guard_fd, &token, sizeof(token), NULL);
	if (strcmp(behaviour(), "rude") == 0)
		ipc_send(options->guard_fd, &token, 9, NULL);
}

static void on_stats(const struct recorder_options *options, uint64_t token)
{
	struct mf_r_stats stats = { .head = { MF_ABI_VERSION, MF_R_STATS }, .token = token };

	stats.stats.rec_records = 7;
	stats.stats.sessions_opened = 999; /* not its to say */
	ipc_send(options->guard_fd, &stats, sizeof(stats), NULL);
}

void recorder_identity(uid_t *ret_uid, gid_t *ret_gid)
{
	*ret_uid = geteuid();
	*ret_gid = getegid();
}

int recorder_main(const struct recorder_options *options)
{
	union {
		struct mf_recorder_head head;
		struct mf_r_session session;
		struct mf_r_gone gone;
		struct mf_r_token token;
	} packet;
	int fd = openat(options->state_dir_fd, "heard", O_WRONLY | O_CREAT | O_APPEND, 0600);
	_cleanup_file_ FILE *heard = fdopen(fd, "a");

	/* guard, log, ring, counters, a listening socket perhaps, and the file just opened */
	fprintf(heard, "start fds=%d ring=%u\n", open_fds() - 1 - (options->query_fd >= 0),
		options->ring_bytes);
	for (;;) {
		_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;

		fflush(heard);
		if (strcmp(behaviour(), "deaf") == 0)
			pause();
		if (ipc_recv(options->guard_fd, &packet, sizeof(packet), &fds) <= 0)
			return 0;
		switch (packet.head.kind) {
		case MF_R_SESSION:
			on_session(options, &packet.session, (int)fds.count, heard);
			break;
		case MF_R_GONE:
			fprintf(heard,
				"gone %016llx relay_died=%u killed=%u survived=%u first=%s\n",
				(unsigned long long)packet.gone.session, packet.gone.relay_died,
				packet.gone.killed, packet.gone.survived,
				packet.gone.leftovers[0].comm);
			break;
		case MF_R_BARRIER:
			fprintf(heard, "barrier %llu\n", (unsigned long long)packet.token.token);
			break;
		case MF_R_STATS:
			on_stats(options, packet.token.token);
			break;
		case MF_R_QUIT:
			fprintf(heard, "quit\n");
			return 0;
		default:
			fprintf(heard, "kind %u\n", packet.head.kind);
		}
	}
}
