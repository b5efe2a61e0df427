// What users ask of the core.

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/ids.h"
#include "config/node_spec.h"
#include "config/yaml.h"
#include "daemon/manager/core.h"
#include "daemon/manager/describe.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/states/state.h"

namespace weir::manager {
namespace {

Status NoSuchWorker(const std::string& worker) {
  return Status(errors::kNoSuchWorker, fmt::format("there is no worker {}", worker),
                "'weir workers' shows those that there are");
}

// How an audit line tells of a command.
struct Told {
  const char* what;
  std::string subject;
  std::string detail;
};
std::string Show(const AttemptChoices& choices) {
  std::string text;
  const auto add = [&](bool chosen, std::string_view word) {
    if (chosen) text += (text.empty() ? "" : " ") + std::string(word);
  };
  add(choices.rewind, "rewind");
  add(choices.take_over, "take-over");
  add(choices.fresh, "fresh");
  add(!choices.from.empty(), "from=" + choices.from);
  for (const std::string& step : choices.drop_state) add(true, "drop-state=" + step);
  return text;
}
Told Tell(const commands::Submit& c) {
  return {"submit", c.job, fmt::format("parallelism {} {}", c.parallelism, Show(c.choices))};
}
Told Tell(const commands::Stop& c) { return {"stop", c.job, c.drain ? "drain" : ""}; }
Told Tell(const commands::Cancel& c) { return {"cancel", c.job, ""}; }
Told Tell(const commands::Savepoint& c) { return {"savepoint", c.job, ""}; }
Told Tell(const commands::Rescale& c) {
  return {"rescale", c.job, fmt::format("to {}", c.parallelism)};
}
Told Tell(const commands::Upgrade& c) {
  return {"upgrade", c.job, fmt::format("parallelism {}", c.parallelism)};
}
Told Tell(const commands::Restart& c) { return {"restart", c.job, Show(c.choices)}; }
Told Tell(const commands::Remove& c) { return {"remove", c.job, ""}; }
Told Tell(const commands::RunErrand& c) {
  if (c.errand.kind == Errand::Kind::kRemoveSavepoint) {
    return {"savepoint remove", c.job, fmt::format("savepoint {}", c.errand.savepoint)};
  }
  return {"resolve", c.job,
          fmt::format("sink {}, {}", c.errand.sink, c.errand.drop ? "drop" : "dead letter")};
}
Told Tell(const commands::Drain& c) { return {"drain", c.worker, ""}; }
Told Tell(const commands::Undrain& c) { return {"undrain", c.worker, ""}; }

Status Route(Job& job, const commands::Stop& c, RequestId, Turn& turn) {
  return StateOf(job.record.state).Stop(job, c, turn);
}
Status Route(Job& job, const commands::Cancel&, RequestId, Turn& turn) {
  return StateOf(job.record.state).Cancel(job, turn);
}
Status Route(Job& job, const commands::Savepoint&, RequestId request, Turn& turn) {
  return StateOf(job.record.state).Savepoint(job, request, turn);
}
Status Route(Job& job, const commands::Rescale& c, RequestId, Turn& turn) {
  return StateOf(job.record.state).Rescale(job, c, turn);
}
Status Route(Job& job, const commands::Upgrade& c, RequestId, Turn& turn) {
  return StateOf(job.record.state).Upgrade(job, c, turn);
}
Status Route(Job& job, const commands::Restart& c, RequestId, Turn& turn) {
  return StateOf(job.record.state).Restart(job, c, turn);
}

}  // namespace

actions::Audit AuditOf(const facts::Asked& asked, const Status& status) {
  const Told told = std::visit([](const auto& command) { return Tell(command); }, asked.command);
  return {asked.user,
          told.what,
          told.subject,
          told.detail,
          status.ok() ? "accepted" : std::string(status.code().id),
          asked.from};
}

Status Core::NoSuchJob(const std::string& job) const {
  std::vector<std::string> known;
  for (const auto& [name, one] : jobs_) known.push_back(name);
  const std::string near = NearestName(job, known);
  return Status(errors::kNoSuchJob, fmt::format("there is no job '{}'", job),
                near.empty() ? "'weir list' shows those that there are"
                             : fmt::format("did you mean '{}'?", near));
}

void Core::Ask(const facts::Asked& asked, Turn& turn) {
  std::visit(
      [&](const auto& command) {
        using C = std::decay_t<decltype(command)>;
        Status status;
        bool changes = true;
        if constexpr (std::is_same_v<C, commands::RunErrand>) {
          changes = command.errand.changes();
          status = Give(command, asked, turn);
        } else {
          status = Carry(command, asked.request, turn);
        }
        if (changes) turn.Say(AuditOf(asked, status));
        if (!status.ok()) turn.Say(actions::Reply{asked.request, std::move(status), 0});
      },
      asked.command);
}

template <typename C>
Status Core::Carry(const C& command, RequestId request, Turn& turn) {
  const auto it = jobs_.find(command.job);
  if (it == jobs_.end()) return NoSuchJob(command.job);
  WEIR_TRY(CheckNotBusy(it->second));
  WEIR_TRY(Route(it->second, command, request, turn));
  // A savepoint is answered with its number.
  if constexpr (!std::is_same_v<C, commands::Savepoint>) {
    turn.WhenStored(it->second, actions::Reply{request, Status::Ok(), 0});
  }
  return Status::Ok();
}

Status Core::Carry(const commands::Submit& submit, RequestId request, Turn& turn) {
  if (!IsJobName(submit.job) || !submit.yaml || submit.instance.empty()) {
    return Status(errors::kBadRequest,
                  fmt::format("'{}' cannot name a job, or its text is missing", submit.job));
  }
  if (submit.parallelism == 0 || submit.parallelism > kKeySlots) {
    return Status(
        errors::kBadRequest,
        fmt::format("job {} can't have a parallelism of {}", submit.job, submit.parallelism),
        fmt::format("it is 1 to {}", kKeySlots));
  }
  // Slots that others hold will be free one day; slots that nobody has may never be there. Just
  // after this manager's start, workers are still on their way.
  const auto known = jobs_.find(submit.job);
  const bool elsewhere = submit.choices.fresh || !submit.choices.from.empty();
  const std::string store =
      known == jobs_.end() || elsewhere ? std::string() : known->second.record.store;
  if (store.empty() && cluster_.ByStore().size() > 1) {
    return Status(errors::kStoresDiffer,
                  fmt::format("the workers keep checkpoints in different places: {}",
                              DescribeStores(cluster_)),
                  "give all of them the same `checkpoint_store`, a directory that all of them see "
                  "or a bucket, and start those anew that had another");
  }
  const uint32_t slots = cluster_.PresentSlots(store);
  if (submit.parallelism > slots && turn.now() >= grace_until_) {
    return Status(
        errors::kTooFewSlots,
        fmt::format("job {} needs {} worker slots, and all workers together have {}: {}{}",
                    submit.job, submit.parallelism, slots, DescribeRoom(cluster_, turn.now()),
                    DescribeElsewhere(cluster_, store)),
        "start more workers, or ask for less parallelism");
  }
  if (known != jobs_.end()) {
    WEIR_TRY(CheckNotBusy(known->second));
    WEIR_TRY(StateOf(known->second.record.state).Submit(known->second, submit, turn));
    turn.WhenStored(known->second, actions::Reply{request, Status::Ok(), 0});
    return Status::Ok();
  }
  Job& job = jobs_[submit.job];
  job.record.name = submit.job;
  job.record.instance = submit.instance;
  job.record.text = {1, submit.yaml};
  job.record.policy = submit.policy;
  job.record.parallelism = submit.parallelism;
  job.record.choices = submit.choices;
  const auto before = retired_.find(submit.job);
  if (before != retired_.end() && !WEIR_MUTANT("manager_forgets_removed")) {
    // It goes on from the checkpoints of the one before it, unless it is to begin anew.
    if (!submit.choices.fresh) job.record.instance = before->second.instance;
    job.record.choices.fresh |= before->second.fresh;
    job.record.attempts = before->second.attempts;
    job.record.highest_lane = before->second.highest_lane;
  }
  job.record.created_at = job.record.changed_at = turn.wall();
  job.since = turn.now();
  turn.Changed(job);
  turn.LookForRoom();
  turn.WhenStored(job, actions::Reply{request, Status::Ok(), 0});
  return Status::Ok();
}

Status Core::Carry(const commands::Remove& remove, RequestId request, Turn& turn) {
  const auto it = jobs_.find(remove.job);
  if (it == jobs_.end()) return NoSuchJob(remove.job);
  Job& job = it->second;
  WEIR_TRY(CheckNotBusy(job));
  WEIR_TRY(StateOf(job.record.state).MayRemove(job));
  job.record.removed = true;
  turn.Changed(job);
  turn.WhenStored(job, actions::Reply{request, Status::Ok(), 0});
  return Status::Ok();
}

Status Core::Carry(const commands::Drain& drain, RequestId request, Turn& turn) {
  Worker* worker = cluster_.Find(drain.worker);
  if (!worker) return NoSuchWorker(drain.worker);
  SetDrain(*worker, true, request, turn);
  return Status::Ok();
}

Status Core::Carry(const commands::Undrain& undrain, RequestId request, Turn& turn) {
  Worker* worker = cluster_.Find(undrain.worker);
  if (!worker) return NoSuchWorker(undrain.worker);
  worker->drained_told = false;
  SetDrain(*worker, false, request, turn);
  return Status::Ok();
}

void Core::SetDrain(Worker& worker, bool draining, RequestId request, Turn& turn) {
  worker.drained_by_user = draining;
  Keeping& keeping = drains_[worker.id];
  keeping.changes++;
  keeping.WhenStored(actions::Reply{request, Status::Ok(), 0});
  WriteDrain(worker.id, turn);
  turn.LookForRoom();
}

}  // namespace weir::manager
