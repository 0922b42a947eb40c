// Handles, errors, version, process.
#include "check.h"

TEST(version) {
  CHECK_EQUAL(interruptsync_version_number(), INTERRUPTSYNC_VERSION_NUMBER);
  char expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", INTERRUPTSYNC_VERSION_MAJOR, INTERRUPTSYNC_VERSION_MINOR,
           INTERRUPTSYNC_VERSION_PATCH);
  CHECK_EQUAL(strcmp(interruptsync_version(), expected), 0);
}

TEST(handles_are_counted) {
  interruptsync_lock *lock = NULL;
  CHECK_EQUAL(interruptsync_lock_create(&lock), 0);
  CHECK(lock != NULL);
  CHECK_EQUAL(interruptsync_retain(lock), 0);
  CHECK_EQUAL(interruptsync_release(lock), 0);
  CHECK_EQUAL(interruptsync_lock_is_held(lock), 0);
  CHECK_EQUAL(interruptsync_release(lock), 0);
  CHECK_FAILS(interruptsync_lock_is_held(lock), EINVAL, "not a live handle of a lock");
  CHECK_FAILS(interruptsync_release(lock), EINVAL, "not a live handle");
  CHECK_FAILS(interruptsync_retain(lock), EINVAL, "not a live handle");
}

// A slot that was used again does not answer to the old handle.
TEST(a_stale_handle_is_told_from_its_slot_s_next) {
  interruptsync_lock *old = NULL, *others[600];
  interruptsync_lock_create(&old);
  interruptsync_release(old);
  for (int i = 0; i < 600; i++) CHECK_EQUAL(interruptsync_lock_create(&others[i]), 0);
  CHECK_EQUAL(interruptsync_lock_is_held(old), -EINVAL);
  for (int i = 0; i < 600; i++) CHECK_EQUAL(interruptsync_release(others[i]), 0);
}

TEST(stray_pointers_are_refused) {
  int local = 0;
  void *heap = malloc(64);
  void *wrong[] = {NULL, &local, heap, (void *)(uintptr_t)1, (void *)(uintptr_t)-1, (void *)(uintptr_t)0xffffffffa7};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_EQUAL(interruptsync_object_get_state((interruptsync_object *)wrong[i]), -EINVAL);
    CHECK_EQUAL(interruptsync_release(wrong[i]), -EINVAL);
  }
  free(heap);
}

TEST(a_handle_of_another_kind_is_refused) {
  interruptsync_line *line = NULL;
  CHECK_EQUAL(interruptsync_line_software(NULL, &line), 0);
  void *handle = line;
  CHECK_FAILS(interruptsync_object_connect((interruptsync_object *)handle), EINVAL, "interruptsync_object_connect: ");
  CHECK_EQUAL(interruptsync_lock_is_held((interruptsync_lock *)handle), -EINVAL);
  interruptsync_release(line);
}

// Every function answers NULL with -EINVAL.
TEST(NULL_is_refused_everywhere) {
  CHECK_EQUAL(interruptsync_device_list(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_open(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_get_info(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_get_map(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_get_port_range(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_get_bar(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_is_alive(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_device_has_interrupt(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_region_map(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_region_bar(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_region_get_info(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_read8(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_read16(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_read32(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_read64(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_write8(NULL, 0, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_write16(NULL, 0, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_write32(NULL, 0, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_write64(NULL, 0, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_line_uio(NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_line_software(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_line_trigger(NULL, 1), -EINVAL);
  CHECK_EQUAL(interruptsync_line_descriptor(0, 0, 0, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_line_set_bus_master(NULL, true), -EINVAL);
  CHECK_EQUAL(interruptsync_line_get_info(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_create(NULL, 1, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_register(NULL, NULL, NULL, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_registration_cancel(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_connect(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_connect_to(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_disconnect(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_state(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_resume(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_call(NULL, NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_interrupt(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_interrupt_is_valid(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_interrupt_synchronize(NULL, NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_lock_create(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_lock(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_lock_is_held(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_statistics(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_registration_get_statistics(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_lock_get_statistics(NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_queue_create(NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_queue_flush(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_deferred_create(NULL, NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_deferred_enqueue(NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_deferred_remove(NULL), -EINVAL);
}

TEST(struct_sizes) {
  interruptsync_lock *lock = NULL;
  interruptsync_lock_create(&lock);
  interruptsync_lock_statistics none = INTERRUPTSYNC_STRUCT(interruptsync_lock_statistics);
  none.size = 8;
  CHECK_FAILS(interruptsync_lock_get_statistics(lock, &none), EINVAL, "set it to sizeof, which is 24");
  // A later program's larger struct: what this library does not know is cleared.
  struct {
    interruptsync_lock_statistics known;
    uint64_t later;
  } large;
  large.known.size = sizeof large;
  large.later = 7;
  CHECK_EQUAL(interruptsync_lock_get_statistics(lock, &large.known), 0);
  CHECK_EQUAL(large.known.size, sizeof large);
  CHECK_EQUAL(large.later, 0);
  interruptsync_release(lock);
}

static void *other_thread(void *unused) {
  (void)unused;
  CHECK_EQUAL(strlen(interruptsync_last_error()), 0);
  CHECK_EQUAL(interruptsync_release(NULL), -EINVAL);
  CHECK(strlen(interruptsync_last_error()) > 0);
  return NULL;
}

TEST(the_last_error_is_the_thread_s_own) {
  pthread_t thread;
  CHECK_EQUAL(interruptsync_device_open("", (interruptsync_device **)&thread), -EINVAL);
  char before[256];
  snprintf(before, sizeof before, "%s", interruptsync_last_error());
  pthread_create(&thread, NULL, other_thread, NULL);
  pthread_join(thread, NULL);
  CHECK_EQUAL(strcmp(before, interruptsync_last_error()), 0);
  CHECK(strstr(before, "hint: ") != NULL);
}

TEST(process) {
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_PASSIVE);
  CHECK_EQUAL(interruptsync_set_checked(false), 0);
  int result = interruptsync_lock_memory();
  CHECK(result == 0 || result == -EPERM || result == -ENOMEM);
}
