import copy
import gc
import pickle
import warnings
import weakref
from collections import OrderedDict

import pytest

from contract.impl import nn, sub, torch

modmod = sub("nn.modules.module")
RemovableHandle = sub("utils.hooks").RemovableHandle


class Id(nn.Module):
    def forward(self, x, *rest, **kw):
        return x


class Add(nn.Module):
    def forward(self, x, y=1):
        return x + y


class Boom(nn.Module):
    def forward(self, *a, **k):
        raise ValueError("boom")


def test_H01_call_runs_forward_and_returns_its_value_unchanged():
    obj = object()
    assert Id()(obj) is obj


def test_H02_no_hook_path_passes_args_and_kwargs_through():
    assert Add()(1, y=5) == 6


def test_H03_order_global_pre_local_pre_forward_global_fwd_local_fwd():
    log = []

    class M(nn.Module):
        def forward(self, x):
            log.append("forward")
            return x

    m = M()
    m.register_forward_hook(lambda *a: log.append("lf"))
    m.register_forward_pre_hook(lambda *a: log.append("lp"))
    h1 = modmod.register_module_forward_hook(lambda *a: log.append("gf"))
    h2 = modmod.register_module_forward_pre_hook(lambda *a: log.append("gp"))
    try:
        m(1)
    finally:
        h1.remove()
        h2.remove()
    assert log == ["gp", "lp", "forward", "gf", "lf"]


def test_H04_registration_order_is_call_order():
    log = []
    m = Id()
    for i in range(4):
        m.register_forward_hook(lambda *a, i=i: log.append(i))
    m(0)
    assert log == [0, 1, 2, 3]


def test_H05_prepend_puts_local_hook_first_but_after_globals():
    log = []
    m = Id()
    m.register_forward_hook(lambda *a: log.append("a"))
    m.register_forward_hook(lambda *a: log.append("p"), prepend=True)
    m.register_forward_pre_hook(lambda *a: log.append("pa"))
    m.register_forward_pre_hook(lambda *a: log.append("pp"), prepend=True)
    with modmod.register_module_forward_hook(lambda *a: log.append("g")):
        m(0)
    assert log == ["pp", "pa", "g", "p", "a"]


def test_H06_pre_hook_none_keeps_input():
    m = Id()
    m.register_forward_pre_hook(lambda m, a: None)
    assert m(3) == 3


def test_H07_pre_hook_non_tuple_is_wrapped_even_a_list():
    m = Id()
    m.register_forward_pre_hook(lambda m, a: [7, 8])
    assert m(3) == [7, 8]


def test_H08_pre_hook_tuple_becomes_the_positional_args():
    m = Add()
    m.register_forward_pre_hook(lambda m, a: (10, 20))
    assert m(1) == 30


def test_H09_pre_hooks_chain_and_always_receive_a_tuple():
    seen = []
    m = Id()
    m.register_forward_pre_hook(lambda m, a: a[0] + 1)
    m.register_forward_pre_hook(lambda m, a: seen.append(a))
    assert m(1) == 2 and seen == [(2,)]


def test_H10_pre_hook_without_kwargs_flag_never_sees_kwargs():
    seen = []
    m = Add()
    m.register_forward_pre_hook(lambda m, a: seen.append(a))
    assert m(1, y=2) == 3 and seen == [(1,)]


def test_H11_pre_hook_with_kwargs_must_return_pair_or_none():
    m = Add()
    m.register_forward_pre_hook(lambda m, a, k: ((5,), {"y": 6}), with_kwargs=True)
    assert m(1) == 11
    m = Add()
    m.register_forward_pre_hook(lambda m, a, k: None, with_kwargs=True)
    assert m(1) == 2
    m = Add()
    m.register_forward_pre_hook(lambda m, a, k: 5, with_kwargs=True)
    with pytest.raises(
        RuntimeError,
        match=r"^forward pre-hook must return None or a tuple of \(new_args, new_kwargs\), but got 5\.$",
    ):
        m(1)


