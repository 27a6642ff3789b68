#include "ops/optim.h"

#include "autograd/grad_mode.h"
#include "core/device_runtime.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/kernel.h"
#include "ops/norm_grads.h"

namespace tallow::ops {

namespace {

// What a graph replays keeps the numbers of the step that was recorded.
void check_not_recorded(const char* op, const std::vector<Tensor>& params) {
  if (params.empty() || !params[0].device().is_cuda()) return;
  bool capturing = false;
  const Status status = cuda_runtime().is_capturing(params[0].device().index, &capturing);
  if (status != Status::kOk) raise_status(status);
  TALLOW_CHECK(!capturing, "Attempting CUDA graph capture of step(), but ", op,
               " counts its steps on the host; record forward and backward only");
}

double number(const Operand& value) {
  if (!value.is_tensor()) return value.scalar().to_double();
  const Tensor& tensor = value.tensor();
  TALLOW_CHECK(tensor.numel() == 1, "a Tensor with ", tensor.numel(),
               " elements cannot be converted to Scalar");
  const NoGradGuard guard;
  return first_element<double>("optimizer step", to_dtype(tensor, DType::kFloat64));
}

void check_list(const char* op, const char* name, const std::vector<Tensor>& params,
                const std::vector<Tensor>& list, bool required) {
  if (list.empty() && !required) return;
  TALLOW_CHECK(list.size() == params.size(), op, ": expected ", params.size(), ' ', name,
               " as there are parameters, got ", list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    TALLOW_CHECK(list[i].sizes() == params[i].sizes() && list[i].dtype() == params[i].dtype(), op,
                 ": ", name, '[', i, "] must be like its parameter, ", params[i].dtype(), ' ',
                 params[i].sizes(), ", got ", list[i].dtype(), ' ', list[i].sizes());
  }
}

bool skips(const Tensor& found_inf) {
  return found_inf.defined() && number(Operand(found_inf)) != 0;
}

// The tensors of one step in memory that kernels can walk: dense, all in the order of the
// parameter. What had to be copied is written back at the end.
class Workspace {
 public:
  // A tensor that will be updated.
  void* updated(const Tensor& tensor, const Dims& strides) {
    tensor.bump_version();
    if (tensor.strides() == strides) return tensor.ptr();
    copies_.push_back({tensor, clone_strided(tensor, strides)});
    return copies_.back().copy.ptr();
  }
  // A gradient, divided by `scale` if that is given.
  const void* gradient(const Tensor& grad, const Dims& strides, const Tensor& scale) {
    Tensor value = scale.defined() ? to_dtype(div(grad, scale), grad.dtype()) : grad;
    if (value.strides() != strides) value = clone_strided(value, strides);
    kept_.push_back(value);
    return value.ptr();
  }
  void write_back() {
    for (const Copied& copied : copies_) copy_(copied.original, copied.copy);
  }
  static Dims strides_of(const Tensor& param) {
    return is_dense(param.sizes(), param.strides()) ? param.strides()
                                                    : contiguous_strides(param.sizes());
  }

