// A tree of sysfs and device nodes in a temporary folder, in which plain files replace the kernel's: one PCI function
// with uio_pci_generic at uio0, one nameless platform device at uio1.
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stdint.h>

struct tree {
  char root[64];
};

// Makes it and points the library there.
struct tree make_tree(void);
// Points the library back and removes it.
void end_tree(struct tree *tree);
// A link to a folder, in the place of what is there.
void tree_link(const struct tree *tree, const char *path, const char *target);
// Reads or writes bytes of a file below the root.
void tree_read(const struct tree *tree, const char *path, long offset, void *bytes, unsigned long count);
void tree_write(const struct tree *tree, const char *path, long offset, const void *bytes, unsigned long count);

#endif
