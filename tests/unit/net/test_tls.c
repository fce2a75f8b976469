/* The TLS transport against a real server: openssl s_server on loopback, mutual TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/tls.h"
#include "pki/pki.h"
#include "ports/posix/pkcs11_keys.h"
#include "tests/unit/pki/keys_elsewhere.h"
#include "tests/unit/pki/soft_token.h"
#include "tls_server.h"

#define TIMEOUT_MS 10000

/* ---- The port: time that the test sets, a log to look into, a socket ------------------------- */

static otter_ms now;
static char logged[4096];
static int random_works = 1;
static size_t send_once = SIZE_MAX; /* at most so many bytes at a time; every other call none */
static unsigned sends;
static bool modem_ends_tls;
static bool broken_off;
static bool never_looked_up;

otter_ms port_now(void)
{
    return now;
}

void port_log_write(const char *line, size_t length)
{
    const size_t used = strlen(logged);
    snprintf(logged + used, sizeof logged - used, "%.*s\n", (int)length, line);
}

otter_status port_random(void *data, size_t length)
{
    if (!random_works || getrandom(data, length, 0) != (ssize_t)length)
        return OTTER_E_CRYPTO;
    return OTTER_OK;
}

otter_status socket_connect(struct socket *to, const char *host, uint16_t port)
{
    (void)host; /* all names lead to loopback */
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(to, 0, sizeof *to);
    to->port.fd = socket(AF_INET, SOCK_STREAM, 0);
    to->state = SOCKET_OPEN;
    if (connect(to->port.fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        to->state = SOCKET_CLOSED;
        to->error = OTTER_E_REFUSED;
    }
    fcntl(to->port.fd, F_SETFL, O_NONBLOCK);
    to->secure = modem_ends_tls;
    if (never_looked_up)
        to->state = SOCKET_LOOKING_UP;
    return OTTER_OK;
}

static int moved(ssize_t result)
{
    if (result > 0)
        return (int)result;
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : OTTER_E_CLOSED;
}

int socket_send(struct socket *socket, const void *data, size_t length)
{
    if (send_once != SIZE_MAX && sends++ % 2 == 0)
        return 0;
    return moved(
        send(socket->port.fd, data, length < send_once ? length : send_once, MSG_NOSIGNAL));
}

int socket_receive(struct socket *socket, void *data, size_t size)
{
    if (broken_off)
        return OTTER_E_RESET;
    return moved(recv(socket->port.fd, data, size, 0));
}

void socket_close(struct socket *socket)
{
    close(socket->port.fd);
    socket->state = SOCKET_IDLE;
}

/* ---- A store in memory with the device's objects --------------------------------------------- */

static uint8_t memory[32768];

static otter_status memory_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static otter_status memory_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    memcpy(memory + offset, data, length);
    return OTTER_OK;
}

static otter_status memory_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(memory + offset, 0xff, 8192);
    return OTTER_OK;
}

static struct flash_sector memory_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset & ~8191u, 8192};
}

static const struct flash_ops ops = {memory_read, memory_program, memory_erase, memory_sector_at};
static const struct flash device = {&ops, NULL, sizeof memory, 4, 0xff};
static const struct flash_area area = {&device, 0, sizeof memory};
static struct kv kv;
static struct pki pki;

static void import_root(const char *name)
{
    char pem[PKI_PEM_MAX];
    const size_t length = tls_server_read(name, pem, sizeof pem);
    assert_int_equal(pki_import(&pki, PKI_ROOT_CA, PKI_CERTIFICATE, pem, length), OTTER_OK);
}

static int make_folder(void **state)
{
    (void)state;
    return tls_server_make_certificates();
}

static int remove_folder(void **state)
{
    (void)state;
    tls_server_remove_certificates();
    return 0;
}

static struct tls_server server;
static struct tls tls;

