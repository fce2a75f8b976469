/* Private to the codec: what of CONNECT and PUBLISH both versions share, their flags before all. */
#ifndef OTTER_CODEC_MQTT_FLAGS_H
#define OTTER_CODEC_MQTT_FLAGS_H

#include "codec/mqtt_cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONNECT_USER_NAME     0x80u
#define CONNECT_PASSWORD      0x40u
#define CONNECT_WILL_RETAIN   0x20u
#define CONNECT_WILL_QOS      3u /* position of the two bits */
#define CONNECT_WILL          0x04u
#define CONNECT_CLEAN_SESSION 0x02u /* MQTT 5: Clean Start */
#define CONNECT_RESERVED      0x01u

#define PUBLISH_DUPLICATE 0x08u
#define PUBLISH_QOS       1u /* position of the two bits */
#define PUBLISH_RETAIN    0x01u

#define QOS_MASK 3u
#define QOS_MAX  2u

/* [MQTT-3.3.1-2], [MQTT-3.3.1-4] */
static inline bool mqtt_publish_flags_valid(unsigned flags)
{
    const unsigned qos = flags >> PUBLISH_QOS & QOS_MASK;
    return qos <= QOS_MAX && (qos > 0 || !(flags & PUBLISH_DUPLICATE));
}

static inline unsigned mqtt_connect_flags(const struct mqtt_connect *connect)
{
    unsigned flags = connect->clean_session ? CONNECT_CLEAN_SESSION : 0;
    if (connect->will_topic.data) {
        flags |= CONNECT_WILL | (unsigned)connect->will_qos << CONNECT_WILL_QOS;
        flags |= connect->will_retain ? CONNECT_WILL_RETAIN : 0;
    }
    flags |= connect->user_name.data ? CONNECT_USER_NAME : 0;
    return flags | (connect->password.data ? CONNECT_PASSWORD : 0);
}

/* The reserved bit [MQTT-3.1.2-3] and the will's: [MQTT-3.1.2-11] to [MQTT-3.1.2-15] of 3.1.1,
 * [MQTT-3.1.2-11] to [MQTT-3.1.2-13] of 5. */
static inline bool mqtt_connect_flags_valid(unsigned flags)
{
    if (flags & CONNECT_RESERVED)
        return false;
    const unsigned will = flags & (QOS_MASK << CONNECT_WILL_QOS | CONNECT_WILL_RETAIN);
    if (!(flags & CONNECT_WILL))
        return will == 0;
    return (flags >> CONNECT_WILL_QOS & QOS_MASK) <= QOS_MAX;
}

/* Protocol name and level: section 3.1.2.1 and 3.1.2.2. OTTER_E_UNSUPPORTED when it is another
 * level, or the name of MQTT 3.1. */
otter_status mqtt_take_protocol(struct mqtt_cursor *c, unsigned level,
                                struct mqtt_connect *connect);
/* Topic and payload, and what the flags say of it. */
void mqtt_take_will(struct mqtt_cursor *c, unsigned flags, struct mqtt_connect *connect);
/* User name and password, where the flags announce them. */
void mqtt_take_credentials(struct mqtt_cursor *c, unsigned flags, struct mqtt_connect *connect);

#ifdef __cplusplus
}
#endif

#endif
