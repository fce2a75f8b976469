/* What the MQTT session brings to the console: its line of `stat`. */
#include "net/mqtt_console.h"

#include "net/mqtt.h"

static void show_stat(struct cli *cli)
{
    const struct mqtt_session *session = cli_context(cli);
    const struct mqtt_stats *stats = &session->stats;
    cli_printf(cli, "MQTT       %lu connects, %lu messages in, %lu out, %lu too long\n",
               (unsigned long)stats->connects, (unsigned long)stats->messages_in,
               (unsigned long)stats->messages_out, (unsigned long)stats->oversized);
}

const struct cli_table mqtt_console = {NULL, 0, show_stat};
