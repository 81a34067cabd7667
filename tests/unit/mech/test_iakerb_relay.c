/*
 * What an acceptor of IAKERB carries to KDCs and what it does not, and the way it takes.
 */
#include "support.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mech/krb5/iakerb.h"

static struct bt_mcred *acceptor_cred;

static void
must_work(int e)
{
	if (e != 0)
		fail_msg("%d %s", e, bt_err_noted(e) != NULL ? bt_err_noted(e) : bt_err_text(e) != NULL ? bt_err_text(e) : "");
}

#define AS_REQ "\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x00"

/* What an acceptor answers to a request for this realm. */
static int
ask(struct bt_ctx *acceptor, const char *realm, struct bt_bytes message, struct bt_buf *answer)
{
	struct bt_iakerb_proxy proxy = {.realm = bt_bytes_of_str(realm), .message = message};
	struct bt_accept_step step = {.cred = acceptor_cred};
	struct bt_buf token;
	int e;

	assert_int_equal(bt_iakerb_proxy_write(&proxy, acceptor->stage == BT_CTX_NEW, &token), 0);
	step.token = bt_bytes_of_buf(&token);
	e = bt_mech_iakerb.accept(acceptor, &step, answer, NULL);
	bt_buf_free(&token);
	return e;
}

static void
answers_error(const char *realm, int expected)
{
	struct bt_ctx *acceptor = bt_ctx_new(&bt_mech_iakerb, false);
	struct bt_iakerb_proxy proxy;
	struct bt_buf answer;

	must_work(ask(acceptor, realm, bt_bytes_of(AS_REQ, sizeof(AS_REQ) - 1), &answer));
	assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of_buf(&answer), false, &proxy), 0);
	assert_true(bt_bytes_equal(proxy.realm, bt_bytes_of_str(realm)));
	assert_int_equal(bt_krb5_error_read(proxy.message), expected);
	bt_buf_free(&answer);
	bt_ctx_free(acceptor);
}

/* The realm's configuration with more realms, for as long as a test lasts; small requests go by UDP first, or all by TCP. */
static void
configure(const char *realms, bool by_udp)
{
	static const char head[] = "[libdefaults]\n", tail[] = "[realms]\n";
	static int num_made;
	char text[8192], path[512];
	const char *place;
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, "%s/krb5.conf", getenv("BATON_REALM_DIR"));
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof text - 1, file);
	text[len] = '\0';
	fclose(file);
	assert_int_equal(strncmp(text, head, sizeof head - 1), 0);
	place = strstr(text, tail);
	assert_non_null(place);
	place += sizeof tail - 1;
	/* Another name each time: files are looked at again after a second, and not before. */
	snprintf(path, sizeof path, "%s/iakerb%d.conf", getenv("BATON_REALM_DIR"), ++num_made);
	file = fopen(path, "w");
	assert_non_null(file);
	/* The first of two is the one that counts. */
	fprintf(file, "%s\tudp_preference_limit = %d\n", head, by_udp ? 1400 : 1);
	fprintf(file, "%.*s%s%s", (int)(place - text) - (int)(sizeof head - 1), text + sizeof head - 1, realms, place);
	fclose(file);
	setenv("KRB5_CONFIG", path, 1);
}

static void
configure_as_usual(void)
{
	char path[512];

	snprintf(path, sizeof path, "%s/krb5.conf", getenv("BATON_REALM_DIR"));
	setenv("KRB5_CONFIG", path, 1);
}

static void
test_realms(void **state)
{
	answers_error("ELSEWHERE.TEST", KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND);
	answers_error("BATON.TES", KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND);
	/* Nobody listens on port 1. */
	configure("\tDOWN.TEST = {\n\t\tkdc = 127.0.0.1:1\n\t}\n", false);
	answers_error("DOWN.TEST", KRB5KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE);
	/* A realm that is named, and nothing said of it. */
	configure("\tEMPTY.TEST = {\n\t\tdefault_domain = x\n\t}\n", false);
	answers_error("EMPTY.TEST", KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND);
	configure_as_usual();
}

/* What libkrb5 says that it does, while an acceptor is asked for a realm. */
static bool
is_looked_for(const char *realm, int expected)
{
	char path[512], text[8192];
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, "%s/trace.%s", getenv("BATON_REALM_DIR"), realm);
	setenv("KRB5_TRACE", path, 1);
	answers_error(realm, expected);
	unsetenv("KRB5_TRACE");
	if ((file = fopen(path, "r")) == NULL)
		return false;
	len = fread(text, 1, sizeof text - 1, file);
	text[len] = '\0';
	fclose(file);
	return strstr(text, realm) != NULL;
}

