"""Print the share of lines that the tests executed: per package of ``tracer``, then in all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from coverage import Coverage


def main() -> None:
    """Read the combined data file of this directory; print package, lines and share in percent."""
    coverage = Coverage()
    coverage.load()
    lines: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for path in sorted(Path("tracer").rglob("*.py")):
        _, executable, _, missing, _ = coverage.analysis2(str(path))
        for package in {".".join(path.parent.parts), "all of tracer"}:
            lines[package] += len(executable)
            missed[package] += len(missing)
    print(f"{'package':<32} {'lines':>7} {'executed':>9}")
    for package in sorted(lines, key=lambda name: (name == "all of tracer", name)):
        share = 1 - missed[package] / max(lines[package], 1)
        print(f"{package:<32} {lines[package]:>7,} {share:>9.1%}")


if __name__ == "__main__":
    main()
