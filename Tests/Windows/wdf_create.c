// WDF: WdfInterruptCreate, the assignment of resources, and WdfInterruptGetInfo. Compiled as C and as C++.
#include "wdf_fixture.h"

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message) {
  (void)interrupt, (void)message;
  return FALSE;
}
static void dpc(WDFINTERRUPT interrupt, WDFOBJECT object) { (void)interrupt, (void)object; }
static void work_item(WDFINTERRUPT interrupt, WDFOBJECT object) { (void)interrupt, (void)object; }

// One attempt: what a case changes, and what came of it.
static WDF_INTERRUPT_CONFIG config;
static WDF_OBJECT_ATTRIBUTES attributes;
static WDFINTERRUPT made;

static void fresh(void) {
  WDF_INTERRUPT_CONFIG_INIT(&config, isr, dpc);
  WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
}

static NTSTATUS create(void) {
  NTSTATUS status = WdfInterruptCreate(the_device, &config, &attributes, &made);
  CHECK(NT_SUCCESS(status) == (made != NULL));
  fresh();
  return status;
}

static int refused(NTSTATUS expected) {
  NTSTATUS status = create();
  if (status != expected) printf("  0x%08x\n", (unsigned)status);
  return status == expected;
}

static CM_PARTIAL_RESOURCE_DESCRIPTOR no_descriptor;
static WDFSPINLOCK spin_lock;
static WDFWAITLOCK wait_lock;

static NTSTATUS checks_in_device_add(WDFDEVICE device) {
  fresh();
  CHECK(config.ShareVector == WdfUseDefault && config.ReportInactiveOnPowerDown == WdfUseDefault);
  CHECK(config.EvtInterruptIsr == isr && config.EvtInterruptDpc == dpc && !config.PassiveHandling);
  config.Size--;
  CHECK(refused(STATUS_INFO_LENGTH_MISMATCH));
  config.EvtInterruptIsr = NULL;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  attributes.ParentObject = device;
  CHECK(refused(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED));
  attributes.ParentObject = WdfGetDriver(), config.AutomaticSerialization = TRUE;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.InterruptRaw = &no_descriptor;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.InterruptTranslated = &no_descriptor;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.CanWakeDevice = TRUE, config.PassiveHandling = TRUE;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.EvtInterruptWorkItem = work_item;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.WaitLock = wait_lock;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.PassiveHandling = TRUE, config.SpinLock = spin_lock;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  config.AutomaticSerialization = TRUE, config.EvtInterruptDpc = NULL, config.EvtInterruptWorkItem = work_item;
  CHECK(refused(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL));
  CHECK(reports == 0);
  CHECK(WdfInterruptCreate(device, NULL, NULL, &made) == STATUS_INVALID_PARAMETER);
  CHECK(WdfInterruptCreate(device, &config, NULL, NULL) == STATUS_INVALID_PARAMETER && reports == 0);
  CHECK(WdfInterruptCreate(NULL, &config, NULL, &made) == STATUS_INVALID_HANDLE);
  CHECK(reported("WdfInterruptCreate", "N27"));
  config.SpinLock = (WDFSPINLOCK)(PVOID)wait_lock;
  CHECK(refused(STATUS_INVALID_HANDLE) && reported("WdfInterruptCreate", "N27"));
  KIRQL level;
  KeRaiseIrql(5, &level);
  CHECK(refused(STATUS_INVALID_DEVICE_STATE) && reported("WdfInterruptCreate", "4.6"));
  KeLowerIrql(level);
  return STATUS_SUCCESS;
}

static NTSTATUS order_in_device_add(WDFDEVICE device) {
  // The first before the second.
  fresh(), config.Size--, config.EvtInterruptIsr = NULL;
  CHECK(refused(STATUS_INFO_LENGTH_MISMATCH));
  // The second before the attributes' own, these before the third.
  config.EvtInterruptIsr = NULL, attributes.Size--;
  CHECK(refused(STATUS_INVALID_PARAMETER));
  attributes.Size--, attributes.ParentObject = device;
  CHECK(refused(STATUS_INFO_LENGTH_MISMATCH));
  // The third before the fifth, and before the eleventh.
  attributes.ParentObject = device, config.InterruptRaw = &no_descriptor;
  CHECK(refused(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED));
  // The fifth, seventh, eighth and ninth before the eleventh.
  for (int check = 5; check <= 9; check++) {
    if (check == 6) continue;
    fresh();
    config.AutomaticSerialization = TRUE, config.EvtInterruptDpc = NULL, config.EvtInterruptWorkItem = work_item;
    if (check == 5) config.InterruptRaw = &no_descriptor;
    if (check == 7) config.EvtInterruptDpc = dpc;
    if (check == 8) config.WaitLock = wait_lock;
    if (check == 9) config.PassiveHandling = TRUE, config.SpinLock = spin_lock;
    CHECK(refused(STATUS_INVALID_PARAMETER));
  }
  return STATUS_SUCCESS;
}

