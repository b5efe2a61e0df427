#include "daemon/manager/session_wire.h"

#include <algorithm>

#include "daemon/rpc/wire.h"

namespace weir::manager {
namespace {

template <typename Enum>
Enum Bounded(uint32_t value, Enum last) {
  return value <= static_cast<uint32_t>(last) ? static_cast<Enum>(value) : last;
}

Failure FailureOf(const proto::Error& error) {
  return {error.code(), Bounded(error.kind(), ErrorKind::kGaveUp), error.message(), error.cure()};
}

}  // namespace

AttemptId AttemptOf(const proto::AttemptRef& message) { return {message.term(), message.number()}; }

AttemptOutcome OutcomeOf(const proto::AttemptOutcome& message) {
  AttemptOutcome outcome;
  outcome.kind = Bounded(message.kind(), AttemptOutcome::Kind::kFailed);
  outcome.began = message.began();
  outcome.savepoint = message.savepoint();
  outcome.checkpoints_completed = message.checkpoints_completed();
  outcome.failure = FailureOf(message.failure());
  for (const proto::UnreachablePair& pair : message.unreachable()) {
    outcome.unreachable.emplace_back(pair.from(), pair.to());
  }
  return outcome;
}

facts::ErrandDone ErrandDoneOf(SessionId session, proto::ErrandDone message) {
  facts::ErrandDone done;
  done.session = session;
  done.errand = {message.term(), message.number()};
  done.status = FromProto(message.error());
  done.told = std::move(*message.mutable_told());
  return done;
}

tell::RunErrand ErrandOf(uint64_t term, proto::RunErrand message) {
  tell::RunErrand order;
  order.id = {term, message.number()};
  order.job = std::move(*message.mutable_job());
  // One that is not known changes nothing.
  if (message.kind() <= static_cast<uint32_t>(Errand::Kind::kRemoveSavepoint)) {
    order.errand.kind = static_cast<Errand::Kind>(message.kind());
  }
  order.errand.checkpoint = message.checkpoint();
  order.errand.quick = message.quick();
  order.errand.savepoint = message.savepoint();
  order.errand.sink = std::move(*message.mutable_sink());
  order.errand.drop = message.drop();
  order.limit = {message.limit_us()};
  order.attempt = {term, message.attempt()};
  order.instance = std::move(*message.mutable_instance());
  return order;
}

WorkerStanding StandingOf(const proto::Standing& message) {
  WorkerStanding standing;
  for (const proto::LedAttempt& led : message.leads()) {
    LedAttempt& one = standing.leads.emplace_back();
    one.job = led.attempt().job();
    one.id = AttemptOf(led.attempt());
    one.phase = Bounded(led.phase(), AttemptPhase::kStopping);
    if (led.has_ended()) one.ended = OutcomeOf(led.ended());
  }
  for (const proto::AttemptRef& hosted : message.hosts()) {
    standing.hosts.push_back({hosted.job(), AttemptOf(hosted)});
  }
  return standing;
}

WorkerHello HelloOf(proto::Hello message) {
  WorkerHello hello;
  hello.id = std::move(*message.mutable_id());
  hello.incarnation = std::move(*message.mutable_incarnation());
  hello.address = std::move(*message.mutable_address());
  hello.version = std::move(*message.mutable_version());
  hello.slots = message.slots();
  hello.labels.insert(message.labels().begin(), message.labels().end());
  hello.highest_term = message.highest_term();
  hello.draining = message.draining();
  hello.store = std::move(*message.mutable_store());
  hello.store_url = std::move(*message.mutable_store_url());
  hello.standing = StandingOf(message.standing());
  return hello;
}

AttemptReport ReportOf(const proto::Report& message) {
  AttemptReport report;
  report.phase = Bounded(message.phase(), AttemptPhase::kStopping);
  report.checkpoint = message.checkpoint();
  report.checkpoints_completed = message.checkpoints_completed();
  if (message.has_savepoint()) {
    const proto::SavepointAnswer& told = message.savepoint();
    SavepointAnswer& answer = report.savepoint.emplace();
    answer.id = {told.term(), {told.request()}};
    answer.number = told.number();
    answer.location = told.location();
    if (told.has_failure()) answer.failure = FailureOf(told.failure());
  }
  report.checkpoint_age = {message.checkpoint_age_us()};
  report.rows_in = message.rows_in();
  report.rows_out = message.rows_out();
  report.rows_in_now = message.rows_in_now();
  report.rows_out_now = message.rows_out_now();
  report.rows_per_second = message.rows_per_second();
  if (message.has_rows_out_per_second()) {
    report.rows_out_per_second = message.rows_out_per_second();
  }
  report.lag_records = message.lag_records();
  report.lag_us = message.lag_us();
  report.busy = message.busy();
  report.watermark = {message.watermark_us()};
  report.watermark_holder = message.watermark_holder();
  report.held_by = message.held_by();
  return report;
}

proto::Report MessageOf(const AttemptReport& report) {
  proto::Report message;
  message.set_phase(static_cast<uint32_t>(report.phase));
  message.set_checkpoint(report.checkpoint);
  message.set_checkpoints_completed(report.checkpoints_completed);
  if (report.savepoint) {
    proto::SavepointAnswer& answer = *message.mutable_savepoint();
    answer.set_term(report.savepoint->id.term);
    answer.set_request(report.savepoint->id.request.value);
    answer.set_number(report.savepoint->number);
    answer.set_location(report.savepoint->location);
    if (report.savepoint->failure) {
      *answer.mutable_failure() = ToProto(report.savepoint->failure->ToStatus());
    }
  }
  message.set_checkpoint_age_us(report.checkpoint_age.us);
  message.set_rows_in(report.rows_in);
  message.set_rows_out(report.rows_out);
  message.set_rows_in_now(report.rows_in_now);
  message.set_rows_out_now(report.rows_out_now);
  message.set_rows_per_second(report.rows_per_second);
  if (report.rows_out_per_second) message.set_rows_out_per_second(*report.rows_out_per_second);
  message.set_lag_records(report.lag_records);
  message.set_lag_us(report.lag_us);
  message.set_busy(report.busy);
  message.set_watermark_us(report.watermark.us);
  message.set_watermark_holder(report.watermark_holder);
  message.set_held_by(report.held_by);
  return message;
}

proto::ToWorker MessageOf(uint64_t term, const WorkerMessage& message) {
  proto::ToWorker wire;
  wire.set_term(term);
  if (std::holds_alternative<tell::Welcome>(message)) {
    wire.mutable_welcome();
  } else if (const auto* refuse = std::get_if<tell::Refuse>(&message)) {
    *wire.mutable_refuse() = ToProto(refuse->reason);
  } else if (const auto* run = std::get_if<tell::RunAttempt>(&message)) {
    proto::RunAttempt& order = *wire.mutable_run();
    *order.mutable_attempt() = ToProto(run->job, run->attempt);
    order.set_instance(run->instance);
    order.set_text(run->text.yaml ? *run->text.yaml : std::string());
    order.set_text_version(run->text.version);
    order.set_parallelism(run->parallelism);
    for (const AttemptWorker& worker : run->placement.workers) {
      proto::PlacedWorker& placed = *order.add_workers();
      placed.set_id(worker.id);
      placed.set_incarnation(worker.incarnation);
      placed.set_address(worker.address);
    }
    for (uint32_t worker : run->placement.worker_of) order.add_worker_of(worker);
    order.set_rewind(run->choices.rewind);
    order.set_take_over(run->choices.take_over);
    order.set_fresh(run->choices.fresh);
    order.set_from(run->choices.from);
    for (const std::string& step : run->choices.drop_state) order.add_drop_state(step);
    order.mutable_highest_lane()->insert(run->highest_lane.begin(), run->highest_lane.end());
  } else if (const auto* stop = std::get_if<tell::StopAttempt>(&message)) {
    *wire.mutable_stop()->mutable_attempt() = ToProto(stop->job, stop->attempt);
    wire.mutable_stop()->set_kind(static_cast<uint32_t>(stop->kind));
    wire.mutable_stop()->set_drain(stop->drain);
    wire.mutable_stop()->set_request(stop->request.value);
  } else if (const auto* cancel = std::get_if<tell::CancelAttempt>(&message)) {
    *wire.mutable_cancel() = ToProto(cancel->job, cancel->attempt);
  } else if (const auto* errand = std::get_if<tell::RunErrand>(&message)) {
    proto::RunErrand& order = *wire.mutable_errand();
    order.set_number(errand->id.number);
    order.set_job(errand->job);
    order.set_kind(static_cast<uint32_t>(errand->errand.kind));
    order.set_checkpoint(errand->errand.checkpoint);
    order.set_quick(errand->errand.quick);
    order.set_savepoint(errand->errand.savepoint);
    order.set_sink(errand->errand.sink);
    order.set_drop(errand->errand.drop);
    order.set_limit_us(errand->limit.us);
    order.set_attempt(errand->attempt.number);
    order.set_instance(errand->instance);
  } else {
    wire.mutable_drained();
  }
  return wire;
}

}  // namespace weir::manager
