// A source in which interruptsync-check-long finds what each line's last word says, and nothing else: NAMES a type,
// CONSTANT one of those with the suffix. long in a comment is none. It is not compiled.
/* long
   long */ typedef struct { long control; } first; /* NAMES */
typedef struct { unsigned long status; } second; /* NAMES */
typedef unsigned
    long /* NAMES */
    word;
#define u32 unsigned long /* NAMES */
#define MASK(x) ((long)(x)) /* NAMES */
#define TWO(x)    \
  long x##_first; /* NAMES */ \
  long long x##_second
long int third; /* NAMES */
const long unsigned fourth; /* NAMES */
volatile long *fifth; /* NAMES */
void f(int, long const argument); /* NAMES */
int size = sizeof(long); /* NAMES */
long long wide; unsigned long long int wider; long
    long widest; long double precise; long int unsigned long other;
long /* between */ last; /* NAMES */
LONG a; ULONG b; int longer, long_, _long;
const char *text = "a long \" long"; char quote = '"', other_quote = '\''; const char *more = "a \
long";
// A comment that goes on: \
long
ULONG64 ones = ~0UL; /* CONSTANT */
int c = 10L; /* CONSTANT */
int d = 0x7Fl; /* CONSTANT */
int e = 0b11Lu; /* CONSTANT */
int g = 10LL + 10ull + 0xFu + 7 + 0xAL1; double h = 1.0L;
