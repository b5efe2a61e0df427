#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::bench {

/// The clicks that everything here is measured on. Click `i` is a pure function of `i`, so that
/// what a job must have made of the first n clicks can be computed without reading them:
///
///   globalseq       i; click i lies in partition i % kPartitions
///   eventtimestamp  10 clicks a millisecond, each up to kJitter_ms - 1 later than its turn
///   devicetype      'mobile' for one half, 'computer' and 'tablet' for a quarter each
///   product_type    one of eight
///   userid          one of a million, each as likely at any time
///   account         one of 100,000: 2,000 at a time click about ten times each within two seconds
///                   and are then away for a minute and a half
struct Click {
  int64_t globalseq = 0;
  int64_t eventtimestamp = 0;
  std::string_view devicetype;
  std::string_view event_type;
  std::string_view product_type;
  int64_t userid = 0;
  int64_t account = 0;
  int64_t address = 0;
};

constexpr int kPartitions = 4;
constexpr int64_t kBegin_ms = 1'700'000'000'000;
constexpr int64_t kJitter_ms = 1000;
constexpr int64_t kUsers = 1'000'000;
constexpr int64_t kAccounts = 100'000;
constexpr int64_t kAccountsAtATime = 2'000;
constexpr int64_t kClicksOfABurst = 20'000;
constexpr std::string_view kProducts[] = {"cell phones", "laptops", "ear phones",  "soundbars",
                                          "cd players",  "AirPods", "video games", "cameras"};
constexpr std::string_view kPages[] = {"home_page",   "product_catalog", "product_detail",
                                       "add_to_cart", "order",           "order_checkout"};
constexpr std::string_view kDevices[] = {"mobile", "mobile", "computer", "tablet"};

/// The finalizer of MurmurHash3: every bit of the result depends on every bit of `x`.
constexpr uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

constexpr Click ClickAt(int64_t index) {
  const uint64_t first = Mix(static_cast<uint64_t>(index) + 1);
  const uint64_t second = Mix(first + 0x9e3779b97f4a7c15ULL);
  Click click;
  click.globalseq = index;
  click.eventtimestamp = kBegin_ms + index / 10 + static_cast<int64_t>(first % kJitter_ms);
  click.devicetype = kDevices[(first >> 32) % 4];
  click.product_type = kProducts[(first >> 36) % 8];
  click.event_type = kPages[(first >> 40) % 6];
  click.address = static_cast<int64_t>((first >> 48) % 256);
  click.userid = static_cast<int64_t>(second % kUsers);
  const int64_t place = (index / kClicksOfABurst * kAccountsAtATime +
                         static_cast<int64_t>((second >> 32) % kAccountsAtATime)) %
                        kAccounts;
  click.account = place * 7919 % kAccounts;  // 7919 and kAccounts share no factor: a permutation.
  return click;
}

/// Appends the click as JSON, without a line's end.
inline void AppendJson(const Click& click, std::string& out) {
  const auto number = [&out](std::string_view before, int64_t value) {
    char digits[24];
    out.append(before);
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  };
  number(R"({"ip":"66.249.1.)", click.address);
  number(R"(","eventtimestamp":)", click.eventtimestamp);
  out.append(R"(,"devicetype":")").append(click.devicetype);
  out.append(R"(","event_type":")").append(click.event_type);
  out.append(R"(","product_type":")").append(click.product_type);
  number(R"(","userid":)", click.userid);
  number(R"(,"account":)", click.account);
  number(R"(,"globalseq":)", click.globalseq);
  out.push_back('}');
}

}  // namespace weir::bench
