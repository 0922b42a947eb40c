// A source as a driver's author has it, compiled with the flags of interruptsync-windows as C and as C++: names in
// capitals, wide literals, old annotations, functions that are only `inline`, names of its own for absent ones, an
// attribute that it takes away.
#define IoCreateDevice OurCreateDevice
#define IoDeleteDevice(device) OurDeleteDevice(device)
#define __attribute__(x)

#include <NTDDK.H>
#include <PortCls.h>
#include <Wdf.h>

#define INITGUID
#include <InitGuid.h>
DEFINE_GUID(GUID_BOTH, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);

static NTSTATUS OurCreateDevice(__in PDRIVER_OBJECT driver, __out_opt PDEVICE_OBJECT *device) {
  if (device) *device = NULL;
  return driver ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static VOID OurDeleteDevice(__inout PDEVICE_OBJECT device) { (void)device; }

__drv_maxIRQL(DISPATCH_LEVEL) inline int one(void) { return 1; }
FORCEINLINE int two(void) { return 2; }

DECLARE_CONST_UNICODE_STRING(constant, L"\\Device\\Ours");
static const UNICODE_STRING initialized = RTL_CONSTANT_STRING(L"abc");

int main(void) {
  UNICODE_STRING name;
  RtlInitUnicodeString(&name, L"name");
  PCWSTR literal = L"literal";
  PDEVICE_OBJECT device = NULL;
  int good = name.Length == 8 && name.Buffer[3] == L'e' && literal[6] == L'l' && constant.Length == 24 &&
             constant.Buffer[0] == L'\\' && initialized.Length == 6 && initialized.MaximumLength == 8 &&
             one() + two() == 3 && GUID_BOTH.Data1 == 1 &&
             IoCreateDevice(NULL, &device) == STATUS_INVALID_PARAMETER;
  IoDeleteDevice(device);
  DbgPrint("%ws %wZ\n", literal, &constant);
  return !good;
}
