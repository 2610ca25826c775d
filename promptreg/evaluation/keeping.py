"""What a run keeps on this machine while it runs, and for the runs after it: journals, a cache, recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Completion, Request
from promptreg.evals.recordings import read_recordings, recordings_path, recordings_text
from promptreg.evals.running.cache import Cache
from promptreg.evals.running.journal import NOTHING, Journal, JournalError
from promptreg.evals.running.requests import request_for
from promptreg.evals.running.run import Plan
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.files import LOCAL, Log, log, writing
from promptreg.judging import side
from promptreg.project import Project

#: Where journals of runs on their way stand, below LOCAL.
RUNS = "runs"
CACHE = "cache.sqlite"


def plan_of(plan: PlannedRun) -> Plan:
    """What runs: people's scorers do not."""
    return Plan(plan.prompt, plan.suite.automatic(), plan.cases, plan.provider, plan.repeats)


class NothingAsked(PromptregError):
    """All answers of a run came from the cache: no evidence that is not there already."""


class NothingScored(PromptregError):
    """Not one case of a run got a score; it was not stored."""


def cache_of(project: Project) -> Cache:
    """The cache of answers, made where it is not there."""
    with writing(project.folder):  # makes the folder, which keeps itself out of git
        path = project.folder.path(f"{LOCAL}/{CACHE}")
    return Cache(path, project.surroundings.now().isoformat(timespec="milliseconds"))


class Recorder:
    """Keeps the answers of a run for `replay`, in the file of the suite that each was made for."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[tuple[str, int], Completion]] = {}

    def __call__(self, request: Request, repeat: int, answer: Completion) -> None:
        """Keep an answer."""
        path = recordings_path(request.prompt, request.suite)
        self._answers.setdefault(path, {})[request.digest(), repeat] = answer

    def take_over(self, plan: Plan, journal: Journal) -> None:
        """Keep what the journal of a run has of its prompt's answers: some may be older than this process."""
        for index, case in enumerate(plan.cases):
            known = [repeat for repeat in range(plan.repeats) if journal.state(index, repeat) != NOTHING]
            request = request_for(plan.prompt, plan.suite, case) if known else None
            for repeat in known:
                answer = journal.entry(index, repeat).completion
                if request and answer:
                    self(request, repeat, answer)

    def store(self, project: Project) -> None:
        """Write them, those that were there before included."""
        with writing(project.folder) as writer:
            for path, answers in self._answers.items():
                before = read_recordings(project.folder.read(path) or b"", project.folder.shown(path))
                writer.write(path, recordings_text(before | answers))


@contextmanager
def journal_of(project: Project, plan: Plan, options: Options) -> Iterator[Journal]:
    """The journal of a run: an unfinished one of the same plan where that is to be gone on with, else a new one.

    It is removed when the block ends well, or found that all is done and nothing to be stored; else it is kept.
    """
    started = project.surroundings.now()
    lines = _unfinished(project, plan, options)
    if lines is None:
        lines = log(project.folder, f"{RUNS}/{plan.key()}-{started:%Y%m%dT%H%M%S%f}.jsonl")
    if lines is None:
        raise PromptregError(f"another promptreg began to run {plan.prompt.spec} at this very moment. Try again.")
    done = False
    try:
        try:
            journal = Journal(lines, len(plan.cases), plan.repeats, started.isoformat(timespec="milliseconds"))
        except JournalError as problem:
            raise JournalError(problem.message, path=project.folder.shown(str(lines.path))) from None
        try:
            yield journal
        finally:
            done = journal.is_empty()
        done = True
    except (NothingAsked, NothingScored):
        done = True
        raise
    finally:
        lines.close(done=done)


def unfinished(project: Project, plan: Plan) -> list[str]:
    """The journals of a plan's runs that were not finished, or are on their way, the newest first."""
    files = project.folder.files(f"{LOCAL}/{RUNS}")
    key = plan.key() if files else ""
    found = [file for file in files if file.startswith(key) and file.endswith(".jsonl")]
    return sorted(found, reverse=True)


def _unfinished(project: Project, plan: Plan, options: Options) -> Log | None:
    """The newest unfinished journal of a plan that nobody else writes; None where there is none, or none is wanted.

    PromptregError where all are written by others: these runs are on their way, and not to be made twice.
    """
    files = unfinished(project, plan)
    what = f"{plan.prompt.spec} {plan.suite.name}"
    if not options.resume:
        if files:
            options.note(f"An unfinished run of {what} is here; --resume goes on with it.")
        return None
    for file in files:
        found = log(project.folder, f"{RUNS}/{file}")
        if found is not None:
            return found
    if unfinished(project, plan):
        raise PromptregError(f"another promptreg is running {what} now. Wait for it, or leave out --resume.")
    return None


def missing(project: Project, planned: Sequence[PlannedRun], options: Options) -> list[PlannedRun]:
    """Those runs that `resume` is about: not those of which a whole result is stored, and no unfinished run is here."""
    found = []
    for plan in planned:
        run, what = plan_of(plan), f"{plan.prompt.spec} {plan.suite.name}"
        begun = bool(unfinished(project, run))
        name = None if begun else _stored(project, run)
        if name is None:
            found.append(plan)
            if not begun:
                options.note(f"{what}: no unfinished run of this text, suite and number of repeats; it begins anew.")
        else:
            options.note(f"{what}: nothing is missing ({name}). Without --resume it runs once more.")
    return found


def _stored(project: Project, plan: Plan) -> str | None:
    """The file of a stored run of a plan, all of its cases and repeats; None where there is none."""
    fingerprint = plan.fingerprint()
    wanted = {(case.id, case.digest) for case in plan.cases}
    stored = side(project.head, plan.prompt, plan.suite)
    for name, result in zip(stored.names, stored.results, strict=True):
        same = result.fingerprint == fingerprint and result.repeats >= plan.repeats and result.answers_of is None
        if same and wanted <= {(case.id, case.case) for case in result.cases}:
            return name
    return None
