// The autograd graph behind a tensor as plain Python data, for Tensor.graph().
#include <unordered_map>

#include "core/error.h"
#include "python/autograd_objects.h"
#include "python/convert.h"
#include "python/watch.h"

namespace tallow::python {

namespace {

py::object shape_of(const Dims& sizes) {
  return py::reinterpret_steal<py::object>(make_size(sizes));
}

// (name, shape, dtype, bytes, storage, is it a leaf that needs gradients) of what a node keeps; a
// packed tensor has neither shape nor bytes.
py::list saved_of(const Node& node) {
  py::list result;
  for (int64_t i = 0; i < node.saved.size(); ++i) {
    const SavedSlot& slot = node.saved.slot(i);
    const Tensor& tensor = slot.tensor;
    if (!tensor.defined()) continue;
    const auto storage = reinterpret_cast<uintptr_t>(tensor.impl()->storage.get());
    result.append(py::make_tuple(
        slot.name, shape_of(tensor.sizes()), py::handle(dtype_object(tensor.dtype())),
        tensor.numel() * item_size(tensor.dtype()), storage, is_part_of_leaf(tensor)));
  }
  return result;
}

py::list outputs_of(const Node& node) {
  py::list result;
  for (const OutputMeta& meta : node.outputs) {
    result.append(py::make_tuple(shape_of(meta.sizes), py::handle(dtype_object(meta.dtype))));
  }
  return result;
}

// Every node that a gradient of the tensors reaches, in the order in which they are found: (name,
// sequence, edges, saved, outputs, note, leaf), where an edge is (node, output of that node, input
// of this one); and where the tensors themselves come from.
py::tuple graph_of(const py::list& roots) {
  std::unordered_map<const Node*, std::size_t> numbers;
  std::vector<Ref<Node>> nodes;
  const auto number = [&](const Ref<Node>& node) {
    const auto [entry, is_new] = numbers.try_emplace(node.get(), nodes.size());
    if (is_new) nodes.push_back(node);
    return entry->second;
  };
  py::list starts;
  for (const py::handle root : roots) {
    const Edge edge = gradient_edge(unwrap(root.ptr()));
    starts.append(py::make_tuple(number(edge.node), edge.index));
  }
  py::list result;
  for (std::size_t i = 0; i < nodes.size(); ++i) {  // grows while it is walked
    const Ref<Node> node = nodes[i];
    py::list edges;
    for (int64_t input = 0; input < node->edges.size(); ++input) {
      const Edge& edge = node->edges[input];
      if (edge.node) edges.append(py::make_tuple(number(edge.node), edge.index, input));
    }
    std::string name = node->name();
    name.erase(0, name.rfind(':') + 1);
    auto* const note = static_cast<PyObject*>(node->origin);
    const Tensor leaf = node->variable();
    result.append(py::make_tuple(
        name, node->sequence, edges, saved_of(*node), outputs_of(*node),
        note ? py::reinterpret_borrow<py::object>(note) : py::none(),
        leaf.defined() ? py::reinterpret_steal<py::object>(wrap(leaf)) : py::none()));
  }
  return py::make_tuple(result, starts);
}

}  // namespace

void bind_graph(py::module_& module) { module.def("_graph_of", &graph_of); }

}  // namespace tallow::python
