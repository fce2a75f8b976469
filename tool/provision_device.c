/* The dialogue with a device's console. */
#include "tool/provision_device.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_S   10u  /* of a command that only looks something up */
#define QUIET_MS   150u /* behind a prompt: the answer is over */
#define CTRL_C     "\x03"
#define BEGIN_MARK "-----BEGIN "
#define END_MARK   "-----END "

static const char gone[] = "the device's port is gone; was it unplugged?";

/* Reads on for `timeout_ms`, or until something has come; without carriage returns and NULs. */
static otter_status read_some(struct device *device, unsigned timeout_ms, struct failure *failure)
{
    char text[512];
    const int count = console_port_receive(&device->port, text, sizeof text, timeout_ms);
    if (count < 0)
        return failed(failure, OTTER_E_CLOSED, "%s", gone);
    for (int i = 0; i < count && device->length + 1 < sizeof device->answer; i++) {
        if (text[i] != '\r' && text[i] != '\0')
            device->answer[device->length++] = text[i];
    }
    device->answer[device->length] = '\0';
    return count == 0 ? OTTER_E_AGAIN : OTTER_OK;
}

static bool ends_with(const struct device *device, const char *text)
{
    const size_t length = strlen(text);
    return device->length >= length && strcmp(device->answer + device->length - length, text) == 0;
}

/* Until the last line is a prompt and nothing follows it. */
static otter_status read_answer(struct device *device, unsigned patience_s, struct failure *failure)
{
    const uint64_t end = console_port_now(&device->port) + 1000ull * patience_s;
    while (console_port_now(&device->port) < end) {
        const otter_status status = read_some(device, QUIET_MS, failure);
        if (status == OTTER_E_CLOSED)
            return status;
        if (status == OTTER_E_AGAIN && ends_with(device, "\n> "))
            return OTTER_OK;
        if (device->length + 1 == sizeof device->answer)
            return failed(failure, OTTER_E_TOO_LONG,
                          "the device talks without an end; is this its console?");
    }
    return failed(failure, OTTER_E_TIMEOUT,
                  "the device gave no prompt within %u s; is it on, and this its console at this "
                  "rate (--baud)? Its last words: %.200s",
                  patience_s,
                  device->length > 200 ? device->answer + device->length - 200 : device->answer);
}

static otter_status send_text(struct device *device, const char *text, struct failure *failure)
{
    const otter_status status = console_port_send(&device->port, text, strlen(text));
    return status == OTTER_OK ? OTTER_OK : failed(failure, status, "%s", gone);
}

static void forget(struct device *device)
{
    device->length = 0;
    device->answer[0] = '\0';
}

otter_status device_open(struct device *device, const char *port, unsigned baud,
                         struct failure *failure)
{
    *device = (struct device){.port = {.descriptor = -1}};
    otter_status status = console_port_open(&device->port, port, baud, failure);
    /* The first drops what is being typed or pasted; only at an empty line it ends the log. */
    for (int i = 0; i < 2 && status == OTTER_OK; i++) {
        forget(device);
        status = send_text(device, CTRL_C, failure);
        if (status == OTTER_OK)
            status = read_answer(device, ANSWER_S, failure);
    }
    if (status != OTTER_OK)
        device_close(device);
    return status;
}

void device_close(struct device *device)
{
    console_port_close(&device->port);
}

/* What follows the echo of the command; the prompt goes. */
static otter_status keep_answer(struct device *device, const char *command, struct failure *failure)
{
    const char *echo = strstr(device->answer, command);
    const char *answer = echo != NULL ? strchr(echo, '\n') : NULL;
    if (answer == NULL)
        return failed(failure, OTTER_E_MALFORMED,
                      "the device did not take '%s' as it was typed: %s", command, device->answer);
    device->length -= (size_t)(answer + 1 - device->answer) + 2;
    memmove(device->answer, answer + 1, device->length);
    device->answer[device->length] = '\0';
    return OTTER_OK;
}

otter_status device_command(struct device *device, const char *command, unsigned patience_s,
                            struct failure *failure)
{
    forget(device);
    otter_status status = send_text(device, command, failure);
    if (status == OTTER_OK)
        status = send_text(device, "\r", failure);
    if (status == OTTER_OK)
        status = read_answer(device, patience_s, failure);
    return status == OTTER_OK ? keep_answer(device, command, failure) : status;
}

/* name=value or name="value" */
static void take_setting(struct device_settings *settings, const char *line, size_t length)
{
    const char *sign = memchr(line, '=', length);
    if (sign == NULL || sign == line || settings->count == DEVICE_SETTINGS_MAX)
        return;
    struct device_setting *setting = &settings->all[settings->count++];
    const char *value = sign + 1;
    size_t size = (size_t)(line + length - value);
    if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
        value++;
        size -= 2;
    }
    snprintf(setting->name, sizeof setting->name, "%.*s", (int)(sign - line), line);
    snprintf(setting->value, sizeof setting->value, "%.*s", (int)size, value);
}

otter_status device_settings(struct device *device, struct device_settings *settings,
                             struct failure *failure)
{
    const otter_status status = device_command(device, "conf get", ANSWER_S, failure);
    settings->count = 0;
    if (status != OTTER_OK)
        return status;
    for (const char *line = device->answer; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        take_setting(settings, line, length);
        line += length + (line[length] == '\n');
    }
    return settings->count > 0 ? OTTER_OK
                               : failed(failure, OTTER_E_NOT_FOUND,
                                        "the device shows no settings: %s", device->answer);
}

