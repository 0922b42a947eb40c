// Windows interfaces, floor 5: COM's root interface, and the spellings that declare interfaces in C and in C++.
// portcls.h and stdunk.h build on it. Drivers call its three methods on any thread at any level; counts are atomic, no
// lock.
#ifndef ISW_UNKNOWN_H
#define ISW_UNKNOWN_H

#include "types.h"

#ifdef __cplusplus
#define interface struct
#define PURE = 0
#define THIS_
#define THIS void
#define STDMETHOD(method) virtual NTSTATUS STDMETHODCALLTYPE method
#define STDMETHOD_(type, method) virtual type STDMETHODCALLTYPE method
#define STDMETHODIMP NTSTATUS STDMETHODCALLTYPE
#define STDMETHODIMP_(type) type STDMETHODCALLTYPE
#define DECLARE_INTERFACE(name) interface name
#define DECLARE_INTERFACE_(name, base) interface name : public base
#else
#define interface struct
#define PURE
#define THIS_ INTERFACE *This,
#define THIS INTERFACE *This
#define STDMETHOD(method) NTSTATUS(STDMETHODCALLTYPE *method)
#define STDMETHOD_(type, method) type(STDMETHODCALLTYPE *method)
#define DECLARE_INTERFACE(name)                                                                                   \
  typedef struct name {                                                                                           \
    const struct name##Vtbl *lpVtbl;                                                                              \
  } name;                                                                                                         \
  typedef struct name##Vtbl name##Vtbl;                                                                           \
  struct name##Vtbl
#define DECLARE_INTERFACE_(name, base) DECLARE_INTERFACE(name)
#endif

/// The three slots that every interface begins with. C++ inherits them instead.
#ifdef __cplusplus
#define DEFINE_ABSTRACT_UNKNOWN()
#define BEGIN_INTERFACE
#define END_INTERFACE
#else
#define DEFINE_ABSTRACT_UNKNOWN()                                                                                 \
  STDMETHOD(QueryInterface)(THIS_ REFIID InterfaceId, PVOID * Interface) PURE;                                    \
  STDMETHOD_(ULONG, AddRef)(THIS) PURE;                                                                           \
  STDMETHOD_(ULONG, Release)(THIS) PURE;
#endif

ISW_BEGIN_C
DEFINE_GUID(IID_IUnknown, 0x00000000, 0x0000, 0x0000, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46);
ISW_END_C

#undef INTERFACE
#define INTERFACE IUnknown
DECLARE_INTERFACE(IUnknown) {
  /// Returns the interface with a reference for the caller, or an error and NULL (P40).
  STDMETHOD(QueryInterface)(THIS_ REFIID InterfaceId, PVOID * Interface) PURE;
  STDMETHOD_(ULONG, AddRef)(THIS) PURE;
  STDMETHOD_(ULONG, Release)(THIS) PURE;
};
#undef INTERFACE
typedef struct IUnknown *PUNKNOWN, *LPUNKNOWN;

#endif
