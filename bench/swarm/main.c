/* A fleet of simulated devices in one process, told on stdin what to do; each line is answered on
 * stdout by one line of NAME=VALUE. Used by bench/cloud.py and tests/e2e/rollout.py.
 *
 *   on             all devices get power at the same moment; answered when all are on line
 *   off            all lose it
 *   wait VERSION   until all run that version, confirmed, and have nothing to do
 *   count          what has been counted
 *
 * `on` and `wait` give up after --patience seconds: their answer then begins with FAILED. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <getopt.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/swarm/device.h"
#include "cloud/loop/tls_library.h"
#include "port/port.h"

#define COUNT_MAX 100000u
#define LOOK_MS   20

struct options {
    const char *root, *certificate, *key, *image, *signer, *prefix;
    unsigned port, count, patience_s, window;
};

struct fleet {
    struct options options;
    struct swarm swarm;
    struct device *devices;
    struct event *look;
    struct image_version wanted; /* of `wait` */
    enum { NOTHING, ON_LINE, VERSION } awaited;
    otter_ms began;
    unsigned first_not_done; /* those before it are */
};

/* ---- the port under the device library ---- */

otter_ms port_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (otter_ms)now.tv_sec * 1000 + (otter_ms)now.tv_nsec / 1000000;
}

otter_status port_random(void *data, size_t length)
{
    return RAND_bytes(data, (int)length) == 1 ? OTTER_OK : OTTER_E_CRYPTO;
}

void port_log_write(const char *line, size_t length)
{
    if (getenv("SWARM_LOG"))
        fprintf(stderr, "%.*s\n", (int)length, line);
}

/* ---- what is said ---- */

static double seconds(otter_ms from, otter_ms to)
{
    return to > from ? (double)(to - from) / 1000 : 0;
}

static void say(const struct fleet *fleet, const char *how)
{
    const struct swarm *swarm = &fleet->swarm;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%s seconds=%.3f online=%u half=%.3f all=%.3f lost=%u refused=%u downloaded=%u "
           "download=%.3f first=%.3f last=%.3f installed=%u back=%u cpu=%.2f\n",
           how, seconds(fleet->began, port_now()), swarm->online,
           seconds(fleet->began, swarm->half_online), seconds(fleet->began, swarm->all_online),
           swarm->lost, swarm->refused, swarm->downloaded,
           seconds(swarm->first_block, swarm->last_block), (double)swarm->first_block / 1000,
           (double)swarm->last_block / 1000, swarm->installed, swarm->brought_back,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    fflush(stdout);
}

static bool is_reached(struct fleet *fleet)
{
    if (fleet->awaited == ON_LINE)
        return fleet->swarm.online == fleet->options.count;
    while (fleet->first_not_done < fleet->options.count &&
           device_is_done(&fleet->devices[fleet->first_not_done], &fleet->wanted))
        fleet->first_not_done++;
    return fleet->first_not_done == fleet->options.count;
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
    const struct timeval again = {0, LOOK_MS * 1000L};
    struct fleet *fleet = context;
    (void)fd, (void)what;
    bool reached = is_reached(fleet);
    if (!reached && port_now() - fleet->began < (otter_ms)fleet->options.patience_s * 1000) {
        event_add(fleet->look, &again);
        return;
    }
    fleet->awaited = NOTHING;
    say(fleet, reached ? "OK" : "FAILED");
}

static void begin(struct fleet *fleet, int awaited)
{
    fleet->awaited = awaited;
    fleet->first_not_done = 0;
    fleet->began = port_now();
    event_active(fleet->look, EV_TIMEOUT, 0);
}

static void switch_all(struct fleet *fleet, bool on)
{
    for (unsigned i = 0; i < fleet->options.count; i++) {
        if (on && fleet->devices[i].off)
            device_switch_on(&fleet->devices[i]);
        else if (!on && !fleet->devices[i].off)
            device_switch_off(&fleet->devices[i]);
    }
}

static void obey(struct fleet *fleet, const char *line)
{
    if (strcmp(line, "on") == 0) {
        begin(fleet, ON_LINE);
        switch_all(fleet, true);
    } else if (strcmp(line, "off") == 0) {
        switch_all(fleet, false);
        say(fleet, "OK");
    } else if (strncmp(line, "wait ", 5) == 0 &&
               image_version_parse(line + 5, &fleet->wanted) == OTTER_OK) {
        begin(fleet, VERSION);
    } else if (strcmp(line, "count") == 0) {
        say(fleet, "OK");
    } else {
        printf("FAILED what=unknown\n");
        fflush(stdout);
    }
}

static void on_line_read(struct bufferevent *input, void *context)
{
    char *line;
    while ((line = evbuffer_readln(bufferevent_get_input(input), NULL, EVBUFFER_EOL_LF)) != NULL) {
        obey(context, line);
        free(line);
    }
}

static void on_input_end(struct bufferevent *input, short what, void *context)
{
    const struct fleet *fleet = context;
    (void)input, (void)what;
    event_base_loopbreak(fleet->swarm.base);
}

