"""`make bench-evals`: runs of an eval against a server on the loopback, beside what else could make them.

500 cases, 20 ms an answer, 4 and 32 calls at a time; the same exact-match job each time, whole processes all. The floor
is a bare loop over the official SDK in the same run. promptfoo and DeepEval are installed into benchmarks/.tools (not
in git; 1.4 GB and 120 s); where either cannot run, no ratio to it is claimed. Then: memory against the number of cases,
the size of a stored result, and how long two large results take to compare.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import evidence, registries
from benchmarks.clients import SYSTEM
from benchmarks.measure import environment

HERE = Path(__file__).resolve().parent
TOOLS = HERE / ".tools"
PROMPTFOO, DEEPEVAL = "0.121.20", "4.3.1"
CASES, DELAY_MS = 500, 20
SPEC = f"{evidence.NAME}@1.0.0"
_COMMAND = str(Path(sys.executable).parent / "promptreg")
#: What silences the two: no telemetry, no look for updates, nothing kept from run to run.
_QUIET = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_CACHE_ENABLED": "false",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_UPDATE_WARNING_OPT_IN": "NO",
    "ERROR_REPORTING": "NO",
    "NODE_NO_WARNINGS": "1",
}


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds of wall and of CPU, peak memory in MB, bytes written."""

    wall: float
    cpu: float
    memory: float
    output: int = 0


