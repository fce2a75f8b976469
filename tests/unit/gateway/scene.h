/* A cloud with gateway and broker, one set of credentials that may do all, and short ways to speak.
 */
#ifndef TEST_GATEWAY_SCENE_H
#define TEST_GATEWAY_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/broker/broker.h"
#include "cloud/gateway/gateway.h"
#include "cloud/loop/loop.h"
#include "cloud/reserved/reserved.h"
#include "device.h"

struct scene {
    struct event_base *base;
    struct cloud cloud;
    struct loop loop;
    struct broker *broker;
    struct reserved_publisher publisher;
    struct gateway *gateway;
    char dir[64], root_ca[96];
    struct credentials credentials; /* registered, ACTIVE, policy "all"; attached to thing "t1" */
    struct credentials other;       /* not registered */
    struct device a, b;
    bool a_open, b_open;
};

extern struct scene scene; /* one for the program: Mosquitto is started once */

int scene_setup(void **state);
int scene_teardown(void **state);
/* After each test: ends the devices. */
int scene_clear(void **state);
void scene_restart_gateway(const struct gateway_config *config);

/* Registers a certificate, ACTIVE or not; the caller keeps its id (65 bytes). */
void scene_register(const struct credentials *credentials, const char *status, char *id);
/* A policy of one statement, ' for ", attached to the certificate. */
void scene_policy(const char *name, const char *statements, const char *certificate);

bool scene_open(struct device *device, const struct credentials *credentials);
/* Opens and sends a CONNECT; returns the code of the CONNACK, -1 when there is none. */
int scene_connect(struct device *device, const struct credentials *credentials, const char *id);
int scene_send_connect(struct device *device, const struct mqtt_connect *connect);

void publish(struct device *device, const char *topic, const void *payload, size_t length,
             unsigned qos);
/* The code granted to a single filter. */
int subscribe(struct device *device, const char *filter, unsigned qos);
/* The next PUBLISH; views into the device's buffer. False: none within `ms`. */
bool receive(struct device *device, struct mqtt_publish *message, int ms);
bool text_is(struct mqtt_text text, const char *expected);

int run_gateway_tests(void);
void connect_both(void);

int run_mqtt5_tests(void);
int run_relay_tests(void);
int run_reserved_tests(void);

#endif
