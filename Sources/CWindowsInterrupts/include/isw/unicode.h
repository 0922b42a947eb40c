// Windows interfaces, floor 5: strings of 16-bit characters, as values that drivers make on any thread at any level; no
// lock. L"..." has 32 bits a character on this system unless the source is compiled with -fshort-wchar, as
// `pkg-config --cflags interruptsync-windows` has it. Without the flag a call that is given such a literal does not
// compile, and its error names the flag.
#ifndef ISW_UNICODE_H
#define ISW_UNICODE_H

#ifdef __cplusplus
#define ISW_WCHAR_T wchar_t
#else
#define ISW_WCHAR_T __WCHAR_TYPE__
#endif
#if __SIZEOF_WCHAR_T__ == 2
typedef ISW_WCHAR_T WCHAR;
#else
typedef uint16_t WCHAR;
#endif
typedef WCHAR *PWCHAR, *PWSTR, *LPWSTR, *PWCH;
typedef const WCHAR *PCWSTR, *LPCWSTR, *PCWCH;

/// A counted string: lengths in bytes.
typedef struct _UNICODE_STRING {
  USHORT Length, MaximumLength;
  PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

#define UNICODE_NULL ((WCHAR)0)
/// The most bytes that a UNICODE_STRING counts, the final zero included.
#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)

/// Describes a string that ends with a zero: `Length` without it, `MaximumLength` with it. Nothing is copied. NULL makes
/// an empty string without a buffer. Of a longer string than 32,766 characters it describes so many.
ISW_INLINE VOID isw_init_unicode_string(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  size_t length = 0;
  while (SourceString && length < 32766 && SourceString[length]) length++;
  DestinationString->Length = (USHORT)(length * sizeof(WCHAR));
  DestinationString->MaximumLength = SourceString ? (USHORT)(DestinationString->Length + sizeof(WCHAR)) : 0;
  DestinationString->Buffer = (PWSTR)(uintptr_t)SourceString;
}

#if __SIZEOF_WCHAR_T__ == 2
ISW_INLINE VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  isw_init_unicode_string(DestinationString, SourceString);
}
#define ISW_REQUIRE_SHORT_WCHAR C_ASSERT(sizeof(WCHAR) == 2)
#else
#define ISW_NEEDS_SHORT_WCHAR \
  "L\"...\" has 32 bits a character here: compile with -fshort-wchar (pkg-config --cflags interruptsync-windows)"
#ifdef __cplusplus
inline VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  isw_init_unicode_string(DestinationString, SourceString);
}
// A source may include this header inside extern "C".
extern "C++" {
template <typename T> struct isw_wide {};
template <> struct isw_wide<wchar_t> { typedef VOID type; };
template <> struct isw_wide<const wchar_t> { typedef VOID type; };
template <typename T>
ISW_REFUSED(ISW_NEEDS_SHORT_WCHAR) typename isw_wide<T>::type RtlInitUnicodeString(PUNICODE_STRING, T *);
}
#define ISW_REQUIRE_SHORT_WCHAR static_assert(sizeof(wchar_t) == 2, ISW_NEEDS_SHORT_WCHAR)
#else
#define RtlInitUnicodeString(DestinationString, SourceString)                                                     \
  ((void)sizeof(struct {                                                                                          \
     int isw_member;                                                                                              \
     _Static_assert(!_Generic((SourceString), ISW_WCHAR_T *: 1, const ISW_WCHAR_T *: 1, default: 0),              \
                    ISW_NEEDS_SHORT_WCHAR);                                                                       \
   }),                                                                                                            \
   isw_init_unicode_string((DestinationString), (SourceString)))
#define ISW_REQUIRE_SHORT_WCHAR _Static_assert(sizeof(__WCHAR_TYPE__) == 2, ISW_NEEDS_SHORT_WCHAR)
#endif
#endif

/// A constant UNICODE_STRING of a literal L"...". The first is an initializer; the second declares a variable.
#define RTL_CONSTANT_STRING(literal) {sizeof(literal) - sizeof(WCHAR), sizeof(literal), (PWSTR)(uintptr_t)(literal)}
#define DECLARE_CONST_UNICODE_STRING(name, literal)                                                               \
  ISW_REQUIRE_SHORT_WCHAR;                                                                                        \
  static const ISW_WCHAR_T name##_buffer[] __attribute((unused)) = literal;                                    \
  static const UNICODE_STRING name __attribute((unused)) = {                                                      \
      sizeof name##_buffer - sizeof(WCHAR), sizeof name##_buffer, (PWSTR)(uintptr_t)name##_buffer}

#endif
