/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * An MCP server that does what its caller says: every tool takes {"do": "STEP ; STEP ; …"}.
 * What it did, when and in which task it writes into the file named by PUPPET_LOG, so that a test
 * can hold the audit records against the truth:
 *
 *	BEGIN t id | REPLY t id | OP t0 t1 pid tid verb object | FORK t0 t1 parent child
 *
 * Steps: touch P, open P, unlink P, rename A B, connect IP PORT, send IP PORT, sleep MS,
 * exec ARG…, vexec ARG…, stderr BYTES, raise SIGNO, exit STATUS, kill PID SIGNO, hold MS (the
 * reply waits, the server does not), reply (now, not at the end), forks N,
 * renames N PATH, opens N PATH, pin CPU STEP, dial IP PORT (a connection that stays), talk (on it),
 * listen IP PORT, listen (without having bound).
 * In front of a step: pool (a thread, made when first needed), child (fork), daemon (double fork,
 * setsid), helper (a process that the first such step starts and later ones feed by a pipe),
 * later MS (after the reply).
 *
 * Options: --ignore-eof, --ignore-term, --run-notifications (do what a call without an id says).
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS 1024
#define STEP_BYTES 8192
#define POOL_THREADS 4
#define ARGS_MAX 64

struct request {
	bool used;
	bool replied;
	bool silent; /* nobody waits for an answer */
	int pending; /* steps that others still do */
	uint64_t reply_at_ns;
	char id[128];
};

struct timer {
	uint64_t due_ns;
	char *step;
	struct timer *next;
};

struct job {
	int request;
	char *step;
	struct job *next;
};

static struct request requests[REQUESTS];
static struct timer *timers;
static struct job *jobs;
static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs_there = PTHREAD_COND_INITIALIZER;
static bool pool_started;
static int ack[2];
static int helper_fd = -1;
static int log_fd = -1;
static bool ignore_eof, run_notifications;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(90);
		bytes += n;
		size -= (size_t)n;
	}
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[STEP_BYTES + 256];
	va_list args;
	int size;

	if (log_fd < 0)
		return;
	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (size > 0 && (size_t)size < sizeof(line))
		write_all(log_fd, line, (size_t)size);
}

static void say_fork(uint64_t before, pid_t child)
{
	say("FORK %llu %llu %d %d\n", (unsigned long long)before, (unsigned long long)now_ns(),
	    getpid(), child);
}

