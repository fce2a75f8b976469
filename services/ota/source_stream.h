/* Blocks from AWS IoT MQTT file streams, in CBOR ("MQTT" in the job document): GetStream requests
 * on $aws/things/T/streams/S/get/cbor, answered on data/cbor and rejected/cbor. The stream's name
 * is in the job document, and in the record. */
#ifndef OTTER_SERVICES_OTA_SOURCE_STREAM_H
#define OTTER_SERVICES_OTA_SOURCE_STREAM_H

#include "net/mqtt.h"
#include "services/ota/download.h"
#include "services/ota/source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_REQUEST_MAX      131072u /* bytes of data that the service sends for one request */
#define OTA_REQUEST_CBOR_MAX (32u + OTA_BLOCKS_MAX / 8)
/* The session's input buffer must take so much beyond one block. */
#define OTA_MQTT_INPUT_BESIDE_BLOCK 320u
#define OTA_STREAM_TOPIC_MAX        (sizeof "streams//rejected/cbor" - 1 + OTA_STREAM_MAX)

struct ota_source_stream {
    struct ota_source source;
    struct mqtt_session *mqtt;
    const char *thing_name;
    struct mqtt_service service;
    struct mqtt_subscription data;
    struct mqtt_subscription refusal;
    otter_ms ask_again_at; /* for a subscription that was refused: a policy may come late */
    char prefix[sizeof "$aws/things//" + OTA_THING_NAME_MAX];
    char data_filter[OTA_STREAM_TOPIC_MAX + 1]; /* empty: no stream is open */
    char refusal_filter[OTA_STREAM_TOPIC_MAX + 1];
};

/* Registers with the session; it and the name must outlive the source. `block_timeout_ms`: 0 for 3
 * s. */
void ota_source_stream_init(struct ota_source_stream *stream, struct mqtt_session *mqtt,
                            const char *thing_name, uint32_t block_timeout_ms);

/* Characters that a stream's name may have, so that its topics stay within MQTT_TOPIC_MAX. */
uint32_t ota_stream_name_max(const char *thing_name);

/* For tests and fuzzing: the messages. */

/* A data message, checked against the file: OTTER_E_MALFORMED when it is not CBOR of the right
 * shape, OTTER_E_REFUSED for another file, a block past the end or one of the wrong length.
 * `data` points into the message. */
otter_status ota_block_read(const struct ota_file *file, const uint8_t *message, size_t length,
                            struct ota_block *block);

/* Writes a GetStream request for these blocks (ascending). Its length or OTTER_E_TOO_LONG. */
int ota_request_write(const struct ota_file *file, const uint16_t *blocks, uint32_t count,
                      uint8_t *out, size_t size);

/* A stream's error. True when asking again cannot help. `text` is made printable. */
bool ota_stream_refused(const uint8_t *message, size_t length, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
