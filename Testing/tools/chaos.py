"""Kill, damage and mislead the program at random, and measure what holds: `make chaos`.

    python Testing/tools/chaos.py kill-command --count 100      # aideal run ended while a good result is in its folder
    python Testing/tools/chaos.py kill-worker --count 100       # the worker killed, stopped, cancelled; times of poll
    python Testing/tools/chaos.py files --count 10000           # damaged files of every format
    python Testing/tools/chaos.py names --count 100             # hostile names over all outputs
    python Testing/tools/chaos.py busy                          # steps of a run alone, and beside two busy processes

Cases follow from their numbers. Each is noted in `chaos-output/PART.jsonl` once it has ended; a part that was interrupted goes
on with the cases that are missing there, and several processes may share one part (`--first`). The figures are those of all
cases noted; the exit status is 1 where anything did not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paths import MODULE

sys.path.insert(0, str(MODULE))
Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One kind of fault.

    Attributes
    ----------
    run : callable
        Yields a row for each case number: at least 'case' and 'outcome'.
    good : tuple of str
        Outcomes that are allowed.
    figures : callable
        Text on the rows, and whether the figures in it are allowed.
    """

    run: Callable[[list[int]], Iterator[Row]]
    good: tuple[str, ...]
    figures: Callable[[list[Row]], tuple[str, bool]]


def parts() -> dict[str, Part]:
    """All parts by name."""
    import chaos_ends
    import chaos_inputs
    import chaos_load

    return {
        "kill-command": Part(chaos_ends.kill_command, ("new", "kept"), chaos_ends.command_figures),
        "kill-worker": Part(chaos_ends.kill_worker, ("result", "failed", "stopped"), chaos_ends.worker_figures),
        "files": Part(chaos_inputs.files, ("loaded", "refused"), chaos_inputs.file_figures),
        "names": Part(chaos_inputs.names, ("written", "refused"), lambda rows: ("", True)),
        "busy": Part(chaos_load.busy, ("held",), chaos_load.busy_figures),
    }


def noted(journal: Path) -> list[Row]:
    """Rows of a journal; a line that was cut off is left out."""
    rows = []
    for line in journal.read_text(encoding="utf-8").splitlines() if journal.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def main() -> int:
    """Run one part, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=list(parts()))
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--notes", type=Path, default=Path("chaos-output"), help="folder of the journals")
    chosen = parser.parse_args()
    part, journal = parts()[chosen.part], chosen.notes / f"{chosen.part}.jsonl"
    chosen.notes.mkdir(parents=True, exist_ok=True)
    done = {row["case"] for row in noted(journal)}
    missing = [case for case in range(chosen.first, chosen.first + chosen.count) if case not in done]
    with journal.open("a", encoding="utf-8") as notes:
        for row in part.run(missing) if missing else ():
            notes.write(json.dumps(row) + "\n")
            notes.flush()
            if row["outcome"] not in part.good:
                print(json.dumps({key: value for key, value in row.items() if not isinstance(value, list)}), flush=True)
    rows = noted(journal)
    outcomes = Counter(row["outcome"] for row in rows)
    text, allowed = part.figures(rows)
    listed = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    print(f"{chosen.part}: {len(rows)} cases: {listed}{'; ' * bool(text)}{text}")
    return 0 if allowed and set(outcomes) <= set(part.good) else 1


if __name__ == "__main__":
    sys.exit(main())
