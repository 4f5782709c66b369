"""Writes mcnemar.json: McNemar's exact test by statsmodels, for core/src/paired.rs.

    python make_mcnemar.py

A case: rows that one model alone has right, rows that the other alone has right, the two-sided p.
"""

import json
import pathlib
from importlib.metadata import version

from statsmodels.stats.contingency_tables import mcnemar

COUNTS = [(0, 0), (1, 0), (0, 5), (3, 3), (4, 3), (10, 2), (2, 10), (12, 30), (59, 40), (500, 430), (3000, 2700)]


def main():
    exact = lambda one, other: float(mcnemar([[0, one], [other, 0]], exact=True).pvalue)
    cases = [[one, other, exact(one, other)] for one, other in COUNTS]
    out = pathlib.Path(__file__).with_name("mcnemar.json")
    versions = {package: version(package) for package in ["statsmodels", "scipy"]}
    rows = ",\n".join(map(json.dumps, cases))
    out.write_text(f'{{"versions": {json.dumps(versions)},\n"cases": [\n{rows}\n]}}\n')


main()
