#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>
#include <mutex>
#include <vector>

#include <fmt/format.h>

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

std::string_view NameOf(Level level) {
  switch (level) {
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

std::string& JobOfThread() {
  thread_local std::string job;
  return job;
}

struct Listening {
  std::mutex mutex;
  JobListener listener;
};
Listening& TheListening() {
  static Listening listening;
  return listening;
}

/// `2026-01-02T03:04:05.678Z`, as the logger writes it.
std::string TimeOf(std::chrono::system_clock::time_point time) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = ms / 1000;
  std::tm civil{};
  gmtime_r(&seconds, &civil);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &civil);
  return fmt::format("{}.{:03}Z", text, ms % 1000);
}

/// As journals take it from the front of a line (sd-daemon(3)).
int PriorityOf(Level level) {
  switch (level) {
    case Level::kInfo:
      return 6;
    case Level::kWarn:
      return 4;
    case Level::kError:
      return 3;
  }
  return 3;
}

}  // namespace

JobScope::JobScope(std::string job) : outer_(std::exchange(JobOfThread(), std::move(job))) {}
JobScope::~JobScope() { JobOfThread() = std::move(outer_); }
const std::string& CurrentJob() { return JobOfThread(); }

void ListenToJobs(JobListener listener) {
  std::lock_guard lock(TheListening().mutex);
  TheListening().listener = std::move(listener);
}

void Write(Level written, std::string_view message, std::span<const Field> fields) {
  const spdlog::level::level_enum level = LevelOf(written);
  if (!Logger().should_log(level)) return;
  std::string line(message);
  const std::string& job = JobOfThread();
  const Field about("job", job);
  std::vector<const Field*> all;
  if (!job.empty()) all.push_back(&about);
  for (const Field& field : fields) all.push_back(&field);
  for (const Field* one : all) {
    const Field& field = *one;
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
  const auto now = std::chrono::system_clock::now();
  Logger().log(
      now, spdlog::source_loc{}, level,
      InJournal() ? fmt::format("<{}>{} {}", PriorityOf(written), NameOf(written), line) : line);
  if (job.empty()) return;
  std::lock_guard lock(TheListening().mutex);
  if (TheListening().listener) {
    TheListening().listener(job, fmt::format("{} {} {}", TimeOf(now), NameOf(written), line));
  }
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
