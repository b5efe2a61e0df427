#include "daemon/manager/record_form.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/manager/errors.h"
#include "proto/jobs.pb.h"

namespace weir::manager {
namespace {

using manager::NameOf;
using weir::NameOf;

constexpr NextStep::Purpose kPurposes[] = {NextStep::Purpose::kStop, NextStep::Purpose::kRescale,
                                           NextStep::Purpose::kUpgrade, NextStep::Purpose::kMove};

template <typename E, size_t N>
bool FromName(const E (&all)[N], std::string_view name, E& out) {
  const auto it =
      std::find_if(std::begin(all), std::end(all), [&](E value) { return NameOf(value) == name; });
  if (it == std::end(all)) return false;
  out = *it;
  return true;
}

/// Equal records have equal bytes.
std::string Serialized(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  WEIR_CHECK(message.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

Status Damaged(const std::string& what) {
  return Status(errors::kJobStoreDamaged, "the job store holds " + what,
                "start the version of weir that wrote it, or restore a backup");
}

void Encode(const JobPolicy& policy, proto::StoredPolicy& out) {
  out.set_restart_initial_us(policy.restart_initial.us);
  out.set_restart_max_us(policy.restart_max.us);
  if (policy.restart_attempts) out.set_restart_attempts(*policy.restart_attempts);
  if (policy.autoscale) {
    auto& autoscale = *out.mutable_autoscale();
    autoscale.set_min(policy.autoscale->min);
    autoscale.set_max(policy.autoscale->max);
    autoscale.set_target_busy(policy.autoscale->target_busy);
    autoscale.set_window_us(policy.autoscale->window.us);
    autoscale.set_cooldown_us(policy.autoscale->cooldown.us);
    if (policy.autoscale->rows_per_task) {
      autoscale.set_rows_per_task(*policy.autoscale->rows_per_task);
    }
  }
  for (const std::string& sink : policy.sinks) out.add_sinks(sink);
}

JobPolicy Decode(const proto::StoredPolicy& stored) {
  JobPolicy policy;
  policy.restart_initial = {stored.restart_initial_us()};
  policy.restart_max = {stored.restart_max_us()};
  if (stored.has_restart_attempts()) policy.restart_attempts = stored.restart_attempts();
  if (stored.has_autoscale()) {
    AutoscaleBounds& bounds = policy.autoscale.emplace();
    bounds.min = stored.autoscale().min();
    bounds.max = stored.autoscale().max();
    bounds.target_busy = stored.autoscale().target_busy();
    bounds.window = {stored.autoscale().window_us()};
    bounds.cooldown = {stored.autoscale().cooldown_us()};
    if (stored.autoscale().has_rows_per_task()) {
      bounds.rows_per_task = stored.autoscale().rows_per_task();
    }
  }
  policy.sinks.assign(stored.sinks().begin(), stored.sinks().end());
  return policy;
}

void Encode(const AttemptRecord& attempt, proto::StoredAttempt& out) {
  out.set_term(attempt.id.term);
  out.set_number(attempt.id.number);
  for (const AttemptWorker& worker : attempt.placement.workers) {
    auto& stored = *out.mutable_placement()->add_workers();
    stored.set_id(worker.id);
    stored.set_incarnation(worker.incarnation);
    stored.set_address(worker.address);
  }
  for (const uint32_t worker : attempt.placement.worker_of) {
    out.mutable_placement()->add_worker_of(worker);
  }
}

bool Decode(const proto::StoredAttempt& stored, AttemptRecord& attempt) {
  attempt.id = {stored.term(), stored.number()};
  for (const auto& worker : stored.placement().workers()) {
    attempt.placement.workers.push_back({worker.id(), worker.incarnation(), worker.address()});
  }
  const auto& worker_of = stored.placement().worker_of();
  attempt.placement.worker_of.assign(worker_of.begin(), worker_of.end());
  return !attempt.placement.workers.empty() && !worker_of.empty() &&
         std::all_of(worker_of.begin(), worker_of.end(),
                     [&](uint32_t worker) { return worker < attempt.placement.workers.size(); });
}

}  // namespace

std::string EncodeJob(const JobRecord& record) {
  proto::StoredJob out;
  out.set_name(record.name);
  out.set_instance(record.instance);
  out.set_state(std::string(NameOf(record.state)));
  out.set_text_version(record.text.version);
  Encode(record.policy, *out.mutable_policy());
  out.set_parallelism(record.parallelism);
  out.mutable_choices()->set_rewind(record.choices.rewind);
  out.mutable_choices()->set_take_over(record.choices.take_over);
  out.mutable_choices()->set_fresh(record.choices.fresh);
  out.mutable_choices()->set_from(record.choices.from);
  for (const std::string& step : record.choices.drop_state) {
    out.mutable_choices()->add_drop_state(step);
  }
  out.set_attempts(record.attempts);
  if (record.attempt) Encode(*record.attempt, *out.mutable_attempt());
  for (const std::string& worker : record.previous_workers) out.add_previous_workers(worker);
  out.mutable_highest_lane()->insert(record.highest_lane.begin(), record.highest_lane.end());
  if (record.next) {
    auto& next = *out.mutable_next();
    next.set_purpose(std::string(NameOf(record.next->purpose)));
    next.set_drain(record.next->drain);
    next.set_parallelism(record.next->parallelism);
    next.set_text_version(record.next->text.version);
    Encode(record.next->policy, *next.mutable_policy());
    for (const std::string& step : record.next->drop_state) next.add_drop_state(step);
  }
  out.set_failures_in_row(record.failures_in_row);
  if (record.failure) {
    auto& failure = *out.mutable_failure();
    failure.set_code(record.failure->code);
    failure.set_kind(std::string(NameOf(record.failure->kind)));
    failure.set_text(record.failure->text);
    failure.set_cure(record.failure->cure);
  }
  out.set_savepoint(record.savepoint);
  out.set_note(record.note);
  out.set_created_at_us(record.created_at.us);
  out.set_changed_at_us(record.changed_at.us);
  out.set_restarts(record.restarts);
  out.set_downtime_us(record.downtime.us);
  out.set_store(record.store);
  for (const RestartRecord& restart : record.history) {
    auto& stored = *out.add_history();
    stored.set_at_us(restart.at.us);
    stored.set_term(restart.attempt.term);
    stored.set_attempt(restart.attempt.number);
    stored.set_reason(restart.reason);
    stored.set_downtime_us(restart.downtime.us);
  }
  return Serialized(out);
}

Result<JobRecord> DecodeJob(std::string_view bytes) {
  proto::StoredJob stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      stored.name().empty()) {
    return Damaged("a job that can't be read");
  }
  const std::string job = "job " + stored.name();
  JobRecord record;
  record.name = stored.name();
  record.instance = stored.instance();
  if (!FromName(kJobStates, stored.state(), record.state)) {
    return Damaged(job + " in a state that this weir does not know: " + stored.state());
  }
  record.text.version = stored.text_version();
  record.policy = Decode(stored.policy());
  record.parallelism = stored.parallelism();
  record.choices.rewind = stored.choices().rewind();
  record.choices.take_over = stored.choices().take_over();
  record.choices.fresh = stored.choices().fresh();
  record.choices.from = stored.choices().from();
  record.choices.drop_state.assign(stored.choices().drop_state().begin(),
                                   stored.choices().drop_state().end());
  record.attempts = stored.attempts();
  const bool under_way = record.state == JobState::kStarting ||
                         record.state == JobState::kRunning || record.state == JobState::kStopping;
  if (stored.has_attempt() != under_way ||
      (under_way && !Decode(stored.attempt(), record.attempt.emplace()))) {
    return Damaged(job + " with an attempt that makes no sense");
  }
  record.previous_workers.assign(stored.previous_workers().begin(),
                                 stored.previous_workers().end());
  record.highest_lane.insert(stored.highest_lane().begin(), stored.highest_lane().end());
  if (stored.has_next()) {
    NextStep& next = record.next.emplace();
    if (!FromName(kPurposes, stored.next().purpose(), next.purpose)) {
      return Damaged(job + " that is to be changed in a way that this weir does not know");
    }
    next.drain = stored.next().drain();
    next.parallelism = stored.next().parallelism();
    next.text.version = stored.next().text_version();
    next.policy = Decode(stored.next().policy());
    next.drop_state.assign(stored.next().drop_state().begin(), stored.next().drop_state().end());
  }
  if (record.state == JobState::kStopping && !record.next) {
    return Damaged(job + " that stops for no reason");
  }
  record.failures_in_row = stored.failures_in_row();
  if (stored.has_failure()) {
    Failure& failure = record.failure.emplace();
    failure.code = stored.failure().code();
    if (!FromName(kErrorKinds, stored.failure().kind(), failure.kind)) {
      failure.kind = ErrorKind::kFailed;
    }
    failure.text = stored.failure().text();
    failure.cure = stored.failure().cure();
  }
  record.savepoint = stored.savepoint();
  record.note = stored.note();
  record.created_at = {stored.created_at_us()};
  record.changed_at = {stored.changed_at_us()};
  record.restarts = stored.restarts();
  record.downtime = {stored.downtime_us()};
  record.store = stored.store();
  for (const auto& restart : stored.history()) {
    record.history.push_back({{restart.at_us()},
                              {restart.term(), restart.attempt()},
                              restart.reason(),
                              {restart.downtime_us()}});
  }
  return record;
}

std::string EncodeRetired(const RetiredJob& retired) {
  proto::StoredRetired out;
  out.set_name(retired.name);
  out.set_instance(retired.instance);
  out.set_attempts(retired.attempts);
  out.mutable_highest_lane()->insert(retired.highest_lane.begin(), retired.highest_lane.end());
  out.set_fresh(retired.fresh);
  return Serialized(out);
}

Result<RetiredJob> DecodeRetired(std::string_view bytes) {
  proto::StoredRetired stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      stored.name().empty()) {
    return Damaged("a removed job that can't be read");
  }
  RetiredJob retired{stored.name(), stored.instance(), stored.attempts(), {}, stored.fresh()};
  retired.highest_lane.insert(stored.highest_lane().begin(), stored.highest_lane().end());
  return retired;
}

std::string EncodeWorker(const WorkerRecord& record) {
  proto::StoredWorker out;
  out.set_id(record.id);
  out.set_draining(record.draining);
  return Serialized(out);
}

Result<WorkerRecord> DecodeWorker(std::string_view bytes) {
  proto::StoredWorker stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || stored.id().empty()) {
    return Damaged("a worker that can't be read");
  }
  return WorkerRecord{stored.id(), stored.draining()};
}

Result<uint64_t> DecodeNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Damaged(fmt::format("'{}' where a number should be", text));
  }
  return number;
}

}  // namespace weir::manager