static int set_up(void **state)
{
    (void)state;
    memset(memory, 0xff, sizeof memory);
    memset(&tls, 0, sizeof tls);
    logged[0] = '\0';
    now = 5000;
    send_once = SIZE_MAX;
    random_works = 1;
    modem_ends_tls = broken_off = never_looked_up = false;
    assert_int_equal(kv_open(&kv, &area), OTTER_OK);
    pki_init(&pki, &kv, NULL, NULL);
    import_root("root.pem");
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "thing-1"), OTTER_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_close(&tls);
    tls_server_stop(&server);
    return 0;
}

/* Real time passes while the other process works; the session's clock stands still. */
static void wait_for_bytes(void)
{
    struct pollfd fd = {.fd = tls.socket.port.fd, .events = POLLIN};
    poll(&fd, 1, 20);
}

static enum tls_state finish_handshake(void)
{
    enum tls_state state = tls_step(&tls, now);
    for (int i = 0; i < 500 && state != TLS_OPEN && state != TLS_FAILED; i++) {
        wait_for_bytes();
        state = tls_step(&tls, now);
    }
    return state;
}

static enum tls_state connect_to(const char *host)
{
    assert_int_equal(tls_open(&tls, now, &pki, host, server.port, TIMEOUT_MS), OTTER_OK);
    return finish_handshake();
}

static void send_all(const char *data, size_t length)
{
    while (length > 0) {
        const int sent = tls_write(&tls, data, length);
        assert_true(sent >= 0);
        data += sent;
        length -= (size_t)sent;
    }
}

static void receive_all(char *data, size_t length)
{
    for (int i = 0; i < 5000 && length > 0; i++) {
        const int got = tls_read(&tls, data, length);
        assert_true(got >= 0);
        data += got;
        length -= (size_t)got;
        if (got == 0)
            wait_for_bytes();
    }
    assert_int_equal(length, 0);
}

/* The server sends a line back reversed. */
static void exchange_line(size_t length)
{
    static char line[16000], back[16000];
    for (size_t i = 0; i < length; i++)
        line[i] = (char)('a' + i % 26);
    line[length] = '\n';
    send_all(line, length + 1);
    receive_all(back, length + 1);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(back[i], line[length - 1 - i]);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void data_goes_both_ways(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    exchange_line(5);
    exchange_line(8000);
    assert_false(tls_pending(&tls));
}

static void all_four_cipher_suites_work(void **state)
{
    (void)state;
    static const char *const suites[][2] = {{"server", "-cipher ECDHE-ECDSA-AES128-GCM-SHA256"},
                                            {"server", "-cipher ECDHE-ECDSA-AES256-GCM-SHA384"},
                                            {"rsa-server", "-cipher ECDHE-RSA-AES128-GCM-SHA256"},
                                            {"rsa-server", "-cipher ECDHE-RSA-AES256-GCM-SHA384"}};
    for (size_t i = 0; i < 4; i++) {
        tls_server_start(&server, suites[i][0], suites[i][1]);
        assert_int_equal(connect_to("localhost"), TLS_OPEN);
        assert_string_equal(mbedtls_ssl_get_version(&tls.ssl), "TLSv1.2");
        exchange_line(100);
        tls_close(&tls);
        tls_server_stop(&server);
    }
}

static struct psa_vault vault;

static void key_lies_elsewhere(const struct pki_keys *keys)
{
    assert_int_equal(pki_delete(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    pki_init(&pki, &kv, keys, &vault);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "thing-1"), OTTER_OK);
}

/* With SHA-256 and with SHA-384; the server checks the signature. */
static void connect_with_key_elsewhere(const struct pki_keys *keys)
{
    static const char *const ciphers[] = {"-cipher ECDHE-ECDSA-AES128-GCM-SHA256",
                                          "-cipher ECDHE-ECDSA-AES256-GCM-SHA384"};
    key_lies_elsewhere(keys);
    for (size_t i = 0; i < 2; i++) {
        tls_server_start(&server, "server", ciphers[i]);
        assert_int_equal(connect_to("localhost"), TLS_OPEN);
        exchange_line(100);
        tls_close(&tls);
        tls_server_stop(&server);
    }
}

static void the_handshake_is_signed_in_a_psa_implementation(void **state)
{
    (void)state;
    connect_with_key_elsewhere(&psa_keys);
    psa_vault_empty(&vault);
}

#ifdef OTTER_TEST_PKCS11
static void the_handshake_is_signed_in_a_pkcs11_module(void **state)
{
    (void)state;
    if (!soft_token_make())
        skip();
    connect_with_key_elsewhere(&pkcs11_keys);
    soft_token_remove();
}
#endif

static otter_status no_signature(void *ctx, const struct pki_object *object, const uint8_t *digest,
                                 size_t length, struct pki_signature *signature)
{
    (void)ctx;
    (void)object;
    (void)digest;
    (void)length;
    (void)signature;
    return OTTER_E_CRYPTO;
}

/* A device whose secure world hands out signatures of another key. */
static otter_status wrong_signature(void *ctx, const struct pki_object *object,
                                    const uint8_t *digest, size_t length,
                                    struct pki_signature *signature)
{
    uint8_t other[64];
    memcpy(other, digest, length);
    other[0] ^= 1;
    return psa_keys.sign(ctx, object, other, length, signature);
}

static void a_key_that_does_not_sign_is_told_from_one_that_signs_wrongly(void **state)
{
    (void)state;
    struct pki_keys keys = psa_keys;
    key_lies_elsewhere(&psa_keys);
    pki_init(&pki, &kv, &keys, &vault);
    tls_server_start(&server, "server", "");
    keys.sign = no_signature;
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CRYPTO);
    assert_non_null(strstr(logged, "tls_key_priv does not sign"));
    tls_close(&tls);
    keys.sign = wrong_signature;
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_REFUSED);
    assert_non_null(strstr(logged, "tls_key_priv does not belong to tls_cert"));
    psa_vault_empty(&vault);
}

