/* SPDX-License-Identifier: BSD-2-Clause */
/* Network: what is asked for at the cgroup, and what TCP really does. Loopback only. */
#include "scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in v4(const char *text, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &addr.sin_addr);
	return addr;
}

static struct sockaddr_in6 v6(const char *text, uint16_t port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	inet_pton(AF_INET6, text, &addr.sin6_addr);
	return addr;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 addr;
	socklen_t len = sizeof(addr);

	getsockname(fd, (struct sockaddr *)&addr, &len);
	return ntohs(addr.sin6_port);
}

/* A listening socket on 127.0.0.1 (or ::1); its port is note 0 */
static int listener(struct notes *notes, int family)
{
	struct sockaddr_in a4 = v4("127.0.0.1", 0);
	struct sockaddr_in6 a6 = v6("::1", 0);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET ? bind(fd, (struct sockaddr *)&a4, sizeof(a4))
			      : bind(fd, (struct sockaddr *)&a6, sizeof(a6)))
		_exit(80);
	if (listen(fd, 5))
		_exit(81);
	notes->value[0] = port_of(fd);
	return fd;
}

/* What kprobes are told by has no number for a socket that has none yet. */
static bool has_cookie(uint16_t kind)
{
	return scene_engine() != MF_ENGINE_KPROBE ||
	       (kind != MF_EV_CONNECT && kind != MF_EV_SEND && kind != MF_EV_BIND);
}

/* Every field but the own address */
static void check_net(struct scene *scene, struct mf_event *event, const char *addr, int family,
		      uint16_t port, uint8_t type, uint16_t proto)
{
	struct mf_ev_net *net = body_of(event);
	uint8_t want[16] = {};

	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "actor");
	assert_int_equal(event->stamp, SCENE_STAMP);
	assert_int_equal(event->stamp_lo, SCENE_STAMP);
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, 0);
	assert_int_equal(event->size, sizeof(*event) + sizeof(*net));
	inet_pton(family, addr, want);
	assert_memory_equal(net->addr, want, sizeof(want));
	assert_int_equal(net->family, family == AF_INET ? 4 : 6);
	assert_int_equal(net->port, port);
	assert_int_equal(net->type, type);
	assert_int_equal(net->proto, proto);
	assert_int_equal(net->pad, 0);
	if (has_cookie(event->kind))
		assert_true(net->cookie);
}

static void check_local(struct mf_event *event, const char *addr, int family, uint16_t port)
{
	struct mf_ev_net *net = body_of(event);
	uint8_t want[16] = {};

	inet_pton(family, addr, want);
	assert_memory_equal(net->local, want, sizeof(want));
	assert_int_equal(net->local_port, port);
}

/* The SYN's: tcp_connect is told it, the change of state before has no port. */
static void check_local_of_syn(struct mf_event *event, const char *addr, int family, uint16_t port)
{
	check_local(event, addr, family, scene_engine() == MF_ENGINE_TRACE ? 0 : port);
}

static void need_cgroup(struct scene *scene)
{
	if (!(scene->session.coverage & MF_COV_NET))
		skip_because("cgroup v2 with BPF");
}

