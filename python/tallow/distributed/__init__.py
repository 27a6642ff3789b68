"""One process that behaves like a group of one: scripts written for many run unchanged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NoReturn

from tallow._absent import name_absent_ones
from tallow.distributed.device_mesh import DeviceMesh, init_device_mesh

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "Backend",
    "DeviceMesh",
    "GroupMember",
    "ProcessGroup",
    "ReduceOp",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "get_backend",
    "get_global_rank",
    "get_group_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_device_mesh",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "new_group",
    "recv",
    "reduce",
    "scatter",
    "send",
]


class ReduceOp:
    """How values of several processes are combined."""

    SUM = "SUM"
    PRODUCT = "PRODUCT"
    MIN = "MIN"
    MAX = "MAX"
    BAND = "BAND"
    BOR = "BOR"
    BXOR = "BXOR"
    AVG = "AVG"


class Backend(str):
    """The name of a way for processes to talk, in lower case.

    Args:
        name: such as ``"gloo"``.

    Raises:
        ValueError: not a string.
    """

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    UCC = "ucc"
    MPI = "mpi"
    XCCL = "xccl"

    def __new__(cls, name: str) -> Backend:  # noqa: D102
        if not isinstance(name, str):
            raise ValueError("Backend constructor parameter must be string-ish")
        return super().__new__(cls, name.lower())


class ProcessGroup:
    """A group of processes: this one."""

    def __init__(self, backend: str) -> None:
        self.backend = backend

    def rank(self) -> int:
        """Return the position of this process: 0."""
        return 0

    def size(self) -> int:
        """Return the number of processes: 1."""
        return 1


class Work:
    """A collective operation that is already done."""

    def wait(self, timeout: Any = None) -> bool:
        """Return at once."""
        return True

    def is_completed(self) -> bool:
        """Tell whether the operation is done: yes."""
        return True


class _World:
    group: ProcessGroup | None = None


_world = _World()


class _DefaultGroup(type):
    """Answers for the attribute ``WORLD``, which changes with the default group."""

    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all processes; ``None`` before it is made."""
        return _world.group


class GroupMember(metaclass=_DefaultGroup):
    """Groups under fixed names: ``WORLD``, and what a process outside of a group gets."""

    NON_GROUP_MEMBER = -100


group = GroupMember


def is_available() -> bool:
    """Tell whether processes can talk to one another: no.

    The functions of this module can be called all the same: they serve a group of one.
    """
    return False


def is_initialized() -> bool:
    """Tell whether :func:`init_process_group` has been called."""
    return _world.group is not None


def is_mpi_available() -> bool:
    """Tell whether processes can talk through MPI: no."""
    return False


def is_nccl_available() -> bool:
    """Tell whether processes can talk through NCCL: no."""
    return False


def is_gloo_available() -> bool:
    """Tell whether processes can talk through Gloo: no."""
    return False


def is_torchelastic_launched() -> bool:
    """Tell whether a launcher started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    **others: Any,
) -> None:
    """Make this process a group of one.

    Args:
        backend: remembered for :func:`get_backend`.
        init_method: accepted.
        timeout: accepted.
        world_size: number of processes; -1 reads the environment variable ``WORLD_SIZE``.
        rank: accepted.
        **others: accepted.

    Raises:
        NotImplementedError: more than one process.
        ValueError: called twice.
    """
    if _world.group is not None:
        raise ValueError("trying to initialize the default process group twice!")
    count = int(os.environ.get("WORLD_SIZE", "1")) if world_size < 0 else world_size
    if count != 1:
        raise NotImplementedError(
            f"init_process_group: only one process is supported, but world_size is {count}"
        )
    _world.group = ProcessGroup(backend or "gloo")


def destroy_process_group(group: Any = None) -> None:
    """Forget the group made by :func:`init_process_group`."""
    _require_group()
    _world.group = None


def _require_group() -> ProcessGroup:
    if _world.group is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return _world.group


def new_group(ranks: Any = None, *args: Any, **kwargs: Any) -> ProcessGroup:
    """Return the group of this process."""
    return _require_group()


def get_rank(group: Any = None) -> int:
    """Return the position of this process: 0."""
    return _require_group().rank()


def get_world_size(group: Any = None) -> int:
    """Return the number of processes: 1."""
    return _require_group().size()


def get_process_group_ranks(group: Any = None) -> list[int]:
    """Return the positions of the members of a group: 0."""
    _require_group()
    return [0]


def get_global_rank(group: Any, group_rank: int) -> int:
    """Return the position among all processes of a member of a group.

    Raises:
        ValueError: the group has no such member.
    """
    if group_rank != 0:
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return 0


def get_group_rank(group: Any, global_rank: int) -> int:
    """Return the position in a group of a process.

    Raises:
        ValueError: the process is not part of the group.
    """
    if global_rank != 0:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return 0


def _rank_not_in_group(group: Any) -> bool:
    return bool(group == GroupMember.NON_GROUP_MEMBER)


def get_backend(group: Any = None) -> str:
    """Return the backend named to :func:`init_process_group`."""
    return _require_group().backend


def _done(async_op: bool) -> Work | None:
    _require_group()
    return Work() if async_op else None


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait for all processes: there is only this one."""
    return _done(async_op)


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Combine a tensor over all processes: with one process it is the result already."""
    return _done(async_op)


def reduce(
    tensor: Tensor,
    dst: Any = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    **others: Any,
) -> Work | None:
    """Combine a tensor over all processes: with one process it is the result already."""
    return _done(async_op)


def broadcast(
    tensor: Tensor, src: Any = None, group: Any = None, async_op: bool = False, **others: Any
) -> Work | None:
    """Send a tensor to all processes: this one has it."""
    return _done(async_op)


def broadcast_object_list(object_list: list[Any], src: Any = None, *args: Any, **kw: Any) -> None:
    """Send objects to all processes: this one has them."""
    _require_group()


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Collect the tensors of all processes into `tensor_list`."""
    _require_group()
    tensor_list[0].copy_(tensor)
    return _done(async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Collect the tensors of all processes into one tensor."""
    _require_group()
    output_tensor.copy_(input_tensor.view_as(output_tensor))
    return _done(async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Collect the objects of all processes into `object_list`."""
    _require_group()
    object_list[0] = obj


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: Any = None,
    group: Any = None,
    async_op: bool = False,
    **others: Any,
) -> Work | None:
    """Collect the tensors of all processes into `gather_list`."""
    _require_group()
    if gather_list:
        gather_list[0].copy_(tensor)
    return _done(async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: Any = None,
    group: Any = None,
    async_op: bool = False,
    **others: Any,
) -> Work | None:
    """Deal the tensors of `scatter_list` out to the processes."""
    _require_group()
    if scatter_list:
        tensor.copy_(scatter_list[0])
    return _done(async_op)


def _no_peer() -> NoReturn:
    _require_group()
    raise ValueError("there is no other process to talk to")


def send(tensor: Tensor, dst: Any = None, *args: Any, **kwargs: Any) -> None:
    """Raise: there is no other process."""
    _no_peer()


def recv(tensor: Tensor, src: Any = None, *args: Any, **kwargs: Any) -> int:
    """Raise: there is no other process."""
    _no_peer()


name_absent_ones(__name__)