static void make_locks(void) {
  CHECK(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &spin_lock) == STATUS_SUCCESS);
  CHECK(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &wait_lock) == STATUS_SUCCESS);
}

static NTSTATUS (*inner)(WDFDEVICE device);
static NTSTATUS with_locks(WDFDEVICE device) {
  make_locks();
  return inner(device);
}

TEST(W2_each_check_of_create) {
  begin(), plan.on_add = with_locks, inner = checks_in_device_add;
  add(1);
  // The fourth, and before all that follow; the third before it.
  fresh();
  CHECK(refused(STATUS_INVALID_DEVICE_STATE));
  config.CanWakeDevice = TRUE, config.EvtInterruptWorkItem = work_item;
  CHECK(refused(STATUS_INVALID_DEVICE_STATE));
  attributes.ParentObject = the_device;
  CHECK(refused(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED));
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
  CHECK(refused(STATUS_INVALID_DEVICE_STATE) && reports == 0);
  end();
}

TEST(W2_the_order_of_the_checks) {
  begin(), plan.on_add = with_locks, inner = order_in_device_add;
  add(1);
  CHECK(reports == 0);
  end();
}

// The eleventh the other way round: a DPC cannot be serialized with callbacks at PASSIVE_LEVEL, a work item can.
static NTSTATUS create_on_passive_device(WDFDEVICE device) {
  fresh(), config.AutomaticSerialization = TRUE;
  CHECK(refused(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL));
  config.AutomaticSerialization = TRUE, config.EvtInterruptDpc = NULL, config.EvtInterruptWorkItem = work_item;
  attributes.ParentObject = device;
  CHECK(refused(STATUS_SUCCESS));
  CHECK(refused(STATUS_SUCCESS) && reports == 0);
  return STATUS_SUCCESS;
}

TEST(W2_11_serialization_fits_the_devices_level) {
  begin(), plan.on_add = create_on_passive_device, plan.level = WdfExecutionLevelPassive;
  start(2);
  end();
}

static int prepare_round;
static WDFINTERRUPT first_prepared;
static NTSTATUS create_in_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
  (void)device;
  CHECK(WdfCmResourceListGetCount(raw) == WdfCmResourceListGetCount(translated));
  CHECK(!WdfCmResourceListGetDescriptor(translated, WdfCmResourceListGetCount(translated)));
  WDFINTERRUPT created[2] = {NULL, NULL};
  int n = 0;
  for (ULONG i = 0; i < WdfCmResourceListGetCount(translated); i++) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR t = WdfCmResourceListGetDescriptor(translated, i);
    CHECK(t == &InterruptSyncTranslatedResources(pdo)->List[0].PartialResourceList.PartialDescriptors[i]);
    fresh();
    config.InterruptRaw = WdfCmResourceListGetDescriptor(raw, i);
    config.InterruptTranslated = t;
    if (t->Type != CmResourceTypeInterrupt) {
      CHECK(refused(STATUS_INVALID_PARAMETER));
      continue;
    }
    CHECK(refused(STATUS_SUCCESS));
    if (n < 2) created[n++] = made;
    CHECK(refused(STATUS_INVALID_PARAMETER));
    config.InterruptTranslated = t;
    CHECK(refused(STATUS_INVALID_PARAMETER));
    config.InterruptRaw = config.InterruptTranslated = t, config.ShareVector = WdfTrue;
    CHECK(refused(STATUS_INVALID_PARAMETER));
  }
  CHECK(n == 2 && reports == 0);
  WDF_INTERRUPT_INFO info;
  WDF_INTERRUPT_INFO_INIT(&info);
  WdfInterruptGetInfo(created[1], &info);
  CHECK(info.Vector == resource(pdo, CmResourceTypeInterrupt, 1)->u.Interrupt.Vector && info.MessageNumber == 1);
  WdfObjectDelete(raw);
  CHECK(reported("WdfObjectDelete", "W4"));
  first_prepared = created[0];
  prepare_round++;
  return STATUS_SUCCESS;
}

TEST(W2_6_interrupts_made_in_prepare_hardware_end_with_release) {
  begin(), plan.on_prepare = create_in_prepare, prepare_round = 0;
  start(2);
  CHECK(WdfInterruptGetDevice(first_prepared) == the_device);
  plan.d0_entry = STATUS_IO_DEVICE_ERROR;
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS);
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_IO_DEVICE_ERROR);
  CHECK(reports == 0 && !WdfInterruptGetDevice(first_prepared) && reported("WdfInterruptGetDevice", "N27"));
  plan.d0_entry = STATUS_SUCCESS;
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS && prepare_round == 2 && reports == 0);
  end();
}

