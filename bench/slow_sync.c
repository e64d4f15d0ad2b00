/* Gives this machine's disk the latency of another one: every fsync and fdatasync of a process that preloads this
 * takes SLOW_SYNC_US microseconds longer. See "The disk" in README.md.
 *
 *   cc -O2 -shared -fPIC -o target/slow_sync.so bench/slow_sync.c
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_as_a_slower_disk(void)
{
    const char *text = getenv("SLOW_SYNC_US");
    long us = text ? atol(text) : 0;
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

int fsync(int fd)
{
    wait_as_a_slower_disk();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_as_a_slower_disk();
    return (int)syscall(SYS_fdatasync, fd);
}
