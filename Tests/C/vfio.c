// VFIO without a device: what opening says on machines that lack something, and every function with what is not its
// own. Real devices: Tests/Hardware/programs/vfio.c in the guests.
#include "check.h"
#include "tree.h"

#define FUNCTION "sys/devices/pci0000:00/0000:00:03.0/"

static void no_report(const interruptsync_report *report, void *context) {
  (void)report;
  event_post((struct event *)context);
}

// V6, V29: what is missing, step by step, and its errno.
TEST(vfio_open_says_what_is_missing) {
  struct tree tree = make_tree();
  struct event reported;
  event_init(&reported);
  interruptsync_vfio *device = NULL;
  interruptsync_vfio_options options = INTERRUPTSYNC_STRUCT(interruptsync_vfio_options);
  options.report = no_report;
  options.report_context = &reported;
  CHECK_FAILS(interruptsync_vfio_open("pci-0000:00:09.0", &options, &device), ENOENT, "no such PCI function");
  const char *ids[] = {"pci-0000:00:03.0", "0000:00:03.0", "00:03.0"};
  for (int i = 0; i < 3; i++)
    CHECK_FAILS(interruptsync_vfio_open(ids[i], &options, &device), EPERM, "no IOMMU in use");
  tree_link(&tree, FUNCTION "iommu_group", "sys/kernel/iommu_groups/7");
  CHECK_FAILS(interruptsync_vfio_open(ids[0], NULL, &device), ENOENT, "its driver is uio_pci_generic");
  tree_link(&tree, FUNCTION "driver", "sys/bus/pci/drivers/vfio-pci");
  CHECK_FAILS(interruptsync_vfio_open(ids[0], NULL, &device), ENOENT, "no VFIO loaded");
  CHECK(device == NULL);
  CHECK(!event_is_posted(&reported));
  end_tree(&tree);
}

TEST(vfio_open_checks_its_arguments) {
  interruptsync_vfio *device = NULL;
  interruptsync_vfio_options options = INTERRUPTSYNC_STRUCT(interruptsync_vfio_options);
  CHECK_FAILS(interruptsync_vfio_open(NULL, NULL, &device), EINVAL, "the id is NULL");
  CHECK_FAILS(interruptsync_vfio_open("pci-0000:00:03.0", NULL, NULL), EINVAL, "VFIO device is NULL");
  CHECK_FAILS(interruptsync_vfio_open("uio3", NULL, &device), EINVAL, "not the stable id of a PCI function");
  CHECK_FAILS(interruptsync_vfio_open("pci-nonsense", NULL, &device), EINVAL, "pci-nonsense");
  options.interrupt = 4;
  CHECK_FAILS(interruptsync_vfio_open("pci-0000:00:03.0", &options, &device), EINVAL, "4 is not a kind");
  options.size = 8;
  CHECK_FAILS(interruptsync_vfio_open("pci-0000:00:03.0", &options, &device), EINVAL, "set it to sizeof");
  CHECK(device == NULL);
}

// NULL, and a live handle of another kind.
TEST(vfio_calls_refuse_other_handles) {
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  interruptsync_vfio *devices[] = {NULL, (interruptsync_vfio *)it.line};
  interruptsync_dma *buffers[] = {NULL, (interruptsync_dma *)it.line};
  const char *words[] = {"is NULL", "not a live handle of a"};
  for (int i = 0; i < 2; i++) {
    interruptsync_vfio_info info = INTERRUPTSYNC_STRUCT(interruptsync_vfio_info);
    interruptsync_dma_info memory = INTERRUPTSYNC_STRUCT(interruptsync_dma_info);
    interruptsync_region *region = NULL;
    interruptsync_line *line = NULL;
    interruptsync_dma *buffer = NULL;
    CHECK_REFUSED(interruptsync_vfio_get_info(devices[i], &info), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_is_alive(devices[i]), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_region(devices[i], 0, &region), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_configuration(devices[i], &region), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_set_bus_master(devices[i], true), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_reset(devices[i]), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_line(devices[i], 0, &line), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_vfio_allocate(devices[i], 64, 0, INTERRUPTSYNC_DMA_BOTH, &buffer), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_device_allocate((interruptsync_device *)devices[i], 64, 0, 0, 0, &buffer), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_dma_get_info(buffers[i], &memory), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_dma_sync_for_device(buffers[i]), EINVAL, words[i]);
    CHECK_REFUSED(interruptsync_dma_sync_for_program(buffers[i]), EINVAL, words[i]);
    CHECK(region == NULL && line == NULL && buffer == NULL);
  }
  CHECK_FAILS(interruptsync_vfio_self_test(NULL), EINVAL, "is NULL");
  CHECK_FAILS(interruptsync_vfio_self_test(it.line), EOPNOTSUPP, "not a line of a VFIO device");
  end_fixture(&it);
}