static void a_transport_that_takes_little_at_a_time_loses_nothing(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "");
    send_once = 7;
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    exchange_line(3000);
}

/* After 0 the caller may offer more; none of it may count as sent before it is. */
static void a_write_that_grows_while_it_waits_loses_nothing(void **state)
{
    (void)state;
    static char line[301], back[301];
    memset(line, 'x', 200);
    memset(line + 200, 'y', 100);
    line[300] = '\n';
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    send_once = 50;
    sends = 0;
    assert_int_equal(tls_write(&tls, line, 200), 0);
    send_all(line, 301);
    receive_all(back, 301);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(back[i], line[299 - i]);
}

static void pending_data_is_known_without_the_network(void **state)
{
    (void)state;
    char back[2000];
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    memset(back, 'x', sizeof back);
    back[sizeof back - 1] = '\n';
    send_all(back, sizeof back);
    receive_all(back, 100);
    assert_true(tls_pending(&tls));
    receive_all(back, sizeof back - 100);
    assert_false(tls_pending(&tls));
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("endpoint.example"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CERTIFICATE);
    assert_int_equal(tls.detail, MBEDTLS_X509_BADCERT_CN_MISMATCH);
    assert_non_null(strstr(logged, "certificate 'server' of endpoint.example refused"));
    assert_non_null(strstr(logged, "another server name"));
    assert_int_equal(tls_write(&tls, "x", 1), OTTER_E_STATE);
}

static void a_certificate_of_another_root_is_refused(void **state)
{
    (void)state;
    import_root("other-root.pem");
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CERTIFICATE);
    assert_int_equal(tls.detail, MBEDTLS_X509_BADCERT_NOT_TRUSTED);
    assert_non_null(strstr(logged,
                           "certificate 'server' of localhost refused: neither root_ca_cert "
                           "nor what it signed has signed it"));
}

static void an_expired_certificate_is_named_with_its_last_day(void **state)
{
    (void)state;
    tls_server_start(&server, "old-server", "");
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CERTIFICATE);
    assert_string_equal(otter_status_text(tls.error), "certificate not accepted");
    assert_non_null(strstr(logged, "certificate 'old' of localhost refused: it expired on 20"));
    tls_close(&tls);
    tls_server_stop(&server);
    logged[0] = '\0';
    import_root("old-root.pem");
    tls_server_start(&server, "old-root-server", "");
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CERTIFICATE);
    assert_non_null(strstr(logged, "root_ca_cert 'old-root' of localhost refused: it expired on"));
    assert_null(strstr(logged, "certificate 'server'"));
}

