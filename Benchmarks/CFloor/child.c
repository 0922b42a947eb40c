#define _GNU_SOURCE
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
  pid_t pid;
  FILE *in, *out;
  char answer[256];
};

static const char *next_line(child *c) { return fgets(c->answer, sizeof c->answer, c->out); }

child *child_start(const char *command) {
  int in[2], out[2];
  child *c = calloc(1, sizeof *c);
  if (!c || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return NULL;
  signal(SIGPIPE, SIG_IGN);
  c->pid = fork();
  if (c->pid == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  c->in = fdopen(in[1], "w");
  c->out = fdopen(out[0], "r");
  if (c->pid > 0 && next_line(c) && strcmp(c->answer, "ready\n") == 0) return c;
  child_end(c);
  return NULL;
}

const char *child_ask(child *c, const char *command) {
  fprintf(c->in, "%s\n", command);
  fflush(c->in);
  return next_line(c);
}

void child_end(child *c) {
  int status;
  fclose(c->in);
  fclose(c->out);
  if (c->pid > 0) waitpid(c->pid, &status, 0);
  free(c);
}

long child_count_lines(const char *command, const char *word) {
  char line[4096];
  long count = 0;
  FILE *output = popen(command, "r");
  if (!output) return -1;
  while (fgets(line, sizeof line, output)) count += strstr(line, word) != NULL;
  return pclose(output) != 0 && count == 0 ? -1 : count;
}
