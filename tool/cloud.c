/* `otter cloud`: the local AWS IoT in the foreground: broker, gateway, HTTP APIs on one event loop.
 */
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/api/api.h"
#include "cloud/broker/broker.h"
#include "cloud/core/core.h"
#include "cloud/core/messages/messages.h"
#include "cloud/gateway/gateway.h"
#include "cloud/loop/door.h"
#include "cloud/loop/log.h"
#include "cloud/loop/loop.h"
#include "cloud/loop/server_tls.h"
#include "cloud/page/page.h"
#include "cloud/reserved/reserved.h"
#include "tool/cloud_backup.h"
#include "tool/cloud_dir.h"
#include "tool/cloud_image.h"
#include "tool/cloud_names.h"
#include "tool/cloud_page.h"
#include "tool/command.h"

#define MQTT_PORT 8883
#define API_PORT  4566
#define PAGE_PORT 4580

struct options {
    const char *dir;
    struct cloud_names names;
    unsigned mqtt_port, wss_port, publish_port, api_port, https_port, page_port, delay_ms, rate_kib,
        drop_blocks;
    unsigned keep_metrics, keep_violations; /* days; 0: not said */
    bool strict;
    struct rules rules;
    struct cloud_image images; /* that the page may send */
};

#define SIGNALS 3

struct running {
    struct options options;
    struct cloud_dir dir;
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct cloud cloud;
    struct loop loop;
    struct broker *broker;
    struct reserved_publisher publisher; /* to the broker */
    SSL_CTX *api_tls;                    /* NULL: plain HTTP */
    struct api *api;
    SSL_CTX *downloads_tls;
    struct api *downloads; /* where devices follow presigned URLs */
    struct gateway *gateway;
    struct page *page;
};

static void print_help(void)
{
    printf(
        "usage: otter cloud [OPTION]...\n"
        "       otter cloud backup FILE | restore FILE     (see `otter cloud backup --help`)\n"
        "       otter cloud page [--dir DIR]      prints a new link to the console\n"
        "\n"
        "Runs a local AWS IoT in the foreground: MQTT over mutual TLS for devices, and the AWS\n"
        "HTTP APIs (iot, iot-data, iot-jobs-data, s3, acm, signer, iam, sts) for the AWS CLI and "
        "SDKs. All\n"
        "state is in one folder; started again on the same folder, it finds everything again.\n"
        "\n"
        "  --dir DIR          the folder, made when missing (default: otter-cloud)\n"
        "  --mqtt-port PORT   for MQTT over TLS; 0, the default: %d, or a free one if it is taken\n"
        "  --wss-port PORT    for MQTT over WebSockets (SigV4), and by ALPN x-amzn-mqtt-ca, as "
        "AWS's\n"
        "                     443; 0, the default: a free one\n"
        "  --publish-port PORT  where devices POST messages over TLS, as AWS's 8443; 0, the "
        "default:\n"
        "                     a free one\n"
        "  --api-port PORT    for HTTP; 0, the default: %d, or a free one if it is taken\n"
        "  --https-port PORT  where devices follow presigned URLs (jobs, updates by HTTP), over "
        "TLS;\n"
        "                     0, the default: a free one\n"
        "  --page-port PORT   for the console, a page for a browser on this machine; 0, the "
        "default: %d,\n"
        "                     or a free one if it is taken\n"
        "  --image-key FILE   a key, PEM, that images may be signed with which the console sends;\n"
        "                     also those in DIR/image-keys/*.pem, and that of this build\n"
        "  --listen ADDRESS   IPv4 address to listen on (default: 127.0.0.1; 0.0.0.0 lets boards\n"
        "                     on the network in, and anybody else try); sets both of:\n"
        "  --mqtt-listen ADDRESS, --api-listen ADDRESS\n"
        "                     for MQTT and for the APIs alone. Beyond loopback the APIs speak\n"
        "                     HTTPS, with a certificate signed by DIR/root_ca.pem\n"
        "  --host NAME|IP     a name of this machine, up to %d times: all are in the server's\n"
        "                     certificate, the first is what is announced (cloud.json,\n"
        "                     describe-endpoint) in place of an address\n"
        "  --delay MS         adds MS milliseconds to every round trip between device and "
        "gateway,\n"
        "                     half of it each way; throughput is not limited\n"
        "  --rate KIB         lets no device have more than KIB KiB a second\n"
        "  --relax RULE,...   what AWS does not allow: sni (TLS without the cloud's name), dates\n"
        "                     (certificates outside them), retained (also for filters with\n"
        "                     wildcards), parent (par/# also matches par), or all, limits "
        "included\n"
        "  --limit NAME=N     AWS's, a second; 0 for none: publish=100 (messages each way of a\n"
        "                     connection; more are lost), bytes=524288 (each way; more come "
        "later),\n"
        "                     connect=1 (of a client id; more are refused),\n"
        "                     greeting=15 (seconds for TLS, and for CONNECT), session=3600 "
        "(seconds\n"
        "                     that a session outlives its connection at most; 604800 or less)\n"
        "  --keep-metrics DAYS, --keep-violations DAYS\n"
        "                     how long Device Defender keeps the values of metrics (default: 14) "
        "and\n"
        "                     the events of violations (default: 30)\n"
        "  --drop-blocks N    loses every Nth block of a file on its way to a device\n"
        "  --strict           lets a device reject a job only before it starts: AWS's reference "
        "does not\n"
        "                     say so, but its device libraries keep to it\n"
        "  --help             this text\n"
        "\n"
        "In DIR: root_ca.pem (what devices trust), credentials (for the AWS CLI), cloud.json "
        "(where\n"
        "the running cloud is; there while it is ready), otter.db, broker/mosquitto.log.\n"
        "SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal closes) stop it in order.\n"
        "\n"
        "examples:\n"
        "  otter cloud --dir /tmp/cloud\n"
        "  otter cloud --dir /tmp/cloud --mqtt-port 18883 --api-port 14566\n"
        "  otter cloud --dir /tmp/cloud --delay 100      # updates over a slow network\n"
        "\n"
        "and in another terminal:\n"
        "  otter aws --dir /tmp/cloud iot create-thing --thing-name sensor-1\n"
        "  mosquitto_sub -h localhost -p 8883 --cafile /tmp/cloud/root_ca.pem \\\n"
        "      --cert device.pem --key device.key -i sensor-1 -t 'sensor/#'\n",
        MQTT_PORT, API_PORT, PAGE_PORT, CLOUD_HOSTS_MAX);
}

