// CUnknown and its macros, service groups and sinks, an IInterruptSync implemented by a driver, checked mode.
#include "portcls.h"
#include "stdunk.h"

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

// {5B3F0C7E-8A55-4C0B-9D0E-2B6E0C7A1F01}, for this test only.
static const GUID IID_ICount = {0x5b3f0c7e, 0x8a55, 0x4c0b, {0x9d, 0x0e, 0x2b, 0x6e, 0x0c, 0x7a, 0x1f, 0x01}};

DECLARE_INTERFACE_(ICount, IUnknown) {
  DEFINE_ABSTRACT_UNKNOWN()
  STDMETHOD_(LONG, Count)(THIS) PURE;
};
typedef ICount *PCOUNT;

static LONG alive;

class CCount : public ICount, public IServiceSink, public CUnknown {
 public:
  LONG m_Count;
  sem_t m_Served;
  KIRQL m_Level;

  DECLARE_STD_UNKNOWN();
  IMP_IServiceSink;
  STDMETHODIMP_(LONG) Count(void) override { return m_Count; }

  explicit CCount(PUNKNOWN pUnknownOuter) : CUnknown(pUnknownOuter) {
    InterlockedIncrement(&alive);
    sem_init(&m_Served, 0, 0);
  }
  ~CCount() override {
    sem_destroy(&m_Served);
    InterlockedDecrement(&alive);
  }
};

STDMETHODIMP CCount::NonDelegatingQueryInterface(REFIID InterfaceId, PVOID *Object) {
  if (IsEqualGUIDAligned(InterfaceId, IID_IUnknown)) *Object = QICASTUNKNOWN(PCOUNT);
  else if (IsEqualGUIDAligned(InterfaceId, IID_ICount)) *Object = QICAST(PCOUNT);
  else if (IsEqualGUIDAligned(InterfaceId, IID_IServiceSink)) *Object = QICAST(PSERVICESINK);
  else return CUnknown::NonDelegatingQueryInterface(InterfaceId, Object);
  PUNKNOWN(*Object)->AddRef();
  return STATUS_SUCCESS;
}

STDMETHODIMP_(VOID) CCount::RequestService(void) {
  m_Count++;
  m_Level = KeGetCurrentIrql();
  sem_post(&m_Served);
}

static NTSTATUS NewCount(PUNKNOWN *Unknown, REFCLSID, PUNKNOWN OuterUnknown, POOL_TYPE PoolType) {
  STD_CREATE_BODY_WITH_TAG_(CCount, Unknown, OuterUnknown, PoolType, 0x746e6f43, PCOUNT);
}

class CPlain : public IUnknown, public CUnknown {
 public:
  DECLARE_STD_UNKNOWN();
  DEFINE_STD_CONSTRUCTOR(CPlain)
};
STDMETHODIMP CPlain::NonDelegatingQueryInterface(REFIID InterfaceId, PVOID *Object) {
  return CUnknown::NonDelegatingQueryInterface(InterfaceId, Object);
}
static NTSTATUS NewPlain(PUNKNOWN *Unknown, PUNKNOWN OuterUnknown) {
  STD_CREATE_BODY(CPlain, Unknown, OuterUnknown, NonPagedPool);
}

TEST(cunknown_counts_and_answers) {
  PFNCREATEINSTANCE create = NewCount;
  PUNKNOWN unknown = NULL;
  CHECK(create(&unknown, IID_ICount, NULL, NonPagedPool) == STATUS_SUCCESS && alive == 1);
  PCOUNT count = NULL;
  CHECK(unknown->QueryInterface(IID_ICount, (PVOID *)&count) == STATUS_SUCCESS && count->Count() == 0);
  PVOID none = &none;
  CHECK(count->QueryInterface(IID_IResourceList, &none) == STATUS_INVALID_PARAMETER && none == NULL);
  CHECK(count->AddRef() == 3 && count->Release() == 2 && unknown->Release() == 1 && count->Release() == 0);
  CHECK(alive == 0);
  CHECK(NewPlain(&unknown, NULL) == STATUS_SUCCESS && unknown->Release() == 0);
  int *plain = new (NonPagedPool) int;
  CHECK(plain && *plain == 0);
  delete plain;
  plain = new (NonPagedPool, 0x746e6f43) int;
  delete plain;
}

TEST(cunknown_is_aggregated) {
  PUNKNOWN outer = NULL, inner = NULL;
  CHECK(NewPlain(&outer, NULL) == STATUS_SUCCESS && NewCount(&inner, IID_ICount, outer, PagedPool) == STATUS_SUCCESS);
  PCOUNT count = NULL;
  CHECK(inner->QueryInterface(IID_ICount, (PVOID *)&count) == STATUS_SUCCESS);
  // The interface counts on the outer object, the inner unknown on its own.
  CHECK(outer->AddRef() == 3 && outer->Release() == 2 && count->Release() == 1);
  CHECK(inner->Release() == 0 && alive == 0 && outer->Release() == 0);
}

static PSERVICEGROUP group;

static NTSTATUS NotifyingIsr(PINTERRUPTSYNC, PVOID) {
  group->RequestService();
  return STATUS_SUCCESS;
}