static bool dates_are_good;
static uint64_t asked_from, asked_to;

static bool judge(void *ctx, uint64_t from_s, uint64_t to_s)
{
    (void)ctx;
    asked_from = from_s;
    asked_to = to_s;
    return dates_are_good;
}

static uint64_t seconds_of(const mbedtls_x509_time *time)
{
    struct tm parts = {.tm_year = time->year - 1900,
                       .tm_mon = time->mon - 1,
                       .tm_mday = time->day,
                       .tm_hour = time->hour,
                       .tm_min = time->min,
                       .tm_sec = time->sec};
    return (uint64_t)timegm(&parts);
}

static void who_judges_dates_is_asked_with_those_of_the_server_and_can_refuse_it(void **state)
{
    (void)state;
    tls_set_dates_judge(judge, NULL);
    dates_are_good = true;
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(&tls.ssl);
    assert_non_null(certificate);
    assert_true(asked_from == seconds_of(&certificate->valid_from));
    assert_true(asked_to == seconds_of(&certificate->valid_to));
    tls_close(&tls);
    dates_are_good = false;
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_non_null(strstr(logged, "refused: it expired on"));
    tls_set_dates_judge(NULL, NULL);
}

static void a_server_may_be_named_by_an_address_in_its_certificate(void **state)
{
    (void)state;
    static const char *const names[] = {"127.0.0.1", "2001:db8::1", "2001:DB8:0:0::0:1"};
    tls_server_start(&server, "address-server", "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(connect_to(names[i]), TLS_OPEN);
        exchange_line(10);
        tls_close(&tls);
    }
}

/* Neither a common name nor a host name in the certificate stands for an address. */
static void an_address_that_is_not_in_the_certificate_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"127.0.0.2", "192.0.2.1", "2001:db8::2", "::127.0.0.1"};
    tls_server_start(&server, "address-server", "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(connect_to(names[i]), TLS_FAILED);
        assert_int_equal(tls.error, OTTER_E_CERTIFICATE);
        assert_int_equal(tls.detail, MBEDTLS_X509_BADCERT_CN_MISMATCH);
        tls_close(&tls);
    }
    tls_server_stop(&server);
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("127.0.0.1"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CERTIFICATE);
}

static void a_missing_object_is_named(void **state)
{
    (void)state;
    static const char *const keys[] = {"pki/" PKI_TLS_CERT, "pki/" PKI_TLS_KEY_PRIV,
                                       "pki/" PKI_ROOT_CA};
    for (size_t i = 0; i < 3; i++) {
        set_up(NULL);
        assert_int_equal(kv_delete(&kv, keys[i]), OTTER_OK);
        assert_int_equal(tls_open(&tls, now, &pki, "localhost", 1, TIMEOUT_MS), OTTER_E_NOT_FOUND);
        assert_int_equal(tls.state, TLS_IDLE);
        assert_non_null(strstr(logged, keys[i] + strlen("pki/")));
    }
}

static void a_server_that_refuses_our_certificate_is_quoted(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "-CAfile other-root.pem -verify_return_error");
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_REFUSED);
    assert_non_null(strstr(logged, "tls_cert not accepted"));
}

static void a_server_with_nothing_in_common_is_refused(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "-tls1_3");
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_REFUSED);
}

static void a_server_that_never_answers_is_given_up_at_the_deadline(void **state)
{
    (void)state;
    const int fd = silent_server_start(&server.port);
    assert_int_equal(tls_open(&tls, now, &pki, "localhost", server.port, TIMEOUT_MS), OTTER_OK);
    assert_int_equal(tls_step(&tls, now), TLS_HANDSHAKE);
    assert_int_equal(tls.deadline, now + TIMEOUT_MS);
    now += TIMEOUT_MS - 1;
    assert_int_equal(tls_step(&tls, now), TLS_HANDSHAKE);
    now += 1;
    assert_int_equal(tls_step(&tls, now), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_TIMEOUT);
    close(fd);
}

