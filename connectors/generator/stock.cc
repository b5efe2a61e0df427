#include <array>

#include "connectors/generator/kind.h"

namespace weir {
namespace {

constexpr std::array<std::string_view, 5> kTickers = {"AAPL", "AMZN", "MSFT", "INTC", "TBV"};

class Prices final : public RowMaker {
 public:
  explicit Prices(const GeneratorShare& share) : share_(share) {}

  void Make(uint64_t index, EventTime time, std::span<ColumnBuilder* const> columns) override {
    if (columns[0] != nullptr) columns[0]->Append(time.us);
    if (columns[1] != nullptr) {
      columns[1]->AppendText(
          kTickers[DrawBelow(kTickers.size(), Draw(share_.seed, share_.index, index, 0))]);
    }
    if (columns[2] != nullptr) {
      // Cents from 0.00 to 100.00.
      const uint64_t cents = DrawBelow(10001, Draw(share_.seed, share_.index, index, 1));
      columns[2]->Append(static_cast<double>(cents) / 100.0);
    }
  }

 private:
  const GeneratorShare share_;
};

class StockKindImpl final : public GeneratorKind {
 public:
  std::string_view name() const override { return "stock"; }
  const SchemaPtr& schema() const override { return schema_; }
  Duration step() const override { return Duration::Millis(250); }
  std::unique_ptr<RowMaker> Open(const GeneratorShare& share) const override {
    return std::make_unique<Prices>(share);
  }

 private:
  const SchemaPtr schema_ =
      std::make_shared<const Schema>(std::vector<Field>{{"event_time", TypeKind::kTimestamp},
                                                        {"ticker", TypeKind::kString},
                                                        {"price", TypeKind::kDouble}});
};

}  // namespace

const GeneratorKind& StockKind() {
  static const StockKindImpl kind;
  return kind;
}

}  // namespace weir
