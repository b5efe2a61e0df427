"""Writes the expected rows of all golden jobs, or of those named: `python -m golden.make_expected`.

They come from the oracles alone. Read the difference in git before you believe it.
"""

import sys

from golden import harness


def main(wanted: list[str]) -> None:
    for name in wanted or harness.names():
        results = harness.load(name).results(harness.HERE / name / "input")
        for sink, lines in results.items():
            path = harness.expected_file(name, sink)
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(line + "\n" for line in sorted(lines)))
            print(f"{path.relative_to(harness.HERE)}: {len(lines)} rows")


if __name__ == "__main__":
    main(sys.argv[1:])
