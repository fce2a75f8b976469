/* What port_idle needs of the connection in use: the firmware has one at a time. */
#ifndef OTTER_PORTS_POSIX_TCP_H
#define OTTER_PORTS_POSIX_TCP_H

/* Descriptor to poll and for which events, or -1 when there is none. */
int socket_poll_descriptor(short *events);

/* After the poll: lets a connect in progress finish. */
void socket_poll_done(void);

#endif