/* ---- options -------------------------------------------------------------------------------- */

static bool number(const char *name, const char *text, unsigned max, unsigned *value)
{
    char *end;
    unsigned long parsed = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || parsed > max) {
        fprintf(stderr, "otter cloud: --%s needs a number from 0 to %u, not '%s'\n", name, max,
                text);
        return false;
    }
    *value = (unsigned)parsed;
    return true;
}

static bool set_option(struct options *options, int option, const char *name)
{
    switch (option) {
    case 'd':
        options->dir = optarg;
        return true;
    case 'm':
        return number(name, optarg, 65535, &options->mqtt_port);
    case 'w':
        return number(name, optarg, 65535, &options->wss_port);
    case 'p':
        return number(name, optarg, 65535, &options->publish_port);
    case 'a':
        return number(name, optarg, 65535, &options->api_port);
    case 'P':
        return number(name, optarg, 65535, &options->https_port);
    case 'G':
        return number(name, optarg, 65535, &options->page_port);
    case 'k':
        if (options->images.file_count == CLOUD_IMAGE_KEYS_MAX) {
            fprintf(stderr, "otter cloud: at most %u times --image-key\n", CLOUD_IMAGE_KEYS_MAX);
            return false;
        }
        options->images.files[options->images.file_count++] = optarg;
        return true;
    case 'D':
        return number(name, optarg, 60000, &options->delay_ms);
    case 'r':
        return number(name, optarg, 1000000, &options->rate_kib);
    case 'n':
        return number(name, optarg, 1000000, &options->drop_blocks);
    case 'v':
        return number(name, optarg, 36500, &options->keep_metrics);
    case 'e':
        return number(name, optarg, 36500, &options->keep_violations);
    case 's':
        options->strict = true;
        return true;
    case 'R':
        if (rules_relax(&options->rules, optarg))
            return true;
        fprintf(stderr,
                "otter cloud: --relax takes sni, dates, retained, parent or all, not '%s'\n",
                optarg);
        return false;
    case 'L':
        if (rules_limit(&options->rules, optarg))
            return true;
        fprintf(
            stderr,
            "otter cloud: --limit takes publish=N, bytes=N, connect=N, greeting=N or session=N, "
            "not '%s'\n",
            optarg);
        return false;
    case 'l':
        options->names.api_listen = optarg;
        return cloud_names_set_address(&options->names.mqtt_listen, name, optarg);
    case 'M':
        return cloud_names_set_address(&options->names.mqtt_listen, name, optarg);
    case 'A':
        return cloud_names_set_address(&options->names.api_listen, name, optarg);
    case 'H':
        return cloud_names_add(&options->names, optarg);
    default:
        fprintf(stderr, "otter cloud: see `otter cloud --help`\n");
        return false;
    }
}

