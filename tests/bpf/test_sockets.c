/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets that are neither a TCP connection nor a datagram to an address, each by its program. */
#include "scene.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un unix_path(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.100s", path);
	return addr;
}

/* "mf-abstract" behind the NUL, without one at its end */
static socklen_t unix_abstract(struct sockaddr_un *ret_addr)
{
	*ret_addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_addr->sun_path + 1, "mf-abstract", 11);
	return offsetof(struct sockaddr_un, sun_path) + 12;
}

/* To a socket of this type that is bound to a path, and to one with an abstract name */
static int reach_unix(struct notes *notes, int type)
{
	struct sockaddr_un at = unix_path(in_dir("sock")), abstract;
	socklen_t len = unix_abstract(&abstract);
	int by_path = socket(AF_UNIX, type, 0), by_name = socket(AF_UNIX, type, 0);
	int one = socket(AF_UNIX, type, 0), two = socket(AF_UNIX, type, 0);

	unlink(in_dir("sock"));
	if (bind(by_path, (struct sockaddr *)&at, sizeof(at)) ||
	    bind(by_name, (struct sockaddr *)&abstract, len))
		return 1;
	scene_act(notes);
	if (type == SOCK_DGRAM)
		return sendto(one, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)) != 1 ||
		       sendto(two, "x", 1, 0, (struct sockaddr *)&abstract, len) != 1;
	return listen(by_path, 1) || listen(by_name, 1) ||
	       connect(one, (struct sockaddr *)&at, sizeof(at)) ||
	       connect(two, (struct sockaddr *)&abstract, len);
}

static int body_unix_stream(struct notes *notes)
{
	return reach_unix(notes, SOCK_STREAM);
}

/* programs: unix_stream_connect */
static void e10_unix_stream_connect_tells_the_path_or_the_name(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_unix_stream);
	assert_int_equal(scene->status, 0);
	check_act(scene, (struct act_want){ .kind = MF_EV_UNIX_CONNECT,
					    .number = SOCK_STREAM,
					    .path = in_dir("sock") });
	check_act(scene, (struct act_want){ .kind = MF_EV_UNIX_CONNECT,
					    .nth = 1,
					    .number = SOCK_STREAM,
					    .name = "mf-abstract" });
	assert_int_equal(scene_count(scene, MF_EV_UNIX_CONNECT, 0), 2);
	assert_int_equal(scene_count(scene, MF_EV_SOCKET, 0), 0);
}

static int body_unix_datagram(struct notes *notes)
{
	return reach_unix(notes, SOCK_DGRAM);
}

/* programs: unix_may_send */
static void e10_unix_may_send_tells_the_path_or_the_name(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_unix_datagram);
	assert_int_equal(scene->status, 0);
	check_act(scene, (struct act_want){ .kind = MF_EV_UNIX_SEND,
					    .number = SOCK_DGRAM,
					    .path = in_dir("sock") });
	check_act(scene, (struct act_want){ .kind = MF_EV_UNIX_SEND,
					    .nth = 1,
					    .number = SOCK_DGRAM,
					    .name = "mf-abstract" });
	assert_int_equal(scene_count(scene, MF_EV_UNIX_SEND, 0), 2);
}

static int body_families(struct notes *notes)
{
	scene_act(notes);
	if (socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
		return 1;
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) < 0 ||
	       socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0;
}

/*
 * The socket is asked for: whether there is such a family is not looked at.
 * programs: socket_create
 */
static void e06_e09_socket_create_tells_family_type_and_protocol(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_families);
	assert_int_equal(scene->status, 0);
	check_act(scene, (struct act_want){ .kind = MF_EV_SOCKET,
					    .number = AF_NETLINK,
					    .value = (uint64_t)SOCK_RAW << 32 | NETLINK_ROUTE });
	check_act(scene, (struct act_want){ .kind = MF_EV_SOCKET,
					    .nth = 1,
					    .number = AF_INET,
					    .value = (uint64_t)SOCK_RAW << 32 | IPPROTO_ICMP });
	assert_int_equal(scene_count(scene, MF_EV_SOCKET, 0), 2);
}

static int accept_at(struct notes *notes, int fd, const struct sockaddr *at, socklen_t size)
{
	struct sockaddr_in6 bound;
	socklen_t len = sizeof(bound);

	if (bind(fd, at, size) || listen(fd, 1) || fcntl(fd, F_SETFL, O_NONBLOCK) ||
	    getsockname(fd, (struct sockaddr *)&bound, &len))
		return 80;
	notes->value[0] = ntohs(bound.sin6_port);
	scene_act(notes);
	return accept(fd, NULL, NULL) != -1; /* nobody comes */
}

