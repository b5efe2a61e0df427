#include "operators/unnest.h"

#include "operators/carry.h"
#include "operators/row_errors.h"

namespace weir {
namespace {

constexpr size_t kMostRowsPerBatch = 16384;
constexpr size_t kMostBytesPerBatch = size_t{16} << 20;

/// Bytes that value `i` takes when it is copied.
size_t ValueBytes(const Column& column, size_t i) {
  size_t bytes = 1 + column.type().width();
  if (column.type().IsText()) return bytes + 4 + column.text(i).size();
  if (column.type().Is(TypeKind::kStruct)) {
    for (const ColumnPtr& child : column.children()) bytes += ValueBytes(*child, i);
    return bytes;
  }
  if (column.type().IsNested()) {
    for (uint32_t k = column.offsets()[i]; k < column.offsets()[i + 1]; k++) {
      for (const ColumnPtr& child : column.children()) bytes += ValueBytes(*child, k);
    }
  }
  return bytes;
}

}  // namespace

OperatorPlanPtr Unnest::Plan(std::string name, ExpressionPtr list, const Schema& input,
                             int left_out) {
  auto plan = std::make_shared<OperatorPlan>();
  plan->kind = "unnest";
  plan->detail = name + ": " + list->text();
  plan->reads = list->columns();
  const Field element{name, list->type().children()[0].type};
  std::vector<Field> fields;
  bool placed = false;
  for (size_t i = 0; i < input.size(); i++) {
    if (input[i].name == name) {
      fields.push_back(element);
      plan->passes.push_back(-1);
      placed = true;
    } else if (static_cast<int>(i) != left_out) {
      fields.push_back(input[i]);
      plan->passes.push_back(static_cast<int>(i));
    }
  }
  if (!placed) {
    fields.push_back(element);
    plan->passes.push_back(-1);
  }
  plan->output = std::make_shared<const Schema>(std::move(fields));
  plan->make = [list, passes = plan->passes, output = plan->output](OperatorContext& context) {
    return std::make_unique<Unnest>(list, passes, output, context.clock);
  };
  return plan;
}

Status Unnest::OnBatch(const BatchPtr& batch, Output& out) {
  std::vector<RowError> errors;
  const ColumnPtr list = list_->Evaluate(*batch, {clock_.Now()}, errors);
  GoodRows good(batch->rows());
  good.Fail(errors);

  std::vector<uint32_t> rows;
  std::vector<uint32_t> elements;
  size_t bytes = 0;
  for (uint32_t row = 0; row < batch->rows(); row++) {
    if (!good.IsGood(row)) continue;
    const uint32_t begin = list->offsets()[row];
    const uint32_t end = list->offsets()[row + 1];
    if (list->IsNull(row) || begin == end) {
      counts_.empty++;
      continue;
    }
    counts_.expanded++;
    size_t row_bytes = 0;
    for (int pass : passes_) {
      if (pass >= 0) row_bytes += ValueBytes(batch->column(static_cast<size_t>(pass)), row);
    }
    for (uint32_t element = begin; element < end; element++) {
      rows.push_back(row);
      elements.push_back(element);
      bytes += row_bytes;
      if (rows.size() >= kMostRowsPerBatch || bytes >= kMostBytesPerBatch) {
        WEIR_TRY(EmitElements(*batch, *list, rows, elements, out));
        bytes = 0;
      }
    }
  }
  if (!rows.empty()) WEIR_TRY(EmitElements(*batch, *list, rows, elements, out));
  if (good.all_good()) return Status::Ok();
  return out.Reject(*batch, good.TakeRejections());
}

Status Unnest::EmitElements(const Batch& batch, const Column& list, std::vector<uint32_t>& rows,
                            std::vector<uint32_t>& elements, Output& out) {
  const std::vector<ColumnPtr> made{Take(list.child(0), elements)};
  BatchPtr expanded = CarryOver(batch, rows, passes_, made, output_);
  counts_.made += static_cast<int64_t>(rows.size());
  rows.clear();
  elements.clear();
  return out.Emit(std::move(expanded));
}

}  // namespace weir