def test_H12_forward_hook_none_keeps_output_other_replaces_and_chains():
    seen = []
    m = Id()
    m.register_forward_hook(lambda m, i, o: None)
    m.register_forward_hook(lambda m, i, o: "new")
    m.register_forward_hook(lambda m, i, o: seen.append(o))
    assert m(1) == "new" and seen == ["new"]


def test_H13_forward_hook_sees_args_after_pre_hooks():
    seen = []
    m = Id()
    m.register_forward_pre_hook(lambda m, a: (99,))
    m.register_forward_hook(lambda m, i, o: seen.append((i, o)))
    m(1)
    assert seen == [((99,), 99)]


def test_H14_forward_hook_with_kwargs_signature():
    seen = []
    m = Add()
    m.register_forward_hook(lambda m, a, k, o: seen.append((a, k, o)), with_kwargs=True)
    m(1, y=2)
    assert seen == [((1,), {"y": 2}, 3)]


def test_H15_falsy_non_none_hook_result_replaces():
    m = Id()
    m.register_forward_hook(lambda m, i, o: 0)
    assert m(5) == 0


def test_H16_always_call_runs_when_forward_raises_output_is_none_and_error_propagates():
    seen = []
    m = Boom()
    m.register_forward_hook(lambda m, i, o: seen.append("plain"))
    m.register_forward_hook(lambda m, i, o: seen.append((i, o)) or "ignored", always_call=True)
    with pytest.raises(ValueError, match="boom"):
        m(4)
    assert seen == [((4,), None)]


def test_H17_always_call_runs_once_on_success():
    seen = []
    m = Id()
    m.register_forward_hook(lambda m, i, o: seen.append(o), always_call=True)
    m(1)
    assert seen == [1]


def test_H18_plain_hook_raises_then_later_always_call_runs_with_real_output():
    seen = []
    m = Id()

    def bad(m, i, o):
        raise KeyError("x")

    m.register_forward_hook(bad)
    m.register_forward_hook(lambda m, i, o: seen.append(o), always_call=True)
    with pytest.raises(KeyError):
        m(6)
    assert seen == [6]


def test_H19_always_call_hook_that_raises_itself_is_not_called_twice():
    n = []
    m = Id()

    def bad(m, i, o):
        n.append(1)
        raise KeyError("x")

    m.register_forward_hook(bad, always_call=True)
    with pytest.raises(KeyError):
        m(6)
    assert n == [1]


def test_H20_always_call_hook_error_during_error_is_silenced_with_warning():
    m = Boom()

    def bad(m, i, o):
        raise KeyError("inner")

    m.register_forward_hook(bad, always_call=True)
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="boom"):
            m(1)
    assert [str(x.message) for x in w] == [
        "module forward hook with ``always_call=True`` raised an exception that was silenced as another error was raised in forward: 'inner'"
    ]


def test_H21_always_call_runs_when_pre_hook_raises():
    seen = []
    m = Id()

    def bad(m, a):
        raise KeyError("pre")

    m.register_forward_pre_hook(lambda m, a: (41,))
    m.register_forward_pre_hook(bad)
    m.register_forward_hook(lambda m, i, o: seen.append((i, o)), always_call=True)
    with pytest.raises(KeyError):
        m(1)
    assert seen == [((41,), None)]


