/* Between the files of the broker only: Mosquitto as a child process. */
#ifndef OTTER_CLOUD_BROKER_BROKER_INTERNAL_H
#define OTTER_CLOUD_BROKER_BROKER_INTERNAL_H

#include "cloud/broker/broker.h"

struct broker_process;

/* NULL after saying on stderr what is wrong. */
struct broker_process *broker_process_start(struct event_base *base, const char *dir,
                                            unsigned session_s);
void broker_process_stop(struct broker_process *process);
void broker_process_address(const struct broker_process *process, struct sockaddr_un *address);
/* False when Mosquitto ended again and again right after its start. */
bool broker_process_healthy(const struct broker_process *process);
/* Core has been answered through the socket that is there now; it is watched from here on. */
void broker_process_reached(struct broker_process *process);
/* Ends it, for the reason that is logged; it is started again as after any death. */
void broker_process_replace(struct broker_process *process, const char *why);
/* Makes it save, once, within a second or a little more. */
void broker_process_save(struct broker_process *process);
/* When the state that it began with was saved; ms since 1970, 0: there was none. */
int64_t broker_process_saved_ms(const struct broker_process *process);
const char *broker_process_log(const struct broker_process *process); /* path */

#endif
