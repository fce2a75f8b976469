/* The model of the AT modem; see the header. */
#include "twin/modem/esp8266_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/modem/setup.h"

#define NEVER     UINT64_MAX
#define BOOT_MS   300u
#define REJOIN_MS 3000u /* the access point is back */

const char *const esp8266_model_faults[] = {
    [MODEL_SOUND] = "none",          [MODEL_BUSY] = "busy",         [MODEL_MUTE] = "mute",
    [MODEL_HANGS] = "hangs",         [MODEL_RESTARTS] = "restarts", [MODEL_NOISE] = "noise",
    [MODEL_LOSES] = "loses",         [MODEL_REFUSES] = "refuses",   [MODEL_NO_PROMPT] = "no-prompt",
    [MODEL_SEND_FAIL] = "send-fail", [MODEL_DROPS] = "drops",       [MODEL_EATS] = "eats",
    [MODEL_NO_WIFI] = "no-wifi",     [MODEL_FAULTS] = NULL,
};

bool esp8266_model_take_fault(struct model_config *config, const char *text)
{
    struct modem_setup setup;
    if (!modem_setup_fault(&setup, esp8266_model_faults, text))
        return false;
    config->fault = (enum model_fault)setup.fault;
    config->fault_at = setup.fault_at;
    return true;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void put_bytes(struct esp8266_model *model, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length && model->out_length < sizeof model->out; i++) {
        if (model->lose_byte && i == length / 2) {
            model->lose_byte = false;
            continue;
        }
        if (model->add_byte && i == length / 2) {
            model->add_byte = false;
            model->out[model->out_length++] = 0xf7;
        }
        if (model->out_length < sizeof model->out)
            model->out[model->out_length++] = bytes[i];
    }
}

