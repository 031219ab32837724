/* Preloaded into the server by the soak (LD_PRELOAD). Whoever connects to the socket LOGAH_ALLOCATOR_SOCKET is told what
 * glibc's allocator has handed out and not got back, and what of it are mappings of their own; then it gives the system all
 * whole pages that are free. What is resident before that, and is not handed out, is what the allocator keeps for the next
 * call, and depends on the order of the calls before. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *serve(void *socket) {
  const int listening = (int)(long)socket;
  for (;;) {
    const int asking = accept(listening, NULL, NULL);
    if (asking < 0) continue;
    const struct mallinfo2 held = mallinfo2();
    malloc_trim(0);
    dprintf(asking, "{\"inUse\":%zu,\"mapped\":%zu}\n", held.uordblks + held.hblkhd, held.hblkhd);
    close(asking);
  }
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("LOGAH_ALLOCATOR_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  pthread_t thread;
  sigset_t all, before;
  if (path == NULL || strlen(path) >= sizeof address.sun_path) return;
  strcpy(address.sun_path, path);
  /* Processes that the server starts ask nobody. */
  unsetenv("LOGAH_ALLOCATOR_SOCKET");
  unsetenv("LD_PRELOAD");
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening < 0 || bind(listening, (struct sockaddr *)&address, sizeof address) != 0 || listen(listening, 1) != 0) {
    perror("allocator probe");
    exit(70);
  }
  /* Signals are the server's. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (pthread_create(&thread, NULL, serve, (void *)(long)listening) != 0) exit(70);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}
