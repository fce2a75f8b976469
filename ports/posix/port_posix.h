/* Start-up of the posix port, for the two main programs. */
#ifndef OTTER_PORTS_POSIX_PORT_POSIX_H
#define OTTER_PORTS_POSIX_PORT_POSIX_H

/* Starts clock and watchdog; called first in main. */
void port_posix_start(void);

#endif
