// A program that is measured from outside: asked on its standard input, answering on its standard output.
#ifndef CHILD_H
#define CHILD_H

typedef struct child child;

/// Starts a program and waits for its first line, which has to be "ready". NULL otherwise.
child *_Nullable child_start(const char *_Nullable const *_Nonnull arguments);
/// Asks with a line and returns the line of the answer, valid until the next call; NULL when there is none.
const char *_Nullable child_ask(child *_Nonnull child, const char *_Nonnull command);
/// Closes its standard input and waits for its end.
void child_end(child *_Nonnull child);

#endif