static void put(struct esp8266_model *model, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put(struct esp8266_model *model, const char *format, ...)
{
    char text[640];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_bytes(model, text, (size_t)length);
}

size_t esp8266_model_output(struct esp8266_model *model, void *data, size_t size)
{
    const size_t take = size < model->out_length ? size : model->out_length;
    memcpy(data, model->out, take);
    memmove(model->out, model->out + take, model->out_length - take);
    model->out_length -= take;
    return take;
}

/* ---- Links ----------------------------------------------------------------------------------- */

static size_t buffer_size(const struct esp8266_model *model)
{
    return model->config.major >= 2 ? MODEL_BUFFER : 2920;
}

/* What waits to go out over the UART holds the network back, too. */
bool esp8266_model_has_room(const struct esp8266_model *model, int link)
{
    const struct model_link *of = &model->links[link];
    return of->open && !of->ended && of->waiting < buffer_size(model) && model->send_link < 0 &&
           model->boot_at == NEVER && !model->hangs && model->out_length < sizeof model->out / 2;
}

static void close_link(struct esp8266_model *model, int id)
{
    if (!model->links[id].open)
        return;
    model->network->close(model->network->ctx, id);
    model->links[id].open = false;
}

/* 1.x tells of each arrival, 2.x once until data is taken; in active mode the data comes along. */
static void tell_arrival(struct esp8266_model *model, int id, size_t arrived)
{
    struct model_link *link = &model->links[id];
    if (!model->passive || (link->udp && model->config.major < 2)) {
        put(model, "\r\n+IPD,%d,%zu:", id, link->waiting);
        put_bytes(model, link->data, link->waiting);
        link->waiting = 0;
        return;
    }
    if (model->config.major >= 2 && link->told)
        return;
    link->told = true;
    if (!model->config.forgets || link->ipds++ % 2 == 0)
        put(model, "\r\n+IPD,%d,%zu\r\n", id, arrived);
}

/* 2.x holds the end back until all is read; 1.x does not, and what is left can still be read. */
static void look_for_end(struct esp8266_model *model, int id)
{
    struct model_link *link = &model->links[id];
    if (!link->ended || (model->config.major >= 2 && link->waiting > 0))
        return;
    close_link(model, id);
    put(model, "%d,CLOSED\r\n", id);
}

static void look_for_data(struct esp8266_model *model, int id)
{
    struct model_link *link = &model->links[id];
    const size_t room = buffer_size(model) - link->waiting;
    if (!link->open)
        return;
    if (room > 0 && !link->ended) {
        const int got =
            model->network->receive(model->network->ctx, id, link->data + link->waiting, room);
        link->ended = got < 0;
        if (got > 0) {
            link->waiting += (size_t)got;
            tell_arrival(model, id, (size_t)got);
        }
    }
    look_for_end(model, id);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void restart(struct esp8266_model *model)
{
    for (int id = 0; id < MODEL_LINKS; id++) {
        close_link(model, id);
        model->links[id].waiting = 0;
    }
    model->hangs = model->mute = model->mux = model->passive = model->joined = false;
    model->info = model->lose_byte = model->add_byte = model->rejoins = false;
    model->echo = true;
    model->send_link = -1;
    model->line_length = 0;
    model->command[0] = '\0';
    model->busy_left = 0;
    model->answer_at = model->back_at = NEVER;
    model->boot_at = model->now + BOOT_MS;
}

static const char *after(const char *text, const char *beginning)
{
    const size_t length = strlen(beginning);
    return strncmp(text, beginning, length) == 0 ? text + length : NULL;
}

/* One argument: a number, or a quoted text in which `\` takes the next character as it is. */
static bool take_argument(const char **from, char *to, size_t size)
{
    const char *at = *from;
    const bool quoted = *at == '"';
    size_t length = 0;
    at += quoted;
    while (*at != '\0' && *at != (quoted ? '"' : ',')) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (quoted && *at == ',')
            return false; /* must be escaped */
        if (length + 1 < size)
            to[length++] = *at;
        at++;
    }
    to[length] = '\0';
    if (quoted && *at++ != '"')
        return false;
    *from = *at == ',' ? at + 1 : at;
    return *at == ',' || *at == '\0';
}

static bool take_number(const char **from, long *number)
{
    char text[16];
    if (!take_argument(from, text, sizeof text) || text[0] == '\0')
        return false;
    char *end;
    *number = strtol(text, &end, 10);
    return *end == '\0';
}

static bool take_link(const char **from, struct model_link **link, int *id, struct esp8266_model *m)
{
    long number;
    if (!m->mux || !take_number(from, &number) || number < 0 || number >= MODEL_LINKS)
        return false;
    *id = (int)number;
    *link = &m->links[number];
    return true;
}

static bool run_join(struct esp8266_model *model, const char *arguments)
{
    char ssid[64], password[80];
    const char *failed = model->config.major >= 2 ? "ERROR" : "FAIL";
    int why = 0;
    if (!take_argument(&arguments, ssid, sizeof ssid) ||
        !take_argument(&arguments, password, sizeof password))
        return false;
    if (model->joined)
        put(model, "WIFI DISCONNECT\r\n");
    model->joined = false;
    model->rejoins = false;
    if (model->off_air || strcmp(ssid, model->config.ssid) != 0)
        why = 3;
    else if (strcmp(password, model->config.password) != 0)
        why = 2;
    else if (model->config.no_dhcp)
        why = 1;
    if (why <= 1)
        put(model, "WIFI CONNECTED\r\n");
    if (why != 0) {
        put(model, "+CWJAP:%d\r\n\r\n%s\r\n", why, failed);
        return true;
    }
    model->joined = true;
    put(model, "WIFI GOT IP\r\n\r\nOK\r\n");
    return true;
}

static bool run_look_up(struct esp8266_model *model, const char *arguments)
{
    char host[256], address[16];
    if (!take_argument(&arguments, host, sizeof host))
        return false;
    if (!model->joined || !model->network->look_up(model->network->ctx, host, address)) {
        put(model, "DNS Fail\r\n\r\nERROR\r\n");
        return true;
    }
    const char *quote = model->config.major >= 2 ? "\"" : "";
    put(model, "+CIPDOMAIN:%s%s%s\r\n\r\nOK\r\n", quote, address, quote);
    return true;
}

static bool run_start(struct esp8266_model *model, const char *arguments)
{
    struct model_link *link;
    char type[8], host[256];
    long port;
    int id;
    if (!take_link(&arguments, &link, &id, model) ||
        !take_argument(&arguments, type, sizeof type) ||
        (strcmp(type, "TCP") != 0 && strcmp(type, "UDP") != 0) ||
        !take_argument(&arguments, host, sizeof host) || !take_number(&arguments, &port))
        return false;
    if (link->open) {
        put(model, "ALREADY CONNECTED\r\n\r\nERROR\r\n");
        return true;
    }
    if (!model->joined) {
        put(model, "no ip\r\n\r\nERROR\r\n");
        return true;
    }
    *link = (struct model_link){.udp = type[0] == 'U'};
    char address[16];
    if (link->udp && !model->network->look_up(model->network->ctx, host, address)) {
        put(model, "DNS Fail\r\n\r\nERROR\r\n");
        return true;
    }
    bool (*const connect)(void *, int, const char *, uint16_t) =
        link->udp ? model->network->connect_udp : model->network->connect;
    if (connect == NULL || !connect(model->network->ctx, id, host, (uint16_t)port)) {
        put(model, "ERROR\r\n%d,CLOSED\r\n", id);
        return true;
    }
    link->open = true;
    put(model, "%d,CONNECT\r\n\r\nOK\r\n", id);
    return true;
}

/* Whether the fault is one of sends, and strikes this one: the first from its command on. */
static bool strikes_send(struct esp8266_model *model)
{
    const struct model_config *config = &model->config;
    const bool of_sends = config->fault == MODEL_NO_PROMPT || config->fault == MODEL_SEND_FAIL ||
                          config->fault == MODEL_EATS;
    if (!of_sends || config->fault_at == 0 || esp8266_model_has_struck(model) ||
        model->commands < config->fault_at)
        return false;
    model->struck_at = model->commands;
    return true;
}

static bool run_send(struct esp8266_model *model, const char *arguments)
{
    struct model_link *link;
    long length;
    int id;
    if (!take_link(&arguments, &link, &id, model) || !take_number(&arguments, &length) ||
        length < 1 || length > (long)sizeof model->send_data)
        return false;
    if (!link->open) {
        put(model, "link is not valid\r\n\r\nERROR\r\n");
        return true;
    }
    model->send_link = id;
    model->send_left = (size_t)length;
    model->send_length = 0;
    put(model, "\r\nOK\r\n");
    if (strikes_send(model) && model->config.fault == MODEL_NO_PROMPT)
        return true;
    put(model, "> ");
    return true;
}

static bool run_read(struct esp8266_model *model, const char *arguments)
{
    struct model_link *link;
    long asked;
    int id;
    if (!take_link(&arguments, &link, &id, model) || !take_number(&arguments, &asked) ||
        asked < 1 || asked > 2048 || !model->passive)
        return false;
    if (!link->open && link->waiting == 0)
        return false;
    const size_t take = (size_t)asked < link->waiting ? (size_t)asked : link->waiting;
    if (model->config.major < 2)
        put(model, "+CIPRECVDATA,%zu:", take);
    else if (model->info)
        put(model, "+CIPRECVDATA:%zu,\"10.0.0.1\",8883,", take);
    else
        put(model, "+CIPRECVDATA:%zu,", take);
    put_bytes(model, link->data, take);
    put(model, "\r\nOK\r\n");
    memmove(link->data, link->data + take, link->waiting - take);
    link->waiting -= take;
    link->told = link->waiting > 0;
    return true;
}

static void run_length(struct esp8266_model *model)
{
    put(model, "+CIPRECVLEN:");
    for (int id = 0; id < MODEL_LINKS; id++) {
        const struct model_link *link = &model->links[id];
        if (link->open || link->waiting > 0)
            put(model, "%s%zu", id > 0 ? "," : "", link->waiting);
        else
            put(model, "%s%s", id > 0 ? "," : "", model->config.major >= 2 ? "-1" : "");
    }
    put(model, "\r\n\r\nOK\r\n");
}

static bool run_close(struct esp8266_model *model, const char *arguments)
{
    struct model_link *link;
    int id;
    if (!take_link(&arguments, &link, &id, model))
        return false;
    if (!link->open) {
        put(model, "UNLINK\r\n\r\nERROR\r\n");
        return true;
    }
    close_link(model, id);
    link->waiting = 0;
    put(model, "%d,CLOSED\r\n\r\nOK\r\n", id);
    return true;
}

/* Settings that need no more than an OK; `_CUR` is 1.x's. */
static bool run_setting(struct esp8266_model *model, const char *command)
{
    const bool two = model->config.major >= 2;
    const char *value;
    if (strcmp(command, two ? "+CWMODE=1" : "+CWMODE_CUR=1") == 0 ||
        strcmp(command, two ? "+CWDHCP=1,1" : "+CWDHCP_CUR=1,1") == 0 ||
        after(command, "+UART_CUR=115200,8,1,0,") != NULL || command[0] == '\0') {
    } else if (strcmp(command, "E0") == 0) {
        model->echo = false;
    } else if ((value = after(command, "+CIPMUX=")) != NULL) {
        model->mux = *value == '1';
    } else if ((value = after(command, "+CIPDINFO=")) != NULL) {
        model->info = *value == '1';
    } else if ((value = after(command, "+CIPRECVMODE=")) != NULL && !model->config.no_passive) {
        model->passive = *value == '1';
    } else if (strcmp(command, "+CWQAP") == 0) {
        put(model, "\r\nOK\r\n%s", model->joined ? "WIFI DISCONNECT\r\n" : "");
        model->joined = model->rejoins = false;
        return true;
    } else {
        return false;
    }
    put(model, "\r\nOK\r\n");
    return true;
}

/* False: nothing was answered yet, and it is wrong. */
static bool run(struct esp8266_model *model, const char *command)
{
    const char *rest;
    if (strcmp(command, "+GMR") == 0) {
        put(model, "AT version:%s(May 11 2020 19:13:04)\r\nSDK version:3.0.4\r\n\r\nOK\r\n",
            model->config.major >= 2 ? "2.2.0.0" : "1.7.4.0");
        return true;
    }
    if (strcmp(command, "+RST") == 0) {
        put(model, "\r\nOK\r\n");
        restart(model);
        return true;
    }
    if ((rest = after(command, model->config.major >= 2 ? "+CWJAP=" : "+CWJAP_CUR=")) != NULL)
        return run_join(model, rest);
    if (strcmp(command, "+CIFSR") == 0) {
        put(model, "+CIFSR:STAIP,\"%s\"\r\n+CIFSR:STAMAC,\"5c:cf:7f:00:00:01\"\r\n\r\nOK\r\n",
            model->joined ? "192.168.4.2" : "0.0.0.0");
        return true;
    }
    if ((rest = after(command, "+CIPDOMAIN=")) != NULL)
        return run_look_up(model, rest);
    if ((rest = after(command, "+CIPSTART=")) != NULL)
        return run_start(model, rest);
    if ((rest = after(command, "+CIPSEND=")) != NULL)
        return run_send(model, rest);
    if ((rest = after(command, "+CIPRECVDATA=")) != NULL)
        return run_read(model, rest);
    if ((rest = after(command, "+CIPCLOSE=")) != NULL)
        return run_close(model, rest);
    if (strcmp(command, "+CIPRECVLEN?") == 0 && model->passive) {
        run_length(model);
        return true;
    }
    return run_setting(model, command);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static void drop_links(struct esp8266_model *model)
{
    for (int id = 0; id < MODEL_LINKS; id++) {
        if (model->links[id].open) {
            close_link(model, id);
            put(model, "%d,CLOSED\r\n", id);
        }
    }
}

/* True when there was one to lose. */
static bool lose_air(struct esp8266_model *model)
{
    const bool joined = model->joined;
    drop_links(model);
    if (joined)
        put(model, "WIFI DISCONNECT\r\n");
    model->joined = false;
    return joined;
}

void esp8266_model_air(struct esp8266_model *model, bool on, uint64_t now)
{
    model->now = now;
    if (on == !model->off_air)
        return;
    model->off_air = !on;
    if (!on) {
        model->rejoins = lose_air(model) || model->back_at != NEVER;
        model->back_at = NEVER;
    } else if (model->rejoins) {
        model->back_at = now + REJOIN_MS;
    }
}

bool esp8266_model_has_struck(const struct esp8266_model *model)
{
    return model->struck_at > 0 && model->struck_at >= model->config.fault_at;
}

/* True when the command goes no further. */
static bool go_wrong(struct esp8266_model *model)
{
    model->struck_at = model->commands;
    switch (model->config.fault) {
    case MODEL_BUSY:
        model->busy_left = 3;
        return false;
    case MODEL_MUTE:
        return true;
    case MODEL_HANGS:
        model->hangs = true;
        return true;
    case MODEL_RESTARTS:
        put(model, "\r\nwdt reset\r\n");
        restart(model);
        return true;
    case MODEL_NOISE:
        model->add_byte = true;
        return false;
    case MODEL_LOSES:
        model->lose_byte = true;
        return false;
    case MODEL_REFUSES:
        put(model, "\r\nERROR\r\n");
        return true;
    case MODEL_DROPS:
        drop_links(model);
        return false;
    case MODEL_NO_WIFI:
        if (lose_air(model))
            model->back_at = model->now + REJOIN_MS;
        return false;
    default: /* see strikes_send */
        model->struck_at = 0;
        return false;
    }
}

static void execute(struct esp8266_model *model)
{
    char command[sizeof model->command];
    memcpy(command, model->command, sizeof command);
    model->command[0] = '\0';
    model->answer_at = NEVER;
    if (!run(model, command + 2))
        put(model, "\r\nERROR\r\n");
}

static void take_line(struct esp8266_model *model)
{
    model->line[model->line_length] = '\0';
    model->line_length = 0;
    if (strncmp(model->line, "AT", 2) != 0) {
        if (model->line[0] != '\0')
            put(model, "\r\nERROR\r\n");
        return;
    }
    if (model->command[0] != '\0' || model->busy_left > 0) {
        model->busy_left -= model->busy_left > 0;
        put(model, "busy p...\r\n");
        return;
    }
    model->commands++;
    if (model->commands == model->config.fault_at && go_wrong(model))
        return;
    if (model->busy_left > 0) {
        put(model, "busy p...\r\n");
        return;
    }
    memcpy(model->command, model->line, sizeof model->command);
    model->answer_at = model->now + model->config.delay_ms;
    if (model->config.delay_ms == 0)
        execute(model);
}

/* ---- Input ----------------------------------------------------------------------------------- */

static void finish_send(struct esp8266_model *model)
{
    const int id = model->send_link;
    model->send_link = -1;
    put(model, "\r\nRecv %zu bytes\r\n", model->send_length);
    const bool fails =
        model->config.fault == MODEL_SEND_FAIL && model->commands == model->struck_at;
    if (!fails && model->links[id].open &&
        model->network->send(model->network->ctx, id, model->send_data, model->send_length)) {
        put(model, "\r\nSEND OK\r\n");
        return;
    }
    if (model->links[id].open)
        put(model, "%d,CLOSED\r\n", id);
    close_link(model, id);
    put(model, "\r\nSEND FAIL\r\n");
}

static void take_byte(struct esp8266_model *model, uint8_t byte)
{
    const bool eats = model->config.fault == MODEL_EATS && model->commands == model->struck_at;
    if (model->send_link >= 0) {
        if (eats && model->eaten < 500 && model->eaten++ % 2 == 0)
            return;
        model->send_data[model->send_length++] = byte;
        if (--model->send_left == 0)
            finish_send(model);
        return;
    }
    if (model->echo)
        put_bytes(model, &byte, 1);
    if (byte == '\n')
        take_line(model);
    else if (byte != '\r' && model->line_length < sizeof model->line - 1)
        model->line[model->line_length++] = (char)byte;
}

void esp8266_model_input(struct esp8266_model *model, uint64_t now, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    model->now = now;
    for (size_t i = 0; i < length; i++) {
        if (model->boot_at == NEVER && !model->hangs)
            take_byte(model, bytes[i]);
    }
    esp8266_model_tick(model, now);
}

/* ---- Time ------------------------------------------------------------------------------------ */

void esp8266_model_tick(struct esp8266_model *model, uint64_t now)
{
    static const uint8_t garbage[] = {0x12, 0xfe, 'r', 0x81, 0x00, 'l', 0x9c, 0xe0, '|', '\r'};
    model->now = now;
    if (now >= model->boot_at) {
        model->boot_at = NEVER;
        put_bytes(model, garbage, sizeof garbage);
        put(model, "\r\nready\r\n");
    }
    if (model->boot_at != NEVER || model->hangs)
        return;
    if (now >= model->answer_at)
        execute(model);
    if (now >= model->back_at) {
        model->back_at = NEVER;
        model->joined = true;
        put(model, "WIFI CONNECTED\r\nWIFI GOT IP\r\n");
    }
    if (model->send_link < 0 && model->out_length < sizeof model->out / 2) {
        for (int id = 0; id < MODEL_LINKS; id++)
            look_for_data(model, id);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t esp8266_model_deadline(const struct esp8266_model *model)
{
    if (model->boot_at != NEVER || model->hangs)
        return model->boot_at; /* nothing else goes on meanwhile */
    return earlier(model->answer_at, model->back_at);
}

void esp8266_model_reset(struct esp8266_model *model, uint64_t now)
{
    model->now = now;
    model->out_length = 0;
    restart(model);
}

void esp8266_model_init(struct esp8266_model *model, const struct model_config *config,
                        const struct model_network *network, uint64_t now)
{
    memset(model, 0, sizeof *model);
    model->config = *config;
    model->network = network;
    model->now = now;
    restart(model);
}
