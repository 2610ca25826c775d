"""The same job in DeepEval; run by its own interpreter: `deepeval_job.py CASES CONCURRENCY OUTPUT_FOLDER`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import ExactMatchMetric
from deepeval.test_case import LLMTestCase

from benchmarks.clients import with_sdk


def main() -> None:
    """Ask, then evaluate."""
    cases, concurrency, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    found: list[LLMTestCase] = []

    def answered(row: dict, text: str) -> None:
        found.append(
            LLMTestCase(
                name=row["id"], input=row["inputs"]["question"], actual_output=text, expected_output=row["expected"]
            )
        )

    with Path(cases).open(encoding="utf-8") as lines:
        asyncio.run(with_sdk((json.loads(line) for line in lines), concurrency, answered))
    evaluate(
        found,
        [ExactMatchMetric()],
        async_config=AsyncConfig(max_concurrent=concurrency),
        display_config=DisplayConfig(
            show_indicator=False, print_results=False, inspect_after_run=False, results_folder=folder
        ),
        cache_config=CacheConfig(write_cache=False),
    )


if __name__ == "__main__":
    main()