static void a_server_that_closes_in_the_handshake_is_noticed(void **state)
{
    (void)state;
    const int fd = silent_server_start(&server.port);
    assert_int_equal(tls_open(&tls, now, &pki, "localhost", server.port, TIMEOUT_MS), OTTER_OK);
    assert_int_equal(tls_step(&tls, now), TLS_HANDSHAKE);
    close(accept(fd, NULL, NULL));
    close(fd);
    assert_int_equal(finish_handshake(), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CLOSED);
}

static void a_server_that_does_not_speak_tls_is_told_as_such(void **state)
{
    (void)state;
    const int fd = silent_server_start(&server.port);
    assert_int_equal(tls_open(&tls, now, &pki, "localhost", server.port, TIMEOUT_MS), OTTER_OK);
    const int peer = accept(fd, NULL, NULL);
    assert_int_equal(send(peer, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL), 28);
    assert_int_equal(finish_handshake(), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_MALFORMED);
    close(peer);
    close(fd);
}

/* Byte by byte, behind another record. */
static void an_alert_in_the_clear_is_quoted_however_it_comes(void **state)
{
    (void)state;
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 45};
    const int fd = silent_server_start(&server.port);
    assert_int_equal(tls_open(&tls, now, &pki, "localhost", server.port, TIMEOUT_MS), OTTER_OK);
    const int peer = accept(fd, NULL, NULL);
    assert_int_equal(send(peer, "\x15\x03\x03\x00\x02\x01\x70", 7, MSG_NOSIGNAL), 7);
    for (size_t i = 0; i < sizeof alert; i++) {
        assert_int_equal(tls_step(&tls, now), TLS_HANDSHAKE);
        assert_int_equal(send(peer, alert + i, 1, MSG_NOSIGNAL), 1);
        wait_for_bytes();
    }
    assert_int_equal(finish_handshake(), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_REFUSED);
    assert_non_null(strstr(logged, "localhost ended the connection with alert 45: "
                                   "tls_cert has expired"));
    close(peer);
    close(fd);
}

static void a_refused_connection_is_passed_on(void **state)
{
    (void)state;
    close(silent_server_start(&server.port));
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_REFUSED);
}

static void the_end_of_the_connection_is_seen_when_reading(void **state)
{
    (void)state;
    char byte;
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    tls_server_stop(&server);
    wait_for_bytes();
    assert_int_equal(tls_read(&tls, &byte, 1), OTTER_E_CLOSED);
    assert_int_equal(tls.state, TLS_FAILED);
}

static void a_board_without_entropy_makes_no_connection(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "");
    random_works = 0;
    assert_int_equal(connect_to("localhost"), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_CRYPTO);
    assert_non_null(strstr(logged, "no random bytes"));
}

static void a_connection_can_be_closed_and_opened_again(void **state)
{
    (void)state;
    tls_server_start(&server, "server", "");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(connect_to("localhost"), TLS_OPEN);
        exchange_line(10);
        tls_close(&tls);
        assert_int_equal(tls.state, TLS_IDLE);
        tls_close(&tls);
    }
}

/* ---- A modem that ends TLS itself ------------------------------------------------------------ */

/* The server of these tests sends what it gets back in clear text. */
static void nothing_is_put_on_a_socket_that_is_secure_already(void **state)
{
    (void)state;
    char line[16] = "";
    const int listener = silent_server_start(&server.port);
    modem_ends_tls = true;
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    const int peer = accept(listener, NULL, NULL);
    assert_int_equal(tls_write(&tls, "in clear\n", 9), 9);
    assert_int_equal(recv(peer, line, sizeof line, 0), 9);
    assert_string_equal(line, "in clear\n");
    assert_int_equal(send(peer, "answer", 6, MSG_NOSIGNAL), 6);
    wait_for_bytes();
    assert_false(tls_pending(&tls));
    assert_int_equal(tls_read(&tls, line, sizeof line), 6);
    assert_memory_equal(line, "answer", 6);
    assert_int_equal(tls_read(&tls, line, sizeof line), 0);
    close(peer);
    wait_for_bytes();
    assert_int_equal(tls_read(&tls, line, sizeof line), OTTER_E_CLOSED);
    assert_int_equal(tls.state, TLS_FAILED);
    close(listener);
}