/* ---- start ---- */

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"root", required_argument, NULL, 'r'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"image", required_argument, NULL, 'i'},
        {"signer", required_argument, NULL, 's'},
        {"prefix", required_argument, NULL, 'x'},
        {"count", required_argument, NULL, 'n'},
        {"window", required_argument, NULL, 'w'},
        {"patience", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int option;
    *options = (struct options){.prefix = "swarm-", .count = 1, .patience_s = 120};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        const char **text = option == 'r'   ? &options->root
                            : option == 'c' ? &options->certificate
                            : option == 'k' ? &options->key
                            : option == 'i' ? &options->image
                            : option == 's' ? &options->signer
                            : option == 'x' ? &options->prefix
                                            : NULL;
        unsigned *number = option == 'p'   ? &options->port
                           : option == 'n' ? &options->count
                           : option == 'w' ? &options->window
                           : option == 't' ? &options->patience_s
                                           : NULL;
        if (text)
            *text = optarg;
        else if (number)
            *number = (unsigned)strtoul(optarg, NULL, 10);
        else
            return false;
    }
    return options->port > 0 && options->root && options->certificate && options->key &&
           options->image && options->signer && options->count > 0 && options->count <= COUNT_MAX;
}

/* They all meet one server, whose certificate is verified for the first of them. A fleet has a
 * processor for each that does this again. */
static int verify(X509_STORE_CTX *store, void *context)
{
    static X509 *verified;
    X509 *server = X509_STORE_CTX_get0_cert(store);
    (void)context;
    if (verified && X509_cmp(verified, server) == 0)
        return 1;
    if (X509_verify_cert(store) != 1)
        return 0;
    X509_free(verified);
    verified = X509_up_ref(server) == 1 ? server : NULL;
    return 1;
}

/* What the device library's Mbed TLS asks for: ports/cortex-m/mbedtls. */
static bool ask_as_a_device(SSL_CTX *tls)
{
    return SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(
               tls, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256") == 1 &&
           SSL_CTX_set1_groups_list(tls, "P-256") == 1 &&
           SSL_CTX_set1_sigalgs_list(tls, "ECDSA+SHA256:RSA+SHA256") == 1;
}

static bool start_tls(struct fleet *fleet)
{
    const struct options *options = &fleet->options;
    SSL_CTX *tls = SSL_CTX_new_ex(tls_library(), NULL, TLS_client_method());
    fleet->swarm.tls = tls;
    if (!tls || !ask_as_a_device(tls) ||
        SSL_CTX_load_verify_locations(tls, options->root, NULL) != 1 ||
        SSL_CTX_use_certificate_file(tls, options->certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "swarm: cannot use %s, %s and %s for TLS\n", options->root,
                options->certificate, options->key);
        return false;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(tls, verify, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    return true;
}

static bool make_devices(struct fleet *fleet)
{
    char id[32];
    fleet->devices = calloc(fleet->options.count, sizeof *fleet->devices);
    if (!fleet->devices)
        return false;
    for (unsigned i = 0; i < fleet->options.count; i++) {
        snprintf(id, sizeof id, "%.20s%u", fleet->options.prefix, i);
        if (!device_create(&fleet->devices[i], &fleet->swarm, id)) {
            fprintf(stderr, "swarm: no memory for %u devices\n", fleet->options.count);
            return false;
        }
    }
    return true;
}

static bool start(struct fleet *fleet)
{
    struct swarm *swarm = &fleet->swarm;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    swarm->base = event_base_new();
    swarm->host = "localhost";
    swarm->count = fleet->options.count;
    swarm->window = fleet->options.window;
    swarm->to = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)fleet->options.port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    swarm->template_fd = device_template(fleet->options.image, fleet->options.signer);
    if (!swarm->base || swarm->template_fd < 0 || !start_tls(fleet))
        return false;
    fleet->look = evtimer_new(swarm->base, on_look, fleet);
    return fleet->look && make_devices(fleet);
}

static void stop(struct fleet *fleet)
{
    for (unsigned i = 0; fleet->devices && i < fleet->options.count; i++)
        device_destroy(&fleet->devices[i]);
    free(fleet->devices);
    if (fleet->look)
        event_free(fleet->look);
    SSL_CTX_free(fleet->swarm.tls);
    if (fleet->swarm.template_fd >= 0)
        close(fleet->swarm.template_fd);
    if (fleet->swarm.base)
        event_base_free(fleet->swarm.base);
}

int main(int argc, char **argv)
{
    static struct fleet fleet = {.swarm.template_fd = -1};
    if (!read_options(argc, argv, &fleet.options)) {
        fprintf(stderr, "usage: swarm --port PORT --root PEM --cert PEM --key PEM --image FILE "
                        "--signer PEM [--count N] [--prefix TEXT] [--window N] [--patience S]\n");
        return 2;
    }
    bool started = start(&fleet);
    struct bufferevent *input =
        started ? bufferevent_socket_new(fleet.swarm.base, STDIN_FILENO, 0) : NULL;
    if (input) {
        evutil_make_socket_nonblocking(STDIN_FILENO);
        bufferevent_setcb(input, on_line_read, NULL, on_input_end, &fleet);
        bufferevent_enable(input, EV_READ);
        printf("OK ready=%u\n", fleet.options.count);
        fflush(stdout);
        event_base_dispatch(fleet.swarm.base);
        bufferevent_free(input);
    }
    stop(&fleet);
    return started ? 0 : 1;
}
