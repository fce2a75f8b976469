/* The options of `otter cloud`: what they are, and where they come from. */
#include "tool/cloud_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/cloud_config.h"

#define CONFIG_SIZE_MAX 65536

static void print_help(void)
{
    printf(
        "usage: otter cloud [OPTION]...\n"
        "       otter cloud backup FILE | restore FILE     (see `otter cloud backup --help`)\n"
        "       otter cloud install [OPTION]...            (see `otter cloud install --help`)\n"
        "       otter cloud page [--dir DIR]      prints a new link to the console\n"
        "\n"
        "Runs a local AWS IoT in the foreground: MQTT over mutual TLS for devices, and the AWS\n"
        "HTTP APIs (iot, iot-data, iot-jobs-data, s3, acm, signer, iam, sts) for the AWS CLI and "
        "SDKs. All\n"
        "state is in one folder; started again on the same folder, it finds everything again.\n"
        "\n"
        "  --dir DIR          the folder, made when missing (default: otter-cloud)\n"
        "  --mqtt-port PORT   for MQTT over TLS; 0, the default: %d, or a free one if it is taken\n"
        "  --wss-port PORT    for MQTT over WebSockets (SigV4), and by ALPN x-amzn-mqtt-ca; 0, "
        "the\n"
        "                     default: %d, or a free one if it is taken or not permitted\n"
        "  --publish-port PORT  where devices POST messages over TLS; 0, the default: %d, or a "
        "free one\n"
        "                     if it is taken\n"
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
        "  --delay MS         adds MS milliseconds to every round trip of a device (MQTT, "
        "downloads),\n"
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
        "  --config FILE      options from a file, one a line: NAME = VALUE; those here prevail\n"
        "  --log-format FORMAT\n"
        "                     text, the default, or json: each line of the log an object\n"
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
        CLOUD_MQTT_PORT, CLOUD_WSS_PORT, CLOUD_PUBLISH_PORT, CLOUD_API_PORT, CLOUD_PAGE_PORT,
        CLOUD_HOSTS_MAX);
}

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

static bool set_option(struct cloud_options *options, int option, const char *name,
                       const char *value)
{
    switch (option) {
    case 'd':
        options->dir = value;
        return true;
    case 'm':
        return number(name, value, 65535, &options->mqtt_port);
    case 'w':
        return number(name, value, 65535, &options->wss_port);
    case 'p':
        return number(name, value, 65535, &options->publish_port);
    case 'a':
        return number(name, value, 65535, &options->api_port);
    case 'P':
        return number(name, value, 65535, &options->https_port);
    case 'G':
        return number(name, value, 65535, &options->page_port);
    case 'k':
        if (options->images.file_count == CLOUD_IMAGE_KEYS_MAX) {
            fprintf(stderr, "otter cloud: at most %u times --image-key\n", CLOUD_IMAGE_KEYS_MAX);
            return false;
        }
        options->images.files[options->images.file_count++] = value;
        return true;
    case 'D':
        return number(name, value, 60000, &options->delay_ms);
    case 'r':
        return number(name, value, 1000000, &options->rate_kib);
    case 'n':
        return number(name, value, 1000000, &options->drop_blocks);
    case 'v':
        return number(name, value, 36500, &options->keep_metrics);
    case 'e':
        return number(name, value, 36500, &options->keep_violations);
    case 'J':
        options->log_json = strcmp(value, "json") == 0;
        if (options->log_json || strcmp(value, "text") == 0)
            return true;
        fprintf(stderr, "otter cloud: --log-format takes text or json, not '%s'\n", value);
        return false;
    case 's':
        options->strict = true;
        return true;
    case 'R':
        if (rules_relax(&options->rules, value))
            return true;
        fprintf(stderr,
                "otter cloud: --relax takes sni, dates, retained, parent or all, not '%s'\n",
                value);
        return false;
    case 'L':
        if (rules_limit(&options->rules, value))
            return true;
        fprintf(
            stderr,
            "otter cloud: --limit takes publish=N, bytes=N, connect=N, greeting=N or session=N, "
            "not '%s'\n",
            value);
        return false;
    case 'l':
        options->names.api_listen = value;
        return cloud_names_set_address(&options->names.mqtt_listen, name, value);
    case 'M':
        return cloud_names_set_address(&options->names.mqtt_listen, name, value);
    case 'A':
        return cloud_names_set_address(&options->names.api_listen, name, value);
    case 'H':
        return cloud_names_add(&options->names, value);
    default:
        fprintf(stderr, "otter cloud: see `otter cloud --help`\n");
        return false;
    }
}

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
    {"config", required_argument, NULL, 'C'},
    {"log-format", required_argument, NULL, 'J'},
    {NULL, 0, NULL, 0},
};

#define KNOWN (sizeof known / sizeof *known - 1)

/* ---- the file ---- */

static bool repeats(int option)
{
    return strchr("HkLR", option) != NULL;
}

static bool set_from_file(void *context, size_t option, const char *value, char *reason,
                          size_t size)
{
    if (set_option(context, known[option].val, known[option].name, value))
        return true;
    snprintf(reason, size, "%s is refused", known[option].name);
    return false;
}

/* What the file may hold: all but what is about files and help. */
static bool read_text(struct cloud_options *options, const char *path, char *text, size_t length)
{
    struct cloud_config_option names[KNOWN];
    char reason[512];
    for (size_t i = 0; i < KNOWN; i++)
        names[i] = (struct cloud_config_option){strchr("Ch", known[i].val) ? "\n" : known[i].name,
                                                known[i].has_arg == required_argument,
                                                repeats(known[i].val)};
    const struct cloud_config_reader reader = {names, KNOWN, set_from_file, options};
    if (cloud_config_read(&reader, text, length, reason, sizeof reason))
        return true;
    fprintf(stderr, "otter cloud: %s, %s\n", path, reason);
    return false;
}

static bool read_file(struct cloud_options *options, const char *path)
{
    static char text[CONFIG_SIZE_MAX + 1]; /* values lie in it for good */
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "otter cloud: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    if (length > CONFIG_SIZE_MAX) {
        fprintf(stderr, "otter cloud: %s is longer than a configuration can be\n", path);
        return false;
    }
    return read_text(options, path, text, length);
}

/* ---- both ---- */

/* One round through the command line: for --help and --config, and then for all else. */
static int read_words(struct cloud_options *options, int argc, char **argv, bool file_first)
{
    int option, index = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", known, &index)) != -1) {
        if (option == 'h') {
            print_help();
            return 1;
        }
        if (option == 'C' && file_first && !read_file(options, optarg))
            return 3;
        if (option != 'C' && !file_first && !set_option(options, option, known[index].name, optarg))
            return 3;
        if (option == '?')
            return 3;
    }
    return 0;
}

int cloud_options_read(struct cloud_options *options, int argc, char **argv)
{
    *options =
        (struct cloud_options){.dir = "otter-cloud",
                               .names = {.mqtt_listen = "127.0.0.1", .api_listen = "127.0.0.1"},
                               .rules = RULES_AWS};
    int code = read_words(options, argc, argv, true);
    if (code == 0)
        code = read_words(options, argc, argv, false);
    if (code == 0 && optind < argc) {
        fprintf(stderr, "otter cloud: '%s' is not an option; see `otter cloud --help`\n",
                argv[optind]);
        return 3;
    }
    return code;
}
