"""AsyncClient for tests that wait: each of its coroutines runs on a loop until it is done."""
import asyncio
import inspect


class Waits:
    """An object of the asyncio form, with the methods of the other form."""

    def __init__(self, loop, target):
        self._loop, self._target = loop, target

    def __getattr__(self, name):
        value = getattr(self._target, name)
        if not inspect.iscoroutinefunction(value):
            return value

        def call(*arguments, **named):
            return self._wrapped(self._loop.run_until_complete(value(*arguments, **named)))

        return call

    def _wrapped(self, value):
        return Waits(self._loop, value) if hasattr(value, "__aenter__") else value

    def __enter__(self):
        self._loop.run_until_complete(self._target.__aenter__())
        return self

    def __exit__(self, *arguments):
        self._loop.run_until_complete(self._target.__aexit__(*arguments))

    def __iter__(self):
        items = self._target.__aiter__()
        try:
            while True:
                try:
                    value = self._loop.run_until_complete(items.__anext__())
                except StopAsyncIteration:
                    return
                yield value
        finally:
            self._loop.run_until_complete(items.aclose())


def new_loop():
    loop = asyncio.new_event_loop()
    # It reports callbacks that block, and coroutines that were not awaited.
    loop.set_debug(True)
    return loop