static int body_accept4(struct notes *notes)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	inet_pton(AF_INET, "127.0.0.6", &at.sin_addr);
	return accept_at(notes, socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at,
			 sizeof(at));
}

static int body_accept6(struct notes *notes)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6 };

	inet_pton(AF_INET6, "::1", &at.sin6_addr);
	return accept_at(notes, socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&at,
			 sizeof(at));
}

static void check_accept(const struct scene *scene, const char *address, int family)
{
	struct mf_event *event = scene_event(scene, MF_EV_ACCEPT, 0, 0);
	struct mf_ev_net *net = body_of(event), *listen;
	uint8_t want[16] = {};

	inet_pton(family, address, want);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "actor");
	assert_int_equal(event->stamp, SCENE_STAMP);
	assert_int_equal(event->stamp_lo, SCENE_STAMP);
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, 0);
	assert_int_equal(event->size, sizeof(*event) + sizeof(*net));
	assert_memory_equal(net->addr, want, sizeof(want));
	assert_memory_equal(net->local, want, sizeof(want));
	assert_int_equal(net->port, scene->notes->value[0]);
	assert_int_equal(net->local_port, scene->notes->value[0]);
	assert_int_equal(net->family, family == AF_INET ? 4 : 6);
	assert_int_equal(net->type, SOCK_STREAM);
	assert_int_equal(net->proto, IPPROTO_TCP);
	assert_int_equal(net->pad, 0);
	assert_true(net->cookie);
	listen = body_of(scene_event(scene, MF_EV_LISTEN, 0, 0));
	assert_int_equal(net->cookie, listen->cookie);
	assert_int_equal(scene_count(scene, MF_EV_ACCEPT, 0), 1);
}

/* programs: socket_accept */
static void socket_accept_tells_the_own_address(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_accept4);
	assert_int_equal(scene->status, 0);
	check_accept(scene, "127.0.0.6", AF_INET);
}

static void socket_accept_tells_the_own_v6_address(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_accept6);
	if (scene->status == 80 << 8)
		skip_because("IPv6 on the loopback");
	assert_int_equal(scene->status, 0);
	check_accept(scene, "::1", AF_INET6);
}

static int send_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, text[1] = "x";
	struct iovec byte = { .iov_base = text, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &byte,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	return sendmsg(to, &msg, 0) != 1;
}

static int receive_fd(int from)
{
	char control[CMSG_SPACE(sizeof(int))], text[1];
	struct iovec byte = { .iov_base = text, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &byte,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	return recvmsg(from, &msg, 0) != 1;
}

static int body_receive(struct notes *notes)
{
	int fd = open(in_dir("passed"), O_RDWR | O_CREAT, 0600), pair[2];

	if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || send_fd(pair[0], fd))
		return 1;
	scene_act(notes);
	return receive_fd(pair[1]);
}

/* programs: file_receive */
static void e22_file_receive_tells_the_path(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_receive);
	assert_int_equal(scene->status, 0);
	check_act(scene, (struct act_want){ .kind = MF_EV_FILE_RECEIVE,
					    .nth = SCENE_RECEIVES,
					    .path = in_dir("passed") });
	assert_int_equal(scene_count(scene, MF_EV_FILE_RECEIVE, 0), SCENE_RECEIVES + 1);
}

/* Connected to a socket of its own at 127.0.0.7, and what is accepted there; port in note 0 */
static int connected_pair(struct notes *notes, int *ret_accepted)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int server = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);

	inet_pton(AF_INET, "127.0.0.7", &at.sin_addr);
	if (bind(server, (struct sockaddr *)&at, sizeof(at)) || listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&at, &len) ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return -1;
	notes->value[0] = ntohs(at.sin_port);
	*ret_accepted = accept(server, NULL, NULL);
	return fd;
}

static int body_keep_alive(struct notes *notes)
{
	int accepted, fd;

	scene_act(notes);
	fd = connected_pair(notes, &accepted);
	if (fd < 0 || accepted < 0 || write(fd, "1", 1) != 1)
		return 1;
	notes->page->stamp = MF_STAMP(4, 1); /* another request */
	if (write(fd, "2", 1) != 1 || send(fd, "3", 1, 0) != 1)
		return 1;
	notes->page->stamp = MF_STAMP(5, 0);
	return write(fd, "4", 1) != 1;
}

