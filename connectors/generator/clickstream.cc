#include <array>
#include <charconv>

#include <fmt/format.h>

#include "connectors/generator/kind.h"

namespace weir {
namespace {

enum Page : uint8_t {
  kHome,
  kCatalog,
  kDetail,
  kAddToCart,
  kRemoveFromCart,
  kOrder,
  kCheckout,
  kEnd,
};
constexpr size_t kPages = 8;
constexpr std::array<std::string_view, kPages> kPageNames = {
    "home_page",        "product_catalog", "product_detail", "add_to_cart",
    "remove_from_cart", "order",           "order_checkout", ""};

struct Ways {
  std::array<Page, 3> to;
  uint8_t count;
};
/// Where a visitor can go from each page; from the end a new visitor begins.
constexpr std::array<Ways, kPages> kWays = {{
    {{kCatalog}, 1},
    {{kHome, kDetail}, 2},
    {{kCatalog, kAddToCart}, 2},
    {{kCatalog, kRemoveFromCart, kOrder}, 3},
    {{kEnd, kDetail, kCatalog}, 3},
    {{kCheckout, kRemoveFromCart, kCatalog}, 3},
    {{kEnd}, 1},
    {{kHome}, 1},
}};

constexpr std::array<std::string_view, 8> kProducts = {"cell phones", "laptops",    "ear phones",
                                                       "soundbars",   "cd players", "AirPods",
                                                       "video games", "cameras"};
constexpr std::array<std::string_view, 3> kDevices = {"mobile", "computer", "tablet"};

enum Purpose : uint64_t { kWay, kUser, kDevice, kAddress, kProduct };

/// One of the visitors that are there at a time: walks through the shop, and when a walk is over
/// another visitor takes the place.
class Visitor final : public RowMaker {
 public:
  explicit Visitor(const GeneratorShare& share) : share_(share) {}

  void Make(uint64_t index, EventTime time, std::span<ColumnBuilder* const> columns) override {
    page_ = NextPage(index);
    if (page_ == kHome && begins_) {
      user_ = static_cast<int32_t>(1 + DrawBelow(0x7fffffff, Of(index, kUser)));
      device_ = static_cast<uint8_t>(DrawBelow(kDevices.size(), Of(index, kDevice)));
      address_ = static_cast<uint8_t>(1 + DrawBelow(254, Of(index, kAddress)));
      begins_ = false;
    }
    if (page_ == kDetail) {
      product_ = static_cast<uint8_t>(DrawBelow(kProducts.size(), Of(index, kProduct)));
    }
    if (page_ == kEnd) begins_ = true;

    if (columns[0] != nullptr) {
      std::array<char, 16> ip = {'6', '6', '.', '2', '4', '9', '.', '1', '.'};
      const auto end = std::to_chars(ip.data() + 9, ip.data() + ip.size(), address_).ptr;
      columns[0]->AppendText({ip.data(), static_cast<size_t>(end - ip.data())});
    }
    if (columns[1] != nullptr) columns[1]->Append<int64_t>(time.us / 1000);
    if (columns[2] != nullptr) columns[2]->AppendText(kDevices[device_]);
    if (columns[3] != nullptr) columns[3]->AppendText(kPageNames[page_]);
    if (columns[4] != nullptr) columns[4]->AppendText(Product());
    if (columns[5] != nullptr) columns[5]->Append(user_);
    const auto sequence = static_cast<int64_t>(index * share_.count + share_.index + 1);
    if (columns[6] != nullptr) columns[6]->Append(sequence);
    if (columns[7] != nullptr) {
      columns[7]->Append<int64_t>(index == 0 ? 0 : sequence - share_.count);
    }
  }

  std::string Save() const override {
    return fmt::format("{}/{}/{}/{}/{}/{}", static_cast<int>(page_), begins_ ? 1 : 0, user_,
                       device_, address_, product_);
  }

  bool Restore(std::string_view state) override {
    std::array<int64_t, 6> numbers = {};
    const char* at = state.data();
    const char* const end = state.data() + state.size();
    for (size_t i = 0; i < numbers.size(); i++) {
      if (i > 0 && (at == end || *at++ != '/')) return false;
      const auto [next, fault] = std::from_chars(at, end, numbers[i]);
      if (fault != std::errc()) return false;
      at = next;
    }
    const auto within = [&](size_t i, int64_t most) {
      return numbers[i] >= 0 && numbers[i] <= most;
    };
    if (at != end || !within(0, kPages - 1) || !within(1, 1) || !within(2, 0x7fffffff) ||
        !within(3, kDevices.size() - 1) || !within(4, 255) || !within(5, kProducts.size() - 1)) {
      return false;
    }
    page_ = static_cast<Page>(numbers[0]);
    begins_ = numbers[1] == 1;
    user_ = static_cast<int32_t>(numbers[2]);
    device_ = static_cast<uint8_t>(numbers[3]);
    address_ = static_cast<uint8_t>(numbers[4]);
    product_ = static_cast<uint8_t>(numbers[5]);
    return true;
  }

 private:
  uint64_t Of(uint64_t index, Purpose purpose) const {
    return Draw(share_.seed, share_.index, index, purpose);
  }
  Page NextPage(uint64_t index) const {
    const Ways& ways = kWays[page_];
    return ways.count == 1 ? ways.to[0] : ways.to[DrawBelow(ways.count, Of(index, kWay))];
  }
  std::string_view Product() const {
    if (page_ == kEnd) return "";
    if (page_ == kHome || page_ == kCatalog) return "N/A";
    return kProducts[product_];
  }

  const GeneratorShare share_;
  Page page_ = kEnd;
  bool begins_ = true;
  int32_t user_ = 1;
  uint8_t device_ = 0;
  uint8_t address_ = 1;
  uint8_t product_ = 0;
};

class ClickstreamKindImpl final : public GeneratorKind {
 public:
  std::string_view name() const override { return "clickstream"; }
  const SchemaPtr& schema() const override { return schema_; }
  bool HasUsers() const override { return true; }
  Duration default_low() const override { return Duration::Millis(50); }
  Duration default_high() const override { return Duration::Millis(550); }
  Duration step() const override { return Duration::Millis(300); }
  std::unique_ptr<RowMaker> Open(const GeneratorShare& share) const override {
    return std::make_unique<Visitor>(share);
  }

 private:
  const SchemaPtr schema_ = std::make_shared<const Schema>(std::vector<Field>{
      {"ip", TypeKind::kString},
      {"eventtimestamp", TypeKind::kInt64},
      {"devicetype", TypeKind::kString},
      {"event_type", TypeKind::kString},
      {"product_type", TypeKind::kString},
      {"userid", TypeKind::kInt32},
      {"globalseq", TypeKind::kInt64},
      {"prevglobalseq", TypeKind::kInt64},
  });
};

}  // namespace

const GeneratorKind& ClickstreamKind() {
  static const ClickstreamKindImpl kind;
  return kind;
}

}  // namespace weir