static int body_accepted(struct notes *notes)
{
	int server = listener(notes, AF_INET);
	struct sockaddr_in to = v4("127.0.0.1", (uint16_t)notes->value[0]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scene_act(notes);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return 1;
	notes->value[1] = port_of(fd);
	close(accept(server, NULL, NULL));
	return 0;
}

/*
 * programs: connect4, socket_connect, probe_socket_connect, inet_sock_set_state, tcp_connect,
 * probe_tcp_connect
 */
static void an_accepted_connection_is_connect_syn_open(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event, *syn;
	struct mf_ev_net *net;
	uint16_t port;

	scene_play(scene, body_accepted);
	assert_int_equal(scene->status, 0);
	need_cgroup(scene);
	port = (uint16_t)scene->notes->value[0];
	event = scene_event(scene, MF_EV_CONNECT, 0, 0);
	check_net(scene, event, "127.0.0.1", AF_INET, port, SOCK_STREAM, IPPROTO_TCP);
	check_local(event, "0.0.0.0", AF_INET, 0);
	syn = scene_event(scene, MF_EV_TCP_SYN, 0, 0);
	check_net(scene, syn, "127.0.0.1", AF_INET, port, SOCK_STREAM, IPPROTO_TCP);
	check_local_of_syn(syn, "127.0.0.1", AF_INET, (uint16_t)scene->notes->value[1]);
	net = body_of(syn);
	if (scene_engine() != MF_ENGINE_KPROBE) /* there, the socket has none yet */
		assert_int_equal(net->cookie, ((struct mf_ev_net *)body_of(event))->cookie);
	event = scene_event(scene, MF_EV_TCP_OPEN, 0, 0);
	check_net(scene, event, "127.0.0.1", AF_INET, port, SOCK_STREAM, IPPROTO_TCP);
	assert_int_equal(((struct mf_ev_net *)body_of(event))->cookie, net->cookie);
	check_local(event, "127.0.0.1", AF_INET, (uint16_t)scene->notes->value[1]);
	assert_int_equal(scene_count(scene, MF_EV_TCP_OPEN, 0), 1);
	assert_int_equal(scene_count(scene, MF_EV_TCP_FAIL, 0), 0);
}

static int body_refused(struct notes *notes)
{
	struct sockaddr_in to;
	int fd = listener(notes, AF_INET);

	close(fd); /* nobody listens on this port now */
	scene_act(notes);
	to = v4("127.0.0.1", (uint16_t)notes->value[0]);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno == ECONNREFUSED ? 0 : 1;
}

static void a_refused_connection_is_connect_syn_fail(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	uint16_t port;

	scene_play(scene, body_refused);
	assert_int_equal(scene->status, 0);
	port = (uint16_t)scene->notes->value[0];
	event = scene_event(scene, MF_EV_TCP_SYN, 0, 0);
	check_net(scene, event, "127.0.0.1", AF_INET, port, SOCK_STREAM, IPPROTO_TCP);
	event = scene_event(scene, MF_EV_TCP_FAIL, 0, 0);
	check_net(scene, event, "127.0.0.1", AF_INET, port, SOCK_STREAM, IPPROTO_TCP);
	assert_int_equal(scene_count(scene, MF_EV_TCP_OPEN, 0), 0);
}

static int body_v6(struct notes *notes)
{
	int server = listener(notes, AF_INET6), fd;
	struct sockaddr_in6 to = v6("::1", (uint16_t)notes->value[0]);

	scene_act(notes);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return 1;
	close(accept(server, NULL, NULL));
	return 0;
}

/*
 * programs: connect6, socket_connect, probe_socket_connect, inet_sock_set_state, tcp_connect,
 * probe_tcp_connect
 */
static void a_v6_connection_has_its_v6_address(void **state)
{
	struct scene *scene = *state;
	uint16_t port;

	scene_play(scene, body_v6);
	if (scene->status == 80 << 8)
		skip_because("IPv6 on the loopback");
	assert_int_equal(scene->status, 0);
	need_cgroup(scene);
	port = (uint16_t)scene->notes->value[0];
	check_net(scene, scene_event(scene, MF_EV_CONNECT, 0, 0), "::1", AF_INET6, port,
		  SOCK_STREAM, IPPROTO_TCP);
	check_net(scene, scene_event(scene, MF_EV_TCP_SYN, 0, 0), "::1", AF_INET6, port,
		  SOCK_STREAM, IPPROTO_TCP);
	check_net(scene, scene_event(scene, MF_EV_TCP_OPEN, 0, 0), "::1", AF_INET6, port,
		  SOCK_STREAM, IPPROTO_TCP);
}

static int body_mapped(struct notes *notes)
{
	int server = listener(notes, AF_INET), fd;
	struct sockaddr_in6 to = v6("::ffff:127.0.0.1", (uint16_t)notes->value[0]);

	scene_act(notes);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return 1;
	close(accept(server, NULL, NULL));
	return 0;
}

static void a_v4_mapped_address_is_the_v4_address(void **state)
{
	struct scene *scene = *state;
	uint16_t port;

	scene_play(scene, body_mapped);
	assert_int_equal(scene->status, 0);
	need_cgroup(scene);
	port = (uint16_t)scene->notes->value[0];
	check_net(scene, scene_event(scene, MF_EV_CONNECT, 0, 0), "127.0.0.1", AF_INET, port,
		  SOCK_STREAM, IPPROTO_TCP);
	check_net(scene, scene_event(scene, MF_EV_TCP_SYN, 0, 0), "127.0.0.1", AF_INET, port,
		  SOCK_STREAM, IPPROTO_TCP);
	check_net(scene, scene_event(scene, MF_EV_TCP_OPEN, 0, 0), "127.0.0.1", AF_INET, port,
		  SOCK_STREAM, IPPROTO_TCP);
}

static int body_datagrams(struct notes *notes)
{
	struct sockaddr_in to = v4("127.0.0.1", 9);
	struct sockaddr_in6 to6 = v6("::1", 10), mapped = v6("::ffff:127.0.0.1", 11);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	scene_act(notes);
	sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	sendto(fd6, "x", 1, 0, (struct sockaddr *)&to6, sizeof(to6));
	sendto(fd6, "x", 1, 0, (struct sockaddr *)&mapped, sizeof(mapped));
	return 0;
}

/* programs: sendmsg4, sendmsg6, socket_sendmsg, probe_socket_sendmsg */
static void datagrams_with_an_address_are_sends(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_datagrams);
	need_cgroup(scene);
	check_local(scene_event(scene, MF_EV_SEND, 0, 0), "0.0.0.0", AF_INET, 0);
	check_local(scene_event(scene, MF_EV_SEND, 0, 1), "::", AF_INET6, 0);
	check_net(scene, scene_event(scene, MF_EV_SEND, 0, 0), "127.0.0.1", AF_INET, 9, SOCK_DGRAM,
		  IPPROTO_UDP);
	check_net(scene, scene_event(scene, MF_EV_SEND, 0, 1), "::1", AF_INET6, 10, SOCK_DGRAM,
		  IPPROTO_UDP);
	check_net(scene, scene_event(scene, MF_EV_SEND, 0, 2), "127.0.0.1", AF_INET, 11, SOCK_DGRAM,
		  IPPROTO_UDP);
	assert_int_equal(scene_count(scene, MF_EV_CONNECT, 0), 0);
}

