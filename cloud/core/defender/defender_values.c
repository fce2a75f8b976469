/* Metrics by name; a report's metrics, long or short, as values under these names. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/defender/defender_internal.h"

/* ---- metrics by name ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    struct metric metric;
} standard[] = {
    {"aws:all-bytes-in", {VALUE_COUNT, true}},
    {"aws:all-bytes-out", {VALUE_COUNT, true}},
    {"aws:all-packets-in", {VALUE_COUNT, true}},
    {"aws:all-packets-out", {VALUE_COUNT, true}},
    {"aws:num-listening-tcp-ports", {VALUE_COUNT, false}},
    {"aws:num-listening-udp-ports", {VALUE_COUNT, false}},
    {"aws:num-established-tcp-connections", {VALUE_COUNT, false}},
    {"aws:listening-tcp-ports", {VALUE_PORTS, false}},
    {"aws:listening-udp-ports", {VALUE_PORTS, false}},
    {"aws:destination-ip-addresses", {VALUE_CIDRS, false}},
};

static const struct {
    const char *type; /* as it is registered */
    const char *key;  /* as it is reported */
    enum value_kind kind;
} custom_types[] = {
    {"number", "number", VALUE_NUMBER},
    {"number-list", "number_list", VALUE_NUMBERS},
    {"string-list", "string_list", VALUE_STRINGS},
    {"ip-address-list", "ip_list", VALUE_CIDRS},
};
#define CUSTOM_TYPES (sizeof custom_types / sizeof *custom_types)

const char *value_member(enum value_kind kind)
{
    static const char *const members[] = {
        [VALUE_COUNT] = "count",   [VALUE_PORTS] = "ports",     [VALUE_CIDRS] = "cidrs",
        [VALUE_NUMBER] = "number", [VALUE_NUMBERS] = "numbers", [VALUE_STRINGS] = "strings",
        [VALUE_NONE] = "",
    };
    return members[kind];
}

enum value_kind metric_kind_of_type(const char *type)
{
    for (size_t i = 0; type && i < CUSTOM_TYPES; i++) {
        if (strcmp(custom_types[i].type, type) == 0)
            return custom_types[i].kind;
    }
    return VALUE_NONE;
}

char *metric_type_new(struct cloud *cloud, const char *name)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT type FROM defender_metrics WHERE name = ?", "s", name);
    char *type = db_next(rows) ? strdup(db_text(rows, 0)) : NULL;
    db_done(rows);
    return type;
}

struct metric metric_find(struct cloud *cloud, const char *name)
{
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        if (strcmp(standard[i].name, name) == 0)
            return standard[i].metric;
    }
    char *type = metric_type_new(cloud, name);
    struct metric metric = {metric_kind_of_type(type), false};
    free(type);
    return metric;
}

json_t *either(const json_t *object, const char *name, const char *brief)
{
    json_t *value = json_object_get(object, name);
    return value ? value : json_object_get(object, brief);
}

/* ---- standard metrics ----------------------------------------------------------------------- */

struct reading {
    json_t *values;
    struct answer *answer; /* of the first fault */
    bool good;
};

static void fault(struct reading *reading, const char *what)
{
    if (reading->good)
        answer_refuse(reading->answer, CORE_INVALID_REQUEST, "Malformed metrics report: %s", what);
    reading->good = false;
}

static void add(struct reading *reading, const char *metric, enum value_kind kind, json_t *value)
{
    json_object_set_new(reading->values, metric, json_pack("{s:o}", value_member(kind), value));
}

static bool is_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static void read_network(struct reading *reading, const json_t *stats)
{
    static const struct {
        const char *name, *brief, *metric;
    } members[] = {
        {"bytes_in", "bi", "aws:all-bytes-in"},
        {"bytes_out", "bo", "aws:all-bytes-out"},
        {"packets_in", "pi", "aws:all-packets-in"},
        {"packets_out", "po", "aws:all-packets-out"},
    };
    if (stats && !json_is_object(stats)) {
        fault(reading, "network_stats must be an object");
        return;
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = either(stats, members[i].name, members[i].brief);
        if (value && !is_count(value))
            fault(reading, "network_stats has a count that is no whole number from 0");
        else if (value)
            add(reading, members[i].metric, VALUE_COUNT, json_incref(value));
    }
}

/* The ports of the entries; NULL: there is a fault. */
static json_t *read_port_list(const json_t *entries)
{
    json_t *ports = json_array(), *entry;
    size_t i;
    json_array_foreach(entries, i, entry)
    {
        json_t *port = either(entry, "port", "pt"), *interface = either(entry, "interface", "if");
        if (!is_count(port) || json_integer_value(port) < 1 || json_integer_value(port) > 65535 ||
            (interface && !json_is_string(interface))) {
            json_decref(ports);
            return NULL;
        }
        json_array_append(ports, port);
    }
    return ports;
}

static void read_ports(struct reading *reading, const json_t *listening, const char *metric,
                       const char *number_metric)
{
    json_t *entries = either(listening, "ports", "pts"), *total = either(listening, "total", "t");
    if (!listening)
        return;
    json_t *ports = !entries || json_is_array(entries) ? read_port_list(entries) : NULL;
    if (!json_is_object(listening) || !ports || (total && !is_count(total)))
        fault(reading,
              "listening ports need a total from 0, and entries with a port of 1 to 65535");
    else if (total || entries)
        add(reading, number_metric, VALUE_COUNT,
            total ? json_incref(total) : json_integer((json_int_t)json_array_size(ports)));
    if (ports && entries && reading->good)
        add(reading, metric, VALUE_PORTS, json_incref(ports));
    json_decref(ports);
}