/* Neither does the farewell of TLS go out on it. */
static void a_secure_socket_is_closed_without_a_word(void **state)
{
    (void)state;
    char byte;
    const int listener = silent_server_start(&server.port);
    modem_ends_tls = true;
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    const int peer = accept(listener, NULL, NULL);
    tls_close(&tls);
    assert_int_equal(recv(peer, &byte, 1, 0), 0);
    close(peer);
    close(listener);
}

static void a_connection_that_is_broken_off_is_told_from_one_that_ends(void **state)
{
    (void)state;
    char byte;
    tls_server_start(&server, "server", "");
    assert_int_equal(connect_to("localhost"), TLS_OPEN);
    broken_off = true;
    assert_int_equal(tls_read(&tls, &byte, 1), OTTER_E_RESET);
    assert_int_equal(tls.error, OTTER_E_RESET);
    assert_non_null(strstr(logged, "connection reset"));
}

static void a_look_up_without_an_end_is_told_as_such(void **state)
{
    (void)state;
    close(silent_server_start(&server.port));
    never_looked_up = true;
    assert_int_equal(tls_open(&tls, now, &pki, "localhost", server.port, TIMEOUT_MS), OTTER_OK);
    now += TIMEOUT_MS;
    assert_int_equal(tls_step(&tls, now), TLS_FAILED);
    assert_int_equal(tls.error, OTTER_E_TIMEOUT);
    assert_non_null(strstr(logged, "did not answer in time (DNS)"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    if (system("command -v openssl >/dev/null") != 0) {
        fprintf(stderr, "skipped: no openssl program; install it with: apt-get install openssl\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        TEST(data_goes_both_ways),
        TEST(all_four_cipher_suites_work),
        TEST(the_handshake_is_signed_in_a_psa_implementation),
#ifdef OTTER_TEST_PKCS11
        TEST(the_handshake_is_signed_in_a_pkcs11_module),
#endif
        TEST(a_key_that_does_not_sign_is_told_from_one_that_signs_wrongly),
        TEST(a_transport_that_takes_little_at_a_time_loses_nothing),
        TEST(a_write_that_grows_while_it_waits_loses_nothing),
        TEST(pending_data_is_known_without_the_network),
        TEST(a_certificate_for_another_name_is_refused),
        TEST(a_certificate_of_another_root_is_refused),
        TEST(an_expired_certificate_is_named_with_its_last_day),
        TEST(who_judges_dates_is_asked_with_those_of_the_server_and_can_refuse_it),
        TEST(a_server_may_be_named_by_an_address_in_its_certificate),
        TEST(an_address_that_is_not_in_the_certificate_is_refused),
        TEST(a_missing_object_is_named),
        TEST(a_server_that_refuses_our_certificate_is_quoted),
        TEST(a_server_with_nothing_in_common_is_refused),
        TEST(a_server_that_never_answers_is_given_up_at_the_deadline),
        TEST(a_server_that_closes_in_the_handshake_is_noticed),
        TEST(a_server_that_does_not_speak_tls_is_told_as_such),
        TEST(an_alert_in_the_clear_is_quoted_however_it_comes),
        TEST(a_refused_connection_is_passed_on),
        TEST(the_end_of_the_connection_is_seen_when_reading),
        TEST(a_board_without_entropy_makes_no_connection),
        TEST(a_connection_can_be_closed_and_opened_again),
        TEST(nothing_is_put_on_a_socket_that_is_secure_already),
        TEST(a_secure_socket_is_closed_without_a_word),
        TEST(a_connection_that_is_broken_off_is_told_from_one_that_ends),
        TEST(a_look_up_without_an_end_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
