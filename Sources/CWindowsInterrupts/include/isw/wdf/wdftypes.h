// Handles and the small types that every other part of the framework uses.
#ifndef ISW_WDFTYPES_H
#define ISW_WDFTYPES_H

#include "../driver.h"
#include "../types.h"

/// Any of the handles below. A handle is valid until its object has ended; a use after that is reported (N27).
typedef PVOID WDFOBJECT, *PWDFOBJECT;
typedef PVOID WDFCONTEXT;

#define ISW_WDF_HANDLE(name) typedef struct name##__ *name
ISW_WDF_HANDLE(WDFDRIVER);
ISW_WDF_HANDLE(WDFDEVICE);
ISW_WDF_HANDLE(WDFINTERRUPT);
ISW_WDF_HANDLE(WDFSPINLOCK);
ISW_WDF_HANDLE(WDFWAITLOCK);
ISW_WDF_HANDLE(WDFDPC);
ISW_WDF_HANDLE(WDFWORKITEM);
ISW_WDF_HANDLE(WDFTIMER);
ISW_WDF_HANDLE(WDFCMRESLIST);
#undef ISW_WDF_HANDLE

/// A device before WdfDeviceCreate.
typedef struct WDFDEVICE_INIT WDFDEVICE_INIT, *PWDFDEVICE_INIT;

#define WDF_NO_HANDLE NULL
#define WDF_NO_OBJECT_ATTRIBUTES NULL
#define WDF_NO_CONTEXT NULL
#define WDF_NO_EVENT_CALLBACK NULL
#define WDF_EXTERN_C EXTERN_C
#define WDF_EXTERN_C_START ISW_BEGIN_C
#define WDF_EXTERN_C_END ISW_END_C
#define WDFAPI

typedef enum _WDF_TRI_STATE { WdfFalse = FALSE, WdfTrue = TRUE, WdfUseDefault = 2 } WDF_TRI_STATE, *PWDF_TRI_STATE;

/// An object of the driver that includes this header: one for each program or shared library, as on Windows.
ISW_BEGIN_C
extern WDFDRIVER isw_wdf_driver __attribute__((weak, visibility("hidden")));
ISW_END_C
WDFDRIVER isw_wdf_driver __attribute__((weak, visibility("hidden"))) = NULL;

#endif
