// Windows interfaces, floor 5. Spellings with a meaning for Windows' compilers and analysers, and none for ours: source
// annotations, calling conventions, parameter directions. types.h includes it, so drivers and every header have them.
// Only macros: no thread, no lock. Attributes are spelled `__attribute`, as some drivers define `__attribute__` away.
#ifndef ISW_ANNOTATIONS_H
#define ISW_ANNOTATIONS_H

#define IN
#define OUT
#define OPTIONAL

#define _In_
#define _In_opt_
#define _In_z_
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(count)
#define _In_reads_bytes_opt_(count)
#define _In_range_(low, high)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(count)
#define _Inout_updates_bytes_(count)
#define _Out_
#define _Out_opt_
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_bytes_(count)
#define _Out_writes_bytes_opt_(count)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _COM_Outptr_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Reserved_
#define _Field_size_(count)
#define _Field_size_bytes_(count)
#define _Null_terminated_
#define _Printf_format_string_
#define _Points_to_data_
#define _Post_writable_byte_size_(size)
#define _Post_invalid_
#define _Pre_notnull_
#define _Must_inspect_result_
#define _Check_return_
#define _Success_(expression)
#define _When_(condition, annotations)
#define _At_(target, annotations)
#define _Function_class_(name)
#define _Use_decl_annotations_
#define _Analysis_assume_(expression)
#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Guarded_by_(lock)
#define _Interlocked_
#define _IRQL_requires_(level)
#define _IRQL_requires_max_(level)
#define _IRQL_requires_min_(level)
#define _IRQL_requires_same_
#define _IRQL_raises_(level)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(kind, parameter)
#define _IRQL_restores_global_(kind, parameter)
#define _IRQL_always_function_min_(level)
#define _IRQL_uses_cancel_
#define _Kernel_clear_do_init_(answer)
#define _Kernel_requires_resource_held_(resource)
#define _Dispatch_type_(type)
#include "old_annotations.h"

#define __cdecl
#define __stdcall
#define __fastcall
#define CDECL
#define FASTCALL
#define NTAPI
#define WINAPI
#define STDAPICALLTYPE
#define STDMETHODCALLTYPE
#define NTKERNELAPI
#define NTSYSAPI
#define NTHALAPI
#define PORTCLASSAPI
#define DECLSPEC_IMPORT
#define DECLSPEC_NOVTABLE
#define DECLSPEC_UUID(text)
#define DECLSPEC_ALIGN(bytes) __attribute((aligned(bytes)))
#define DECLSPEC_NORETURN __attribute((noreturn))
/// For these headers.
#define ISW_INLINE static __inline__ __attribute((always_inline, unused))
/// For drivers, which write `static` before it or do not.
#define FORCEINLINE __inline__ __attribute((always_inline, unused))
#define __forceinline FORCEINLINE
#ifdef __cplusplus
#define __inline inline
#else
// In C99 a function that is only `inline` has no definition to call where the compiler does not inline it.
#define __inline FORCEINLINE
#ifdef INTERRUPTSYNC_WINDOWS_SOURCE
#define inline __inline__ __attribute((always_inline, unused))
#endif
#endif
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define UNREFERENCED_LOCAL_VARIABLE(variable) ((void)(variable))
#define C_ASSERT(condition) _Static_assert(condition, #condition)
#define ALLOC_TEXT(section, function)
#ifdef __cplusplus
#undef C_ASSERT
#define C_ASSERT(condition) static_assert(condition, #condition)
#endif

#if defined(__has_attribute)
#if __has_attribute(unavailable)
#define ISW_REFUSED(message) __attribute((unavailable(message)))
#endif
#endif
#ifndef ISW_REFUSED
/// A use does not compile, for this reason.
#define ISW_REFUSED(message) __attribute((error(message)))
#endif

#endif