const char *device_value(const struct device_settings *settings, const char *name)
{
    for (unsigned i = 0; i < settings->count; i++) {
        if (strcmp(settings->all[i].name, name) == 0)
            return settings->all[i].value;
    }
    return "";
}

/* For the console's words: "…" keeps blanks, a backslash the next character. */
static void quote(char *text, size_t size, const char *value)
{
    size_t used = 0;
    text[used++] = '"';
    for (; *value != '\0' && used + 4 < size; value++) {
        if (*value == '"' || *value == '\\')
            text[used++] = '\\';
        text[used++] = *value;
    }
    text[used++] = '"';
    text[used] = '\0';
}

otter_status device_set(struct device *device, const char *name, const char *value,
                        struct failure *failure)
{
    char quoted[2 * DEVICE_VALUE_MAX + 3];
    char command[sizeof quoted + DEVICE_NAME_MAX + 16];
    quote(quoted, sizeof quoted, value);
    snprintf(command, sizeof command, "conf set %s %s", name, quoted);
    const otter_status status = device_command(device, command, ANSWER_S, failure);
    if (status != OTTER_OK)
        return status;
    if (strncmp(device->answer, name, strlen(name)) == 0 && device->answer[strlen(name)] == '=')
        return OTTER_OK;
    return failed(failure, OTTER_E_REFUSED, "the device does not take %s: %.*s", name,
                  (int)strcspn(device->answer, "\n"), device->answer);
}

otter_status device_pem(struct device *device, const char *command, char *pem, size_t size,
                        struct failure *failure)
{
    const otter_status status = device_command(device, command, 60, failure);
    if (status != OTTER_OK)
        return status;
    const char *begin = strstr(device->answer, BEGIN_MARK);
    const char *end = begin != NULL ? strstr(begin, END_MARK) : NULL;
    const char *line_end = end != NULL ? strchr(end, '\n') : NULL;
    if (line_end == NULL || (size_t)(line_end + 1 - begin) >= size)
        return failed(failure, OTTER_E_NOT_FOUND, "the device answered '%s' with: %.*s", command,
                      (int)strcspn(device->answer, "\n"), device->answer);
    snprintf(pem, size, "%.*s", (int)(line_end + 1 - begin), begin);
    return OTTER_OK;
}

/* A line is typed when the one before has come back: a device's input holds little. */
static otter_status type_line(struct device *device, const char *line, size_t length,
                              struct failure *failure)
{
    const uint64_t end = console_port_now(&device->port) + 1000ull * ANSWER_S;
    char text[256];
    snprintf(text, sizeof text, "%.*s\r", (int)length, line);
    otter_status status = send_text(device, text, failure);
    text[strlen(text) - 1] = '\0';
    while (status == OTTER_OK && strstr(device->answer, text) == NULL) {
        if (console_port_now(&device->port) >= end)
            return failed(failure, OTTER_E_TIMEOUT, "the device does not echo what is pasted");
        if (read_some(device, QUIET_MS, failure) == OTTER_E_CLOSED)
            return OTTER_E_CLOSED;
    }
    return status;
}

otter_status device_import(struct device *device, const char *command, const char *pem,
                           struct failure *failure)
{
    forget(device);
    otter_status status = type_line(device, command, strlen(command), failure);
    for (const char *line = pem; status == OTTER_OK && *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        if (length > 0)
            status = type_line(device, line, length, failure);
        line += length + (line[length] == '\n');
    }
    if (status == OTTER_OK)
        status = read_answer(device, ANSWER_S, failure);
    if (status != OTTER_OK || strstr(device->answer, "SUCCESS") != NULL)
        return status;
    /* The last line but the prompt says why. */
    device->answer[device->length - 3] = '\0';
    const char *last = strrchr(device->answer, '\n');
    return failed(failure, OTTER_E_REFUSED, "the device answered '%s' with: %s", command,
                  last != NULL ? last + 1 : device->answer);
}

/* Goes past whole lines; true when one holds the text. Remembers the last error in `error`. */
static bool look_for(struct device *device, const char *text, char *error, size_t size)
{
    char *line = device->answer;
    bool found = false;
    for (char *end; !found && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        found = strstr(line, text) != NULL;
        if (strstr(line, "<ERR>") != NULL || strstr(line, "not provisioned") != NULL)
            snprintf(error, size, "%.*s", (int)size - 1, line);
    }
    device->length -= (size_t)(line - device->answer);
    memmove(device->answer, line, device->length + 1);
    return found;
}

otter_status device_restart(struct device *device, const char *text, unsigned patience_s,
                            struct failure *failure)
{
    char error[256] = "";
    const uint64_t end = console_port_now(&device->port) + 1000ull * patience_s;
    forget(device);
    otter_status status = send_text(device, "reset\r", failure);
    while (status == OTTER_OK && console_port_now(&device->port) < end) {
        if (read_some(device, QUIET_MS, failure) == OTTER_E_CLOSED)
            return OTTER_E_CLOSED;
        if (look_for(device, text, error, sizeof error))
            return OTTER_OK;
        if (device->length + 1 == sizeof device->answer)
            forget(device);
    }
    return status != OTTER_OK
               ? status
               : failed(failure, OTTER_E_TIMEOUT, "the device did not say '%s' within %u s%s%s",
                        text, patience_s, error[0] != '\0' ? "; its last error: " : "", error);
}
