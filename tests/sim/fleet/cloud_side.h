/* The cloud's core in the tests of fleet provisioning on the device; apart from them, as each side
 * has its own JSON library under the same names. All fails the test where it does not work. */
#ifndef OTTER_TESTS_SIM_FLEET_CLOUD_SIDE_H
#define OTTER_TESTS_SIM_FLEET_CLOUD_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cloud in a folder of its own, with the template `lamps`, whose things are called lamp-SERIAL.
 */
void cloud_side_start(uint64_t (*now_ms)(void));
void cloud_side_stop(void);

/* A PUBLISH of the device to a reserved topic; answers come before it returns. */
void cloud_side_publish(const char *topic, const void *payload, size_t length,
                        void (*reply)(const char *topic, const void *payload, size_t length));

/* Whether the certificate with this id (hex SHA-256) is ACTIVE. */
bool cloud_side_active(const char *id);

/* A claim certificate that is registered, and its key, as PEM; freed by the caller. */
void cloud_side_claim(char **certificate, char **key);

void cloud_side_create_job(const char *id, const char *thing, const char *document);
/* Valid until the next call. */
const char *cloud_side_job_status(const char *id, const char *thing);

#endif
