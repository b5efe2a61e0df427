#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "config/yaml.h"

namespace weir {

/// A size in bytes, written `512`, `64KiB`, `128MiB`, `1GiB`.
struct ByteSize {
  int64_t bytes = 0;
  static constexpr ByteSize KiB(int64_t n) { return {n << 10}; }
  static constexpr ByteSize MiB(int64_t n) { return {n << 20}; }
  static constexpr ByteSize GiB(int64_t n) { return {n << 30}; }
  constexpr auto operator<=>(const ByteSize&) const = default;
};

/// So many in a second, written `20000/s`, `4/s`, `0.5/s`, also `30/m` and `10/h`.
struct Rate {
  double per_second = 0;
  constexpr auto operator<=>(const Rate&) const = default;
};

/// A span of time between two bounds, both included: `50ms..550ms`, `10s` (both the same), or
/// `none` (both zero).
struct DurationRange {
  Duration low;
  Duration high;
  constexpr auto operator<=>(const DurationRange&) const = default;
};

/// Text of the job language to values. A fault says what is expected and what was there.
/// Durations are whole numbers with ms, s, m, h or d behind them, also several (`1h30m`).
Result<Duration> ParseDuration(std::string_view text);
/// `1%`, `0.5%`: 0 to 1.
Result<double> ParseShare(std::string_view text);
Result<DurationRange> ParseDurationRange(std::string_view text);
Result<ByteSize> ParseByteSize(std::string_view text);
Result<Rate> ParseRate(std::string_view text);
/// Whole decimal numbers; `010`, `1_000`, `0x10` and `1e3` are refused.
Result<int64_t> ParseInteger(std::string_view text);
Result<double> ParseDouble(std::string_view text);

/// Values to the shortest text that the parsers read back to the same value.
std::string ToText(Duration value);
std::string ToText(DurationRange value);
std::string ToText(ByteSize value);
std::string ToText(Rate value);
std::string ToText(double value);

/// An expression as it was written, with the node it came from: `node.PlaceAt(offset)` is the place
/// of byte `offset` of `text`.
struct ExpressionText {
  std::string text;
  YamlNode node;
  bool empty() const { return text.empty(); }
};

/// Something a job must not hold in the clear: where it stands, never what it is. There is no way
/// to print one; Resolve is called by the worker that needs it, at the moment it needs it.
class Secret {
 public:
  enum class From { kNowhere, kEnvironment, kFile, kSecretsManager };
  Secret() = default;
  Secret(From from, std::string name) : from_(from), name_(std::move(name)) {}

  /// Whether the job gave one.
  bool given() const { return from_ != From::kNowhere; }
  From from() const { return from_; }
  /// Name of the variable, path of the file, or name in the secrets manager.
  const std::string& name() const { return name_; }

  /// Reads the secret: a variable of this process, or a file (relative paths count from `folder`;
  /// one newline at its end is dropped, 1 MiB at most). kSecretMissing where it is not there.
  Result<std::string> Resolve(const std::string& folder) const;

 private:
  From from_ = From::kNowhere;
  std::string name_;
};

}  // namespace weir