static int body_fastopen(struct notes *notes)
{
	int server = listener(notes, AF_INET), fd;
	struct sockaddr_in to = v4("127.0.0.1", (uint16_t)notes->value[0]);

	scene_act(notes);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 1;
	close(accept(server, NULL, NULL));
	return 0;
}

/* E04 */
static void e04_tcp_fast_open_is_a_connect_and_a_syn(void **state)
{
	struct scene *scene = *state;
	uint16_t port;

	scene_play(scene, body_fastopen);
	assert_int_equal(scene->status, 0);
	need_cgroup(scene);
	port = (uint16_t)scene->notes->value[0];
	check_net(scene, scene_event(scene, MF_EV_CONNECT, 0, 0), "127.0.0.1", AF_INET, port,
		  SOCK_STREAM, IPPROTO_TCP);
	check_net(scene, scene_event(scene, MF_EV_TCP_SYN, 0, 0), "127.0.0.1", AF_INET, port,
		  SOCK_STREAM, IPPROTO_TCP);
}

static int body_listen(struct notes *notes)
{
	struct sockaddr_in at = v4("127.0.0.2", 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int unbound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scene_act(notes);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1))
		return 1;
	notes->value[0] = port_of(fd);
	return listen(unbound, 1);
}

/* programs: bind4, socket_bind, probe_socket_bind, inet_sock_set_state */
static void bind_and_listen_have_the_local_address(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	scene_play(scene, body_listen);
	assert_int_equal(scene->status, 0);
	need_cgroup(scene);
	event = scene_event(scene, MF_EV_BIND, 0, 0);
	check_net(scene, event, "127.0.0.2", AF_INET, 0, SOCK_STREAM, IPPROTO_TCP);
	check_local(event, "127.0.0.2", AF_INET, 0);
	event = scene_event(scene, MF_EV_LISTEN, 0, 0);
	check_net(scene, event, "127.0.0.2", AF_INET, (uint16_t)scene->notes->value[0], SOCK_STREAM,
		  IPPROTO_TCP);
	check_local(event, "127.0.0.2", AF_INET, (uint16_t)scene->notes->value[0]);
	/* one that is not bound has no port yet: by that it is told from those that were asked about */
	check_net(scene, scene_event(scene, MF_EV_LISTEN, 0, 1), "0.0.0.0", AF_INET, 0, SOCK_STREAM,
		  IPPROTO_TCP);
}

static int body_bind6(struct notes *notes)
{
	struct sockaddr_in6 at = v6("::1", 0);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	scene_act(notes);
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? 80 : 0;
}

/* programs: bind6, socket_bind, probe_socket_bind */
static void bind_has_the_local_v6_address(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	scene_play(scene, body_bind6);
	need_cgroup(scene);
	if (scene->status == 80 << 8)
		skip_because("IPv6 on the loopback");
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_BIND, 0, 0);
	check_net(scene, event, "::1", AF_INET6, 0, SOCK_DGRAM, IPPROTO_UDP);
	check_local(event, "::1", AF_INET6, 0);
}