TEST(P38_an_isr_requests_service) {
  PDEVICE_OBJECT device = software_device(1);
  PRESOURCELIST list = NULL;
  PINTERRUPTSYNC sync = NULL;
  CHECK(InterruptSyncNewResourceList(&list, device) == STATUS_SUCCESS);
  CHECK(list->NumberOfInterrupts() == 1 && list->FindTranslatedInterrupt(0) && !list->FindTranslatedDma(0));
  CHECK(list->NumberOfMemories() == 1 && list->FindUntranslatedMemory(0) && list->NumberOfPorts() == 1);
  PRESOURCELIST part = NULL;
  CHECK(PcNewResourceSublist(&part, NULL, PagedPool, list, 2) == STATUS_SUCCESS);
  CHECK(part->AddInterruptFromParent(list, 0) == STATUS_SUCCESS && part->AddPortFromParent(list, 0) == STATUS_SUCCESS);
  CHECK(part->AddMemoryFromParent(list, 0) == STATUS_INSUFFICIENT_RESOURCES);
  CHECK(PcNewInterruptSync(&sync, NULL, part, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  part->Release();
  list->Release();
  CHECK(PcNewServiceGroup(&group, NULL) == STATUS_SUCCESS && PcNewServiceGroup(NULL, NULL) == STATUS_INVALID_PARAMETER);
  PVOID same = NULL;
  CHECK(group->QueryInterface(IID_IServiceSink, &same) == STATUS_SUCCESS && same == group && group->Release() == 1);
  PUNKNOWN unknown = NULL;
  NewCount(&unknown, IID_ICount, NULL, NonPagedPool);
  PCOUNT count = PCOUNT(unknown);
  CCount *sink = static_cast<CCount *>(count);
  CHECK(group->AddMember(sink) == STATUS_SUCCESS && group->AddMember(NULL) == STATUS_INVALID_PARAMETER);
  CHECK(count->Release() == 1);
  CHECK(sync->RegisterServiceRoutine(NotifyingIsr, NULL, FALSE) == STATUS_SUCCESS);
  CHECK(sync->Connect() == STATUS_SUCCESS);
  for (int i = 0; i < 10; i++) {
    InterruptSyncTriggerInterrupt(device, 0);
    sem_wait(&sink->m_Served);
  }
  sync->Disconnect();
  KeFlushQueuedDpcs();
  CHECK(sink->m_Count == 10 && sink->m_Level == DISPATCH_LEVEL && reports == 0);
  group->SupportDelayedService();
  CHECK(reported("IServiceGroup::SupportDelayedService", "P38"));
  group->CancelDelayedService();
  CHECK(reported("IServiceGroup::CancelDelayedService", "P38"));
  group->RequestDelayedService(1);
  CHECK(reported("IServiceGroup::RequestDelayedService", "P38"));
  sem_wait(&sink->m_Served);
  KeFlushQueuedDpcs();
  group->RemoveMember(sink);
  CHECK(alive == 0 && group->Release() == 0 && sync->Release() == 0);
  InterruptSyncDeleteDevice(device);
}

// A driver's own IInterruptSync: the interface is an abstract class like any other.
class CFakeSync : public IInterruptSync, public CUnknown {
 public:
  DECLARE_STD_UNKNOWN();
  DEFINE_STD_CONSTRUCTOR(CFakeSync)
  IMP_IInterruptSync;
};
STDMETHODIMP CFakeSync::NonDelegatingQueryInterface(REFIID InterfaceId, PVOID *Object) {
  return CUnknown::NonDelegatingQueryInterface(InterfaceId, Object);
}
STDMETHODIMP_(NTSTATUS) CFakeSync::CallSynchronizedRoutine(PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext) {
  return Routine(this, DynamicContext);
}
STDMETHODIMP_(PKINTERRUPT) CFakeSync::GetKInterrupt(void) { return NULL; }
STDMETHODIMP_(NTSTATUS) CFakeSync::Connect(void) { return STATUS_NOT_SUPPORTED; }
STDMETHODIMP_(VOID) CFakeSync::Disconnect(void) {}
STDMETHODIMP_(NTSTATUS) CFakeSync::RegisterServiceRoutine(PINTERRUPTSYNCROUTINE, PVOID, BOOLEAN) { return STATUS_SUCCESS; }

TEST(a_driver_may_implement_the_interface) {
  CFakeSync *fake = new (NonPagedPool) CFakeSync(NULL);
  fake->AddRef();
  PINTERRUPTSYNC sync = fake;
  CHECK(sync->Connect() == STATUS_NOT_SUPPORTED && !sync->GetKInterrupt() && sync->Release() == 0);
}

// In checked mode a broken rule ends the process with its report on standard error.
TEST(N23_checked_mode_stops) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    InterruptSyncSetReportRoutine(NULL, NULL);
    InterruptSyncSetChecked(TRUE);
    KIRQL level = KeRaiseIrqlToDpcLevel();
    KeLowerIrql(level + 5);
    _exit(0);
  }
  close(ends[1]);
  char text[300] = "";
  size_t used = 0;
  for (ssize_t n; (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0;) used += (size_t)n;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  CHECK(strstr(text, "interruptsync: KeLowerIrql: ") && strstr(text, "[D5]"));
}
