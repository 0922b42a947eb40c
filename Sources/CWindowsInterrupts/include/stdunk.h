// Windows interfaces, floor 5: CUnknown, the C++ base class of objects that can be aggregated, and the macros with
// which PortCls drivers declare and create them. They call it on any thread; counts are atomic, no lock. The last
// Release deletes the object. This header holds all of it; nothing is linked.
#ifndef ISW_STDUNK_H
#define ISW_STDUNK_H

#include "isw/unknown.h"
#include "wdm.h"

#ifdef __cplusplus

#include <new>

/// Memory for `new(PoolType) Class` and `new(PoolType, Tag) Class`: cleared; NULL without memory. `delete` frees it.
inline void *operator new(size_t size, POOL_TYPE) noexcept {
  void *memory = ::operator new(size, std::nothrow);
  if (memory) __builtin_memset(memory, 0, size);
  return memory;
}
inline void *operator new(size_t size, POOL_TYPE type, ULONG) noexcept { return operator new(size, type); }
inline void operator delete(void *memory, POOL_TYPE) noexcept { ::operator delete(memory); }
inline void operator delete(void *memory, POOL_TYPE, ULONG) noexcept { ::operator delete(memory); }

/// The object's own identity and reference count, apart from those of an outer object.
struct INonDelegatingUnknown {
  virtual NTSTATUS NonDelegatingQueryInterface(REFIID InterfaceId, PVOID *Interface) = 0;
  virtual ULONG NonDelegatingAddRef(void) = 0;
  virtual ULONG NonDelegatingRelease(void) = 0;
};
typedef INonDelegatingUnknown *PNONDELEGATINGUNKNOWN;

/// Counts references from 0, and deletes the object with the last one. A derived class handles its own interfaces in
/// NonDelegatingQueryInterface, and calls this one for the rest.
class CUnknown : public INonDelegatingUnknown {
  LONG m_lRefCount;
  PUNKNOWN m_pOuterUnknown;

 public:
  explicit CUnknown(PUNKNOWN pUnknownOuter) : m_lRefCount(0) {
    // Both tables begin with the same three slots, so the inner unknown can serve as the outer one.
    PUNKNOWN inner = reinterpret_cast<PUNKNOWN>(static_cast<PNONDELEGATINGUNKNOWN>(this));
    m_pOuterUnknown = pUnknownOuter ? pUnknownOuter : inner;
  }
  virtual ~CUnknown(void) {}

  PUNKNOWN GetOuterUnknown(void) { return m_pOuterUnknown; }

  NTSTATUS NonDelegatingQueryInterface(REFIID InterfaceId, PVOID *Interface) override {
    if (!IsEqualGUIDAligned(InterfaceId, IID_IUnknown)) {
      *Interface = NULL;
      return STATUS_INVALID_PARAMETER;
    }
    *Interface = static_cast<PNONDELEGATINGUNKNOWN>(this);
    NonDelegatingAddRef();
    return STATUS_SUCCESS;
  }
  ULONG NonDelegatingAddRef(void) override { return (ULONG)InterlockedIncrement(&m_lRefCount); }
  ULONG NonDelegatingRelease(void) override {
    LONG left = InterlockedDecrement(&m_lRefCount);
    if (left == 0) {
      // Calls made while the object ends must not end it again.
      InterlockedIncrement(&m_lRefCount);
      delete this;
    }
    return (ULONG)left;
  }
};

typedef NTSTATUS (*PFNCREATEINSTANCE)(PUNKNOWN *Unknown, REFCLSID ClassId, PUNKNOWN OuterUnknown, POOL_TYPE PoolType);

/// In a class: IUnknown's methods, which call the outer object, and the override that the class implements.
#define DECLARE_STD_UNKNOWN()                                                                                     \
  STDMETHODIMP_(NTSTATUS) NonDelegatingQueryInterface(REFIID InterfaceId, PVOID *Interface) override;             \
  STDMETHODIMP_(NTSTATUS) QueryInterface(REFIID InterfaceId, PVOID *Interface) override {                         \
    return GetOuterUnknown()->QueryInterface(InterfaceId, Interface);                                             \
  }                                                                                                               \
  STDMETHODIMP_(ULONG) AddRef(void) override { return GetOuterUnknown()->AddRef(); }                              \
  STDMETHODIMP_(ULONG) Release(void) override { return GetOuterUnknown()->Release(); }

#define DEFINE_STD_CONSTRUCTOR(Class) \
  explicit Class(PUNKNOWN pUnknownOuter) : CUnknown(pUnknownOuter) {}

/// `this` as one of its interfaces, and as that interface's IUnknown.
#define QICAST(Type) PVOID((Type)(this))
#define QICASTUNKNOWN(Type) PVOID(PUNKNOWN((Type)(this)))

/// The body of a function that creates an object and returns its own unknown with one reference.
#define STD_CREATE_BODY_WITH_TAG_(Class, ppUnknown, pUnknownOuter, PoolType, Tag, Base)                           \
  NTSTATUS ntStatus;                                                                                              \
  Class *p = new (PoolType, Tag) Class(pUnknownOuter);                                                            \
  if (p) {                                                                                                        \
    PUNKNOWN inner = reinterpret_cast<PUNKNOWN>(static_cast<PNONDELEGATINGUNKNOWN>(static_cast<CUnknown *>(p)));  \
    *ppUnknown = p->GetOuterUnknown() == inner ? PUNKNOWN((Base)(p)) : inner;                                     \
    (*ppUnknown)->AddRef();                                                                                       \
    ntStatus = STATUS_SUCCESS;                                                                                    \
  } else {                                                                                                        \
    ntStatus = STATUS_INSUFFICIENT_RESOURCES;                                                                     \
  }                                                                                                               \
  return ntStatus
#define STD_CREATE_BODY_WITH_TAG(Class, ppUnknown, pUnknownOuter, PoolType, Tag) \
  STD_CREATE_BODY_WITH_TAG_(Class, ppUnknown, pUnknownOuter, PoolType, Tag, PUNKNOWN)
#define STD_CREATE_BODY_(Class, ppUnknown, pUnknownOuter, PoolType, Base) \
  STD_CREATE_BODY_WITH_TAG_(Class, ppUnknown, pUnknownOuter, PoolType, 0, Base)
#define STD_CREATE_BODY(Class, ppUnknown, pUnknownOuter, PoolType) \
  STD_CREATE_BODY_(Class, ppUnknown, pUnknownOuter, PoolType, PUNKNOWN)

#endif
#endif
