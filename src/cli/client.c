/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/engines.h"
#include "policy/words.h"

#define LINE_MAX_BYTES (64U << 20)
#define READ_BYTES 65536
#define TICK_MS 100
#define QUIET_NS (500 * NS_PER_MS) /* shorter waits are not worth a word */
#define OPTIONS_MAX 32 /* words of all options */

extern char **environ;

struct command_line {
	const char **words;
	size_t count;
	char grace[16];
};

static void free_command_line(struct command_line *line)
{
	free(line->words);
}

static void add_option(struct command_line *line, const char *name, const char *value)
{
	if (!value)
		return;
	line->words[line->count++] = name;
	line->words[line->count++] = value;
}

static int make_command_line(const struct cli_args *args, struct command_line *line)
{
	line->words = calloc(OPTIONS_MAX + (size_t)args->operand_count + 1, sizeof(char *));
	if (!line->words)
		return -ENOMEM;
	line->words[line->count++] = "mcpfloor";
	line->words[line->count++] = "run";
	add_option(line, "--name", args->name);
	add_option(line, "--tenant", args->tenant);
	add_option(line, "--state", args->state_dir);
	add_option(line, "--run-dir", args->run_dir);
	if (args->grace_ms) {
		snprintf(line->grace, sizeof(line->grace), "%u", args->grace_ms);
		add_option(line, "--grace", line->grace);
	}
	if (args->engine)
		add_option(line, "--engine", engine_word(args->engine));
	add_option(line, "--policy", args->policy);
	if (args->floor_partial)
		add_option(line, "--engine-floor", "partial");
	if (args->mode_given)
		add_option(line, "--mode", policy_modes[args->mode].word);
	add_option(line, "--workspace", args->workspace);
	add_option(line, "--home", args->home);
	if (args->no_resolve)
		line->words[line->count++] = "--no-resolve";
	if (args->digest_only)
		line->words[line->count++] = "--digest-only";
	line->words[line->count++] = "--";
	for (int i = 0; i < args->operand_count; i++)
		line->words[line->count++] = args->operands[i];
	return 0;
}

