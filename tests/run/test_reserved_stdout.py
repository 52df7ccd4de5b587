import ctypes
import os
import subprocess
import sys

from rich.progress import track

from leyden.run.reserved_stdout import reserved_stdout


def test_only_results_reach_standard_output(capfd):
    """Output of Python, a progress bar, a child process, buffered C code and a raw descriptor."""
    library = ctypes.CDLL(None)
    with reserved_stdout() as stdout:
        print("from Python")
        list(track([1], "from a bar"))
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        library.puts(b"from C")
        os.write(1, b"from a descriptor\n")
        stdout.write(b"a,b\n")
    print("after")
    captured = capfd.readouterr()
    assert captured.out == "a,b\nafter\n"
    for source in ("Python", "a bar", "a child", "C", "a descriptor"):
        assert f"from {source}" in captured.err