/* 0: run; else the exit code plus one. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"dir", required_argument, NULL, 'd'},
        {"mqtt-port", required_argument, NULL, 'm'},
        {"wss-port", required_argument, NULL, 'w'},
        {"publish-port", required_argument, NULL, 'p'},
        {"api-port", required_argument, NULL, 'a'},
        {"https-port", required_argument, NULL, 'P'},
        {"page-port", required_argument, NULL, 'G'},
        {"image-key", required_argument, NULL, 'k'},
        {"listen", required_argument, NULL, 'l'},
        {"mqtt-listen", required_argument, NULL, 'M'},
        {"api-listen", required_argument, NULL, 'A'},
        {"host", required_argument, NULL, 'H'},
        {"delay", required_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},
        {"drop-blocks", required_argument, NULL, 'n'},
        {"rate", required_argument, NULL, 'r'},
        {"strict", no_argument, NULL, 's'},
        {"keep-metrics", required_argument, NULL, 'v'},
        {"keep-violations", required_argument, NULL, 'e'},
        {"relax", required_argument, NULL, 'R'},
        {"limit", required_argument, NULL, 'L'},
        {NULL, 0, NULL, 0},
    };
    int option, index = 0;
    *options = (struct options){.dir = "otter-cloud",
                                .names = {.mqtt_listen = "127.0.0.1", .api_listen = "127.0.0.1"},
                                .rules = RULES_AWS};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", known, &index)) != -1) {
        if (option == 'h') {
            print_help();
            return 1;
        }
        if (!set_option(options, option, known[index].name))
            return 3;
    }
    if (optind < argc) {
        fprintf(stderr, "otter cloud: '%s' is not an option; see `otter cloud --help`\n",
                argv[optind]);
        return 3;
    }
    return 0;
}

/* ---- start ---------------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t number_, short what, void *context)
{
    struct running *running = context;
    (void)what;
    cloud_log("cloud", "stopping (%s)",
              number_ == SIGINT   ? "SIGINT"
              : number_ == SIGHUP ? "SIGHUP"
                                  : "SIGTERM");
    event_base_loopbreak(running->base);
}

static bool watch_signals(struct running *running)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an error value, not a death */
    for (size_t i = 0; i < SIGNALS; i++) {
        running->signals[i] = evsignal_new(running->base, numbers[i], on_signal, running);
        if (!running->signals[i] || event_add(running->signals[i], NULL) != 0)
            return false;
    }
    return true;
}

static bool say(const char *reason, const char *option)
{
    fprintf(stderr, "otter cloud: %s", reason);
    if (option)
        fprintf(stderr, ". Stop what uses the port, or choose another with %s", option);
    fputc('\n', stderr);
    return false;
}

static void publish(void *broker, const char *topic, const void *payload, size_t length)
{
    broker_publish(broker, topic, payload, length);
}

static void publish_message(void *broker, const struct message *message)
{
    broker_send(broker, &(struct broker_message){message->topic, message->payload, message->length},
                message->qos, message->retain);
}

static void replay(void *cloud, int64_t saved_ms)
{
    messages_replay(cloud, saved_ms);
}

/* What the core tells things goes to their topics, and through the broker to them. */
static bool start_broker(struct running *running)
{
    loop_log(running->base);
    running->broker =
        broker_start(running->base, running->dir.path, rules_session_s(&running->options.rules));
    running->publisher = (struct reserved_publisher){publish, running->broker};
    running->cloud.notify = (struct notify){reserved_notify, &running->publisher};
    running->cloud.outlet = (struct outlet){publish_message, running->broker};
    if (running->broker)
        broker_on_start(running->broker, replay, &running->cloud);
    return running->broker != NULL;
}

