/* A firmware for the host that only says that it runs; as large as a real one, so that its upload
 * takes a while. */
#include <stdio.h>
#include <unistd.h>

static const volatile char filler[256 * 1024] = {1};

int main(void)
{
    printf("Otter firmware 1.0.%d\r\n", filler[1]);
    fflush(stdout);
    for (;;)
        pause();
}
