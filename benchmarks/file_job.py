"""One file of features scored and explained, in a process of its own; prints the peak in MiB on its last line.

python file_job.py run WORKSPACE       what `revml score` does: the whole run, published in the database and as
                                       Parquet, reasons in words in two languages
python file_job.py score-file WORDS    the command `revml score-file WORDS`
"""

from __future__ import annotations

import sys
from pathlib import Path

from figures import peak_mib


def run(folder: Path) -> None:
    """Score and publish a workspace of ready tables."""
    from revml.config import load_workspace
    from revml.scoring import publish_run, score_workspace

    workspace = load_workspace(folder)
    publish_run(workspace, score_workspace(workspace, None))


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]))
    else:
        from revml.cli import main

        main(sys.argv[1:], standalone_mode=False)
    print(peak_mib())