static bool start_api(struct running *running)
{
    char reason[512];
    unsigned port = running->options.api_port;
    const struct cloud_names *names = &running->options.names;
    if (!cloud_names_is_loopback(names->api_listen)) {
        running->api_tls =
            server_tls_new(&running->cloud, names->certificate, reason, sizeof reason);
        if (!running->api_tls)
            return say(reason, NULL);
    }
    struct api_config config = {.address = names->api_listen,
                                .iot_endpoint = names->mqtt_host,
                                .tls = running->api_tls,
                                .port = (uint16_t)(port ? port : API_PORT)};
    running->api = api_start(&running->loop, &config, reason, sizeof reason);
    if (running->api || port)
        return running->api || say(reason, "--api-port");
    config.port = 0;
    running->api = api_start(&running->loop, &config, reason, sizeof reason);
    return running->api || say(reason, NULL);
}

/* Devices reach it under the name that they have for the gateway. */
static bool start_downloads(struct running *running)
{
    char reason[512];
    const struct cloud_names *names = &running->options.names;
    running->downloads_tls =
        server_tls_new(&running->cloud, names->certificate, reason, sizeof reason);
    if (!running->downloads_tls)
        return say(reason, NULL);
    struct api_config config = {.address = names->mqtt_listen,
                                .tls = running->downloads_tls,
                                .port = (uint16_t)running->options.https_port,
                                .downloads = true};
    running->downloads = api_start(&running->loop, &config, reason, sizeof reason);
    if (!running->downloads)
        return say(reason, "--https-port");
    snprintf(running->cloud.downloads, sizeof running->cloud.downloads, "https://%s:%u",
             names->mqtt_host, api_port(running->downloads));
    return true;
}

static bool start_gateway(struct running *running)
{
    char reason[512];
    unsigned port = running->options.mqtt_port;
    struct gateway_config config = {.address = running->options.names.mqtt_listen,
                                    .names = running->options.names.certificate,
                                    .port = (uint16_t)(port ? port : MQTT_PORT),
                                    .web_port = (uint16_t)running->options.wss_port,
                                    .publish_port = (uint16_t)running->options.publish_port,
                                    .delay_ms = running->options.delay_ms,
                                    .rate_kib = running->options.rate_kib,
                                    .drop_blocks = running->options.drop_blocks,
                                    .rules = running->options.rules};
    running->gateway =
        gateway_start(&running->loop, running->broker, &config, reason, sizeof reason);
    if (running->gateway || port)
        return running->gateway || say(reason, "--mqtt-port, --wss-port or --publish-port");
    config.port = 0;
    running->gateway =
        gateway_start(&running->loop, running->broker, &config, reason, sizeof reason);
    return running->gateway || say(reason, NULL);
}

/* On loopback whatever --listen says: it is for a person at this machine. */
static bool start_page(struct running *running)
{
    char reason[512];
    unsigned port = running->options.page_port;
    running->options.images.dir = running->dir.path;
    struct page_config config = {.port = (uint16_t)(port ? port : PAGE_PORT),
                                 .dir = running->dir.path,
                                 .mqtt_host = running->options.names.mqtt_host,
                                 .mqtt_port = gateway_port(running->gateway),
                                 .inspect = cloud_image_inspect,
                                 .inspect_context = &running->options.images};
    running->page = page_start(&running->loop, running->broker, &config, reason, sizeof reason);
    if (running->page || port)
        return running->page || say(reason, "--page-port");
    config.port = 0;
    running->page = page_start(&running->loop, running->broker, &config, reason, sizeof reason);
    return running->page || say(reason, NULL);
}

