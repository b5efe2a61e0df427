#pragma once

#include "operators/operator.h"

namespace weir {

/// One row for each element of a list, with the row's other columns beside it. A null or empty list
/// gives none. Large lists leave in several batches, so that memory stays bounded. No state.
class Unnest final : public Operator {
 public:
  /// `list` is of a list type over `input`; the element stands as column `name`, which takes the
  /// place of an input column of that name. `left_out` is an input column not carried on, or -1.
  static OperatorPlanPtr Plan(std::string name, ExpressionPtr list, const Schema& input,
                              int left_out);

  Unnest(ExpressionPtr list, std::vector<int> passes, SchemaPtr output, const Clock& clock)
      : list_(std::move(list)),
        passes_(std::move(passes)),
        output_(std::move(output)),
        clock_(clock) {}
  Status OnBatch(const BatchPtr& batch, Output& out) override;

 private:
  Status EmitElements(const Batch& batch, const Column& list, std::vector<uint32_t>& rows,
                      std::vector<uint32_t>& elements, Output& out);

  const ExpressionPtr list_;
  const std::vector<int> passes_;  ///< Input column of each output column; -1: the element.
  const SchemaPtr output_;
  const Clock& clock_;
};

}  // namespace weir
