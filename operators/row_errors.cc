#include "operators/row_errors.h"

#include <algorithm>
#include <utility>

#include "operators/errors.h"

namespace weir {

void GoodRows::Fail(uint32_t row, const ErrorCode& code, std::string reason) {
  if (failed_.empty()) failed_.resize(count_);
  if (failed_[row]) return;
  failed_[row] = true;
  rejections_.push_back({row, &code, std::move(reason)});
}

void GoodRows::Fail(std::vector<RowError>& errors) {
  for (RowError& error : errors) Fail(error.row, errors::kRowFailed, std::move(error.reason));
  errors.clear();
}

std::vector<uint32_t> GoodRows::Rows() const {
  std::vector<uint32_t> rows;
  rows.reserve(count_ - rejections_.size());
  for (uint32_t row = 0; row < count_; row++) {
    if (IsGood(row)) rows.push_back(row);
  }
  return rows;
}

std::vector<Rejection> GoodRows::TakeRejections() {
  std::sort(rejections_.begin(), rejections_.end(),
            [](const Rejection& a, const Rejection& b) { return a.record < b.record; });
  return std::exchange(rejections_, {});
}

}  // namespace weir