/* Who asks from outside does not choose for what name this host asks the DNS. */
static void
test_no_search(void **state)
{
	assert_false(is_looked_for("ELSEWHERE.TEST", KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND));
	configure("\tEMPTY.TEST = {\n\t\tdefault_domain = x\n\t}\n", false);
	assert_true(is_looked_for("EMPTY.TEST", KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND));
	configure_as_usual();
}

static void
test_only_requests(void **state)
{
	struct bt_ctx *acceptor = bt_ctx_new(&bt_mech_iakerb, false);
	struct bt_buf answer;

	assert_int_equal(ask(acceptor, "BATON.TEST", bt_bytes_of_str("GET / HTTP/1.0\r\n\r\n"), &answer),
			 BT_ERR_DEFECTIVE_TOKEN);
	assert_int_equal(answer.len, 0);
	assert_int_equal(acceptor->stage, BT_CTX_NEW);
	bt_ctx_free(acceptor);
}

/* So many messages, and so many bytes, and no more. */
static void
test_bounds(void **state)
{
	static uint8_t large[BT_IAKERB_MESSAGE_MAX - 16] = {0x6a, 0x83, 0x01, 0xff, 0xeb};
	struct bt_ctx *acceptor = bt_ctx_new(&bt_mech_iakerb, false);
	struct bt_buf answer;
	int e = 0, num = 0;

	for (; e == 0 && num < 1000; num++) {
		e = ask(acceptor, "ELSEWHERE.TEST", bt_bytes_of(AS_REQ, sizeof(AS_REQ) - 1), &answer);
		bt_buf_free(&answer);
	}
	assert_int_equal(num, BT_IAKERB_HOPS_MAX + 1);
	assert_int_equal(e, KRB5_KDC_UNREACH);
	bt_ctx_free(acceptor);
	/* A whole message: SEQUENCE { [1] 5, [2] 10, and an octet string that fills it }. */
	memcpy(large + 5, "\x30\x83\x01\xff\xe6\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\x04\x83\x01\xff\xd7", 20);
	assert_true(bt_iakerb_is_request(bt_bytes_of(large, sizeof large)));
	acceptor = bt_ctx_new(&bt_mech_iakerb, false);
	for (e = 0, num = 0; e == 0 && num < 1000; num++) {
		e = ask(acceptor, "ELSEWHERE.TEST", bt_bytes_of(large, sizeof large), &answer);
		bt_buf_free(&answer);
	}
	assert_int_equal(num, BT_IAKERB_CONVERSATION_MAX / BT_IAKERB_MESSAGE_MAX);
	assert_int_equal(e, BT_ERR_TOO_LARGE);
	bt_ctx_free(acceptor);
}

/* ---- the way to the KDC: a stand-in that says by UDP that its reply is too big, and gives it by TCP ---- */

struct stand_in {
	int udp, tcp, port;
	int quit[2];
	struct bt_bytes reply;
	pthread_mutex_t lock; /* protects the rest */
	uint8_t request[2048];
	size_t request_len;
	int num_udp, num_tcp;
};

static void
saw(struct stand_in *kdc, const uint8_t *bytes, size_t len, int *count)
{
	pthread_mutex_lock(&kdc->lock);
	++*count;
	kdc->request_len = len;
	memcpy(kdc->request, bytes, len);
	pthread_mutex_unlock(&kdc->lock);
}

static bool
read_all(int fd, uint8_t *bytes, size_t len)
{
	while (len != 0) {
		ssize_t n = read(fd, bytes, len);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void
answer_tcp(struct stand_in *kdc)
{
	uint8_t bytes[2048], head[4];
	int fd = accept(kdc->tcp, NULL, NULL);
	size_t len;

	if (fd < 0)
		return;
	if (read_all(fd, head, 4) && (len = bt_load_be32(head)) <= sizeof bytes && read_all(fd, bytes, len)) {
		saw(kdc, bytes, len, &kdc->num_tcp);
		bt_store_be32(head, (uint32_t)kdc->reply.len);
		if (write(fd, head, 4) == 4)
			(void)!write(fd, kdc->reply.ptr, kdc->reply.len);
	}
	close(fd);
}

static void
answer_udp(struct stand_in *kdc)
{
	static const char name[] = "\x1b\x01R", service[] = "\x30\x10\xa0\x03\x02\x01\x02\xa1\x09\x30\x07\x1b\x05xxxxx";
	struct bt_krb5_request about = {.realm = bt_bytes_of(name, sizeof name - 1),
					.sname = bt_bytes_of(service, sizeof service - 1)};
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	uint8_t bytes[2048];
	ssize_t len = recvfrom(kdc->udp, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_len);
	uint8_t storage[256];
	struct bt_wr wr;

	if (len < 0)
		return;
	saw(kdc, bytes, (size_t)len, &kdc->num_udp);
	/* A caller's storage: no allocation beside the test's own. */
	bt_wr_over(&wr, storage, sizeof storage);
	bt_krb5_error_write(KRB5KRB_ERR_RESPONSE_TOO_BIG, &about, 1700000000, &wr);
	(void)!sendto(kdc->udp, wr.ptr, wr.len, 0, (struct sockaddr *)&from, from_len);
}

static void *
serve(void *arg)
{
	struct stand_in *kdc = arg;
	struct pollfd fds[] = {{kdc->quit[0], POLLIN, 0}, {kdc->udp, POLLIN, 0}, {kdc->tcp, POLLIN, 0}};

	while (poll(fds, 3, -1) >= 0 && fds[0].revents == 0) {
		if (fds[1].revents != 0)
			answer_udp(kdc);
		if (fds[2].revents != 0)
			answer_tcp(kdc);
	}
	return NULL;
}

/* One port for both. */
static bool
listen_on_both(struct stand_in *kdc)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	kdc->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	kdc->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(kdc->tcp, (struct sockaddr *)&at, len) == 0 && getsockname(kdc->tcp, (struct sockaddr *)&at, &len) == 0 &&
	    bind(kdc->udp, (struct sockaddr *)&at, len) == 0 && listen(kdc->tcp, 8) == 0) {
		kdc->port = ntohs(at.sin_port);
		return true;
	}
	close(kdc->tcp);
	close(kdc->udp);
	return false;
}

