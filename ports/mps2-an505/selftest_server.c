/* The host's end of the port's self-test: a TCP server on a free loopback port, which it prints.
 * A connection whose first byte is `D` gets as many bytes as the number after it says, then the
 * end; any other gets back what it sends. Runs until it is killed; one process a connection. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(fd, data, length);
        if (written <= 0)
            return -1;
        data += written;
        length -= (size_t)written;
    }
    return 0;
}

static void download(int fd, long bytes)
{
    static char data[16384];
    while (bytes > 0) {
        const size_t length = bytes < (long)sizeof data ? (size_t)bytes : sizeof data;
        if (write_all(fd, data, length) != 0)
            return;
        bytes -= (long)length;
    }
}

static void serve(int fd)
{
    static char data[16384];
    ssize_t length = read(fd, data, sizeof data - 1);
    if (length > 0 && data[0] == 'D') {
        data[length] = '\0';
        download(fd, strtol(data + 1, NULL, 10));
        return;
    }
    while (length > 0 && write_all(fd, data, (size_t)length) == 0)
        length = read(fd, data, sizeof data);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 4) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("selftest_server");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fork() == 0) {
            close(listener);
            serve(fd);
            return 0;
        }
        close(fd);
    }
}