def run(argv: list[str], folder: Path, environ: Mapping[str, str]) -> Cost:
    """Run a process to its end; RuntimeError with what it said where it fails."""
    said, figures = folder / "said.txt", folder / "figures.json"
    waiter = [sys.executable, "-I", "-S", str(HERE / "waiter.py"), str(figures)]
    with said.open("wb") as out:
        subprocess.run(
            [*waiter, *argv],
            cwd=folder,
            env=dict(environ),
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    found = json.loads(figures.read_text(encoding="utf-8"))
    if found["status"]:
        tail = said.read_text(encoding="utf-8", errors="replace")[-600:]
        raise RuntimeError(f"{' '.join(argv[:3])} … ended with {found['status']}: {tail}")
    return Cost(found["wall"], found["cpu"], found["memory"])


@contextmanager
def server(delay_ms: float) -> Iterator[dict[str, str]]:
    """The stand-in for OpenAI's API, a process of its own; gives the environment that finds it."""
    argv = [sys.executable, "-m", "tests.support.openai_server", "--delay-ms", str(delay_ms)]
    with subprocess.Popen(argv, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            port = int(child.stdout.readline())
            found = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "sk-stand-in"}
            yield environment() | _QUIET | {"PYTHONPATH": str(HERE.parent)} | found
        finally:
            child.terminate()


class Job:
    """The same cases for everybody, in a folder."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.registry = folder / "registry" / "prompts"
        evidence.evaluated(self.registry, count, stored=False)
        registries.git(self.registry.parent, "init", "-q")
        self.cases = self.registry / evidence.NAME / "evals" / "cases.jsonl"
        self._config(self.folder / "promptfoo.json")

    def _config(self, path: Path) -> None:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "{{question}}"}]
        rows = [json.loads(line) for line in self.cases.read_text(encoding="utf-8").splitlines()]
        config = {
            "prompts": [json.dumps(messages)],
            "providers": [{"id": "openai:chat:stand-in", "config": {"temperature": 0}}],
            "tests": [
                {"vars": row["inputs"], "assert": [{"type": "equals", "value": row["expected"]}]} for row in rows
            ],
        }
        path.write_text(json.dumps(config), encoding="utf-8")

    def client(self, kind: str, concurrency: int, environ: Mapping[str, str]) -> Cost:
        """A bare loop, with the SDK or without."""
        output = self.folder / f"{kind}.jsonl"
        argv = [sys.executable, "-m", "benchmarks.clients", kind, str(self.cases), str(concurrency), str(output)]
        cost = run(argv, self.folder, environ)
        wrong = [line for line in output.read_text(encoding="utf-8").splitlines() if not json.loads(line)["correct"]]
        if wrong:
            raise RuntimeError(f"{kind}: {len(wrong)} answers were not those expected")
        return replace(cost, output=output.stat().st_size)

    def promptreg(self, concurrency: int, environ: Mapping[str, str], *more: str) -> Cost:
        """`promptreg eval` in a fresh registry: no result and nothing kept from a run before."""
        for left in (self.registry / evidence.NAME / "evals" / "results", self.registry / ".promptreg"):
            shutil.rmtree(left, ignore_errors=True)
        argv = [_COMMAND, "eval", SPEC, "--concurrency", str(concurrency), *more]
        cost = run(argv, self.registry.parent, environ)
        return replace(cost, output=sum(path.stat().st_size for path in self.results("*")))

    def results(self, pattern: str) -> list[Path]:
        """The files of results."""
        return sorted((self.registry / evidence.NAME / "evals" / "results").glob(f"*/{pattern}"))

    def promptfoo(self, concurrency: int, environ: Mapping[str, str]) -> Cost:
        """The same in promptfoo."""
        home, output = self.folder / "promptfoo-home", self.folder / "promptfoo-out.json"
        shutil.rmtree(home, ignore_errors=True)
        argv = [
            str(TOOLS / "promptfoo/node_modules/.bin/promptfoo"), "eval", "-c", "promptfoo.json", "-j",
            str(concurrency), "--no-cache", "--no-progress-bar", "--no-table", "-o", str(output),
        ]  # fmt: skip
        cost = run(argv, self.folder, {**environ, "PROMPTFOO_CONFIG_DIR": str(home)})
        stats = json.loads(output.read_text(encoding="utf-8"))["results"]["stats"]
        if stats["failures"] or stats["errors"]:
            raise RuntimeError(f"promptfoo: {stats}")
        return replace(cost, output=output.stat().st_size)

    def deepeval(self, concurrency: int, environ: Mapping[str, str]) -> Cost:
        """The same in DeepEval."""
        output = self.folder / "deepeval-out"
        shutil.rmtree(output, ignore_errors=True)
        argv = [str(TOOLS / "deepeval/bin/python"), str(HERE / "deepeval_job.py"), str(self.cases), str(concurrency)]
        cost = run([*argv, str(output)], self.folder, environ)
        return replace(cost, output=sum(path.stat().st_size for path in output.rglob("*") if path.is_file()))


def installed() -> dict[str, str]:
    """Install promptfoo and DeepEval where they are not there yet; for each that is not there now, why."""
    TOOLS.mkdir(exist_ok=True)
    foo, eval_ = TOOLS / "promptfoo", TOOLS / "deepeval"
    foo.mkdir(exist_ok=True)
    steps = {
        "promptfoo": (
            foo / "node_modules/.bin/promptfoo",
            [["npm", "install", "--prefix", str(foo), "--no-audit", "--no-fund", f"promptfoo@{PROMPTFOO}"]],
        ),
        "DeepEval": (
            eval_ / "bin/deepeval",
            [
                [sys.executable, "-m", "venv", str(eval_)],
                [str(eval_ / "bin/pip"), "install", "--quiet", f"deepeval=={DEEPEVAL}"],
            ],
        ),
    }
    return {name: why for name, (there, commands) in steps.items() if (why := _install(there, commands))}


def _install(there: Path, commands: list[list[str]]) -> str:
    if there.exists():
        return ""
    print(f"installing {there} …", file=sys.stderr)
    try:
        for command in commands:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as problem:
        return str(problem)
    return "" if there.exists() else f"{there} is not there after its installation"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=100_000, help="cases of the largest run")
    given = parser.parse_args()
    absent = installed()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder), CASES)
        for concurrency in (4, 32):
            _table(job, concurrency, given.rounds, absent)
        _size(job)
        _memory(Path(folder), given.large)
        _comparing(Path(folder), given.rounds)


def _table(job: Job, concurrency: int, rounds: int, absent: Mapping[str, str]) -> None:
    runners = {
        "bare loop over the SDK (a)": lambda environ: job.client("sdk", concurrency, environ),
        "bare loop, no SDK (b)": lambda environ: job.client("bare", concurrency, environ),
        "promptreg eval": lambda environ: job.promptreg(concurrency, environ),
        "promptfoo": lambda environ: job.promptfoo(concurrency, environ),
        "DeepEval": lambda environ: job.deepeval(concurrency, environ),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in runners if name not in absent}
    failed = dict(absent)
    with server(DELAY_MS) as environ:
        for number in range(rounds + 1):
            for name in list(costs):
                try:
                    cost = runners[name](environ)
                except RuntimeError as problem:
                    failed[name] = str(problem)
                    del costs[name]
                else:
                    # the first round warms caches of files and byte-code
                    costs[name] += [cost] if number else []
    ideal = CASES * DELAY_MS / 1000 / concurrency
    print(
        f"\n{CASES} cases, {DELAY_MS} ms, {concurrency} at a time: {ideal:.2f} s at best; medians of {rounds} rounds\n"
    )
    print("| runner | wall s | / (a) | / (b) | CPU s | peak MB | output kB |\n|---|---|---|---|---|---|---|")
    for name, found in costs.items():
        ratios = [_ratio(found, costs.get(floor, [])) for floor in list(runners)[:2]]
        cells = [f"{_middle(found, 'cpu'):.2f}", f"{_middle(found, 'memory'):.0f}", f"{found[0].output / 1000:.0f}"]
        print("|", " | ".join([name, f"{_middle(found, 'wall'):.2f}", *ratios, *cells]), "|")
    if failed.keys() & {"promptfoo", "DeepEval"}:
        print("\nNo ratio to promptfoo and DeepEval is claimed: not both ran.")
    for name, why in failed.items():
        print(f"{name} did not run: {why}")
    ours = costs.get("promptreg eval")
    floor = costs.get("bare loop over the SDK (a)")
    if ours and floor:
        ratio = statistics.median(a.wall / b.wall for a, b in zip(ours, floor, strict=True))
        print(f"\npromptreg / (a): {ratio:.2f}×, target ≤ 1.2× {'ok' if ratio <= 1.2 else 'OVER'}", flush=True)


def _middle(costs: list[Cost], what: str) -> float:
    return statistics.median(float(getattr(cost, what)) for cost in costs)


def _ratio(costs: list[Cost], floor: list[Cost]) -> str:
    if not floor:
        return "–"
    return f"{statistics.median(one.wall / bare.wall for one, bare in zip(costs, floor, strict=True)):.2f}×"


def _size(job: Job) -> None:
    files = [path for path in job.results("*.json") if not path.name.endswith(".outputs.jsonl")]
    if files:
        size = files[0].stat().st_size
        print(f"\nA stored result of {CASES} cases without outputs: {size / 1000:.0f} kB, target ≤ 120 kB")


def _memory(folder: Path, large: int) -> None:
    """Peak memory; over the SDK a call takes milliseconds of CPU, so that the largest run is echo's."""
    print("\nPeak memory of promptreg eval, 0 ms, 32 at a time; target ≤ 110 MB, not growing with cases\n")
    print("| cases | provider | peak MB | wall s | CPU s |\n|---|---|---|---|---|")
    for count, provider in ((500, "openai"), (10_000, "openai"), (500, "echo"), (10_000, "echo"), (large, "echo")):
        job = Job(folder / f"{provider}-{count}", count)
        with server(0) as environ:
            cost = job.promptreg(32, environ, "--provider", provider)
        print(f"| {count} | {provider} | {cost.memory:.0f} | {cost.wall:.1f} | {cost.cpu:.1f} |", flush=True)
        shutil.rmtree(job.folder)


def _comparing(folder: Path, rounds: int) -> None:
    print("\n`promptreg compare` of two stored results\n\n| cases | s | above an empty one | CPU s | peak MB |")
    print("|---|---|---|---|---|")
    empty = 0.0
    for count in (1, 10_000):
        root = evidence.evaluated(folder / f"compared-{count}" / "prompts", count)
        argv = [_COMMAND, "compare", *(f"{evidence.NAME}@{version}" for version in evidence.VERSIONS), "--json"]
        costs = [run(argv, root.parent, environment()) for _ in range(rounds + 1)][1:]
        wall = _middle(costs, "wall")
        empty = empty or wall
        cells = [
            f"{wall:.2f}",
            f"{wall - empty:.2f}",
            f"{_middle(costs, 'cpu'):.2f}",
            f"{_middle(costs, 'memory'):.0f}",
        ]
        print(f"| {count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