static bool is_address(const char *text)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* The address of "ip:port", perhaps in brackets; NULL: it is none. */
static json_t *address_of(const char *remote)
{
    char text[64];
    const char *colon = remote ? strrchr(remote, ':') : NULL;
    size_t length = colon ? (size_t)(colon - remote) : 0;
    if (length == 0 || length >= sizeof text)
        return NULL;
    bool brackets = *remote == '[' && length > 2 && remote[length - 1] == ']';
    memcpy(text, remote + brackets, length);
    text[length - (brackets ? 2 : 0)] = '\0';
    return is_address(text) ? json_string(text) : NULL;
}

static bool holds_text(const json_t *list, const json_t *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), text))
            return true;
    }
    return false;
}

/* Each address once; NULL: there is a fault. */
static json_t *read_addresses(const json_t *connections)
{
    json_t *addresses = json_array(), *entry;
    size_t i;
    json_array_foreach(connections, i, entry)
    {
        json_t *address = address_of(json_string_value(either(entry, "remote_addr", "rad")));
        json_t *local = either(entry, "local_port", "lp");
        json_t *interface = either(entry, "local_interface", "li");
        if (!address || (local && !is_count(local)) || (interface && !json_is_string(interface))) {
            json_decref(address);
            json_decref(addresses);
            return NULL;
        }
        if (!holds_text(addresses, address))
            json_array_append(addresses, address);
        json_decref(address);
    }
    return addresses;
}

static void read_connections(struct reading *reading, const json_t *tcp)
{
    json_t *established = either(tcp, "established_connections", "ec");
    json_t *total = either(established, "total", "t");
    json_t *entries = either(established, "connections", "cs");
    if (!tcp)
        return;
    json_t *addresses = !entries || json_is_array(entries) ? read_addresses(entries) : NULL;
    if (!json_is_object(tcp) || (established && !json_is_object(established)) || !addresses ||
        (total && !is_count(total)))
        fault(reading, "established_connections need a total from 0, and entries with a "
                       "remote_addr such as 192.0.2.1:8883");
    else if (total || entries)
        add(reading, "aws:num-established-tcp-connections", VALUE_COUNT,
            total ? json_incref(total) : json_integer((json_int_t)json_array_size(entries)));
    if (addresses && entries && reading->good)
        add(reading, "aws:destination-ip-addresses", VALUE_CIDRS, json_incref(addresses));
    json_decref(addresses);
}

static void read_standard(struct reading *reading, const json_t *metrics)
{
    if (metrics && !json_is_object(metrics)) {
        fault(reading, "metrics must be an object");
        return;
    }
    read_network(reading, either(metrics, "network_stats", "ns"));
    read_ports(reading, either(metrics, "listening_tcp_ports", "tp"), "aws:listening-tcp-ports",
               "aws:num-listening-tcp-ports");
    read_ports(reading, either(metrics, "listening_udp_ports", "up"), "aws:listening-udp-ports",
               "aws:num-listening-udp-ports");
    read_connections(reading, either(metrics, "tcp_connections", "tc"));
}

/* ---- custom metrics ------------------------------------------------------------------------- */

static bool custom_valid(const json_t *value, enum value_kind kind)
{
    json_t *item;
    size_t i;
    if (kind == VALUE_NUMBER)
        return json_is_number(value);
    if (!json_is_array(value))
        return false;
    json_array_foreach((json_t *)value, i, item)
    {
        if (kind == VALUE_NUMBERS ? !json_is_number(item)
                                  : !json_is_string(item) || (kind == VALUE_CIDRS &&
                                                              !is_address(json_string_value(item))))
            return false;
    }
    return true;
}

/* Which of the types an entry such as [{"number": 1}] is, and its value; VALUE_NONE: of none. */
static enum value_kind custom_kind(const json_t *entry, json_t **value)
{
    const json_t *only = json_array_get(entry, 0);
    for (size_t i = 0; json_array_size(entry) == 1 && i < CUSTOM_TYPES; i++) {
        *value = json_object_get(only, custom_types[i].key);
        if (*value && json_object_size(only) == 1 && custom_valid(*value, custom_types[i].kind))
            return custom_types[i].kind;
    }
    return VALUE_NONE;
}

static void read_custom(struct cloud *cloud, struct reading *reading, const json_t *custom)
{
    const char *name;
    json_t *entry, *value = NULL;
    if (custom && !json_is_object(custom))
        fault(reading, "custom_metrics must be an object");
    json_object_foreach((json_t *)custom, name, entry)
    {
        char text[200];
        enum value_kind kind = custom_kind(entry, &value);
        char *type = metric_type_new(cloud, name);
        snprintf(text, sizeof text,
                 "the custom metric %.80s must be an array of one object, with "
                 "a number, number_list, string_list or ip_list",
                 name);
        if (kind == VALUE_NONE)
            fault(reading, text);
        else if (type && metric_kind_of_type(type) != kind)
            snprintf(text, sizeof text, "the custom metric %.80s is registered as %s", name, type),
                fault(reading, text);
        else if (type)
            add(reading, name, kind, json_incref(value));
        free(type);
    }
}

json_t *values_read(struct cloud *cloud, const json_t *report, struct answer *answer)
{
    struct reading reading = {json_object(), answer, true};
    json_t *metrics = either(report, "metrics", "met");
    json_t *custom = either(report, "custom_metrics", "cmet");
    if (!metrics && !custom)
        fault(&reading, "it has neither metrics nor custom_metrics");
    read_standard(&reading, metrics);
    read_custom(cloud, &reading, custom);
    if (reading.good)
        return reading.values;
    json_decref(reading.values);
    return NULL;
}