/* A socket that connects to itself: two SYNs cross */
static int body_crossed(struct notes *notes)
{
	struct sockaddr_in at = v4("127.0.0.5", 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scene_act(notes);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	notes->value[0] = port_of(fd);
	at = v4("127.0.0.5", (uint16_t)notes->value[0]);
	return connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0;
}

static void a_connection_whose_syns_cross_is_opened_too(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_crossed);
	assert_int_equal(scene->status, 0);
	need_cgroup(scene);
	assert_int_equal(scene_count(scene, MF_EV_TCP_SYN, 0), 1);
	check_net(scene, scene_event(scene, MF_EV_TCP_OPEN, 0, 0), "127.0.0.5", AF_INET,
		  (uint16_t)scene->notes->value[0], SOCK_STREAM, IPPROTO_TCP);
}

static int body_mptcp(struct notes *notes)
{
	int server = listener(notes, AF_INET);
	struct sockaddr_in to = v4("127.0.0.1", (uint16_t)notes->value[0]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	scene_act(notes);
	if (fd < 0)
		return 77;
	return server < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static void e07_of_mptcp_the_connection_below_is_told_and_no_empty_address(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_mptcp);
	need_cgroup(scene);
	if (scene->status == 77 << 8)
		skip_because("MPTCP");
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene_count(scene, MF_EV_TCP_SYN, 0), 1);
	check_net(scene, scene_event(scene, MF_EV_TCP_SYN, 0, 0), "127.0.0.1", AF_INET,
		  (uint16_t)scene->notes->value[0], SOCK_STREAM, IPPROTO_TCP);
}

static char parent_procs[300];

/* Out of the session's cgroup, and with a socket that was made before. */
static int body_elsewhere(struct notes *notes)
{
	struct sockaddr_in to = v4("127.0.0.3", 9);
	int before = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int procs = open(parent_procs, O_WRONLY | O_CLOEXEC);
	int after;

	scene_act(notes);
	if (procs < 0 || write(procs, "0", 1) != 1)
		return 77;
	after = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sendto(after, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	to = v4("127.0.0.4", 9);
	return sendto(before, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1;
}

static void e28_a_task_that_left_the_cgroup_is_seen_as_before(void **state)
{
	struct scene *scene = *state;

	scene_open(scene); /* makes the cgroup */
	snprintf(parent_procs, sizeof(parent_procs), "%s/../cgroup.procs", scene->cgroup);
	scene_play(scene, body_elsewhere);
	need_cgroup(scene);
	if (scene->status == 77 << 8)
		skip_because("a cgroup that can be left");
	assert_int_equal(scene->status, 0);
	check_net(scene, scene_event(scene, MF_EV_SEND, 0, 0), "127.0.0.3", AF_INET, 9, SOCK_DGRAM,
		  IPPROTO_UDP);
	check_net(scene, scene_event(scene, MF_EV_SEND, 0, 1), "127.0.0.4", AF_INET, 9, SOCK_DGRAM,
		  IPPROTO_UDP);
}

static int setup_by_kprobe(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->syn_by_kprobe = scene->stays = true;
	scene_open(scene);
	*state = scene;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_accepted_connection_is_connect_syn_open),
		cmocka_unit_test(a_refused_connection_is_connect_syn_fail),
		cmocka_unit_test(a_v6_connection_has_its_v6_address),
		cmocka_unit_test(a_v4_mapped_address_is_the_v4_address),
		cmocka_unit_test(datagrams_with_an_address_are_sends),
		cmocka_unit_test(e04_tcp_fast_open_is_a_connect_and_a_syn),
		cmocka_unit_test(bind_and_listen_have_the_local_address),
		cmocka_unit_test(bind_has_the_local_v6_address),
		cmocka_unit_test(a_connection_whose_syns_cross_is_opened_too),
		cmocka_unit_test(e07_of_mptcp_the_connection_below_is_told_and_no_empty_address),
		cmocka_unit_test(e28_a_task_that_left_the_cgroup_is_seen_as_before),
	};

	int failed = cmocka_run_group_tests(tests, scene_setup, scene_teardown);

	if (scene_engine() != MF_ENGINE_LSM)
		return failed;
	return failed +
	       cmocka_run_group_tests_name("by-kprobe", tests, setup_by_kprobe, scene_teardown);
}
