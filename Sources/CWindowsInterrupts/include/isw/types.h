// Windows interfaces, floor 5: base types with the widths that Windows documents. LONG has 32 bits, although this
// system's long has 64. Every other header includes it, and so does each driver. Only types and macros: no thread, no
// lock.
#ifndef ISW_TYPES_H
#define ISW_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "annotations.h"

#ifdef __cplusplus
#define ISW_BEGIN_C extern "C" {
#define ISW_END_C }
#define EXTERN_C extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END }
#else
#define ISW_BEGIN_C
#define ISW_END_C
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif

#define VOID void
#define CONST const
typedef void *PVOID, *HANDLE, *LPVOID;
typedef const void *PCVOID, *LPCVOID;
typedef char CHAR, CCHAR, *PCHAR, *PSTR;
typedef const char *PCSTR, *PCCHAR;
typedef unsigned char UCHAR, *PUCHAR, BYTE, *PBYTE;
typedef short SHORT, *PSHORT, CSHORT;
typedef unsigned short USHORT, *PUSHORT, WORD, *PWORD;
typedef int INT, *PINT, BOOL, *PBOOL;
typedef unsigned int UINT, *PUINT;
typedef int32_t LONG, *PLONG, LONG32, INT32;
typedef uint32_t ULONG, *PULONG, DWORD, *PDWORD, ULONG32, UINT32, *PULONG32;
typedef long long LONGLONG, *PLONGLONG, LONG64, *PLONG64, INT64;
typedef unsigned long long ULONGLONG, *PULONGLONG, ULONG64, *PULONG64, UINT64, DWORDLONG;
typedef intptr_t LONG_PTR, *PLONG_PTR, INT_PTR;
typedef uintptr_t ULONG_PTR, *PULONG_PTR, UINT_PTR, DWORD_PTR;
typedef size_t SIZE_T, *PSIZE_T;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef int8_t INT8;
typedef int16_t INT16;

typedef UCHAR BOOLEAN, *PBOOLEAN;
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

/// Success when not negative. Values: ntstatus.h.
typedef LONG NTSTATUS, *PNTSTATUS, HRESULT;
/// An interrupt request level: PASSIVE_LEVEL to HIGH_LEVEL.
typedef UCHAR KIRQL, *PKIRQL;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef CCHAR KPROCESSOR_MODE;
enum { KernelMode = 0, UserMode = 1 };

typedef union _LARGE_INTEGER {
  struct {
    ULONG LowPart;
    LONG HighPart;
  };
  struct {
    ULONG LowPart;
    LONG HighPart;
  } u;
  LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
  struct {
    ULONG LowPart;
    ULONG HighPart;
  };
  struct {
    ULONG LowPart;
    ULONG HighPart;
  } u;
  ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

/// A bus address as the processor sees it.
typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LIST_ENTRY {
  struct _LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
  struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

#include "guid.h"
#include "unicode.h"

#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field) ((ULONG)offsetof(type, field))
/// The structure that holds `field` at `address`.
#define CONTAINING_RECORD(address, type, field) ((type *)(void *)((char *)(address) - offsetof(type, field)))
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#define RTL_NUMBER_OF(array) ARRAYSIZE(array)

// Pointers and numbers of another width. A pointer that does not fit loses its upper half.
ISW_INLINE PVOID ULongToPtr(ULONG value) { return (PVOID)(ULONG_PTR)value; }
ISW_INLINE PVOID LongToPtr(LONG value) { return (PVOID)(LONG_PTR)value; }
ISW_INLINE ULONG PtrToUlong(const VOID *pointer) { return (ULONG)(ULONG_PTR)pointer; }
ISW_INLINE LONG PtrToLong(const VOID *pointer) { return (LONG)(LONG_PTR)pointer; }
ISW_INLINE ULONG HandleToULong(HANDLE handle) { return (ULONG)(ULONG_PTR)handle; }
ISW_INLINE HANDLE ULongToHandle(ULONG value) { return (HANDLE)(ULONG_PTR)value; }
#define UlongToPtr ULongToPtr
#define PtrToULong PtrToUlong
#define HandleToUlong HandleToULong
#define UlongToHandle ULongToHandle

// In C++ functions, as macros of these names break the standard library.
#ifdef __cplusplus
extern "C++" {
template <typename A, typename B> constexpr auto min(const A &a, const B &b) { return b < a ? b : a; }
template <typename A, typename B> constexpr auto max(const A &a, const B &b) { return a < b ? b : a; }
}
#else
#ifndef min
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
#endif

/// Windows' page, in which drivers count. The machine's own may be larger.
#define PAGE_SIZE 0x1000
#define PAGE_SHIFT 12
#define BYTES_TO_PAGES(size) (((size) >> PAGE_SHIFT) + (((size) & (PAGE_SIZE - 1)) != 0))
#define ROUND_TO_PAGES(size) (((ULONG_PTR)(size) + PAGE_SIZE - 1) & ~(ULONG_PTR)(PAGE_SIZE - 1))
#define BYTE_OFFSET(address) ((ULONG)((ULONG_PTR)(address) & (PAGE_SIZE - 1)))
#define PAGE_ALIGN(address) ((PVOID)((ULONG_PTR)(address) & ~(ULONG_PTR)(PAGE_SIZE - 1)))

#define MAXULONG 0xffffffffu
#define MAXLONG 0x7fffffff

#endif
