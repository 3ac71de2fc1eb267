// SPDX-License-Identifier: Apache-2.0
// A tool whose first act is to leave a line in a file:  first_act FILE [stay | tree | serve PORT]
// Then it ends, or stays; `tree` stays with a thread, a child and a daemon that nobody is the parent of;
// `serve` answers whoever connects with a byte.
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void* stay(void* unused) {
  for (;;) pause();
  return unused;
}

static void make_tree(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, stay, NULL);
  if (fork() == 0) stay(NULL);
  if (fork() == 0) {
    setsid();
    if (fork() == 0) stay(NULL);
    _exit(0);
  }
}

static void serve(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 16) != 0) _exit(1);
  for (;;) {
    const int peer = accept(listener, NULL, NULL);
    if (send(peer, "!", 1, MSG_NOSIGNAL) < 0) continue;
    close(peer);
  }
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT, 0666);
  if (write(file, "1\n", 2) != 2) return 1;
  close(file);
  if (argc < 3) return 0;
  if (strcmp(argv[2], "serve") == 0 && argc > 3) serve(atoi(argv[3]));
  if (strcmp(argv[2], "tree") == 0) make_tree();
  stay(NULL);
}
