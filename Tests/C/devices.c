// Devices, regions and UIO lines on a tree of plain files. Real devices: Examples/uart-c in the guests.
#include "check.h"
#include "tree.h"

#define PCI "sys/devices/pci0000:00/0000:00:03.0/"

static struct event served, removed;

static int visit(const interruptsync_device_info *info, void *context) {
  char *ids = (char *)context;
  CHECK_EQUAL(info->size, sizeof *info);
  strcat(strcat(ids, info->stable_id), " ");
  return 0;
}

static int stop_at_first(const interruptsync_device_info *info, void *context) {
  (void)info;
  (void)context;
  return 1;
}

TEST(device_list) {
  struct tree tree = make_tree();
  char ids[256] = "";
  CHECK_EQUAL(interruptsync_device_list(visit, ids), 2);
  CHECK_EQUAL(strcmp(ids, "pci-0000:00:03.0 platform-board.0 "), 0);
  CHECK_EQUAL(interruptsync_device_list(stop_at_first, NULL), 1);
  end_tree(&tree);
}

TEST(device_description) {
  struct tree tree = make_tree();
  interruptsync_device *device = NULL;
  CHECK_FAILS(interruptsync_device_open("pci-0000:00:09.0", &device), ENOENT, "no such device");
  CHECK_FAILS(interruptsync_device_open("pci-nonsense", &device), EINVAL, "not a PCI address");
  CHECK(device == NULL);
  CHECK_EQUAL(interruptsync_device_open("pci-0000:00:03.0", &device), 0);
  CHECK_EQUAL(interruptsync_device_is_alive(device), 1);
  CHECK_EQUAL(interruptsync_device_has_interrupt(device), 1);
  interruptsync_device_info info = INTERRUPTSYNC_STRUCT(interruptsync_device_info);
  CHECK_EQUAL(interruptsync_device_get_info(device, &info), 0);
  CHECK_EQUAL(strcmp(info.driver, "uio_pci_generic"), 0);
  CHECK_EQUAL(strcmp(info.version, "0.01.0"), 0);
  CHECK_EQUAL(info.event, 5);
  CHECK(info.is_pci);
  CHECK_EQUAL(info.pci_vendor_id, 0x1b36);
  CHECK_EQUAL(info.pci_device_id, 4);
  CHECK_EQUAL(info.pci_device, 3);
  CHECK_EQUAL(info.map_count, 1);
  CHECK_EQUAL(info.port_range_count, 1);
  CHECK_EQUAL(info.bar_count, 2);

  interruptsync_map_info map = INTERRUPTSYNC_STRUCT(interruptsync_map_info);
  CHECK_EQUAL(interruptsync_device_get_map(device, 0, &map), 0);
  CHECK_EQUAL(map.address, 0xfe000000);
  CHECK_EQUAL(map.usable_length, 0xfc0);
  CHECK_EQUAL(strcmp(map.name, "registers"), 0);
  CHECK_FAILS(interruptsync_device_get_map(device, 1, &map), ENOENT, "has 1 maps");
  interruptsync_port_range_info range = INTERRUPTSYNC_STRUCT(interruptsync_port_range_info);
  CHECK_EQUAL(interruptsync_device_get_port_range(device, 0, &range), 0);
  CHECK_EQUAL(range.start, 0xe0);
  CHECK_EQUAL(strcmp(range.type, "port_x86"), 0);
  interruptsync_bar_info bar = INTERRUPTSYNC_STRUCT(interruptsync_bar_info);
  CHECK_EQUAL(interruptsync_device_get_bar(device, 0, &bar), 0);
  CHECK_EQUAL(bar.kind, INTERRUPTSYNC_PORTS);
  CHECK_EQUAL(bar.length, 32);
  CHECK_EQUAL(interruptsync_device_get_bar(device, 1, &bar), 0);
  CHECK_EQUAL(bar.kind, INTERRUPTSYNC_MEMORY);
  CHECK(bar.is_prefetchable);
  CHECK_EQUAL(interruptsync_device_get_bar(device, 2, &bar), -ENOENT);
  interruptsync_release(device);
  end_tree(&tree);
}

// Memory of a real machine: Tests/Hardware/programs/uio_memory.c in the guests.
TEST(device_memory) {
  struct tree tree = make_tree();
  interruptsync_device *device = NULL;
  interruptsync_dma *buffer = NULL;
  CHECK_EQUAL(interruptsync_device_open("uio0", &device), 0);
  CHECK_FAILS(interruptsync_device_allocate(device, 64, 0, 0, 0, &buffer), EOPNOTSUPP, "no huge pages");
  CHECK_FAILS(interruptsync_device_allocate(device, 0, 0, 0, 0, &buffer), EINVAL, "below 1");
  CHECK_FAILS(interruptsync_device_allocate(device, 64, 3, 0, 0, &buffer), EINVAL, "power of two");
  CHECK_FAILS(interruptsync_device_allocate(device, 64, 0, 3, 0, &buffer), EINVAL, "3 is not a direction");
  CHECK_FAILS(interruptsync_device_allocate(device, UINT64_MAX, 0, 0, 0, &buffer), EINVAL, "address space");
  CHECK_FAILS(interruptsync_device_allocate(device, 64, 0, 0, 0, NULL), EINVAL, "DMA buffer");
  CHECK(buffer == NULL);
  interruptsync_release(device);
  end_tree(&tree);
}