def test_H22_base_exception_does_not_run_always_call():
    seen = []

    class K(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    m = K()
    m.register_forward_hook(lambda *a: seen.append(1), always_call=True)
    with pytest.raises(KeyboardInterrupt):
        m(1)
    assert seen == []


def test_H23_always_call_results_chain_in_error_path_but_are_dropped():
    seen = []
    m = Boom()
    m.register_forward_hook(lambda m, i, o: "first", always_call=True)
    m.register_forward_hook(lambda m, i, o: seen.append(o), always_call=True)
    with pytest.raises(ValueError):
        m(1)
    assert seen == ["first"]


def test_H24_global_always_call_runs_before_local_on_error():
    log = []
    m = Boom()
    m.register_forward_hook(lambda *a: log.append("l"), always_call=True)
    with modmod.register_module_forward_hook(lambda *a: log.append("g"), always_call=True):
        with pytest.raises(ValueError):
            m(1)
    assert log == ["g", "l"]


def test_H25_global_always_call_with_kwargs_gets_kwargs_on_error_too():
    got = []
    m = Boom()
    h = modmod.register_module_forward_hook(
        lambda *a: got.append(len(a)), with_kwargs=True, always_call=True
    )
    try:
        with pytest.raises(ValueError):
            m(1, z=2)
        Id()(1)
    finally:
        h.remove()
    assert got == [4, 4]  # PyTorch leaves the kwargs out on the error path


def test_H26_global_forward_hook_has_no_prepend_and_pre_hook_no_kwargs_flag():
    with pytest.raises(TypeError):
        modmod.register_module_forward_hook(lambda *a: None, prepend=True)
    with pytest.raises(TypeError):
        modmod.register_module_forward_pre_hook(lambda *a: None, with_kwargs=True)


def test_H27_hook_lists_are_snapshotted_per_phase_removed_hook_still_runs():
    log = []
    m = Id()
    hs = {}
    m.register_forward_hook(lambda *a: (log.append("a"), hs["b"].remove())[0])
    hs["b"] = m.register_forward_hook(lambda *a: log.append("b"))
    m(1)
    m(1)
    assert log == ["a", "b", "a"]


def test_H28_hook_added_during_iteration_runs_from_next_call():
    log = []
    m = Id()

    def first(mod, i, o):
        log.append("a")
        if len(mod._forward_hooks) == 1:
            mod.register_forward_hook(lambda *a: log.append("b"))

    m.register_forward_hook(first)
    m(1)
    m(1)
    assert log == ["a", "a", "b"]


def test_H29_removing_a_with_kwargs_hook_mid_iteration_keeps_its_flag():
    got = []
    m = Id()
    hs = {}
    m.register_forward_hook(lambda *a: hs["b"].remove())
    hs["b"] = m.register_forward_hook(lambda *a: got.append(len(a)), with_kwargs=True)
    m(1)
    assert got == [4]  # it still runs; PyTorch forgets its flag and passes 3 arguments


def test_H30_hook_registered_inside_forward_fires_same_call_only_on_slow_path():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.log = []

        def forward(self, x):
            self.register_forward_hook(lambda m, i, o: m.log.append("late"))
            return x

    m = M()
    m(1)
    assert m.log == []  # no hooks at entry: early return
    m = M()
    m.register_forward_pre_hook(lambda *a: None)
    m(1)
    assert m.log == ["late"]  # slow path reads the dict after forward


def test_H31_pre_hook_removed_by_itself():
    n = []
    m = Id()
    hs = []
    hs.append(m.register_forward_pre_hook(lambda *a: (n.append(1), hs[0].remove())[2:] or None))
    m(1)
    m(1)
    assert n == [1] and len(m._forward_pre_hooks) == 0


def test_H32_same_callable_registered_twice_runs_twice_with_distinct_ids():
    n = []
    m = Id()
    f = lambda *a: n.append(1)
    a, b = m.register_forward_hook(f), m.register_forward_hook(f)
    m(1)
    assert n == [1, 1] and b.id == a.id + 1
    a.remove()
    m(1)
    assert n == [1, 1, 1]


def test_H33_handle_remove_is_idempotent_and_handle_is_a_context_manager():
    m = Id()
    n = []
    h = m.register_forward_hook(lambda *a: n.append(1))
    h.remove()
    h.remove()
    m(1)
    with m.register_forward_hook(lambda *a: n.append(2)) as h2:
        assert isinstance(h2, RemovableHandle)
        m(1)
    m(1)
    assert n == [2]


def test_H34_handle_does_not_keep_module_alive_and_remove_after_death_is_safe():
    m = Id()
    h = m.register_forward_hook(lambda *a: None)
    r = weakref.ref(m)
    del m
    gc.collect()
    assert r() is None
    h.remove()


def test_H35_remove_clears_the_kwargs_and_always_call_side_tables():
    m = Id()
    h = m.register_forward_hook(lambda *a: None, with_kwargs=True, always_call=True)
    assert len(m._forward_hooks_with_kwargs) == len(m._forward_hooks_always_called) == 1
    h.remove()
    assert not (m._forward_hooks or m._forward_hooks_with_kwargs or m._forward_hooks_always_called)
    h = m.register_forward_pre_hook(lambda *a: None, with_kwargs=True)
    h.remove()
    assert not (m._forward_pre_hooks or m._forward_pre_hooks_with_kwargs)


def test_H36_handle_ids_come_from_one_process_wide_counter():
    a, b = Id(), Id()
    h1, h2 = a.register_forward_hook(print), b.register_forward_pre_hook(print)
    assert h2.id == h1.id + 1 and RemovableHandle.next_id == h2.id + 1


def test_H37_direct_forward_skips_every_hook():
    n = []
    m = Id()
    m.register_forward_hook(lambda *a: n.append(1))
    m.forward(1)
    assert n == []


def test_H38_instance_forward_attribute_wins():
    m = Id()
    m.forward = lambda x: x * 2
    assert m(4) == 8


def test_H39_dunder_call_is_looked_up_on_the_type():
    m = Id()
    m.__call__ = lambda x: "no"
    assert m(4) == 4


def test_H40_subclass_dunder_call_override_bypasses_own_hooks_but_not_childrens():
    log = []

    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = Id()

        def __call__(self, x):
            return self.c(x)

    m = M()
    m.register_forward_hook(lambda *a: log.append("m"))
    m.c.register_forward_hook(lambda *a: log.append("c"))
    assert m(1) == 1 and log == ["c"]


def test_H41_missing_forward():
    class E(nn.Module):
        pass

    with pytest.raises(
        NotImplementedError, match=r'^Module \[E\] is missing the required "forward" function$'
    ):
        E()(1)


def test_H42_deepcopy_copies_hooks_into_independent_dict():
    log = []
    m = Id()

    def hook(mod, i, o):
        log.append(mod is c)

    h = m.register_forward_hook(hook)
    c = copy.deepcopy(m)
    h.remove()
    assert len(c._forward_hooks) == 1 and len(m._forward_hooks) == 0
    c(1)
    assert log == [True]


def test_H43_copy_copy_shares_hook_dicts_with_the_original():
    m = Id()
    c = copy.copy(m)
    n = []
    m.register_forward_hook(lambda *a: n.append(1))
    c(1)
    assert n == [1] and c._forward_hooks is m._forward_hooks and c._parameters is m._parameters


def _toplevel_hook(m, i, o):
    return 123


def test_H44_pickle_keeps_importable_hooks_and_rejects_lambdas():
    m = nn.Linear(1, 1)
    m.register_forward_hook(_toplevel_hook)
    c = pickle.loads(pickle.dumps(m))
    assert c(torch.ones(1)) == 123
    m.register_forward_hook(lambda *a: None)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(m)


def test_H45_setstate_fills_missing_hook_dicts_for_old_checkpoints():
    m = nn.ReLU()
    st = m.__getstate__()
    for k in [
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks",
        "_non_persistent_buffers_set",
        "_is_full_backward_hook",
        "_backward_pre_hooks",
    ]:
        del st[k]
    n = nn.ReLU.__new__(nn.ReLU)
    n.__setstate__(st)
    assert torch.equal(n(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))


def test_H46_hooks_can_carry_any_output_type():
    for out in ({"a": 1}, [1, 2], None, (1, 2), iter(())):

        class M(nn.Module):
            def forward(self):
                return out

        seen = []
        m = M()
        m.register_forward_hook(lambda m, i, o: seen.append(o))
        m()
        assert seen[0] is out


def test_H47_nested_hooks_child_before_parent():
    log = []
    m = nn.Sequential(OrderedDict(a=Id(), b=Id()))
    for n, s in m.named_modules():
        s.register_forward_pre_hook(lambda *a, n=n: log.append("<" + n))
        s.register_forward_hook(lambda *a, n=n: log.append(n + ">"))
    m(1)
    assert log == ["<", "<a", "a>", "<b", "b>", ">"]


def test_H48_error_traceback_is_the_original_exception_object():
    e = ValueError("x")

    class M(nn.Module):
        def forward(self):
            raise e

    m = M()
    m.register_forward_hook(lambda *a: None, always_call=True)
    with pytest.raises(ValueError) as ei:
        m()
    assert ei.value is e


def test_H49_handle_pickle_roundtrip_and_unknown_dead_reference():
    m = Id()
    h = m.register_forward_hook(_toplevel_hook)
    m2, h2 = pickle.loads(pickle.dumps((m, h)))
    assert len(m2._forward_hooks) == 1
    h2.remove()
    assert len(m2._forward_hooks) == 0 and len(m._forward_hooks) == 1


def test_H50_call_impl_and_wrapped_call_impl_names_exist_and_are_used():
    log = []

    class M(Id):
        def _call_impl(self, *a, **k):
            log.append("impl")
            return super()._call_impl(*a, **k)

    assert M()(2) == 2 and log == ["impl"]
    assert nn.Module.__call__ is nn.Module._wrapped_call_impl


def test_H51_registration_hooks_param_buffer_module():
    log = []
    hs = [
        modmod.register_module_parameter_registration_hook(lambda m, n, p: log.append(("p", n))),
        modmod.register_module_buffer_registration_hook(lambda m, n, b: log.append(("b", n))),
        modmod.register_module_module_registration_hook(lambda m, n, s: log.append(("m", n))),
    ]
    try:
        m = nn.Module()
        m.w = nn.Parameter(torch.zeros(1))
        m.register_buffer("r", torch.zeros(1))
        m.c = nn.ReLU()
        m.add_module("d", nn.ReLU())
    finally:
        for h in hs:
            h.remove()
    assert log == [("p", "w"), ("b", "r"), ("m", "c"), ("m", "d")]


def test_H52_registration_hook_return_value_replaces_the_object():
    repl = nn.Tanh()
    with modmod.register_module_module_registration_hook(lambda m, n, s: repl):
        m = nn.Module()
        m.c = nn.ReLU()
    assert m.c is repl


def test_H53_error_path_iterates_a_snapshot():
    m = Boom()
    hs = []
    hs.append(m.register_forward_hook(lambda *a: hs[0].remove(), always_call=True))
    m.register_forward_hook(lambda *a: None, always_call=True)
    with pytest.raises(ValueError, match="boom"):  # PyTorch: OrderedDict mutated during iteration
        m(1)


def test_H54_hook_written_straight_into_the_dict_is_honoured():
    m = Id()
    m._forward_hooks[10**9] = lambda m, i, o: "direct"
    assert m(1) == "direct"


def test_H55_compiled_call_impl_short_circuits_and_is_not_copied():
    m = Id()
    m._compiled_call_impl = lambda *a, **k: "compiled"
    assert (
        m(1) == "compiled"
        and "_compiled_call_impl" not in m.__getstate__()
        and copy.deepcopy(m)(1) == 1
    )


def test_H56_pre_hook_with_kwargs_needs_a_tuple_not_a_list_and_does_not_wrap_args():
    m = Id()
    m.register_forward_pre_hook(lambda m, a, k: [a, k], with_kwargs=True)
    with pytest.raises(RuntimeError, match="^forward pre-hook must return None or a tuple"):
        m(1)
    m = Id()
    m.register_forward_pre_hook(lambda m, a, k: (5, {}), with_kwargs=True)
    with pytest.raises(TypeError):
        m(1)


def test_H57_removable_handle_needs_a_weakrefable_dict():
    with pytest.raises(TypeError, match="cannot create weak reference to 'dict' object"):
        RemovableHandle({})
    d = OrderedDict()
    h = RemovableHandle(d)
    d[h.id] = 1
    h.remove()
    assert not d