static int spawn(const struct command_line *line, int stdin_fd, int stdout_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int r;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE); /* ignored by us, not by it */
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	posix_spawn_file_actions_adddup2(&actions, stdin_fd, 0);
	posix_spawn_file_actions_adddup2(&actions, stdout_fd, 1);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, (char **)line->words,
			environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int client_start(const struct cli_args *args, struct client *ret_client)
{
	_cleanup_(free_command_line) struct command_line line = { 0 };
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	pid_t pid = 0;
	int r = make_command_line(args, &line);

	if (r < 0)
		return r;
	if (pipe2(to, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(from, O_CLOEXEC) < 0)
		r = -errno;
	if (r >= 0 && fcntl(to[1], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r >= 0)
		r = spawn(&line, to[0], from[1], &pid);
	close_fd(to[0]);
	close_fd(from[1]);
	if (r < 0) {
		close_fd(to[1]);
		close_fd(from[0]);
		return r;
	}
	*ret_client = (struct client){
		.pid = pid,
		.in = to[1],
		.out = from[0],
		.received = { .limit = LINE_MAX_BYTES },
		.deadline_ns = UINT64_MAX,
	};
	return 0;
}

void client_doing(struct client *client, const char *what)
{
	client->doing = what;
	client->doing_since_ns = clock_mono_ns();
}

void client_tick(struct client *client)
{
	static const char turning[] = "|/-\\";
	uint64_t waited = clock_mono_ns() - client->doing_since_ns;

	if (!client->doing || waited < QUIET_NS || !isatty(STDERR_FILENO))
		return;
	client->told = true;
	fprintf(stderr, "\r%c %s, %u s \r", turning[waited / (TICK_MS * NS_PER_MS) % 4],
		client->doing, (unsigned)(waited / NS_PER_S));
}

void client_quiet(struct client *client)
{
	if (client->told)
		fputs("\r\033[K", stderr);
	client->told = false;
	client->doing = NULL;
}

/* Takes in what is there. 1, 0 at the end, -errno. */
static int take_in(struct client *client)
{
	uint8_t *room;
	ssize_t size;
	int r = buf_reserve(&client->received, READ_BYTES, &room);

	if (r < 0)
		return r;
	do
		size = read(client->out, room, READ_BYTES);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	buf_commit(&client->received, (size_t)size);
	return size > 0;
}

/* Waits for one of both, at most until the deadline. *ret_events: what is ready, per descriptor. */
static int wait_for(struct client *client, short in_events, short *ret_in, short *ret_out)
{
	for (;;) {
		struct pollfd fds[] = { { client->in, in_events, 0 }, { client->out, POLLIN, 0 } };
		int r;

		if (!in_events)
			fds[0].fd = -1;
		if (clock_mono_ns() >= client->deadline_ns)
			return -ETIMEDOUT;
		r = poll(fds, 2, TICK_MS);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0) {
			*ret_in = fds[0].revents;
			*ret_out = fds[1].revents;
			return 0;
		}
		client_tick(client);
	}
}

int client_send(struct client *client, const struct buf *lines)
{
	const uint8_t *bytes = buf_bytes(lines);
	size_t left = buf_size(lines);

	while (left) {
		short in = 0, out = 0;
		int r = wait_for(client, POLLOUT, &in, &out);

		if (r < 0)
			return r;
		if (out) {
			r = take_in(client);
			if (r < 0)
				return r;
			if (r == 0)
				return -EPIPE;
		}
		if (in) {
			ssize_t size = write(client->in, bytes, left);

			if (size < 0 && errno != EAGAIN && errno != EINTR)
				return -errno;
			if (size > 0) {
				bytes += size;
				left -= (size_t)size;
			}
		}
	}
	return 0;
}

int client_receive(struct client *client, char **ret_line, size_t *ret_size)
{
	size_t searched = 0;

	for (;;) {
		const uint8_t *bytes = buf_bytes(&client->received);
		size_t size = buf_size(&client->received);
		const uint8_t *end = memchr(bytes + searched, '\n', size - searched);
		short in = 0, out = 0;
		int r;

		if (end) {
			size_t length = (size_t)(end - bytes);
			char *line = malloc(length + 1);

			if (!line)
				return -ENOMEM;
			memcpy(line, bytes, length);
			line[length] = '\0';
			buf_consume(&client->received, length + 1);
			*ret_line = line;
			*ret_size = length;
			return 1;
		}
		searched = size;
		r = wait_for(client, 0, &in, &out);
		if (r < 0)
			return r;
		r = take_in(client);
		if (r <= 0)
			return r;
	}
}

/* Whether it ended within `ms`. What it still writes is taken and thrown away, so that it is not
 * kept from ending. */
static bool ended_within(struct client *client, unsigned ms, int *ret_status)
{
	_cleanup_fd_ int pidfd = pidfd_open(client->pid, 0);
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS;
	char waste[4096];

	for (;;) {
		struct pollfd fds[] = { { pidfd, POLLIN, 0 }, { client->out, POLLIN, 0 } };

		if (waitpid(client->pid, ret_status, WNOHANG) == client->pid)
			return true;
		if (clock_mono_ns() >= until)
			return false;
		poll(fds, 2, TICK_MS);
		if (fds[1].revents && read(client->out, waste, sizeof(waste)) <= 0)
			client->out = close_fd(client->out);
		client_tick(client);
	}
}

int client_end(struct client *client, int *ret_status)
{
	/* mcpfloor run has bounds of its own for every step; these are for the worst only */
	static const struct {
		int signo;
		unsigned ms;
	} steps[] = { { 0, 30000 }, { SIGTERM, 15000 }, { SIGKILL, 5000 } };
	int status = 0;

	client->in = close_fd(client->in);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i].signo)
			kill(client->pid, steps[i].signo);
		if (ended_within(client, steps[i].ms, &status)) {
			client->pid = 0;
			*ret_status = status;
			return 0;
		}
	}
	return -ETIMEDOUT;
}

void client_stop(struct client *client)
{
	int status;

	client_quiet(client);
	if (client->pid)
		client_end(client, &status);
	client->in = close_fd(client->in);
	client->out = close_fd(client->out);
	buf_free(&client->received);
}
