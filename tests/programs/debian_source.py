"""debian_source - the sources of a package that is installed, fetched once."""
import pathlib
import subprocess

FETCHER = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "debian-source"


class Missing(Exception):
    """There is no way to get them here, and why."""


def get(package, kept):
    """Where they are, in the directory in which they are kept."""
    done = subprocess.run([FETCHER, kept, package], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode == 77:
        raise Missing(done.stderr.decode(errors="replace").strip())
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return pathlib.Path(done.stdout.decode().strip())