#define CHECK_WIDTH(bits, pattern)                                                                                     \
  do {                                                                                                                 \
    uint##bits##_t value_ = 0;                                                                                         \
    CHECK_EQUAL(interruptsync_write##bits(region, 8, pattern), 0);                                                     \
    CHECK_EQUAL(interruptsync_read##bits(region, 8, &value_), 0);                                                      \
    CHECK_EQUAL(value_, (uint##bits##_t)(pattern));                                                                    \
    uint##bits##_t stored_ = 0;                                                                                        \
    tree_read(&tree, "dev/uio0", 0x48, &stored_, sizeof stored_);                                                      \
    CHECK_EQUAL(stored_, value_);                                                                                      \
    CHECK_FAILS(interruptsync_read##bits(region, 0xfc1 - bits / 8, &value_), ERANGE, "leave the 4032");                \
    CHECK_EQUAL(interruptsync_write##bits(region, UINT64_MAX, 0), -ERANGE);                                            \
    if (bits > 8) CHECK_EQUAL(interruptsync_read##bits(region, 1, &value_), -EINVAL);                                  \
    CHECK_EQUAL(interruptsync_read##bits(region, 0, NULL), -EINVAL);                                                   \
  } while (0)

TEST(registers) {
  struct tree tree = make_tree();
  interruptsync_device *device = NULL;
  interruptsync_region *region = NULL;
  CHECK_EQUAL(interruptsync_device_open("uio0", &device), 0);
  CHECK_FAILS(interruptsync_region_map(device, 1, &region), ENOENT, "the device has map0");
  CHECK_EQUAL(interruptsync_region_map(device, 0, &region), 0);
  interruptsync_region_info info = INTERRUPTSYNC_STRUCT(interruptsync_region_info);
  CHECK_EQUAL(interruptsync_region_get_info(region, &info), 0);
  CHECK_EQUAL(info.kind, INTERRUPTSYNC_MEMORY);
  CHECK_EQUAL(info.length, 0xfc0);
  CHECK(strstr(info.name, "map0") != NULL);
  CHECK_WIDTH(8, 0xa5);
  CHECK_WIDTH(16, 0xa55a);
  CHECK_WIDTH(32, 0xa55a1234u);
  CHECK_WIDTH(64, UINT64_C(0x0123456789abcdef));
  interruptsync_release(region);

  // Ports go through the file of the BAR; 64 bits do not.
  CHECK_FAILS(interruptsync_region_bar(device, 4, &region), ENOENT, "no BAR 4");
  CHECK_EQUAL(interruptsync_region_bar(device, 0, &region), 0);
  interruptsync_release(device);
  CHECK_EQUAL(interruptsync_region_get_info(region, &info), 0);
  CHECK_EQUAL(info.kind, INTERRUPTSYNC_PORTS);
  uint8_t byte = 0;
  uint64_t wide = 0;
  CHECK_EQUAL(interruptsync_write8(region, 3, 0x83), 0);
  CHECK_EQUAL(interruptsync_read8(region, 3, &byte), 0);
  CHECK_EQUAL(byte, 0x83);
  CHECK_FAILS(interruptsync_read64(region, 0, &wide), EINVAL, "ports take 1, 2 or 4 bytes");
  CHECK_EQUAL(interruptsync_write64(region, 0, 0), -EINVAL);
  interruptsync_release(region);
  end_tree(&tree);
}

static int32_t serve(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  event_post(&served);
  return INTERRUPTSYNC_CLAIMED;
}

static void on_report(interruptsync_object *object, const interruptsync_report *report, void *context) {
  (void)context;
  if (report->kind != INTERRUPTSYNC_REPORT_REMOVED) return;
  // A report handler may disconnect (P23).
  CHECK_EQUAL(interruptsync_object_disconnect(object), 0);
  event_post(&removed);
}

// Counts, re-arm and bus mastering through COMMAND, and the end of the line. The file's end is the device's.
TEST(UIO_line) {
  event_init(&served);
  event_init(&removed);
  struct tree tree = make_tree();
  interruptsync_device *device = NULL;
  interruptsync_line *line = NULL;
  CHECK_EQUAL(interruptsync_device_open("pci-0000:00:03.0", &device), 0);
  CHECK_EQUAL(interruptsync_line_uio(device, 4, &line), -EINVAL);
  uint16_t command = 0x0003;
  tree_write(&tree, PCI "config", 4, &command, sizeof command);
  CHECK_EQUAL(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_AUTOMATIC, &line), 0);
  tree_read(&tree, PCI "config", 4, &command, sizeof command);
  CHECK_EQUAL(command, 0x0403);
  CHECK_EQUAL(interruptsync_line_set_bus_master(line, true), 0);
  interruptsync_line_info info = INTERRUPTSYNC_STRUCT(interruptsync_line_info);
  CHECK_EQUAL(interruptsync_line_get_info(line, &info), 0);
  CHECK_EQUAL(info.kind, INTERRUPTSYNC_LINE_UIO);
  CHECK_EQUAL(info.rearm, INTERRUPTSYNC_REARM_PCI_COMMAND);
  CHECK_EQUAL(info.total, 5);

  uint32_t totals[1024];
  for (uint32_t i = 0; i < 1024; i++) totals[i] = i + 6;
  tree_write(&tree, "dev/uio0", 0, totals, sizeof totals);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.report = on_report;
  interruptsync_object *object = NULL;
  CHECK_EQUAL(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, &options, &object), 0);
  CHECK_EQUAL(interruptsync_object_register(object, serve, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  CHECK(event_wait(&removed));
  tree_read(&tree, PCI "config", 4, &command, sizeof command);
  CHECK_EQUAL(command & ~0x0400, 0x0007);
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK_EQUAL(interruptsync_object_get_statistics(object, &now), 0);
  CHECK_EQUAL(now.interrupts, 1024);
  CHECK_EQUAL(now.claimed, 1024);
  CHECK_EQUAL(interruptsync_device_is_alive(device), 0);
  interruptsync_release(object);
  interruptsync_release(line);
  interruptsync_release(device);
  end_tree(&tree);
}
