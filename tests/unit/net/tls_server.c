/* `openssl s_server` as the other side of TLS tests. */
#include "tls_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 40

static char folder[64];

static const char make_certificates[] =
    "set -e; cd \"$1\"; exec 2>openssl.log\n"
    "ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'\n"
    "for root in root other-root; do\n"
    "  openssl req -x509 $ec -subj /CN=$root -keyout $root.key -out $root.pem"
    " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign\n"
    "done\n"
    "printf 'subjectAltName=DNS:localhost\\n' >san\n"
    "sign() { openssl x509 -req -in $1.csr -CA ${3:-root}.pem -CAkey ${3:-root}.key -CAcreateserial"
    " -days ${2:-2} -extfile san -out $1.pem; }\n"
    "openssl req $ec -subj /CN=server -keyout server.key -out server.csr; sign server\n"
    "openssl req -newkey rsa:2048 -nodes -subj /CN=rsa -keyout rsa-server.key"
    " -out rsa-server.csr; sign rsa-server\n"
    "openssl req $ec -subj /CN=old -keyout old-server.key -out old-server.csr\n"
    "sign old-server -1\n"
    "openssl req $ec -subj /CN=old-root -keyout old-root.key -out old-root.csr\n"
    "printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\n' >san\n"
    "openssl x509 -req -in old-root.csr -signkey old-root.key -days -1 -extfile san"
    " -out old-root.pem\n"
    "printf 'subjectAltName=DNS:localhost\\n' >san\n"
    "openssl req $ec -subj /CN=server -keyout old-root-server.key -out old-root-server.csr\n"
    "sign old-root-server 2 old-root\n"
    "printf 'subjectAltName=IP:127.0.0.1,IP:2001:db8::1,DNS:192.0.2.1\\n' >san\n"
    "openssl req $ec -subj /CN=127.0.0.2 -keyout address-server.key -out address-server.csr\n"
    "sign address-server\n";

int tls_server_make_certificates(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/otter-tls-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    const pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", make_certificates, "sh", folder, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status == 0 ? 0 : -1;
}

void tls_server_remove_certificates(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

size_t tls_server_read(const char *name, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int silent_server_start(uint16_t *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static uint16_t free_port(void)
{
    uint16_t port;
    close(silent_server_start(&port));
    return port;
}

static void become_server(uint16_t port, const char *certificate, const char *options)
{
    static char text[512];
    char *arguments[ARGUMENTS_MAX + 1];
    int count = 0;
    snprintf(text, sizeof text,
             "openssl s_server -accept 127.0.0.1:%u -cert %s.pem -key %s.key -Verify 1 -rev %s",
             port, certificate, certificate, options);
    for (char *word = strtok(text, " "); word && count < ARGUMENTS_MAX; word = strtok(NULL, " "))
        arguments[count++] = word;
    arguments[count] = NULL;
    const int quiet = open("server.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(quiet, 1);
    dup2(quiet, 2);
    execvp("openssl", arguments);
}

static int accepts(uint16_t port)
{
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int result = connect(fd, (const struct sockaddr *)&address, sizeof address);
    close(fd);
    return result == 0;
}

void tls_server_start(struct tls_server *server, const char *certificate, const char *options)
{
    server->port = free_port();
    server->pid = fork();
    if (server->pid == 0) {
        if (chdir(folder) == 0)
            become_server(server->port, certificate, options);
        _exit(127);
    }
    for (int i = 0; i < 1000 && !accepts(server->port); i++) {
        assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

void tls_server_stop(struct tls_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}
