#pragma once

#include <cstdint>
#include <vector>

#include "batch/rejection.h"
#include "expr/expression.h"

namespace weir {

/// Which rows of a batch are still good, and why the others are not. A row that fails twice is
/// rejected once, for its first fault.
class GoodRows {
 public:
  explicit GoodRows(size_t rows) : count_(rows) {}

  void Fail(uint32_t row, const ErrorCode& code, std::string reason);
  /// Takes over (and clears) what an expression could not do.
  void Fail(std::vector<RowError>& errors);

  bool all_good() const { return rejections_.empty(); }
  bool IsGood(uint32_t row) const { return failed_.empty() || !failed_[row]; }
  /// The good rows, ascending.
  std::vector<uint32_t> Rows() const;
  /// The others, ascending; to be taken once.
  std::vector<Rejection> TakeRejections();

 private:
  size_t count_;
  std::vector<bool> failed_;  ///< Empty until the first fault.
  std::vector<Rejection> rejections_;
};

}  // namespace weir