 private:
  struct Copied {
    Tensor original;
    Tensor copy;
  };
  std::vector<Copied> copies_;
  std::vector<Tensor> kept_;
};

// Calls step(dtype, tensors) for the tensors of every type; add(i) describes parameter i.
template <class Tensors, class Add, class Step>
void for_each_type(const std::vector<Tensor>& params, const Add& add, const Step& step) {
  std::vector<Tensors> batch;
  for (const DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16}) {
    batch.clear();
    for (std::size_t i = 0; i < params.size(); ++i) {
      if (params[i].dtype() == dtype && params[i].numel() > 0) batch.push_back(add(i));
    }
    if (!batch.empty()) step(dtype, batch);
  }
}

void check_params(const char* op, const std::vector<Tensor>& params) {
  for (const Tensor& param : params) {
    TALLOW_CHECK(is_floating(param.dtype()), op, ": parameters must be floating point, got ",
                 param.dtype());
  }
}

void adam_step(const char* op, bool decoupled, const std::vector<Tensor>& params,
               const std::vector<Tensor>& grads, const std::vector<Tensor>& exp_avgs,
               const std::vector<Tensor>& exp_avg_sqs, const std::vector<Tensor>& max_exp_avg_sqs,
               const std::vector<Tensor>& state_steps, const Operand& lr, double beta1,
               double beta2, double weight_decay, double eps, bool amsgrad, bool maximize,
               const Tensor& grad_scale, const Tensor& found_inf) {
  check_params(op, params);
  check_list(op, "grads", params, grads, true);
  check_list(op, "exp_avgs", params, exp_avgs, true);
  check_list(op, "exp_avg_sqs", params, exp_avg_sqs, true);
  check_list(op, "max_exp_avg_sqs", params, max_exp_avg_sqs, amsgrad);
  TALLOW_CHECK(state_steps.size() == params.size(), op, ": expected ", params.size(),
               " state_steps, got ", state_steps.size());
  check_not_recorded(op, params);
  if (params.empty() || skips(found_inf)) return;
  const NoGradGuard guard;
  const AdamOptions options{number(lr), beta1, beta2, eps, weight_decay, decoupled, maximize};
  Workspace work;
  for_each_type<AdamTensors>(
      params,
      [&](std::size_t i) {
        const Dims strides = Workspace::strides_of(params[i]);
        return AdamTensors{work.updated(params[i], strides),
                           work.gradient(grads[i], strides, grad_scale),
                           work.updated(exp_avgs[i], strides),
                           work.updated(exp_avg_sqs[i], strides),
                           amsgrad ? work.updated(max_exp_avg_sqs[i], strides) : nullptr,
                           params[i].numel(),
                           number(Operand(state_steps[i]))};
      },
      [&](DType dtype, const std::vector<AdamTensors>& tensors) {
        run<&Backend::optim, &OptimKernels::adam>(op, params[0].device(), dtype, tensors.data(),
                                                  static_cast<int64_t>(tensors.size()), options);
      });
  work.write_back();
}

}  // namespace

void fused_sgd(const std::vector<Tensor>& params, const std::vector<Tensor>& grads,
               const std::vector<Tensor>& momentum_buffers, double weight_decay, double momentum,
               const Operand& lr, double dampening, bool nesterov, bool maximize,
               bool is_first_step, const Tensor& grad_scale, const Tensor& found_inf) {
  check_params("_fused_sgd_", params);
  check_list("_fused_sgd_", "grads", params, grads, true);
  check_list("_fused_sgd_", "momentum_buffers", params, momentum_buffers, momentum != 0);
  if (params.empty() || skips(found_inf)) return;
  const NoGradGuard guard;
  const SgdOptions options{number(lr), momentum, dampening,    weight_decay,
                           nesterov,   maximize, is_first_step};
  Workspace work;
  for_each_type<SgdTensors>(
      params,
      [&](std::size_t i) {
        const Dims strides = Workspace::strides_of(params[i]);
        return SgdTensors{work.updated(params[i], strides),
                          work.gradient(grads[i], strides, grad_scale),
                          momentum != 0 ? work.updated(momentum_buffers[i], strides) : nullptr,
                          params[i].numel()};
      },
      [&](DType dtype, const std::vector<SgdTensors>& tensors) {
        run<&Backend::optim, &OptimKernels::sgd>("_fused_sgd_", params[0].device(), dtype,
                                                 tensors.data(),
                                                 static_cast<int64_t>(tensors.size()), options);
      });
  work.write_back();
}

void fused_adam(const std::vector<Tensor>& params, const std::vector<Tensor>& grads,
                const std::vector<Tensor>& exp_avgs, const std::vector<Tensor>& exp_avg_sqs,
                const std::vector<Tensor>& max_exp_avg_sqs, const std::vector<Tensor>& state_steps,
                const Operand& lr, double beta1, double beta2, double weight_decay, double eps,
                bool amsgrad, bool maximize, const Tensor& grad_scale, const Tensor& found_inf) {
  adam_step("_fused_adam_", false, params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs,
            state_steps, lr, beta1, beta2, weight_decay, eps, amsgrad, maximize, grad_scale,
            found_inf);
}

void fused_adamw(const std::vector<Tensor>& params, const std::vector<Tensor>& grads,
                 const std::vector<Tensor>& exp_avgs, const std::vector<Tensor>& exp_avg_sqs,
                 const std::vector<Tensor>& max_exp_avg_sqs, const std::vector<Tensor>& state_steps,
                 const Operand& lr, double beta1, double beta2, double weight_decay, double eps,
                 bool amsgrad, bool maximize, const Tensor& grad_scale, const Tensor& found_inf) {
  adam_step("_fused_adamw_", true, params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs,
            state_steps, lr, beta1, beta2, weight_decay, eps, amsgrad, maximize, grad_scale,
            found_inf);
}

}  // namespace tallow::ops
