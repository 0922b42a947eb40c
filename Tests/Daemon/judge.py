"""Checks of one file: each is a function, named as what it shows."""
import sys
import time
import traceback

checks = []


def check(body):
    checks.append(body)
    return body


def run():
    """Runs the checks, or those named on the command line, and closes with their number."""
    failed = 0
    wanted = [body for body in checks if not sys.argv[1:] or body.__name__ in sys.argv[1:]]
    for body in wanted:
        start = time.monotonic()
        try:
            said = body()
        except Exception:
            failed += 1
            print(f"FAIL {body.__name__}")
            traceback.print_exc(file=sys.stdout)
        else:
            seconds = time.monotonic() - start
            print(f"ok   {body.__name__.replace('_', ' ')} ({seconds:.1f} s){': ' + said if said else ''}")
        sys.stdout.flush()
    print(f"{len(wanted) - failed} passed, {failed} failed")
    sys.exit(0 if wanted and not failed else 1)


def refused(name, body, *arguments, **parameters):
    """Fails unless the call is answered with this error; gives the error."""
    try:
        answer = body(*arguments, **parameters)
    except Exception as error:
        got = getattr(error, "name", None) or (error.error() if hasattr(error, "error") else None)
        if callable(got):
            got = got()
        assert got == name, f"{error!r} instead of {name}"
        return error
    raise AssertionError(f"{answer} instead of {name}")
