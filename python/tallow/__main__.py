"""Run programs written for PyTorch: ``python -m tallow script.py``."""

from __future__ import annotations

import os
import sys
from types import ModuleType

_USAGE = """\
usage: python -m tallow script.py [arguments]    run a script, torch served from tallow
       python -m tallow -m module [arguments]    run a module
       python -m tallow -c code [arguments]      run code
       python -m tallow demo [options]           train LeNet on handwritten digits
       python -m tallow --missing script.py ...  list the torch names that scripts use and
                                                 tallow does not have
       python -m tallow --version                print the version
"""


def _fresh_main(filename: str | None) -> ModuleType:
    """A module to run a program in, in the place of this one."""
    module = ModuleType("__main__")
    if filename is not None:
        module.__file__ = filename
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    return module


def _run_script(path: str, arguments: list[str]) -> None:
    from tallow import _alias

    if os.path.isdir(path) or path.endswith(".zip"):
        import runpy

        _alias.install()
        sys.argv = [path, *arguments]
        sys.path[0] = path
        runpy.run_path(path, run_name="__main__")
        return
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    _alias.install()
    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    exec(code, _fresh_main(path).__dict__)


def _run_code(text: str, arguments: list[str]) -> None:
    from tallow import _alias

    code = compile(text, "<string>", "exec", dont_inherit=True)
    _alias.install()
    sys.argv = ["-c", *arguments]
    sys.path[0] = ""
    exec(code, _fresh_main(None).__dict__)


def _run_module(name: str, arguments: list[str]) -> None:
    import runpy

    from tallow import _alias

    _alias.install()
    sys.argv = [name, *arguments]
    sys.path[0] = os.getcwd()
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _list_missing(paths: list[str]) -> int:
    from tallow import _missing

    lines = _missing.report(paths)
    for line in lines:
        print(line)
    print(f"{len(lines)} missing" if lines else "nothing is missing")
    return 1 if lines else 0


def _option(arguments: list[str]) -> int:
    """Serve a command line that begins with an option."""
    option, *rest = arguments
    if option in ("-h", "--help"):
        print(_USAGE, end="")
        return 0
    if option in ("-V", "--version"):
        from tallow import version

        print(f"tallow {version.tallow} (interface of PyTorch {version.torch})")
        return 0
    if option in ("-m", "-c", "--missing") and rest:
        if option == "-m":
            _run_module(rest[0], rest[1:])
        elif option == "-c":
            _run_code(rest[0], rest[1:])
        else:
            return _list_missing(rest)
        return 0
    print(_USAGE, end="", file=sys.stderr)
    return 2


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments; by default those of the process.

    Returns:
        The exit status.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments:
        print(_USAGE, end="", file=sys.stderr)
        return 2
    if arguments[0] == "demo" and not os.path.exists("demo"):
        from tallow import demo

        return int(demo.main(arguments[1:]) or 0)
    if arguments[0].startswith("-"):
        return _option(arguments)
    _run_script(arguments[0], arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
