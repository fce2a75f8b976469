/* A simulated device: the device library itself (store, MQTT session, Jobs, update agent) and the
 * bootloader's core, on flash in memory. Only TCP and TLS are libevent's and OpenSSL's: Mbed TLS
 * would measure the client. */
#ifndef OTTER_BENCH_SWARM_DEVICE_H
#define OTTER_BENCH_SWARM_DEVICE_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <netinet/in.h>

#include "bench/swarm/ram_flash.h"
#include "firmware/tuning.h"
#include "net/mqtt.h"
#include "pki/pki.h"
#include "services/jobs/jobs.h"
#include "services/ota/ota.h"
#include "services/ota/source_stream.h"
#include "store/kv.h"

struct bufferevent;

/* What all have in common, and what is counted of all. Times are port_now's. */
struct swarm {
    struct event_base *base;
    SSL_CTX *tls;
    struct sockaddr_in to;
    const char *host;
    int template_fd;
    unsigned window; /* blocks asked for at a time; 0: the agent's own choice */
    jsmntok_t tokens[JOBS_TOKENS_MIN];

    unsigned online;        /* devices whose Jobs service has been heard */
    unsigned lost, refused; /* connections that ended, or did not come up, unasked */
    unsigned downloaded;    /* images that are on flash whole */
    unsigned installed;     /* boots that brought in another image */
    unsigned brought_back;  /* boots that brought the old one back */
    otter_ms first_block, last_block;
    otter_ms half_online, all_online; /* when so many of them were */
    unsigned count;
};

struct device {
    struct swarm *swarm;
    char id[32];
    struct ram_flash flash;
    struct flash_area primary, secondary, scratch, store, progress;
    struct kv kv;
    struct pki pki;
    struct pki_part labels;
    struct mqtt_session mqtt;
    struct jobs jobs;
    struct ota ota;
    struct ota_source_stream stream;
    struct ota_source *sources[1];
    struct bufferevent *link; /* NULL: none */
    struct event *timer;
    bool up;         /* TLS is */
    bool online;     /* counted in swarm->online */
    bool off;        /* without power */
    uint32_t blocks; /* of the download, when last looked at */
    uint8_t input[TUNE_BLOCK_SIZE + 512u];
    uint8_t output[832];
};

/* The template of all flash: version, from `image_path`, in the primary slot, confirmed, and the
 * signer's public key in the store. -1 after saying why on stderr. */
int device_template(const char *image_path, const char *signer_path);

/* Switched off at first. False: out of memory. */
bool device_create(struct device *device, struct swarm *swarm, const char *id);
void device_destroy(struct device *device);

/* Power. Off: the connection ends without a word. */
void device_switch_on(struct device *device);
void device_switch_off(struct device *device);

/* Running that version, confirmed, and with nothing to do. */
bool device_is_done(const struct device *device, const struct image_version *version);

#endif