static int split(char *text, char **words)
{
	char *save = NULL;
	int count = 0;

	for (char *word = strtok_r(text, " ", &save); word && count < ARGS_MAX - 1;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

static void to_address(const char *ip, const char *port, bool datagram)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, ip, &to.sin_addr) != 1)
		_exit(91);
	if (datagram)
		(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	else
		(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static void make_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
}

static int dialled = -1;

static void begin_listening(const char *ip, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (ip) {
		at.sin_port = htons((uint16_t)atoi(port));
		if (inet_pton(AF_INET, ip, &at.sin_addr) != 1 ||
		    bind(fd, (struct sockaddr *)&at, sizeof(at)))
			fprintf(stderr, "bind: %m\n");
	}
	if (listen(fd, 1))
		fprintf(stderr, "listen: %m\n");
	close(fd);
}

static void dial(const char *ip, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	dialled = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (dialled < 0 || inet_pton(AF_INET, ip, &to.sin_addr) != 1 ||
	    connect(dialled, (struct sockaddr *)&to, sizeof(to)))
		_exit(91);
}

static void start_program(char **argv, bool sharing)
{
	uint64_t before = now_ns();
	pid_t child = sharing ? vfork() : fork();

	if (child == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	say_fork(before, child);
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void to_stderr(long bytes)
{
	static const char block[4096] = { [0 ... 4094] = 'e', [4095] = '\n' };

	for (; bytes > 0; bytes -= (long)sizeof(block))
		write_all(2, block, bytes < (long)sizeof(block) ? (size_t)bytes : sizeof(block));
}

static void many_forks(long count)
{
	for (long i = 0; i < count; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
	}
}

/* PATH.0 is there; it is not opened, so that no permission is asked. Equal changes would be merged
 * by the kernel: each has a name of its own. */
static void many_renames(long count, const char *path)
{
	char from[STEP_BYTES], to[STEP_BYTES];

	for (long i = 0; i < count; i++) {
		snprintf(from, sizeof(from), "%s.%ld", path, i);
		snprintf(to, sizeof(to), "%s.%ld", path, i + 1);
		rename(from, to);
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* One thing, in whichever task calls. */
static void act(const char *step)
{
	char text[STEP_BYTES], *w[ARGS_MAX];
	uint64_t before;
	int count;

	if (!strncmp(step, "pin ", 4)) {
		char *rest;

		pin((int)strtol(step + 4, &rest, 10));
		step = rest + strspn(rest, " ");
	}
	before = now_ns();
	snprintf(text, sizeof(text), "%s", step);
	count = split(text, w);
	if (count == 0)
		return;
	if (!strcmp(w[0], "touch") && count == 2)
		make_open(w[1], O_WRONLY | O_CREAT);
	else if (!strcmp(w[0], "open") && count == 2)
		make_open(w[1], O_RDONLY);
	else if (!strcmp(w[0], "unlink") && count == 2)
		unlink(w[1]);
	else if (!strcmp(w[0], "rename") && count == 3)
		rename(w[1], w[2]);
	else if (!strcmp(w[0], "connect") && count == 3)
		to_address(w[1], w[2], false);
	else if (!strcmp(w[0], "send") && count == 3)
		to_address(w[1], w[2], true);
	else if (!strcmp(w[0], "listen") && (count == 3 || count == 1))
		begin_listening(count == 3 ? w[1] : NULL, w[2]);
	else if (!strcmp(w[0], "dial") && count == 3)
		dial(w[1], w[2]);
	else if (!strcmp(w[0], "talk") && count == 1)
		(void)!write(dialled, "x", 1);
	else if (!strcmp(w[0], "sleep") && count == 2)
		sleep_ms(atol(w[1]));
	else if (!strcmp(w[0], "exec") && count >= 2)
		start_program(w + 1, false);
	else if (!strcmp(w[0], "vexec") && count >= 2)
		start_program(w + 1, true);
	else if (!strcmp(w[0], "stderr") && count == 2)
		to_stderr(atol(w[1]));
	else if (!strcmp(w[0], "forks") && count == 2)
		many_forks(atol(w[1]));
	else if (!strcmp(w[0], "renames") && count == 3)
		many_renames(atol(w[1]), w[2]);
	else if (!strcmp(w[0], "opens") && count == 3)
		for (long i = atol(w[1]); i > 0; i--)
			make_open(w[2], O_RDONLY);
	else if (!strcmp(w[0], "raise") && count == 2)
		raise(atoi(w[1]));
	else if (!strcmp(w[0], "kill") && count == 3)
		kill(atoi(w[1]), atoi(w[2]));
	else if (!strcmp(w[0], "exit") && count == 2)
		_exit(atoi(w[1]));
	else
		dprintf(2, "puppet: no such step: %s\n", step);
	say("OP %llu %llu %d %d %s\n", (unsigned long long)before, (unsigned long long)now_ns(),
	    getpid(), (int)syscall(SYS_gettid), step);
}

/* In a process of its own there is no loop: `later` is a sleep. */
static void act_alone(const char *step)
{
	while (!strncmp(step, "later ", 6)) {
		char *rest;

		sleep_ms(strtol(step + 6, &rest, 10));
		step = rest + strspn(rest, " ");
	}
	act(step);
}

static void report_done(int request)
{
	write_all(ack[1], (const char *)&request, sizeof(request));
}

static void *pool_thread(void *data)
{
	for (;;) {
		struct job *job;

		pthread_mutex_lock(&jobs_lock);
		while (!jobs)
			pthread_cond_wait(&jobs_there, &jobs_lock);
		job = jobs;
		jobs = job->next;
		pthread_mutex_unlock(&jobs_lock);
		act_alone(job->step);
		report_done(job->request);
		free(job->step);
		free(job);
	}
	return data;
}

static void in_pool(int request, const char *step)
{
	struct job *job = calloc(1, sizeof(*job));
	pthread_t thread;

	for (int i = 0; !pool_started && i < POOL_THREADS; i++)
		if (pthread_create(&thread, NULL, pool_thread, NULL))
			_exit(92);
	pool_started = true;
	job->request = request;
	job->step = strdup(step);
	requests[request].pending++;
	pthread_mutex_lock(&jobs_lock);
	for (struct job **at = &jobs;; at = &(*at)->next)
		if (!*at) {
			*at = job;
			break;
		}
	pthread_cond_signal(&jobs_there);
	pthread_mutex_unlock(&jobs_lock);
}

static void in_child(const char *step)
{
	uint64_t before = now_ns();
	pid_t child = fork();

	if (child == 0) {
		act_alone(step);
		_exit(0);
	}
	say_fork(before, child);
	if (child > 0 && strncmp(step, "later ", 6))
		waitpid(child, NULL, 0);
}

static void in_daemon(const char *step)
{
	uint64_t before = now_ns();
	int done[2];
	pid_t child;
	char byte;

	if (pipe2(done, O_CLOEXEC))
		_exit(93);
	child = fork();
	if (child == 0) {
		uint64_t again = now_ns();
		pid_t grandchild;

		setsid();
		grandchild = fork();
		if (grandchild == 0) {
			if (!strncmp(step, "later ", 6)) {
				close(done[0]);
				close(done[1]);
			}
			act_alone(step);
			_exit(0);
		}
		say_fork(again, grandchild);
		_exit(0);
	}
	say_fork(before, child);
	close(done[1]);
	while (read(done[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	close(done[0]);
	waitpid(child, NULL, 0);
}

static void helper_main(int fd)
{
	char line[STEP_BYTES];
	FILE *commands = fdopen(fd, "r");

	while (commands && fgets(line, sizeof(line), commands)) {
		char *step;
		int request = (int)strtol(line, &step, 10);

		line[strcspn(line, "\n")] = '\0';
		act_alone(step + strspn(step, " "));
		report_done(request);
	}
	_exit(0);
}

static void in_helper(int request, const char *step)
{
	if (helper_fd < 0) {
		uint64_t before = now_ns();
		pid_t child;
		int feed[2];

		if (pipe2(feed, O_CLOEXEC))
			_exit(94);
		child = fork();
		if (child == 0) {
			close(feed[1]);
			helper_main(feed[0]);
		}
		say_fork(before, child);
		close(feed[0]);
		helper_fd = feed[1];
	}
	requests[request].pending++;
	dprintf(helper_fd, "%d %s\n", request, step);
}

static void add_timer(long ms, const char *step)
{
	struct timer *timer = calloc(1, sizeof(*timer));

	timer->due_ns = now_ns() + (uint64_t)ms * 1000000;
	timer->step = strdup(step);
	timer->next = timers;
	timers = timer;
}

static void reply(int request)
{
	struct request *r = &requests[request];
	char line[512];
	int size;

	r->replied = true;
	if (r->silent)
		return;
	size = snprintf(
		line, sizeof(line),
		"{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\","
		"\"text\":\"completed successfully\"}]}}\n",
		r->id);
	say("REPLY %llu %s\n", (unsigned long long)now_ns(), r->id);
	write_all(1, line, (size_t)size);
}

static void run(int request, const char *step)
{
	char *rest;

	step += strspn(step, " ");
	if (!strncmp(step, "pool ", 5)) {
		in_pool(request, step + 5);
	} else if (!strncmp(step, "child ", 6)) {
		in_child(step + 6);
	} else if (!strncmp(step, "daemon ", 7)) {
		in_daemon(step + 7);
	} else if (!strncmp(step, "helper ", 7)) {
		in_helper(request, step + 7);
	} else if (!strncmp(step, "later ", 6)) {
		long ms = strtol(step + 6, &rest, 10);

		add_timer(ms, rest + strspn(rest, " "));
	} else if (!strncmp(step, "hold ", 5)) {
		requests[request].reply_at_ns = now_ns() + (uint64_t)atol(step + 5) * 1000000;
	} else if (!strncmp(step, "reply", 5)) {
		reply(request);
	} else {
		act(step);
	}
}

/* The value of a key as it stands in the line: this server trusts its tests. */
static bool raw_value(const char *line, const char *key, char *out, size_t size)
{
	const char *at = strstr(line, key);
	size_t n = 0;

	if (!at)
		return false;
	at += strlen(key);
	if (*at == '"') {
		do
			n++;
		while (at[n] && (at[n] != '"' || at[n - 1] == '\\'));
		n++;
	} else {
		n = strcspn(at, ",}\n");
	}
	if (n >= size)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

static int new_request(const char *id)
{
	for (int i = 0; i < REQUESTS; i++) {
		if (requests[i].used)
			continue;
		memset(&requests[i], 0, sizeof(requests[i]));
		requests[i].used = true;
		requests[i].silent = !id;
		snprintf(requests[i].id, sizeof(requests[i].id), "%s", id ? id : "null");
		return i;
	}
	_exit(95);
}

static void call(const char *line, const char *id)
{
	char script[STEP_BYTES] = "";
	int request = new_request(id);
	char *step, *next;

	say("BEGIN %llu %s\n", (unsigned long long)now_ns(), requests[request].id);
	if (raw_value(line, "\"do\":", script, sizeof(script)))
		script[strlen(script) - 1] = '\0';
	for (step = *script ? script + 1 : script; *step; step = next) {
		next = strstr(step, " ; ");
		if (next) {
			*next = '\0';
			next += 3;
		} else {
			next = step + strlen(step);
		}
		run(request, step);
	}
}

static void answer(const char *id, const char *result)
{
	char line[2048];
	int size = snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n",
			    id, result);

	write_all(1, line, (size_t)size);
}

static void handle(const char *line)
{
	char id[128];
	bool has_id = raw_value(line, "\"id\":", id, sizeof(id));

	if (strstr(line, "\"method\":\"tools/call\"")) {
		if (has_id && strcmp(id, "null"))
			call(line, id);
		else if (run_notifications)
			call(line, NULL);
	} else if (has_id && strstr(line, "\"method\":\"initialize\"")) {
		answer(id, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
			   "\"serverInfo\":{\"name\":\"puppet\",\"version\":\"1\"}}");
	} else if (has_id && strstr(line, "\"method\":\"tools/list\"")) {
		answer(id, "{\"tools\":[{\"name\":\"do\",\"description\":\"does it\","
			   "\"inputSchema\":{\"type\":\"object\"}}]}");
	} else if (has_id && strstr(line, "\"method\"")) {
		answer(id, "{}");
	}
}

static bool read_lines(void)
{
	static char *buffer;
	static size_t used, room;
	char *start, *end;
	ssize_t n;

	if (room - used < 65536) {
		room = room ? room * 2 : 1 << 17;
		buffer = realloc(buffer, room);
		if (!buffer)
			_exit(96);
	}
	n = read(0, buffer + used, room - used - 1);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	used += (size_t)n;
	for (start = buffer; (end = memchr(start, '\n', used - (size_t)(start - buffer)));
	     start = end + 1) {
		*end = '\0';
		handle(start);
	}
	used -= (size_t)(start - buffer);
	memmove(buffer, start, used);
	return true;
}

static void read_acks(void)
{
	int done[256];
	ssize_t n = read(ack[0], done, sizeof(done));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(int); i++)
		requests[done[i]].pending--;
}

static void run_timers(void)
{
	for (struct timer **at = &timers; *at;) {
		struct timer *timer = *at;

		if (timer->due_ns > now_ns()) {
			at = &timer->next;
			continue;
		}
		*at = timer->next;
		act(timer->step);
		free(timer->step);
		free(timer);
	}
}

/* Replies to what is done; returns the milliseconds until the next thing is due, -1: never. */
static int settle(void)
{
	uint64_t now = now_ns(), next = UINT64_MAX;

	for (int i = 0; i < REQUESTS; i++) {
		struct request *r = &requests[i];

		if (!r->used || r->pending)
			continue;
		if (!r->replied && r->reply_at_ns > now) {
			next = r->reply_at_ns < next ? r->reply_at_ns : next;
			continue;
		}
		if (!r->replied)
			reply(i);
		r->used = false;
	}
	for (struct timer *timer = timers; timer; timer = timer->next)
		next = timer->due_ns < next ? timer->due_ns : next;
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)((next - now) / 1000000 + 1);
}

int main(int argc, char **argv)
{
	const char *path = getenv("PUPPET_LOG");
	bool open_in = true;

	for (int i = 1; i < argc; i++) {
		ignore_eof |= !strcmp(argv[i], "--ignore-eof");
		run_notifications |= !strcmp(argv[i], "--run-notifications");
		if (!strcmp(argv[i], "--ignore-term"))
			signal(SIGTERM, SIG_IGN);
	}
	if (path)
		log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (pipe2(ack, O_CLOEXEC))
		return 97;
	say("START %d\n", getpid());
	for (;;) {
		struct pollfd fds[] = { { .fd = ack[0], .events = POLLIN },
					{ .fd = open_in ? 0 : -1, .events = POLLIN } };

		if (poll(fds, 2, settle()) < 0 && errno != EINTR)
			return 98;
		if (fds[0].revents)
			read_acks();
		run_timers();
		if (fds[1].revents && !read_lines()) {
			if (!ignore_eof)
				return 0;
			open_in = false;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}
