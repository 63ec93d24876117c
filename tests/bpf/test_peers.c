/* SPDX-License-Identifier: BSD-2-Clause */
/* To whom it is sent, whatever is done so that it seems to be another, or nothing new. Loopback only. */
#include "scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define LATER_STAMP MF_STAMP(4, 1) /* another request than SCENE_STAMP's */

static struct sockaddr_in v4(const char *text, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &addr.sin_addr);
	return addr;
}

static int body_connect_again(struct notes *notes)
{
	struct sockaddr_in at = v4("127.0.0.7", 0), other = v4("127.0.0.8", 9);
	int server = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);

	scene_act(notes);
	if (bind(server, (struct sockaddr *)&at, sizeof(at)) || listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&at, &len) ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	notes->value[0] = ntohs(at.sin_port);
	notes->page->stamp = LATER_STAMP;
	return connect(fd, (struct sockaddr *)&other, sizeof(other)) != -1 || errno != EISCONN ||
	       send(fd, "x", 1, 0) != 1;
}

static void e38_a_connect_that_fails_does_not_hide_what_is_sent(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_send_on *send;
	struct mf_event *event;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_connect_again);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_SEND_ON, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->stamp, LATER_STAMP);
	send = body_of(event);
	assert_int_equal(send->net.port, scene->notes->value[0]);
	assert_int_equal(send->opened_stamp, SCENE_STAMP);
}

static int body_datagram_again(struct notes *notes)
{
	struct sockaddr_in at = v4("127.0.0.7", 9), nowhere = v4("255.255.255.255", 9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	scene_act(notes);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	notes->page->stamp = LATER_STAMP;
	return connect(fd, (struct sockaddr *)&nowhere, sizeof(nowhere)) != -1 ||
	       send(fd, "x", 1, 0) != 1;
}

static void e38_a_datagram_socket_that_is_not_connected_again_says_where_it_sends(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_send_on *send;
	struct mf_event *event;
	uint8_t first[16] = { 127, 0, 0, 7 };

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_datagram_again);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_SEND_ON, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->stamp, LATER_STAMP);
	send = body_of(event);
	assert_memory_equal(send->net.addr, first, sizeof(first));
	assert_true(send->opened_stamp != LATER_STAMP);
}

/* udpv6_sendmsg() takes such an address for none. */
static int body_unspec(struct notes *notes)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	at.sin6_addr = in6addr_loopback;
	scene_act(notes);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	notes->page->stamp = LATER_STAMP;
	at.sin6_family = AF_UNSPEC;
	return sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)) != 1;
}

static void e08_a_datagram_to_no_address_is_one_to_the_peer(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_unspec);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_SEND_ON, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->stamp, LATER_STAMP);
	assert_int_equal(((struct mf_ev_send_on *)body_of(event))->net.port, 9);
}

/* It has no port. */
static int body_raw(struct notes *notes)
{
	struct sockaddr_in at = v4("127.0.0.7", 0);
	const unsigned char echo[8] = { 8, 0, 0xf7, 0xff };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	scene_act(notes);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	notes->page->stamp = LATER_STAMP;
	return send(fd, echo, sizeof(echo), 0) != sizeof(echo);
}

static void e38_a_raw_socket_that_is_connected_is_a_connection_too(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_send_on *send;
	struct mf_event *event;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_raw);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_SEND_ON, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->stamp, LATER_STAMP);
	send = body_of(event);
	assert_int_equal(send->net.type, SOCK_RAW);
	assert_int_equal(send->opened_stamp, SCENE_STAMP);
}

/* To where the first goes, which is held back for more, all of it goes. */
static int held_back(struct notes *notes, int family, const void *first, const void *second,
		     socklen_t len)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	scene_act(notes);
	if (sendto(fd, "1", 1, MSG_MORE, first, len) != 1)
		return 1;
	notes->page->stamp = LATER_STAMP;
	return sendto(fd, "2", 1, 0, second, len) != 1;
}

static int body_held_back(struct notes *notes)
{
	struct sockaddr_in first = v4("127.0.0.7", 9), second = v4("127.0.0.8", 99);

	return held_back(notes, AF_INET, &first, &second, sizeof(first));
}

static int body_held_back_v6(struct notes *notes)
{
	struct sockaddr_in6 first = { .sin6_family = AF_INET6, .sin6_port = htons(9) }, second;

	first.sin6_addr = in6addr_loopback;
	second = first;
	second.sin6_port = htons(99);
	return held_back(notes, AF_INET6, &first, &second, sizeof(first));
}

static void check_held_back(struct scene *scene, int (*body)(struct notes *notes),
			    const uint8_t addr[16])
{
	struct mf_event *event;
	struct mf_ev_net *net;

	if (scene_engine() == MF_ENGINE_TRACE)
		skip_because("security hooks of sockets: lsm or kprobe");
	scene_play(scene, body);
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene_count(scene, MF_EV_SEND, 0), 2);
	event = scene_event(scene, MF_EV_SEND, 0, 1);
	assert_int_equal(event->stamp, LATER_STAMP);
	net = body_of(event);
	assert_int_equal(net->port, 9);
	assert_memory_equal(net->addr, addr, sizeof(net->addr));
}

static void e05_what_is_added_to_a_datagram_goes_where_the_datagram_goes(void **state)
{
	check_held_back(*state, body_held_back, (const uint8_t[16]){ 127, 0, 0, 7 });
}

static void e05_what_is_added_to_a_v6_datagram_goes_where_the_datagram_goes(void **state)
{
	check_held_back(*state, body_held_back_v6, (const uint8_t[16]){ [15] = 1 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e38_a_connect_that_fails_does_not_hide_what_is_sent),
		cmocka_unit_test(
			e38_a_datagram_socket_that_is_not_connected_again_says_where_it_sends),
		cmocka_unit_test(e08_a_datagram_to_no_address_is_one_to_the_peer),
		cmocka_unit_test(e38_a_raw_socket_that_is_connected_is_a_connection_too),
		cmocka_unit_test(e05_what_is_added_to_a_datagram_goes_where_the_datagram_goes),
		cmocka_unit_test(e05_what_is_added_to_a_v6_datagram_goes_where_the_datagram_goes),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
