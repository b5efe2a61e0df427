#include "expr/node.h"

#include <algorithm>

#include "batch/render.h"

namespace weir {
namespace {

constexpr size_t kLongestText = 100;
constexpr size_t kMostValues = 8;

class ConstantNode final : public Node {
 public:
  explicit ConstantNode(ColumnPtr value) : value_(std::move(value)) { type = value_->type(); }
  Vector Evaluate(Frame&) const override { return {value_, true}; }
  const Column* Literal() const override { return value_.get(); }

 private:
  ColumnPtr value_;
};

class ColumnNode final : public Node {
 public:
  ColumnNode(int index, Type type_in, std::string name) : index_(index) {
    type = std::move(type_in);
    text = Shorten(name);
    reads = {{std::move(name), index}};
  }
  Vector Evaluate(Frame& frame) const override { return {frame.Column(index_), false}; }
  int ColumnIndex() const override { return index_; }

 private:
  int index_;
};

}  // namespace

std::string Shorten(std::string_view text) {
  std::string line;
  for (char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (space && (line.empty() || line.back() == ' ')) continue;
    if (line.size() >= kLongestText) {
      while (!line.empty() && (line.back() & 0xc0) == 0x80) line.pop_back();
      if (!line.empty() && (line.back() & 0x80) != 0) line.pop_back();
      return line + "…";
    }
    line += space ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

void Failures::Add(uint32_t row, std::string reason) {
  if (row >= failed_.size()) failed_.resize(row + 1);
  failed_[row] = 1;
  errors_.push_back({row, std::move(reason)});
}

std::vector<RowError> Failures::Take() {
  std::sort(errors_.begin(), errors_.end(),
            [](const RowError& a, const RowError& b) { return a.row < b.row; });
  failed_.clear();
  return std::exchange(errors_, {});
}

Frame::Frame(const Batch& batch, const EvalContext& context, Failures& failures)
    : batch_(batch), context_(context), failures_(failures), whole_(true) {}

Frame::Frame(const Batch& batch, std::span<const uint32_t> rows, const EvalContext& context,
             Failures& failures)
    : batch_(batch),
      context_(context),
      failures_(failures),
      whole_(false),
      rows_(rows.begin(), rows.end()),
      taken_(batch.columns().size()) {}

Frame Frame::Select(std::span<const uint32_t> rows) const {
  if (whole_) return Frame(batch_, rows, context_, failures_);
  std::vector<uint32_t> inner;
  inner.reserve(rows.size());
  for (uint32_t row : rows) inner.push_back(rows_[row]);
  return Frame(batch_, inner, context_, failures_);
}

const ColumnPtr& Frame::Column(int index) {
  const auto i = static_cast<size_t>(index);
  if (whole_) return batch_.columns()[i];
  if (!taken_[i]) taken_[i] = Take(batch_.columns()[i], rows_);
  return taken_[i];
}

void Frame::Fail(size_t row, const Node& node, std::string_view what) {
  const uint32_t batch_row = BatchRow(row);
  if (failures_.Has(batch_row)) return;
  std::string reason = node.text;
  if (!reason.empty()) reason += ": ";
  reason += what;
  for (size_t i = 0; i < node.reads.size() && i < kMostValues; i++) {
    const NamedColumn& read = node.reads[i];
    std::string value;
    AppendJsonValue(value, batch_.column(static_cast<size_t>(read.index)), batch_row,
                    TimestampStyle::kIso8601);
    reason += i == 0 ? " (" : ", ";
    reason += Shorten(read.name) + " = " + Shorten(value);
  }
  if (!node.reads.empty()) reason += node.reads.size() > kMostValues ? ", …)" : ")";
  failures_.Add(batch_row, std::move(reason));
}

void Frame::FailAll(const Node& node, std::string_view what) {
  for (size_t row = 0; row < rows(); row++) Fail(row, node, what);
}

NodePtr MakeConstant(ColumnPtr value) { return std::make_shared<ConstantNode>(std::move(value)); }

NodePtr MakeColumnNode(int index, Type type, std::string name) {
  return std::make_shared<ColumnNode>(index, std::move(type), std::move(name));
}

NodePtr Fold(NodePtr node) {
  if (!node->pure || !node->reads.empty() || node->Literal() != nullptr) return node;
  static const auto kNoColumns = std::make_shared<const Schema>();
  const Batch one(kNoColumns, 1, {});
  const EvalContext context;
  Failures failures;
  Frame frame(one, context, failures);
  ColumnPtr value = node->Evaluate(frame).column;
  if (!failures.empty()) return node;
  auto constant = std::make_shared<ConstantNode>(std::move(value));
  constant->text = node->text;
  return constant;
}

}  // namespace weir