/* A request of this length, with an octet string that fills it. */
static struct bt_bytes
long_request(uint8_t *bytes, size_t len)
{
	memset(bytes, 'q', len);
	memcpy(bytes, "\x6a\x82\0\0\x30\x82\0\0\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\x04\x82\0\0", 22);
	bt_store_be16(bytes + 2, (uint16_t)(len - 4));
	bt_store_be16(bytes + 6, (uint16_t)(len - 8));
	bt_store_be16(bytes + 20, (uint16_t)(len - 22));
	return bt_bytes_of(bytes, len);
}

/* The request that arrives is the one that was to be carried, whichever way it is sent, and so is the reply. */
static void
carry_by(struct stand_in *kdc, struct bt_bytes request, bool by_udp)
{
	struct bt_krb5 *lib;
	struct bt_buf got;
	char realm[256];

	snprintf(realm, sizeof realm, "\tSTANDIN.TEST = {\n\t\tkdc = 127.0.0.1:%d\n\t}\n", kdc->port);
	configure(realm, by_udp);
	must_work(bt_krb5_enter(&lib));
	must_work(bt_iakerb_relay(lib, bt_bytes_of_str("STANDIN.TEST"), request, &got));
	bt_krb5_leave(lib);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&got), kdc->reply));
	bt_buf_free(&got);
	pthread_mutex_lock(&kdc->lock);
	assert_true(bt_bytes_equal(bt_bytes_of(kdc->request, kdc->request_len), request));
	pthread_mutex_unlock(&kdc->lock);
}

static void
test_way(void **state)
{
	static uint8_t reply[70000], longer[1900];
	struct stand_in kdc = {.reply = {reply, sizeof reply}, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct bt_bytes request = bt_bytes_of(AS_REQ, sizeof(AS_REQ) - 1);
	pthread_t thread;

	memset(reply, 'r', sizeof reply);
	for (int i = 0; i < 100 && kdc.port == 0; i++)
		listen_on_both(&kdc);
	assert_int_not_equal(kdc.port, 0);
	assert_int_equal(pipe(kdc.quit), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &kdc), 0);
	carry_by(&kdc, request, false);
	carry_by(&kdc, long_request(longer, sizeof longer), true);
	assert_int_equal(kdc.num_udp, 0);
	assert_int_equal(kdc.num_tcp, 2);
	/* By UDP it is told that the reply is too big. Datagrams may be sent again. */
	carry_by(&kdc, request, true);
	assert_int_equal(write(kdc.quit[1], "", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	configure_as_usual();
	assert_true(kdc.num_udp >= 1);
	assert_int_equal(kdc.num_tcp, 3);
	close(kdc.udp);
	close(kdc.tcp);
	close(kdc.quit[0]);
	close(kdc.quit[1]);
}

static int
begin(void **state)
{
	struct bt_cred_request request = {.mech = &bt_mech_iakerb, .usage = BT_USAGE_ACCEPT};

	return bt_mech_iakerb.cred_acquire(&request, &acceptor_cred);
}

static int
end(void **state)
{
	bt_mech_iakerb.cred_free(acceptor_cred);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_realms), cmocka_unit_test(test_no_search), cmocka_unit_test(test_only_requests),
	    cmocka_unit_test(test_bounds), cmocka_unit_test(test_way),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
