#include "config/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "config/errors.h"

namespace weir {
namespace {

constexpr size_t kMostSecretBytes = 1 << 20;

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr std::array<Unit, 5> kDurationUnits{
    {{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}}};
constexpr std::array<Unit, 5> kSizeUnits{{{"", 1},
                                          {"KiB", int64_t{1} << 10},
                                          {"MiB", int64_t{1} << 20},
                                          {"GiB", int64_t{1} << 30},
                                          {"TiB", int64_t{1} << 40}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Takes a whole number from the front of `text`; none where there is no digit or it is too large.
std::optional<int64_t> TakeNumber(std::string_view& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !IsDigit(text[0])) return std::nullopt;
  text.remove_prefix(end - text.data());
  return number;
}

template <size_t kUnits>
std::optional<int64_t> FactorOf(std::string_view name, const std::array<Unit, kUnits>& units) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

Status Bad(std::string_view expected, std::string_view text) {
  return Status(errors::kBadValue, "expected " + std::string(expected) + ", not " + Quoted(text));
}

Status Octal(std::string_view text) {
  return Status(errors::kYamlTrap,
                "a number does not begin with 0: " + Quoted(text) + " would be read as octal",
                "leave the 0 away, or put it in quotes where text is meant");
}

constexpr std::string_view kDurationWords = "a duration such as 250ms, 10s, 5m, 1h or 7d";
constexpr std::string_view kSizeWords = "a size such as 512, 64KiB, 128MiB or 1GiB";
constexpr std::string_view kRateWords = "a rate such as 20000/s or 30/m";
constexpr std::string_view kIntegerWords = "a whole number";
constexpr std::string_view kDoubleWords = "a number such as 3600 or 0.7";

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  int64_t sum = 0;
  do {
    const std::optional<int64_t> number = TakeNumber(rest);
    if (!number) return Bad(kDurationWords, text);
    size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    const std::optional<int64_t> factor = FactorOf(rest.substr(0, letters), kDurationUnits);
    int64_t part = 0;
    // `0` is the same in every unit.
    if (!factor && !(text == "0")) return Bad(kDurationWords, text);
    if (__builtin_mul_overflow(*number, factor.value_or(1), &part) ||
        __builtin_add_overflow(sum, part, &sum)) {
      return Status(errors::kBadValue, "the duration " + Quoted(text) + " is too long");
    }
    rest.remove_prefix(letters);
  } while (!rest.empty());
  return Duration{sum};
}

Result<DurationRange> ParseDurationRange(std::string_view text) {
  if (text == "none") return DurationRange{};
  const size_t dots = text.find("..");
  const auto low = ParseDuration(text.substr(0, dots));
  const auto high = dots == std::string_view::npos ? low : ParseDuration(text.substr(dots + 2));
  if (!low.ok() || !high.ok()) {
    return Bad("a duration such as 10s, a range such as 50ms..550ms, or none", text);
  }
  if (*high < *low) {
    return Status(errors::kBadValue, "the range " + Quoted(text) + " ends before it begins");
  }
  return DurationRange{*low, *high};
}

Result<ByteSize> ParseByteSize(std::string_view text) {
  std::string_view rest = text;
  const std::optional<int64_t> number = TakeNumber(rest);
  const std::optional<int64_t> factor = FactorOf(rest, kSizeUnits);
  if (!number || !factor) return Bad(kSizeWords, text);
  int64_t bytes = 0;
  if (__builtin_mul_overflow(*number, *factor, &bytes)) {
    return Status(errors::kBadValue, "the size " + Quoted(text) + " is too large");
  }
  return ByteSize{bytes};
}

Result<Rate> ParseRate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return Bad(kRateWords, text);
  const auto number = ParseDouble(text.substr(0, slash));
  const std::string_view unit = text.substr(slash + 1);
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (!number.ok() || seconds == 0 || *number < 0) return Bad(kRateWords, text);
  return Rate{*number / seconds};
}

Result<double> ParseShare(std::string_view text) {
  constexpr std::string_view kWords = "a share, as 1% or 0.5%";
  if (!text.ends_with('%')) return Bad(kWords, text);
  const auto number = ParseDouble(text.substr(0, text.size() - 1));
  if (!number.ok() || !(*number >= 0 && *number <= 100)) return Bad(kWords, text);
  return *number / 100;
}

Result<int64_t> ParseInteger(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  for (char c : digits) {
    if (!IsDigit(c)) return Bad(kIntegerWords, text);
  }
  if (digits.empty()) return Bad(kIntegerWords, text);
  if (digits.size() > 1 && digits[0] == '0') {
    return Octal(text);
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Status(errors::kBadValue, "the number " + Quoted(text) + " is too large");
  }
  return number;
}

Result<double> ParseDouble(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !IsDigit(digits[0])) return Bad(kDoubleWords, text);
  if (digits.size() > 1 && digits[0] == '0' && IsDigit(digits[1])) {
    return Octal(text);
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return Bad(kDoubleWords, text);
  }
  return number;
}

std::string ToText(Duration value) {
  if (value.us == 0) return "0s";
  for (auto unit = kDurationUnits.rbegin(); unit != kDurationUnits.rend(); ++unit) {
    if (value.us % unit->factor == 0) {
      return std::to_string(value.us / unit->factor) + std::string(unit->name);
    }
  }
  return std::to_string(value.us) + "us";
}

std::string ToText(DurationRange value) {
  if (value == DurationRange{}) return "none";
  if (value.low == value.high) return ToText(value.low);
  return ToText(value.low) + ".." + ToText(value.high);
}

std::string ToText(ByteSize value) {
  for (auto unit = kSizeUnits.rbegin(); unit != kSizeUnits.rend(); ++unit) {
    if (value.bytes != 0 && value.bytes % unit->factor == 0) {
      return std::to_string(value.bytes / unit->factor) + std::string(unit->name);
    }
  }
  return std::to_string(value.bytes);
}

std::string ToText(Rate value) { return ToText(value.per_second) + "/s"; }

std::string ToText(double value) {
  std::array<char, 32> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  (void)error;  // The shortest form of a double has at most 24 characters.
  return std::string(buffer.data(), end);
}

Result<std::string> Secret::Resolve(const std::string& folder) const {
  switch (from_) {
    case From::kNowhere:
      return std::string();
    case From::kEnvironment: {
      const char* value = std::getenv(name_.c_str());
      if (value != nullptr) return std::string(value);
      return Status(errors::kSecretMissing,
                    "the secret's variable " + Quoted(name_) + " is not set",
                    "set it in the environment of the process that runs the job");
    }
    case From::kFile: {
      const bool relative = !name_.starts_with('/') && !folder.empty();
      const std::string path = relative ? folder + "/" + name_ : name_;
      std::ifstream file(path, std::ios::binary);
      std::string text(kMostSecretBytes + 1, '\0');
      if (!file || !file.read(text.data(), text.size()).eof()) {
        return Status(errors::kSecretMissing,
                      "can't read the secret's file " + Quoted(path) +
                          ": it is not there, not readable, or longer than 1 MiB");
      }
      text.resize(file.gcount());
      if (text.ends_with('\n')) text.pop_back();
      if (text.ends_with('\r')) text.pop_back();
      return text;
    }
    case From::kSecretsManager:
      return Status(errors::kSecretMissing,
                    "the secret " + Quoted(name_) +
                        " is in a secrets manager, which this version can't ask yet",
                    "use { env: NAME } or { file: PATH }");
  }
  return Status(errors::kSecretMissing, "a secret from nowhere");
}

}  // namespace weir
