"""The formatter of HCL, the language of deploy/terraform."""

import pathlib
import subprocess
import sys

from parts import go_program

VERSION = "2.24.0"
MODULE = "github.com/hashicorp/hcl/v2/cmd/hclfmt"
TOOLCHAIN = "go1.25.0"


def formatted(text: str) -> str:
    """The text as it should be; raises where it is no HCL."""
    return subprocess.run([go_program.build(MODULE, VERSION, TOOLCHAIN)], input=text, check=True,
                          capture_output=True, text=True).stdout


def main():
    """Rewrites the files that are named."""
    for name in sys.argv[1:]:
        file = pathlib.Path(name)
        text = file.read_text()
        mended = formatted(text)
        if mended != text:
            file.write_text(mended)


if __name__ == "__main__":
    main()
