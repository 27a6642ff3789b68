"""Where the time and the memory of a program go, operator by operator.

A profile sees the thread that begins it, through the same observer as :func:`tallow.explain`: a
program that is not profiled pays nothing.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from tallow.profiler._collector import Collector, record_function
from tallow.profiler._events import EventList

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerAction(enum.Enum):
    """What a profile does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class ProfilerActivity(enum.Enum):
    """What a profile can look at; here the CPU only."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def kineto_available() -> bool:
    """Tell whether the profiler of PyTorch's that traces accelerators is here: it is not."""
    return False


def supported_activities() -> set[ProfilerActivity]:
    """Return what a profile can look at."""
    return {ProfilerActivity.CPU}


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """Return which steps of a training loop to profile.

    Args:
        wait: steps at the start of a cycle that are not looked at.
        warmup: steps that follow, recorded by PyTorch and thrown away; here as ``wait``.
        active: steps that follow, recorded.
        repeat: number of cycles; 0 for no end.
        skip_first: steps before the first cycle.
        skip_first_wait: not 0 to leave ``wait`` out of the first cycle.

    Returns:
        A function from the number of the step to what to do in it.

    Raises:
        AssertionError: a number out of range.

    Example:
        >>> plan = schedule(wait=1, warmup=0, active=2, repeat=1)
        >>> [plan(step).name for step in range(4)]
        ['NONE', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} "
            f"(need >= 0), active={active} (need > 0), repeat={repeat} (need >= 0), "
            f"skip_first={skip_first} (need >= 0)."
        )

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if skip_first_wait:
            step += wait
        cycle = wait + warmup + active
        if step < 0 or (repeat > 0 and step >= repeat * cycle):
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == cycle - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str | os.PathLike[str],
    worker_name: str | None = None,
    use_gzip: bool = False,
    use_python_export: bool = False,
) -> Callable[[profile], None]:
    """Return an ``on_trace_ready`` that writes each profile into a folder of its own file.

    Args:
        dir_name: the folder, made if missing.
        worker_name: first part of the files' names; by default host and process.
        use_gzip: compress them.
        use_python_export: accepted for compatibility; the export is in Python always.
    """

    def write(prof: profile) -> None:
        import os
        import socket
        import time

        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        end = ".pt.trace.json" + (".gz" if use_gzip else "")
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}{end}"))

    return write


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """Record which operators run, how long they take and what memory they keep.

    Only the thread that begins the profile is seen; backward passes run in it.

    Args:
        activities: what to look at; others than the CPU are left out with a warning.
        schedule: which steps to record, see :func:`schedule`; then the program calls
            :meth:`step`. By default everything between start and stop.
        on_trace_ready: called with this profile whenever a recording has ended.
        record_shapes: note the shapes of arguments.
        profile_memory: show memory in tables.
        with_stack: note the line of the program that called.
        with_flops: refused.
        with_modules: calls of modules are events too.
        experimental_config: refused.
        execution_trace_observer: refused.
        acc_events: keep the events of earlier recordings; otherwise each starts empty.
        use_cuda: deprecated; as CUDA among the activities.
        custom_trace_id_callback: refused.
        post_processing_timeout_s: accepted for compatibility; there is no post-processing.

    Raises:
        NotImplementedError: an option that is refused.

    Example:
        >>> with profile(record_shapes=True) as prof:
        ...     y = tallow.ones(2, 3) @ tallow.ones(3, 4)
        >>> for average in prof.key_averages(group_by_input_shape=True):
        ...     print(average.key, average.count, average.input_shapes)
        aten::ones 2 []
        aten::matmul 1 [[2, 3], [3, 4]]
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        refused = {
            "with_flops": with_flops,
            "experimental_config": experimental_config,
            "execution_trace_observer": execution_trace_observer,
            "custom_trace_id_callback": custom_trace_id_callback,
        }
        for name, value in refused.items():
            if value:
                raise NotImplementedError(f"profile: {name} is not supported")
        wanted = {ProfilerActivity.CPU} if activities is None else set(activities)
        if use_cuda:
            wanted.add(ProfilerActivity.CUDA)
        _leave_out(wanted - supported_activities())
        self.activities = wanted & supported_activities()
        self.schedule = schedule or (lambda _: ProfilerAction.RECORD)
        self.on_trace_ready = on_trace_ready
        self.record_shapes, self.with_stack = record_shapes, with_stack
        self.profile_memory, self.with_modules = profile_memory, with_modules
        self.acc_events = acc_events
        self.step_num = 0
        self.current_action = ProfilerAction.NONE
        self._step_name: record_function | None = None
        self._stepped = schedule is not None
        self._collector: Collector | None = None
        self._earlier: list[Any] = []
        self._metadata: dict[str, Any] = {}

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with step 0."""
        self.current_action = self.schedule(self.step_num)
        if self.current_action in _RECORDING:
            self._begin()
        self._name_step()

    def stop(self) -> None:
        """End; a recording that is under way is ready."""
        self._end_step()
        if self.current_action in _RECORDING:
            self._finish()
        self.current_action = ProfilerAction.NONE

    def step(self) -> None:
        """Say that the next step of the training loop begins."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if before in _RECORDING and (
            before is ProfilerAction.RECORD_AND_SAVE or self.current_action not in _RECORDING
        ):
            self._finish()
            before = ProfilerAction.NONE
        if self.current_action in _RECORDING and before not in _RECORDING:
            self._begin()
        self._name_step()

    def _begin(self) -> None:
        if self.acc_events and self._collector is not None:
            self._earlier += self._collector.events
        self._collector = Collector(
            shapes=self.record_shapes, stack=self.with_stack, modules=self.with_modules
        )
        self._collector.attach()

    def _finish(self) -> None:
        if self._collector is not None:
            self._collector.detach()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _name_step(self) -> None:
        if self._stepped:
            self._step_name = record_function(f"ProfilerStep#{self.step_num}")
            self._step_name.__enter__()

    def _end_step(self) -> None:
        if self._step_name is not None:
            self._step_name.__exit__()
            self._step_name = None

    # Reading.

    def events(self) -> EventList:
        """Return everything recorded, in order of its beginning.

        Raises:
            AssertionError: nothing has been recorded.
        """
        if self._collector is None:
            raise AssertionError("Profiler must be initialized before accessing events")
        return EventList(
            [*self._earlier, *self._collector.events], profile_memory=self.profile_memory
        )

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Return the sums over events of the same name; print their ``table()``.

        Args:
            group_by_input_shape: keep other shapes apart.
            group_by_stack_n: keep other callers apart, if not zero.

        Raises:
            AssertionError: nothing has been recorded.
        """
        if self._collector is None:
            raise AssertionError("Profiler must be initialized before getting key averages")
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as JSON for ``chrome://tracing`` or Perfetto.

        Args:
            path: a file, which is replaced; compressed if its name ends in ``.gz``.

        Raises:
            AssertionError: nothing has been recorded.
        """
        import gzip
        import json
        import os

        from tallow.profiler._chrome import trace_of

        if self._collector is None:
            raise AssertionError("Profiler must be initialized before exporting chrome trace")
        text = json.dumps(trace_of(self.events(), self._metadata))
        data = text.encode()
        with open(path, "wb") as file:
            file.write(gzip.compress(data) if os.fspath(path).endswith(".gz") else data)

    def add_metadata(self, key: str, value: str) -> None:
        """Put a text into exported traces."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Put a JSON value, given as text, into exported traces."""
        import json

        self._metadata[key] = json.loads(value)


def _leave_out(activities: Iterable[Any]) -> None:
    import warnings

    from tallow._user_frame import outside_stacklevel

    for activity in activities:
        name = getattr(activity, "name", activity)
        warnings.warn(
            f"{name} is not available, disabling {name} profiling",
            UserWarning,
            stacklevel=outside_stacklevel(),
        )


def __getattr__(name: str) -> Any:
    from tallow._absent import AbsentName

    raise AbsentName(__name__, name, lambda: __all__)