static void greet(const struct running *running, const char *api_url, const char *page)
{
    unsigned mqtt_port = gateway_port(running->gateway);
    printf("otter cloud: the local AWS IoT is ready\n"
           "  folder       %s\n"
           "  MQTT (TLS)   %s:%u%s\n"
           "  MQTT (WSS)   wss://%s:%u/mqtt\n"
           "  AWS APIs     %s%s\n"
           "  downloads    %s (by presigned URLs)\n"
           "  console      %s\n"
           "               (works once; another one: otter cloud page)\n"
           "  root CA      %s/root_ca.pem\n"
           "  credentials  %s/credentials\n",
           running->dir.path, running->options.names.mqtt_host, mqtt_port,
           !running->options.mqtt_port && mqtt_port != MQTT_PORT ? "   (8883 is taken)" : "",
           running->options.names.mqtt_host, gateway_web_port(running->gateway), api_url,
           !running->options.api_port && api_port(running->api) != API_PORT ? "   (4566 is taken)"
                                                                            : "",
           running->cloud.downloads, page, running->dir.path, running->dir.path);
    if (running->options.delay_ms)
        printf("  round trips  %u ms longer\n", running->options.delay_ms);
    if (running->options.rate_kib)
        printf("  at most      %u KiB a second to each device\n", running->options.rate_kib);
    if (running->options.drop_blocks)
        printf("  lost         one of %u blocks\n", running->options.drop_blocks);
    printf("Ctrl-C stops it.\n");
    fflush(stdout);
}

static bool announce(struct running *running)
{
    char api_url[300], page[PAGE_LINK_SIZE];
    const struct cloud_names *names = &running->options.names;
    snprintf(api_url, sizeof api_url, "%s://%s:%u", running->api_tls ? "https" : "http",
             names->api_host, api_port(running->api));
    const struct cloud_doors doors = {
        .host = names->mqtt_host,
        .mqtt = gateway_port(running->gateway),
        .web = gateway_web_port(running->gateway),
        .publish = gateway_publish_port(running->gateway),
        .page = page_port(running->page),
    };
    if (!page_link(running->dir.path, page_port(running->page), page))
        return say("cannot write the console's token into the folder", NULL);
    if (!cloud_dir_announce(&running->dir, &doors, api_url, running->cloud.region,
                            running->cloud.account))
        return false;
    greet(running, api_url, page);
    return true;
}

static bool start(struct running *running)
{
    const struct cloud_config config = {.dir = running->dir.path,
                                        .credentials = &running->dir.credentials,
                                        .keep_values_days = running->options.keep_metrics,
                                        .keep_events_days = running->options.keep_violations,
                                        .strict = running->options.strict};
    return watch_signals(running) && core_start(&running->cloud, &config) == OTTER_OK &&
           start_broker(running) &&
           loop_start(&running->loop, running->base, &running->cloud, true) && start_api(running) &&
           start_downloads(running) && start_gateway(running) && start_page(running) &&
           announce(running);
}

/* The reverse of start; what did not start is NULL, or all 0. */
static void stop(struct running *running)
{
    page_stop(running->page);
    gateway_stop(running->gateway);
    if (running->api)
        api_stop(running->api);
    if (running->downloads)
        api_stop(running->downloads);
    SSL_CTX_free(running->api_tls);
    SSL_CTX_free(running->downloads_tls);
    loop_stop(&running->loop);
    broker_stop(running->broker);
    core_stop(&running->cloud);
    for (size_t i = 0; i < SIGNALS; i++)
        if (running->signals[i])
            event_free(running->signals[i]);
}

static int run_cloud(int argc, char **argv)
{
    struct running running = {0};
    int code = read_options(argc, argv, &running.options);
    if (code)
        return code - 1;
    cloud_names_complete(&running.options.names);
    umask(077); /* the database holds private keys */
    door_raise_descriptors();
    if (!cloud_dir_open(&running.dir, running.options.dir))
        return 1;
    running.base = event_base_new();
    bool started = running.base && start(&running);
    if (started)
        event_base_dispatch(running.base);
    stop(&running);
    if (running.base)
        event_base_free(running.base);
    cloud_dir_close(&running.dir);
    if (started)
        cloud_log("cloud", "stopped");
    return started ? 0 : 1;
}

static const struct {
    const char *word;
    int (*run)(int argc, char **argv);
} words[] = {{"backup", cloud_backup}, {"restore", cloud_restore}, {"page", cloud_page}};

int command_cloud(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof words / sizeof *words && argc > 1; i++)
        if (strcmp(argv[1], words[i].word) == 0)
            return words[i].run(argc - 1, argv + 1);
    return run_cloud(argc, argv);
}
