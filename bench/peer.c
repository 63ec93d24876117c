/* SPDX-License-Identifier: BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "peer.h"

static const char initialize_line[] =
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}"
	"\n";

void peer_start(struct peer *peer, char *const argv[])
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		err(1, "pipe");
	peer->filled = 0;
	peer->started_ns = clock_mono_ns();
	peer->pid = fork();
	if (peer->pid < 0)
		err(1, "fork");
	if (!peer->pid) {
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(127);
		execvp(argv[0], argv);
		warn("%s", argv[0]);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	peer->to = in[1];
	peer->from = out[0];
}

void peer_stop(struct peer *peer)
{
	int status;

	close(peer->to);
	if (waitpid(peer->pid, &status, 0) < 0)
		err(1, "waitpid");
	close(peer->from);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "the server ended with wait status 0x%x", (unsigned)status);
}

void peer_send(struct peer *peer, const char *bytes, size_t size)
{
	while (size) {
		ssize_t done = write(peer->to, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			err(1, "write to the server");
		bytes += done;
		size -= (size_t)done;
	}
}

size_t peer_take_replies(struct peer *peer)
{
	size_t lines = 0;

	while (!lines) {
		ssize_t got = read(peer->from, peer->buffer + peer->filled,
				   sizeof(peer->buffer) - peer->filled);
		char *at = peer->buffer, *newline;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			errx(1, "the server closed its output");
		peer->filled += (size_t)got;
		while ((newline = memchr(at, '\n', peer->filled - (size_t)(at - peer->buffer)))) {
			at = newline + 1;
			lines++;
		}
		peer->filled -= (size_t)(at - peer->buffer);
		memmove(peer->buffer, at, peer->filled);
	}
	return lines;
}

void peer_initialize(struct peer *peer)
{
	peer_send(peer, initialize_line, sizeof(initialize_line) - 1);
	if (peer_take_replies(peer) != 1)
		errx(1, "initialize: not one reply");
}

size_t peer_echo_line(char *line, size_t size, uint64_t id)
{
	return (size_t)snprintf(
		line, size,
		"{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"tools/call\","
		"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"hello\"}}}\n",
		(unsigned long long)id);
}

void peer_start_echo(struct peer *peer, const struct bench_place *place, enum bench_way way)
{
	const char *argv[16] = { 0 };
	size_t count = 0;
	char cpu[16];

	if (way != DIRECT) {
		argv[count++] = place->mcpfloor;
		argv[count++] = "run";
		argv[count++] = "--name=bench";
		argv[count++] = "--state";
		argv[count++] = place->state_dir;
		argv[count++] = "--run-dir";
		argv[count++] = way == DAEMON ? place->run_dir : place->no_run_dir;
		argv[count++] = "--";
	}
	if (place->server_cpu >= 0) {
		snprintf(cpu, sizeof(cpu), "%d", place->server_cpu);
		argv[count++] = "taskset";
		argv[count++] = "-c";
		argv[count++] = cpu;
	}
	argv[count++] = place->server;
	peer_start(peer, (char *const *)argv);
}

pid_t daemon_start(const struct bench_place *place)
{
	char path[4096];
	uint64_t end = clock_mono_ns() + 20 * NS_PER_S;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* also where the bench gives up */
		execl(place->mcpfloord, place->mcpfloord, "--state", place->state_dir, "--run-dir",
		      place->run_dir, (char *)NULL);
		warn("%s", place->mcpfloord);
		_exit(127);
	}
	snprintf(path, sizeof(path), "%s/control.sock", place->run_dir);
	for (;;) {
		int sock = ipc_connect(path, SOCK_SEQPACKET);

		if (sock >= 0) {
			close(sock);
			return pid;
		}
		if (clock_mono_ns() > end || waitpid(pid, NULL, WNOHANG) == pid)
			errx(1, "mcpfloord does not listen on %s", path);
		usleep(10000);
	}
}

void daemon_stop(pid_t pid)
{
	if (kill(pid, SIGTERM) < 0 || waitpid(pid, NULL, 0) < 0)
		err(1, "end of mcpfloord");
}
