#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir::log {

/// One fact of a log line. Values are put in quotes where they hold a space or a quote.
struct Field {
  Field(std::string_view name_in, std::string_view text) : name(name_in), value(text) {}
  Field(std::string_view name_in, const char* text) : name(name_in), value(text) {}
  Field(std::string_view name_in, const std::string& text) : name(name_in), value(text) {}
  template <typename Number>
    requires std::is_arithmetic_v<Number>
  Field(std::string_view name_in, Number number) : name(name_in), value(std::to_string(number)) {}
  std::string_view name;
  std::string value;
};

/// One constant lowercase message with its facts as fields, to standard error:
/// `2026-01-02T03:04:05.678Z warn checkpoint dropped epoch=7 reason="disk full"`. Thread safe.
void Info(std::string_view message, std::initializer_list<Field> fields = {});
void Warn(std::string_view message, std::initializer_list<Field> fields = {});
void Error(std::string_view message, std::initializer_list<Field> fields = {});

enum class Level { kInfo, kWarn, kError };
/// The same where level and fields are made at run time.
void Write(Level level, std::string_view message, std::span<const Field> fields);

/// Lines below this level are dropped: "info" (the default), "warn", "error" or "off".
void SetLevel(std::string_view level);

}  // namespace weir::log
