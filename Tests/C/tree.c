// Builds the tree of sysfs and device nodes, and reads and writes its files.
#include "tree.h"

#include "check.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#define PCI "sys/devices/pci0000:00/0000:00:03.0/"
#define PLATFORM "sys/devices/platform/board.0/"
#define UIO0 PCI "uio/uio0/"
#define UIO1 PLATFORM "uio/uio1/"

static void file(const char *root, const char *path, const char *text, long length) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s/%s", root, path);
  for (char *slash = strchr(whole + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(whole, 0700);
    *slash = '/';
  }
  int fd = open(whole, O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0);
  CHECK_EQUAL(write(fd, text, strlen(text)), strlen(text));
  if (length > 0) CHECK_EQUAL(ftruncate(fd, length), 0);
  close(fd);
}

static void folder_link(const char *root, const char *path, const char *target) {
  char whole[512], from[512];
  snprintf(whole, sizeof whole, "%s/%s", root, path);
  snprintf(from, sizeof from, "%s/%s", root, target);
  file(root, path, "", 0);
  unlink(whole);
  CHECK_EQUAL(symlink(from, whole), 0);
}

struct tree make_tree(void) {
  struct tree tree;
  strcpy(tree.root, "/tmp/interruptsync-c.XXXXXX");
  CHECK(mkdtemp(tree.root) != NULL);
  const struct {
    const char *path, *text;
    long length;
  } files[] = {
      {UIO0 "name", "uio_pci_generic\n", 0},
      {UIO0 "version", "0.01.0\n", 0},
      {UIO0 "event", "5\n", 0},
      {UIO0 "maps/map0/name", "registers\n", 0},
      {UIO0 "maps/map0/addr", "0xfe000000\n", 0},
      {UIO0 "maps/map0/size", "0x1000\n", 0},
      {UIO0 "maps/map0/offset", "0x40\n", 0},
      {UIO0 "portio/port0/name", "legacy\n", 0},
      {UIO0 "portio/port0/start", "0xe0\n", 0},
      {UIO0 "portio/port0/size", "0x4\n", 0},
      {UIO0 "portio/port0/porttype", "port_x86\n", 0},
      {PCI "vendor", "0x1b36\n", 0},
      {PCI "device", "0x0004\n", 0},
      {PCI "irq", "21\n", 0},
      {PCI "resource", "0x000000000000e000 0x000000000000e01f 0x0000000000040101\n"
                       "0x00000000fe000000 0x00000000fe001fff 0x0000000000042200\n", 0},
      {PCI "resource0", "", 32},
      {PCI "resource1", "", 8192},
      {PCI "config", "", 256},
      {UIO1 "name", "board\n", 0},
      {UIO1 "version", "1\n", 0},
      {UIO1 "event", "0\n", 0},
      {"dev/uio0", "", 4096},
      {"dev/uio1", "", 64},
      {"sys/bus/pci/drivers/uio_pci_generic/bind", "", 0},
      {"sys/bus/platform/uevent", "", 0},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    file(tree.root, files[i].path, files[i].text, files[i].length);
  folder_link(tree.root, "sys/class/uio/uio0", "sys/devices/pci0000:00/0000:00:03.0/uio/uio0");
  folder_link(tree.root, "sys/class/uio/uio1", "sys/devices/platform/board.0/uio/uio1");
  folder_link(tree.root, UIO0 "device", "sys/devices/pci0000:00/0000:00:03.0");
  folder_link(tree.root, UIO1 "device", "sys/devices/platform/board.0");
  folder_link(tree.root, "sys/bus/pci/devices/0000:00:03.0", "sys/devices/pci0000:00/0000:00:03.0");
  folder_link(tree.root, PCI "driver", "sys/bus/pci/drivers/uio_pci_generic");
  folder_link(tree.root, PCI "subsystem", "sys/bus/pci");
  folder_link(tree.root, PLATFORM "subsystem", "sys/bus/platform");
  char sysfs[80], devices[80];
  snprintf(sysfs, sizeof sysfs, "%s/sys", tree.root);
  snprintf(devices, sizeof devices, "%s/dev", tree.root);
  CHECK_EQUAL(interruptsync_set_roots(sysfs, devices), 0);
  return tree;
}

void tree_link(const struct tree *tree, const char *path, const char *target) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s/%s", tree->root, path);
  unlink(whole);
  folder_link(tree->root, path, target);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
  (void)status;
  (void)type;
  (void)walk;
  return remove(path);
}

void end_tree(struct tree *tree) {
  CHECK_EQUAL(interruptsync_set_roots(NULL, NULL), 0);
  CHECK_EQUAL(nftw(tree->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int open_in(const struct tree *tree, const char *path) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s/%s", tree->root, path);
  int fd = open(whole, O_RDWR);
  CHECK(fd >= 0);
  return fd;
}

void tree_read(const struct tree *tree, const char *path, long offset, void *bytes, unsigned long count) {
  int fd = open_in(tree, path);
  CHECK_EQUAL(pread(fd, bytes, count, offset), count);
  close(fd);
}

void tree_write(const struct tree *tree, const char *path, long offset, const void *bytes, unsigned long count) {
  int fd = open_in(tree, path);
  CHECK_EQUAL(pwrite(fd, bytes, count, offset), count);
  close(fd);
}
