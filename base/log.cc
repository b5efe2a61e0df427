#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/journal.h"

namespace weir::log {
namespace {

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    // The journal keeps the time itself.
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        InJournal() ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum LevelOf(Level level) {
  switch (level) {
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// The priority that the journal takes from a line, and the level as a word, as other logs have it.
std::string_view JournalPrefix(Level level) {
  switch (level) {
    case Level::kInfo:
      return "<6>info ";
    case Level::kWarn:
      return "<4>warning ";
    case Level::kError:
      return "<3>error ";
  }
  return "<3>error ";
}

}  // namespace

void Write(Level written, std::string_view message, std::span<const Field> fields) {
  const spdlog::level::level_enum level = LevelOf(written);
  if (!Logger().should_log(level)) return;
  std::string line(InJournal() ? JournalPrefix(written) : std::string_view());
  line += message;
  for (const Field& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    if (!field.value.empty() && field.value.find_first_of(" \"\n\t") == std::string::npos) {
      line += field.value;
      continue;
    }
    line += '"';
    for (char c : field.value) {
      if (c == '\n') {
        line += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += '"';
  }
  Logger().log(level, "{}", line);
}

void Info(std::string_view message, std::initializer_list<Field> fields) {
  Write(Level::kInfo, message, {fields.begin(), fields.size()});
}
void Warn(std::string_view message, std::initializer_list<Field> fields) {
  Write(Level::kWarn, message, {fields.begin(), fields.size()});
}
void Error(std::string_view message, std::initializer_list<Field> fields) {
  Write(Level::kError, message, {fields.begin(), fields.size()});
}

void SetLevel(std::string_view level) {
  Logger().set_level(level == "off" ? spdlog::level::off
                                    : spdlog::level::from_str(std::string(level)));
}

}  // namespace weir::log