static void check_send_on(const struct scene *scene, size_t nth, uint64_t stamp, bool opened)
{
	struct mf_event *event = scene_event(scene, MF_EV_SEND_ON, 0, nth);
	struct mf_ev_send_on *send = body_of(event);
	uint8_t server[16] = { 127, 0, 0, 7 }, client[16] = { 127, 0, 0, 1 };

	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "actor");
	assert_int_equal(event->stamp, stamp);
	assert_int_equal(event->stamp_lo, stamp);
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, 0);
	assert_int_equal(event->size, sizeof(*event) + sizeof(*send));
	assert_memory_equal(send->net.addr, opened ? server : client, sizeof(server));
	assert_memory_equal(send->net.local, opened ? client : server, sizeof(server));
	assert_int_equal(send->net.family, 4);
	assert_int_equal(send->net.type, SOCK_STREAM);
	assert_int_equal(send->net.proto, IPPROTO_TCP);
	assert_int_equal(send->net.pad, 0);
	assert_true(send->net.cookie);
	if (opened)
		assert_int_equal(send->net.port, scene->notes->value[0]);
	else
		assert_int_equal(send->net.local_port, scene->notes->value[0]);
	assert_int_equal(send->opened_stamp, opened ? SCENE_STAMP : 0);
	assert_int_equal(send->opener_birth, 0);
	assert_int_equal(send->opener_pid, opened ? scene->pid : 0);
	assert_int_equal(send->opener_start_ns, opened ? event->start_ns : 0);
	assert_int_equal(send->pad, 0);
	if (opened)
		assert_true(send->opened_ns && send->opened_ns < event->t_ns);
	else
		assert_int_equal(send->opened_ns, 0);
}

/*
 * Once for each change of what is in flight, and not for the request that opened it
 * programs: socket_sendmsg
 */
static void e38_a_later_request_sends_on_the_connection_of_an_earlier_one(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_net *connect;
	struct mf_ev_send_on *send;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_keep_alive);
	assert_int_equal(scene->status, 0);
	check_send_on(scene, 0, MF_STAMP(4, 1), true);
	check_send_on(scene, 1, MF_STAMP(5, 0), true);
	assert_int_equal(scene_count(scene, MF_EV_SEND_ON, 0), 2);
	connect = body_of(scene_event(scene, MF_EV_CONNECT, 0, 0));
	send = body_of(scene_event(scene, MF_EV_SEND_ON, 0, 0));
	assert_int_equal(send->net.cookie, connect->cookie);
}

static int body_answer(struct notes *notes)
{
	int accepted, fd;

	scene_act(notes);
	fd = connected_pair(notes, &accepted);
	return fd < 0 || write(accepted, "1", 1) != 1 || write(accepted, "2", 1) != 1;
}

static void e38_what_is_sent_on_an_accepted_connection_has_no_opener(void **state)
{
	struct scene *scene = *state;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_answer);
	assert_int_equal(scene->status, 0);
	check_send_on(scene, 0, SCENE_STAMP, false);
	assert_int_equal(scene_count(scene, MF_EV_SEND_ON, 0), 1);
}

static int body_datagram_kept(struct notes *notes)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "127.0.0.7", &to.sin_addr);
	scene_act(notes);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, "1", 1, 0) != 1)
		return 1;
	notes->page->stamp = MF_STAMP(3, 1);
	send(fd, "2", 1, 0); /* the answer to the first may be that nobody is there */
	return 0;
}

static void e38_a_connected_datagram_socket_is_a_connection_too(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_send_on *send;
	struct mf_event *event;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_datagram_kept);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_SEND_ON, 0, 0);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "actor");
	assert_int_equal(event->stamp, MF_STAMP(3, 1));
	send = body_of(event);
	assert_int_equal(send->opened_stamp, SCENE_STAMP);
	assert_int_equal(send->opener_pid, scene->pid);
	assert_int_equal(send->net.type, SOCK_DGRAM);
	assert_int_equal(send->net.proto, IPPROTO_UDP);
	assert_int_equal(send->net.port, 9);
	assert_int_equal(scene_count(scene, MF_EV_SEND_ON, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e10_unix_stream_connect_tells_the_path_or_the_name),
		cmocka_unit_test(e10_unix_may_send_tells_the_path_or_the_name),
		cmocka_unit_test(e06_e09_socket_create_tells_family_type_and_protocol),
		cmocka_unit_test(socket_accept_tells_the_own_address),
		cmocka_unit_test(socket_accept_tells_the_own_v6_address),
		cmocka_unit_test(e22_file_receive_tells_the_path),
		cmocka_unit_test(e38_a_later_request_sends_on_the_connection_of_an_earlier_one),
		cmocka_unit_test(e38_what_is_sent_on_an_accepted_connection_has_no_opener),
		cmocka_unit_test(e38_a_connected_datagram_socket_is_a_connection_too),
	};

	return cmocka_run_group_tests(tests, scene_setup_dir, scene_teardown_dir);
}
