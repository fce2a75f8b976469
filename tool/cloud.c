/* `otter cloud`: the local AWS IoT in the foreground: broker, gateway, HTTP APIs on one event loop.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/api/api.h"
#include "cloud/broker/broker.h"
#include "cloud/core/core.h"
#include "cloud/core/rules/topic_rules.h"
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
#include "tool/cloud_install.h"
#include "tool/cloud_options.h"
#include "tool/cloud_page.h"
#include "tool/command.h"

#define SIGNALS 3

struct running {
    struct cloud_options options;
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

static void run_rules(struct cloud *cloud, const struct message *message)
{
    topic_rules_run(cloud, &(struct topic_rules_message){.topic = message->topic,
                                                         .payload = message->payload,
                                                         .length = message->length,
                                                         .hops = message->hops});
}

static void publish(void *context, const char *topic, const void *payload, size_t length)
{
    struct running *running = context;
    const struct message message = {
        .topic = topic, .payload = payload, .length = length, .hops = running->cloud.hops};
    broker_publish(running->broker, topic, payload, length);
    run_rules(&running->cloud, &message);
}

/* A rule may ask something of the cloud, by a reserved topic. */
static bool asks(struct cloud *cloud, const struct message *message)
{
    const struct reserved_request request = {message->topic, message->payload, message->length};
    const unsigned hops = cloud->hops;
    if (!message->by_rule || *message->topic != '$')
        return false;
    cloud->hops = message->hops;
    bool asked = reserved_publish_alone(cloud, &request, NULL);
    cloud->hops = hops;
    return asked;
}

static void publish_message(void *context, const struct message *message)
{
    struct running *running = context;
    if (asks(&running->cloud, message))
        return;
    broker_send(running->broker,
                &(struct broker_message){message->topic, message->payload, message->length},
                message->qos, message->retain);
    run_rules(&running->cloud, message);
}

static void replay(void *cloud, int64_t saved_ms)
{
    messages_replay(cloud, saved_ms);
}

/* What the core tells things goes to their topics, and through the broker to them. */
static bool start_broker(struct running *running)
{
    loop_log(running->base);
    loop_log_format(running->options.log_json ? LOOP_LOG_JSON : LOOP_LOG_TEXT);
    running->broker =
        broker_start(running->base, running->dir.path, rules_session_s(&running->options.rules));
    running->publisher = (struct reserved_publisher){publish, running};
    running->cloud.notify = (struct notify){reserved_notify, &running->publisher};
    running->cloud.outlet = (struct outlet){publish_message, running};
    if (running->broker)
        broker_on_start(running->broker, replay, &running->cloud);
    return running->broker != NULL;
}

static bool is_broker_up(void *broker)
{
    return broker_is_up(broker);
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
                                .port = (uint16_t)(port ? port : CLOUD_API_PORT),
                                .watched = {is_broker_up, running->broker}};
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
                                .delay_ms = running->options.delay_ms,
                                .rate_kib = running->options.rate_kib,
                                .downloads = true};
    running->downloads = api_start(&running->loop, &config, reason, sizeof reason);
    if (!running->downloads)
        return say(reason, "--https-port");
    snprintf(running->cloud.downloads, sizeof running->cloud.downloads, "https://%s:%u",
             names->mqtt_host, api_port(running->downloads));
    return true;
}

/* AWS's port where nobody has said another, and a free one where that cannot be had. */
static uint16_t port_or(unsigned said, unsigned usual)
{
    return (uint16_t)(said ? said : usual);
}

static bool start_gateway(struct running *running)
{
    char reason[512];
    const struct cloud_options *options = &running->options;
    const struct gateway_config config = {.address = options->names.mqtt_listen,
                                          .names = options->names.certificate,
                                          .port = port_or(options->mqtt_port, CLOUD_MQTT_PORT),
                                          .web_port = port_or(options->wss_port, CLOUD_WSS_PORT),
                                          .publish_port =
                                              port_or(options->publish_port, CLOUD_PUBLISH_PORT),
                                          .or_free = !options->mqtt_port,
                                          .web_or_free = !options->wss_port,
                                          .publish_or_free = !options->publish_port,
                                          .delay_ms = options->delay_ms,
                                          .rate_kib = options->rate_kib,
                                          .drop_blocks = options->drop_blocks,
                                          .rules = options->rules};
    running->gateway =
        gateway_start(&running->loop, running->broker, &config, reason, sizeof reason);
    return running->gateway || say(reason, "--mqtt-port, --wss-port or --publish-port");
}

/* On loopback whatever --listen says: it is for a person at this machine. */
static bool start_page(struct running *running)
{
    char reason[512];
    unsigned port = running->options.page_port;
    running->options.images.dir = running->dir.path;
    struct page_config config = {.port = (uint16_t)(port ? port : CLOUD_PAGE_PORT),
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
    printf(
        "otter cloud: the local AWS IoT is ready\n"
        "  folder       %s\n"
        "  MQTT (TLS)   %s:%u%s\n"
        "  MQTT (WSS)   wss://%s:%u/mqtt\n"
        "  AWS APIs     %s%s\n"
        "  downloads    %s (by presigned URLs)\n"
        "  console      %s\n"
        "               (works once, within 15 minutes; another one: otter cloud page --dir %s)\n"
        "  root CA      %s/root_ca.pem\n"
        "  credentials  %s/credentials\n",
        running->dir.path, running->options.names.mqtt_host, mqtt_port,
        !running->options.mqtt_port && mqtt_port != CLOUD_MQTT_PORT ? "   (8883 is taken)" : "",
        running->options.names.mqtt_host, gateway_web_port(running->gateway), api_url,
        !running->options.api_port && api_port(running->api) != CLOUD_API_PORT
            ? "   (4566 is taken)"
            : "",
        running->cloud.downloads, page, running->dir.path, running->dir.path, running->dir.path);
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
    int code = cloud_options_read(&running.options, argc, argv);
    if (code)
        return code - 1;
    cloud_names_complete(&running.options.names);
    umask(077); /* the database holds private keys */
    door_raise_descriptors();
    loop_keep_memory();
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
} words[] = {{"backup", cloud_backup},
             {"restore", cloud_restore},
             {"install", cloud_install},
             {"page", cloud_page}};

int command_cloud(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof words / sizeof *words && argc > 1; i++)
        if (strcmp(argv[1], words[i].word) == 0)
            return words[i].run(argc - 1, argv + 1);
    return run_cloud(argc, argv);
}