static WDFINTERRUPT interrupts[3];
static NTSTATUS three_interrupts(WDFDEVICE device) {
  for (int i = 0; i < 3; i++) {
    fresh();
    if (i == 1) config.PassiveHandling = TRUE;
    CHECK(WdfInterruptCreate(device, &config, NULL, &interrupts[i]) == STATUS_SUCCESS);
    CHECK(WdfInterruptGetDevice(interrupts[i]) == device);
  }
  WdfInterruptSetPolicy(interrupts[0], WdfIrqPolicySpecifiedProcessors, WdfIrqPriorityHigh, 2);
  WDF_INTERRUPT_EXTENDED_POLICY policy;
  WDF_INTERRUPT_EXTENDED_POLICY_INIT(&policy);
  policy.Policy = WdfIrqPolicySpecifiedProcessors;
  policy.TargetProcessorSetAndGroup.Mask = 4;
  policy.TargetProcessorSetAndGroup.Group = 1;
  WdfInterruptSetExtendedPolicy(interrupts[1], &policy);
  policy.Size--;
  WdfInterruptSetExtendedPolicy(interrupts[1], &policy);
  CHECK(reported("WdfInterruptSetExtendedPolicy", "W32"));
  return STATUS_SUCCESS;
}

TEST(W3_W32_resources_go_in_the_order_of_creation) {
  begin(), plan.on_add = three_interrupts;
  start(2);
  WDF_INTERRUPT_INFO info[3];
  for (int i = 0; i < 3; i++) {
    WDF_INTERRUPT_INFO_INIT(&info[i]);
    WdfInterruptGetInfo(interrupts[i], &info[i]);
    CHECK(info[i].MessageNumber == (ULONG)i && !info[i].MessageSignaled);
    CHECK(info[i].Polarity == WdfInterruptPolarityUnknown);
  }
  PCM_PARTIAL_RESOURCE_DESCRIPTOR a = resource(pdo, CmResourceTypeInterrupt, 0);
  CHECK(info[0].Vector == a->u.Interrupt.Vector && info[0].Irql == a->u.Interrupt.Level);
  CHECK(info[0].Mode == LevelSensitive && info[0].ShareDisposition == CmResourceShareShared);
  CHECK(info[0].TargetProcessorSet == 2 && info[0].Group == 0);
  CHECK(info[1].Vector == resource(pdo, CmResourceTypeInterrupt, 1)->u.Interrupt.Vector);
  CHECK(info[1].Irql == PASSIVE_LEVEL && info[1].TargetProcessorSet == 4 && info[1].Group == 1);
  // The third has no resource: connecting it is nothing.
  CHECK(info[2].Vector == 0 && info[2].Irql == 0 && !WdfInterruptWdmGetInterrupt(interrupts[2]));
  CHECK(WdfInterruptWdmGetInterrupt(interrupts[0]) && WdfInterruptWdmGetInterrupt(interrupts[1]) && reports == 0);
  WdfInterruptSetPolicy(interrupts[0], WdfIrqPolicyMachineDefault, WdfIrqPriorityUndefined, 1);
  CHECK(reported("WdfInterruptSetPolicy", "W32"));
  info[0].Size = 1;
  WdfInterruptGetInfo(interrupts[0], &info[0]);
  CHECK(reported("WdfInterruptGetInfo", "W32"));
  WdfObjectDelete(interrupts[0]);
  CHECK(reported("WdfObjectDelete", "W4"));
  end();
}

static NTSTATUS exclusive_interrupt(WDFDEVICE device) {
  fresh(), config.ShareVector = WdfFalse;
  return WdfInterruptCreate(device, &config, NULL, &interrupts[0]);
}

static BOOLEAN service(PKINTERRUPT interrupt, PVOID context) {
  (void)interrupt, (void)context;
  return FALSE;
}

TEST(W1_an_interrupt_that_does_not_share_keeps_others_out) {
  begin(), plan.on_add = exclusive_interrupt;
  start(1);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(pdo, CmResourceTypeInterrupt, 0);
  KIRQL level = (KIRQL)entry->u.Interrupt.Level;
  PKINTERRUPT wdm;
  ULONG vector = entry->u.Interrupt.Vector;
  CHECK(IoConnectInterrupt(&wdm, service, NULL, NULL, vector, level, level, LevelSensitive, TRUE, 1, FALSE) ==
        STATUS_DEVICE_BUSY);
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS);
  CHECK(IoConnectInterrupt(&wdm, service, NULL, NULL, vector, level, level, LevelSensitive, TRUE, 1, FALSE) ==
        STATUS_SUCCESS);
  forget_trace();
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_DEVICE_BUSY && traced("entry-d3 exit-final release"));
  IoDisconnectInterrupt(wdm);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
  end();
}
