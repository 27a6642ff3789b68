from collections import OrderedDict

import pytest

from contract.impl import nn, torch

P = nn.Parameter


def S3():
    return nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())


def keys(m):
    return list(m._modules)


def kinds(m):
    return [type(x).__name__ for x in m]


def raises(typ, msg, f):
    with pytest.raises(typ) as e:
        f()
    if msg:
        assert e.value.args[0] == msg


def test_C01_indexing_slicing_len_iter():
    s = S3()
    assert (
        isinstance(s[-1], nn.Sigmoid)
        and len(s) == 3
        and kinds(s) == ["ReLU", "Tanh", "Sigmoid"]
        and type(s[0:2]) is nn.Sequential
        and s[0:2][1] is s[1]
    )
    raises(IndexError, "index 3 is out of range", lambda: s[3])
    raises(IndexError, "index -4 is out of range", lambda: s[-4])


def test_C02_QUIRK_sequential_slice_keeps_original_keys_modulelist_slice_renumbers():
    assert keys(S3()[::2]) == ["0", "2"] and keys(nn.ModuleList(S3())[::2]) == ["0", "1"]


def test_C03_setitem_delitem():
    s = S3()
    s[1] = nn.GELU()
    del s[0]
    assert kinds(s) == ["GELU", "Sigmoid"] and keys(s) == ["0", "1"]
    raises(IndexError, "index 5 is out of range", lambda: s.__setitem__(5, nn.ReLU()))
    s = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    del s[0]
    assert keys(s) == ["0"]  # QUIRK: names are lost on delete


def test_C04_append_extend_insert_return_self_pop_returns_item():
    s = S3()
    assert (
        s.append(nn.GELU()) is s
        and s.extend([nn.GELU()]) is s
        and s.insert(0, nn.ELU()) is s
        and kinds(s)[0] == "ELU"
        and keys(s) == list("012345")
    )
    assert isinstance(s.pop(0), nn.ELU) and len(s) == 5
    s = S3()
    s.insert(-1, nn.GELU())
    assert kinds(s) == ["ReLU", "Tanh", "GELU", "Sigmoid"]
    raises(IndexError, "Index out of range: 9", lambda: S3().insert(9, nn.ReLU()))


def test_C05_add_mul():
    s = S3()
    assert (
        len(s + nn.Sequential(nn.GELU())) == 4
        and len(s * 2) == 6
        and len(2 * s) == 6
        and s[0] is (s * 2)[3]
    )
    raises(
        ValueError,
        "add operator supports only objects of Sequential class, but <class 'list'> is given.",
        lambda: s + [nn.ReLU()],
    )
    with pytest.raises(ValueError, match="^Non-positive multiplication factor 0 for"):
        s * 0


def test_C06_construction():
    s = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert s.a is s[0] and keys(s.append(nn.GELU())) == ["a", "b", "2"]
    raises(TypeError, "int is not a Module subclass", lambda: nn.Sequential(3))
    raises(TypeError, "list is not a Module subclass", lambda: nn.Sequential([nn.ReLU()]))
    raises(TypeError, "dict is not a Module subclass", lambda: nn.Sequential({"a": nn.ReLU()}))


def test_C07_empty_sequential_is_identity_and_attribute_children_join_the_chain():
    assert nn.Sequential()(5) == 5
    s = nn.Sequential(nn.ReLU())
    s.neg = nn.Hardtanh(-9, -2)
    assert len(s) == 2 and s(torch.tensor([3.0])).item() == -2


def test_C08_sequential_forward_takes_exactly_one_input():
    with pytest.raises(TypeError):
        S3()(1, 2)


def test_C09_modulelist():
    m = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    assert (
        m.append(nn.GELU()) is m
        and m.extend([nn.ELU()]) is m
        and m.insert(0, nn.SELU()) is None
        and kinds(m) == ["SELU", "ReLU", "Tanh", "GELU", "ELU"]
    )
    assert (
        isinstance(m.pop(0), nn.SELU) and kinds(m + [nn.ReLU()])[-1] == "ReLU" and "0" not in dir(m)
    )
    m += [nn.ReLU()]
    m[-1] = nn.CELU()
    assert kinds(m)[-1] == "CELU"
    raises(
        NotImplementedError,
        'Module [ModuleList] is missing the required "forward" function',
        lambda: m(1),
    )
    raises(
        TypeError,
        "ModuleList.extend should be called with an iterable, but got int",
        lambda: m.extend(3),
    )


def test_C10_moduledict():
    d = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    assert (
        len(d) == 2
        and list(d) == ["a", "b"]
        and "a" in d
        and list(d.keys()) == ["a", "b"]
        and isinstance(d.pop("a"), nn.ReLU)
        and d.update([["c", nn.GELU()]]) is None
        and list(d) == ["b", "c"]
    )
    d.clear()
    assert len(d) == 0
    raises(KeyError, "x", lambda: d["x"])
    raises(KeyError, "attribute 'keys' already exists", lambda: d.__setitem__("keys", nn.ReLU()))
    raises(
        TypeError,
        "ModuleDict.update should be called with an iterable of key/value pairs, but got int",
        lambda: d.update(3),
    )
    raises(
        ValueError,
        "ModuleDict update sequence element #0 has length 3; 2 is required",
        lambda: d.update([(1, 2, 3)]),
    )


def test_C11_parameterlist_wraps_tensors_keeps_other_objects():
    l = nn.ParameterList([torch.zeros(2), P(torch.ones(1)), 3])
    assert (
        type(l[0]) is P
        and l[2] == 3
        and len(l) == 3
        and list(l.state_dict()) == ["0", "1"]
        and l.append(torch.ones(1)) is l
        and [n for n, _ in l.named_parameters()] == ["0", "1", "3"]
    )
    assert (
        repr(nn.ParameterList([torch.zeros(2), 3]))
        == "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2]\n    (1): Object of type: int\n)"
    )
    raises(RuntimeError, "ParameterList should not be called.", lambda: l(1))
    raises(IndexError, "index 9 is out of range", lambda: l[9])


def test_C12_parameterdict():
    d = nn.ParameterDict({"a": torch.zeros(2)})
    d["b"] = torch.ones(1)
    assert (
        type(d["a"]) is P
        and list(d) == ["a", "b"]
        and d.get("zz") is None
        and d.popitem()[0] == "b"
        and list(d.state_dict()) == ["a"]
        and d.a is d["a"]
    )
    raises(
        KeyError, 'parameter name can\'t contain "."', lambda: d.__setitem__("x.y", torch.ones(1))
    )
    with pytest.raises(TypeError, match="cannot be used as a key as it is not a string"):
        d[3] = torch.ones(1)


def test_C13_modulelist_repr_folds_equal_neighbours():
    assert (
        repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()]))
        == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
        and repr(nn.ModuleList()) == "ModuleList()"
    )
    assert repr(nn.ModuleDict({"a": nn.ReLU()})) == "ModuleDict(\n  (a): ReLU()\n)"
