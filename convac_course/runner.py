"""The process in which a student's code runs, and what can be asked of it.

It takes requests, one line of JSON each: run a cell, hand over the values of some names, call
one of its functions. It knows no test and no solution. Whatever it replies is only ever read
as plain data.
"""

import json
import os
import resource
import sys
import traceback

from .plain import NotPlain, decode, encode
from .seccomp import refuse_needless_calls


class Worker:
    """A namespace in which cells run, and which hands out values as plain data."""

    def __init__(self, execute):
        self.namespace, self.execute = execute()
        self.functions = {}

    def answer(self, request):
        """Return the reply to one request."""
        ((what, content),) = request.items()
        return {"run": self.run, "fetch": self.fetch, "call": self.call}[what](content)

    def run(self, source):
        """Run one cell; an error in it is the reply's `error`."""
        error = self.execute(source)
        return {"error": None if error is None else summary(error)}

    def fetch(self, names):
        """Return the values of names that are defined, and why others cannot be had."""
        values, refused = {}, {}
        for name in names:
            if name in self.namespace:
                try:
                    values[name] = encode(self.namespace[name], self._remember)
                except NotPlain as error:
                    refused[name] = str(error)
                except BaseException as error:
                    refused[name] = f"a value that raises {type(error).__name__} when it is read"
        return {"values": values, "refused": refused}

    def call(self, content):
        """Call a function that was handed out, with plain arguments."""
        name, arguments, keywords = content
        try:
            result = self.functions[name](*decode(arguments), **decode(keywords))
            return {"value": encode(result, self._remember)}
        except BaseException as error:
            return {"raised": [type(error).__name__, str(error)[:500]]}

    def _remember(self, function):
        """Keep a function and return its number."""
        self.functions[str(len(self.functions))] = function
        return str(len(self.functions) - 1)


def summary(error):
    """Return an error as one line, with the cell's line where it happened."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in line {error.lineno}: {error.msg}"
    text = f"{type(error).__name__}: {error}".rstrip(": ").split("\n")[0][:300]
    frames = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<cell>" or "ipython-input" in frame.filename
    ]
    return f"{text} (line {frames[0]})" if frames else text


def plain_python():
    """Return a namespace and a function that runs cells in it, without IPython."""
    namespace = {"__name__": "__main__"}

    def execute(source):
        try:
            exec(compile(source, "<cell>", "exec"), namespace)
        except BaseException as error:
            return error
        return None

    return namespace, execute


def ipython():
    """Return a namespace and a function that runs cells in it as a notebook does."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        """A shell with no windows, which `exit()` does not end."""

        def enable_gui(self, gui=None):
            pass

        def ask_exit(self):
            pass

    settings = Config()
    settings.HistoryManager.enabled = False
    shell = Shell.instance(config=settings)

    def execute(source):
        try:
            result = shell.run_cell(source, store_history=False)
        except BaseException as error:
            return error
        return result.error_before_exec or result.error_in_exec

    return shell.user_ns, execute


def main(settings):
    """Take requests from standard input until it ends, within some limits."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what a cell prints goes where errors go; replies have their own way out
    give_up_rights(**json.loads(settings))
    worker = Worker(ipython)
    reply(replies, {"number": 0})
    with os.fdopen(requests, encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            number = request.pop("number")
            answer = worker.answer(request)
            sys.stdout.flush()
            sys.stderr.flush()
            reply(replies, {"number": number, **answer})
    os._exit(0)


def reply(descriptor, answer):
    """Write one reply as a line of JSON."""
    data = json.dumps(answer).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]


def give_up_rights(memory, seconds, processes, uid, walled):
    """Take on the limits of the sandbox, and become another user where that can be done."""
    megabyte = 2**20
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_DATA": memory,
        "RLIMIT_CPU": seconds,
        "RLIMIT_FSIZE": 32 * megabyte,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_NPROC": processes,
    }
    for name, most in limits.items():
        if most is not None and hasattr(resource, name):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if walled:
        refuse_needless_calls()


if __name__ == "__main__":
    main(sys.argv[1])
