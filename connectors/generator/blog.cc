#include <fmt/format.h>

#include "connectors/generator/kind.h"

namespace weir {
namespace {

class Visits final : public RowMaker {
 public:
  explicit Visits(const GeneratorShare& share) : share_(share) {}

  void Make(uint64_t index, EventTime time, std::span<ColumnBuilder* const> columns) override {
    if (columns[0] != nullptr) columns[0]->Append<int64_t>(time.us / 1000);
    if (columns[1] != nullptr) columns[1]->Append(static_cast<int64_t>(index));
    if (columns[2] != nullptr) {
      columns[2]->AppendText(fmt::format("www.amazon{}.com", Byte(index, 0)));
    }
    if (columns[3] != nullptr) columns[3]->AppendText(fmt::format("192.168.2.{}", Byte(index, 1)));
  }

 private:
  /// 0 to 254.
  uint64_t Byte(uint64_t index, uint64_t purpose) const {
    return DrawBelow(255, Draw(share_.seed, share_.index, index, purpose));
  }
  const GeneratorShare share_;
};

class BlogKindImpl final : public GeneratorKind {
 public:
  std::string_view name() const override { return "blog"; }
  const SchemaPtr& schema() const override { return schema_; }
  Duration step() const override { return Duration::Millis(1); }
  std::unique_ptr<RowMaker> Open(const GeneratorShare& share) const override {
    return std::make_unique<Visits>(share);
  }

 private:
  const SchemaPtr schema_ =
      std::make_shared<const Schema>(std::vector<Field>{{"recordtime", TypeKind::kInt64},
                                                        {"eventid", TypeKind::kInt64},
                                                        {"url", TypeKind::kString},
                                                        {"ip", TypeKind::kString}});
};

}  // namespace

const GeneratorKind& BlogKind() {
  static const BlogKindImpl kind;
  return kind;
}

}  // namespace weir
