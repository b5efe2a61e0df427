#include "daemon/http/diagnosis.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "batch/time_text.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLongStart = 30;         // Seconds until a start is worth a word.
constexpr double kLateCheckpoint = 3;     // Intervals.
constexpr double kLeastPatience = 10;     // Seconds.
constexpr double kBusy = 0.9;             // Share of its time that a task at its limit is at work.
constexpr double kWatermarkBehind = 300;  // Seconds that windows may be behind the clock unnoticed.

const Json& At(const Json& json, std::string_view key) {
  static const Json none;
  const auto it = json.is_object() ? json.find(key) : json.end();
  return it == json.end() ? none : *it;
}
std::string Text(const Json& json, std::string_view key) {
  const Json& value = At(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}
std::optional<double> Number(const Json& json, std::string_view key) {
  const Json& value = At(json, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::string Span(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 600) return fmt::format("{:.0f} s", seconds);
  if (seconds < 36000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

void LookAtState(const Json& job, std::vector<Finding>& found) {
  const std::string state = Text(job, "state");
  const std::string reason = Text(job, "reason");
  const double since = Number(job, "since_seconds").value_or(0);
  const Json& failure = At(job, "failure");
  const std::string failed =
      failure.is_object() ? Text(failure, "code") + ": " + Text(failure, "message") : "";
  if (state == "failed" || state == "needs decision") {
    found.push_back({"failure", failed.empty() ? reason : failed, "the job is at rest: " + reason,
                     Text(failure, "cure")});
  } else if (state == "waiting") {
    const bool backoff = Number(job, "backoff_seconds").value_or(0) > 0;
    found.push_back(
        {backoff ? "restarts" : "capacity", reason,
         fmt::format("the job waits since {}", Span(since)),
         backoff ? "it begins by itself when that time is over; what ended it is in its reason"
                 : "start more workers, end 'weir drain' with --undo, stop other jobs, or give the "
                   "job fewer tasks with 'weir rescale'"});
  } else if (state == "starting" && since > kLongStart) {
    found.push_back({"capacity", reason, fmt::format("it is being started since {}", Span(since)),
                     "look at the log of the worker that leads it: 'weir logs' has its lines"});
  }
  const Json& history = At(job, "history");
  if (!history.is_array() || history.empty() || state == "stopped" || state == "ended") return;
  const Json& last = history.back();
  const double failures = Number(job, "failures_in_row").value_or(0);
  if (failures >= 2) {
    found.push_back({"restarts",
                     fmt::format("the last {:.0f} attempts failed one after the other; the newest "
                                 "for: {}",
                                 failures, Text(last, "reason")),
                     fmt::format("{:.0f} restarts in all", Number(job, "restarts").value_or(0)),
                     failed.empty() ? "mend what the reason names" : Text(failure, "cure")});
  }
}

/// What holds a job from outside: it is up, and so are its connections.
void LookAtPartitions(const Json& details, std::vector<Finding>& found) {
  const Json& nodes = At(details, "nodes");
  if (!nodes.is_array()) return;
  for (const Json& node : nodes) {
    const Json& connections = At(node, "connections");
    const double leaderless = Number(connections, "leaderless_partitions").value_or(0);
    if (leaderless < 1) continue;
    const bool source = Text(node, "role") == "source";
    found.push_back(
        {"partitions",
         fmt::format("{:.0f} partitions that {} {} have no leader", leaderless, Text(node, "name"),
                     source ? "reads" : "writes to"),
         fmt::format("{:.0f} of its partitions have fewer copies in step than they should",
                     Number(connections, "under_replicated_partitions").value_or(0)),
         source ? "start the brokers that hold them: the source is held there, and its watermark "
                  "with it, until they are back; nothing is lost"
                : "start the brokers that hold them: results wait in the checkpoints until then; "
                  "nothing is lost"});
  }
}

void LookAtCheckpoints(const Json& details, std::vector<Finding>& found) {
  const Json& checkpoint = At(details, "checkpoint");
  const double age = Number(checkpoint, "age_seconds").value_or(0);
  const double interval = Number(checkpoint, "interval_seconds").value_or(kLeastPatience);
  const std::string held_by = Text(details, "held_by");
  const std::string error = Text(details, "last_error");
  const double newest = Number(checkpoint, "newest").value_or(0);
  const bool late = age > std::max(kLateCheckpoint * interval, kLeastPatience);
  if (late && !held_by.empty()) {
    found.push_back({"barrier", "the checkpoint under way waits for " + held_by,
                     fmt::format("checkpoint {:.0f} is {} old, and one is due each {}", newest,
                                 Span(age), Span(interval)),
                     "those tasks are at a long batch, wait for room downstream, or write their "
                     "state slowly: see their share of time and the pace below"});
  } else if (late) {
    found.push_back(
        {"commit",
         error.empty() ? "no checkpoint has come about for a while"
                       : "the last checkpoint did not come about: " + error,
         fmt::format("checkpoint {:.0f} is {} old, and one is due each {}; {:.0f} were "
                     "dropped",
                     newest, Span(age), Span(interval), Number(checkpoint, "dropped").value_or(0)),
         "see that the checkpoint store can be written to and has room; results wait "
         "until a checkpoint is there"});
  }
  const double unpublished = Number(checkpoint, "unpublished_epochs").value_or(0);
  if (unpublished > 1) {
    found.push_back(
        {"publish",
         fmt::format("the results of {:.0f} checkpoints are not published yet", unpublished),
         fmt::format("the newest checkpoint is {} old", Span(age)),
         "the sink's broker is away, slow or refuses: the lead's log names it; "
         "'weir txn list' shows what waits"});
  }
}

void LookAtTime(const Json& job, const Json& details, int64_t now_us, std::vector<Finding>& found) {
  const Json& watermark = At(details, "watermark");
  const std::string holder = Text(details, "watermark_holder");
  const std::string by = holder.empty() ? "" : " is held back by " + holder;
  if (watermark.is_null() && !holder.empty()) {
    if (Number(job, "since_seconds").value_or(0) < kLeastPatience) return;  // It has just begun.
    found.push_back({"watermark", "there is no watermark yet: it" + by,
                     "no row with an event time has come from there",
                     "where it may stay empty, set event_time.idle_after, so that it is not "
                     "waited for"});
    return;
  }
  if (!watermark.is_string()) return;
  const std::optional<EventTime> time = ParseTime(watermark.get<std::string>());
  if (!time) return;
  const double behind = static_cast<double>(now_us - time->us) / 1e6;
  if (behind < kWatermarkBehind) return;
  found.push_back({"watermark", "the watermark" + (by.empty() ? " is behind the clock" : by),
                   fmt::format("it stands at {}, {} behind the clock", watermark.get<std::string>(),
                               Span(behind)),
                   "old input is on its way through, or that split has had nothing newer: then "
                   "event_time.idle_after lets the others go on without it"});
}

void LookAtPace(const Json& job, const Json& details, std::vector<Finding>& found) {
  const double lag = Number(job, "lag_records").value_or(0);
  const Json& fragments = At(details, "fragments");
  if (lag <= 0 || !fragments.is_array()) return;
  for (const Json& fragment : fragments) {
    const double busy = Number(fragment, "busy").value_or(0);
    const Json& slowest = At(fragment, "slowest");
    if (!(slowest.is_boolean() ? slowest.get<bool>() : busy >= kBusy)) continue;
    found.push_back(
        {"pace",
         fmt::format("{} is at its limit, and what comes before waits for it",
                     Text(fragment, "name")),
         fmt::format("its {:.0f} tasks are at work {:.0f} % of their time; {:.0f} records wait to "
                     "be read",
                     Number(fragment, "tasks").value_or(0), busy * 100, lag),
         "give the job more tasks with 'weir rescale', or bounds to 'autoscale'; a source takes no "
         "more tasks than it has partitions"});
  }
}

}  // namespace

std::vector<Finding> Diagnose(const Json& job, int64_t now_us) {
  std::vector<Finding> found;
  LookAtState(job, found);
  const std::string state = Text(job, "state");
  if (state != "running" && state != "stopping") return found;
  const Json& details = At(job, "details");
  if (!details.is_object()) return found;
  LookAtPartitions(details, found);
  LookAtCheckpoints(details, found);
  LookAtTime(job, details, now_us, found);
  LookAtPace(job, details, found);
  return found;
}

}  // namespace weir
