#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <thread>
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

/// While it lives, lines that its thread writes are about a job: they get the field `job`, and are
/// given to who listens. Scopes nest; the inner one counts.
class JobScope {
 public:
  explicit JobScope(std::string job);
  ~JobScope();
  JobScope(const JobScope&) = delete;
  JobScope& operator=(const JobScope&) = delete;

 private:
  std::string outer_;
};
/// The job that this thread's lines are about; empty: none.
const std::string& CurrentJob();
/// A thread whose lines are about the same job as the caller's.
template <typename Run>
std::thread StartThread(Run run) {
  return std::thread([job = CurrentJob(), run = std::move(run)]() mutable {
    const JobScope scope(std::move(job));
    run();
  });
}

/// Hears each line that is about a job, with its time and level as it is written, unless its level
/// is dropped. Called from any thread; must be quick, and must not log.
using JobListener = std::function<void(const std::string& job, std::string line)>;
/// One listener at a time; null: none. Returns once the former one is not being called any more.
void ListenToJobs(JobListener listener);

/// Lines below this level are dropped: "info" (the default), "warn", "error" or "off".
void SetLevel(std::string_view level);

}  // namespace weir::log
