/* A device at its serial console, as `otter provision` talks to it: a command at a time, each with
 * its echo and its answer. */
#ifndef OTTER_TOOL_PROVISION_DEVICE_H
#define OTTER_TOOL_PROVISION_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "tool/console_port.h"
#include "tool/failure.h"

#define DEVICE_ANSWER_MAX   8192u
#define DEVICE_SETTINGS_MAX 40u
#define DEVICE_NAME_MAX     32u
#define DEVICE_VALUE_MAX    160u

struct device {
    struct console_port port;
    char answer[DEVICE_ANSWER_MAX]; /* to the last command: lines ended by \n, without the echo */
    size_t length;
};

struct device_setting {
    char name[DEVICE_NAME_MAX];
    char value[DEVICE_VALUE_MAX]; /* without quotes */
};

struct device_settings {
    struct device_setting all[DEVICE_SETTINGS_MAX];
    unsigned count;
};

/* Opens the port and gets the device's attention: ctrl-C, which also keeps its log out of the
 * answers. */
otter_status device_open(struct device *device, const char *port, unsigned baud,
                         struct failure *failure);
void device_close(struct device *device);

/* Types the command and collects its answer; OTTER_E_TIMEOUT when no prompt comes within
 * `patience_s`. */
otter_status device_command(struct device *device, const char *command, unsigned patience_s,
                            struct failure *failure);

otter_status device_settings(struct device *device, struct device_settings *settings,
                             struct failure *failure);
/* The value, or "" for a setting that the device does not have. */
const char *device_value(const struct device_settings *settings, const char *name);
/* Stages a value; what the device says against it is the failure. */
otter_status device_set(struct device *device, const char *name, const char *value,
                        struct failure *failure);

/* The PEM object in the answer to a command, into `pem`. OTTER_E_NOT_FOUND with the device's words
 * when there is none. */
otter_status device_pem(struct device *device, const char *command, char *pem, size_t size,
                        struct failure *failure);
/* Types an import command and a PEM text, a line after the echo of the one before. */
otter_status device_import(struct device *device, const char *command, const char *pem,
                           struct failure *failure);

/* Types `reset` and reads what the device says until a line holds `text`: OTTER_OK. After
 * `patience_s` OTTER_E_TIMEOUT; the failure has the last error that the device logged. */
otter_status device_restart(struct device *device, const char *text, unsigned patience_s,
                            struct failure *failure);

#endif
