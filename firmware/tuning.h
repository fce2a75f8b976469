/* What a product tunes: times, sizes and counts of the firmware, with units and ranges, in one
 * place. A product changes a value without touching this file: by a header of its own that defines
 * it, named to CMake as OTTER_TUNING, or by -D. A value out of its range stops the compiler.
 *
 * What a user sets on the device (endpoint, names, connect_spread_s) are settings of `conf`; what a
 * board is, stands in its folder; what lwIP and Mbed TLS take, in ports/lwip and ports/cortex-m. */
#ifndef OTTER_FIRMWARE_TUNING_H
#define OTTER_FIRMWARE_TUNING_H

#ifdef OTTER_TUNING_HEADER
#include OTTER_TUNING_HEADER
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Connection ------------------------------------------------------------------------------ */

#ifndef TUNE_KEEP_ALIVE_S
#define TUNE_KEEP_ALIVE_S 60 /* s; AWS IoT takes 30 to 1200 */
#endif
#ifndef TUNE_BACKOFF_BASE_MS
#define TUNE_BACKOFF_BASE_MS                                                                       \
    500u /* ms, doubled with each connection that does not last; 1 to cap */
#endif
#ifndef TUNE_BACKOFF_CAP_MS
#define TUNE_BACKOFF_CAP_MS 60000u /* ms; up to an hour */
#endif
#ifndef TUNE_OPEN_TIMEOUT_MS
#define TUNE_OPEN_TIMEOUT_MS 20000u /* ms for look-up, TCP and TLS together; 1 s to 5 min */
#endif
#ifndef TUNE_CONNACK_TIMEOUT_MS
#define TUNE_CONNACK_TIMEOUT_MS 15000u /* ms; 1 s to 5 min */
#endif
#ifndef TUNE_ACK_TIMEOUT_MS
#define TUNE_ACK_TIMEOUT_MS 10000u /* ms for PUBACK, SUBACK, PINGRESP; 1 s to 5 min */
#endif
#ifndef TUNE_TLS_ARENA_SIZE
/* Bytes, TLS's heap; `stat` shows the most used of it: 25 KB with the local cloud's EC
 * certificates, 33 KB with a chain of four RSA-2048 certificates of 1.3 KB each and such a root. */
#define TUNE_TLS_ARENA_SIZE (38u * 1024u)
#endif

/* ---- Jobs and updates ------------------------------------------------------------------------ */

#ifndef TUNE_REPLY_TIMEOUT_MS
#define TUNE_REPLY_TIMEOUT_MS 10000u /* ms for each answer of the Jobs service; 1 s to 5 min */
#endif
#ifndef TUNE_CERTIFICATE_TRIAL_MS
#define TUNE_CERTIFICATE_TRIAL_MS                                                                  \
    60000u /* ms that a new certificate has to bring the device on line */
#endif
#ifndef TUNE_JOB_POLL_MS
#define TUNE_JOB_POLL_MS                                                                           \
    3600000u /* ms between questions for a job without notification; from 1 min */
#endif
#ifndef TUNE_BLOCK_SIZE
#define TUNE_BLOCK_SIZE 4096u /* bytes; whole sectors, or several to each; 256 to 131,072 */
#endif
#ifndef TUNE_WINDOW
#define TUNE_WINDOW 32u /* blocks asked for at a time; 1 to 32 */
#endif
#ifndef TUNE_STALL_TIMEOUT_MS
#define TUNE_STALL_TIMEOUT_MS                                                                      \
    600000u /* ms on line without a block, then the update fails; from 10 s */
#endif
#ifndef TUNE_SELF_TEST_TIMEOUT_MS
#define TUNE_SELF_TEST_TIMEOUT_MS 120000u /* ms from boot on trial to the way back; from 5 s */
#endif
#ifndef TUNE_PROGRESS_PERIOD_MS
#define TUNE_PROGRESS_PERIOD_MS 30000u /* ms between the job's progress messages; from 1 s */
#endif

/* ---- What cannot be -------------------------------------------------------------------------- */

#ifdef __cplusplus
#define TUNE_CHECK(condition, text) static_assert(condition, text)
#else
#define TUNE_CHECK(condition, text) _Static_assert(condition, text)
#endif
TUNE_CHECK(TUNE_KEEP_ALIVE_S >= 30 && TUNE_KEEP_ALIVE_S <= 1200, "TUNE_KEEP_ALIVE_S: 30 to 1200");
TUNE_CHECK(TUNE_BACKOFF_BASE_MS >= 1 && TUNE_BACKOFF_BASE_MS <= TUNE_BACKOFF_CAP_MS &&
               TUNE_BACKOFF_CAP_MS <= 3600000u,
           "TUNE_BACKOFF_BASE_MS and _CAP_MS: 1 ms to an hour, base not above cap");
TUNE_CHECK(TUNE_OPEN_TIMEOUT_MS >= 1000u && TUNE_OPEN_TIMEOUT_MS <= 300000u &&
               TUNE_CONNACK_TIMEOUT_MS >= 1000u && TUNE_CONNACK_TIMEOUT_MS <= 300000u &&
               TUNE_ACK_TIMEOUT_MS >= 1000u && TUNE_ACK_TIMEOUT_MS <= 300000u &&
               TUNE_REPLY_TIMEOUT_MS >= 1000u && TUNE_REPLY_TIMEOUT_MS <= 300000u,
           "time-outs of connection and answers: 1 s to 5 min");
TUNE_CHECK(TUNE_JOB_POLL_MS >= 60000u, "TUNE_JOB_POLL_MS: from a minute");
TUNE_CHECK(TUNE_BLOCK_SIZE >= 256u && TUNE_BLOCK_SIZE <= 131072u,
           "TUNE_BLOCK_SIZE: 256 to 131,072 (AWS IoT)");
TUNE_CHECK(TUNE_WINDOW >= 1u && TUNE_WINDOW <= 32u, "TUNE_WINDOW: 1 to 32");
TUNE_CHECK(TUNE_STALL_TIMEOUT_MS >= 10000u, "TUNE_STALL_TIMEOUT_MS: from 10 s");
TUNE_CHECK(TUNE_SELF_TEST_TIMEOUT_MS >= 5000u, "TUNE_SELF_TEST_TIMEOUT_MS: from 5 s");
TUNE_CHECK(TUNE_PROGRESS_PERIOD_MS >= 1000u, "TUNE_PROGRESS_PERIOD_MS: from 1 s");

#ifdef __cplusplus
}
#endif

#endif
