"""Make `.venv` beside this file and install the program into it; do nothing, quickly, when that was done before.

Standard library only, and readable by any Python 3: the Python that starts this may be older than the one it looks for.
Usage: python3 bootstrap.py [the python to use]
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
WINDOWS = os.name == "nt"
VENV_PYTHON = os.path.join(VENV, "Scripts" if WINDOWS else "bin", "python.exe" if WINDOWS else "python")
STAMP = os.path.join(VENV, ".installed")
OLDEST, NEWEST = 11, 14
PROBE = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1])"


def main(arguments):
    """Return the exit status: 0 when `.venv` is ready, 2 when something has to be done by hand first."""
    wanted = fingerprint()
    if os.path.exists(VENV_PYTHON) and read(STAMP) == wanted:
        return 0
    try:
        prepare(arguments[0] if arguments else None, wanted)
    except NotReady as error:
        sys.stderr.write("\n" + str(error) + "\n")
        return 2
    except OSError as error:
        sys.stderr.write("\nCannot write %s: %s.\nRun as the owner of this folder, or remove .venv.\n" % (VENV, error))
        return 2
    return 0


class NotReady(Exception):
    """The machine lacks something; the message says what to do."""


def prepare(given, wanted):
    """Make the environment and install, leaving the stamp only when all went well."""
    if os.path.exists(STAMP):
        os.remove(STAMP)
    if not usable(VENV_PYTHON):
        python = chosen_python(given)
        say("Making .venv with %s ..." % python)
        shutil.rmtree(VENV, ignore_errors=True)
        made = subprocess.run([python, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode != 0:
            words = made.stdout.decode(errors="replace").strip()
            advice = (
                venv_advice() if "ensurepip" in words else "Run as the owner of this folder, with room on the disk."
            )
            raise NotReady("Could not make .venv:\n%s\n\n%s" % (words, advice))
    say("Installing the packages pinned in constraints.txt (about a minute the first time) ...")
    install()
    with open(STAMP, "w") as file:
        file.write(wanted)
    say("Ready.")


def install():
    """Run pip, showing a line for every tenth package; its whole output only when it fails."""
    command = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--no-input", "-c", "constraints.txt", "-e", ".[dev]"]
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    pip = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines = []
    seen = 0
    for raw in pip.stdout:
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        if line.startswith("Collecting "):
            seen += 1
            if seen % 10 == 0:
                say("  %d packages ..." % seen)
        elif line.startswith("Installing collected"):
            say("  unpacking ...")
    if pip.wait() != 0:
        raise NotReady(
            "pip could not install the packages:\n\n%s\n\nCheck the network (or PIP_INDEX_URL), then run it again."
            % "\n".join(lines[-25:])
        )


def chosen_python(given):
    """The newest Python from 3.11 to 3.14 that can make environments; `given` where one is named."""
    names = [given] if given else ["python3.%d" % minor for minor in range(NEWEST, OLDEST - 1, -1)]
    names += [] if given else [sys.executable, "python3"]
    lacking = None
    for name in names:
        path = shutil.which(name) if name else None
        if path is None:
            continue
        version = probe(path, PROBE)
        if version is not None and (3, OLDEST) <= version <= (3, NEWEST):
            return path
        bare = probe(path, "import sys; print(sys.version_info[0], sys.version_info[1])")
        if bare is not None and (3, OLDEST) <= bare <= (3, NEWEST):
            lacking = lacking or bare
    if lacking is not None:
        raise NotReady(venv_advice(lacking))
    raise NotReady(
        "Python 3.%d to 3.%d is needed, and none was found (this is %s).\n"
        "On Debian or Ubuntu: apt install python3 python3-venv. Elsewhere: https://www.python.org/downloads/\n"
        "If it is installed under another name: make PYTHON=/path/to/python3 ..."
        % (OLDEST, NEWEST, sys.version.split()[0])
    )


def venv_advice(version=None):
    """What to install where Python came without its venv module."""
    name = "python%d.%d-venv" % version if version else "python3-venv"
    return (
        "This Python cannot make virtual environments: its venv module is missing.\n"
        "On Debian or Ubuntu: apt install python3-venv (or %s), then run the same command again." % name
    )


def usable(python):
    """Whether that environment's Python runs, is new enough and has pip (a moved folder breaks it)."""
    if not os.path.exists(python):
        return False
    version = probe(python, "import sys, pip; print(sys.version_info[0], sys.version_info[1])")
    return version is not None and version >= (3, OLDEST)


def probe(python, program):
    """The (major, minor) that `program` prints, None where it fails."""
    try:
        told = subprocess.run([python, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
        return tuple(int(part) for part in told.stdout.split()) if told.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def fingerprint():
    """What the environment depends on: the two files, and where the folder is."""
    digest = hashlib.sha256(ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read(path):
    """The text of a file, or an empty string."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def say(words):
    """One line of progress."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
