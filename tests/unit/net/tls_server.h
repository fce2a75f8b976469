/* `openssl s_server` as the other side of TLS tests: certificates made in a folder of its own, a
 * server process on a free loopback port, ended by its process id. */
#ifndef OTTER_TESTS_TLS_SERVER_H
#define OTTER_TESTS_TLS_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_server {
    pid_t pid;
    uint16_t port;
};

/* Makes the folder with, each as NAME.pem and NAME.key: root and other-root (P-256), server
 * (P-256, for "localhost"), rsa-server (RSA 2048, for "localhost"), old-server (expired 3 days
 * ago), old-root (likewise) and old-root-server (signed by it), address-server (for 127.0.0.1 and
 * 2001:db8::1, and with 192.0.2.1 as if that were a host name). 0, or -1 without openssl. */
int tls_server_make_certificates(void);
void tls_server_remove_certificates(void);
/* The text of a file of the folder, NUL-terminated. */
size_t tls_server_read(const char *name, char *text, size_t size);

/* Starts the server with NAME.pem and NAME.key and these further options (one string, blanks
 * between); it asks for a client certificate and sends each line back reversed. Returns once the
 * port accepts connections. */
void tls_server_start(struct tls_server *server, const char *certificate, const char *options);
void tls_server_stop(struct tls_server *server);

/* A socket that listens and never answers. */
int silent_server_start(uint16_t *port);

#endif
