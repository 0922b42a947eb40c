// A program that is measured from outside: asked on its standard input, answering on its standard output.
#ifndef CHILD_H
#define CHILD_H

typedef struct child child;

/// Starts a shell's command and waits for its first line, which has to be "ready". NULL otherwise.
child *_Nullable child_start(const char *_Nonnull command);
/// Asks with a line and returns the line of the answer, valid until the next call; NULL when there is none.
const char *_Nullable child_ask(child *_Nonnull child, const char *_Nonnull command);
/// Closes its standard input and waits for its end.
void child_end(child *_Nonnull child);

/// Runs a shell's command and counts the lines of its output that have `word` in them; -1 when it failed without one.
long child_count_lines(const char *_Nonnull command, const char *_Nonnull word);

#endif
