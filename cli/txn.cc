#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/time.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "state/checkpoint_store.h"
#include "state/job_store.h"

namespace weir {
namespace {

struct TxnArguments {
  StoreArguments store;
  std::string sink;
  bool drop = false;
  bool dead_letter = false;
};

struct Newest {
  std::unique_ptr<CheckpointStore> store;
  StoredManifest stored;
};

Result<Newest> ReadNewest(const TxnArguments& arguments, StoreUse use) {
  Newest newest;
  newest.store = WEIR_TRY(OpenStoreOf(arguments.store, use));
  std::optional<StoredManifest> stored = WEIR_TRY(newest.store->Newest());
  if (!stored) {
    return Status(errors::kNothingThere,
                  fmt::format("job '{}' has no checkpoint yet", arguments.store.job), "");
  }
  newest.stored = std::move(*stored);
  return newest;
}

int64_t RowsOf(const proto::OutboxEpoch& epoch) {
  int64_t rows = 0;
  for (const proto::OutboxPart& part : epoch.parts()) rows += part.rows();
  return rows;
}

int List(const TxnArguments& arguments) {
  const Result<Newest> newest = ReadNewest(arguments, StoreUse::kLook);
  if (!newest.ok()) return Report(newest.status());
  const proto::Manifest& manifest = newest->stored.manifest;
  fmt::print(
      "checkpoint {} of job {}: results it holds that were not published when it was written\n",
      manifest.number(), manifest.job());
  size_t count = 0;
  for (const proto::LaneState& lane : manifest.lanes()) {
    for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
      fmt::print("  sink {:<24} lane {}  checkpoint {:>6}  {:>9} rows\n", lane.sink(), lane.lane(),
                 epoch.epoch(), RowsOf(epoch));
      count++;
    }
  }
  fmt::print("{}\n", count == 0 ? "  none"
                                : "'weir run' asks the broker which of them it has, and publishes "
                                  "the rest");
  return kExitDone;
}

/// Writes the user's word into a checkpoint of its own; the next start of the job acts by it.
Status Resolve(const TxnArguments& arguments) {
  // The lock: a job that runs decides for itself.
  const std::unique_ptr<JobStore> job = WEIR_TRY(
      JobStore::Open(arguments.store.state_dir + "/" + arguments.store.job, arguments.store.job));
  Newest newest = WEIR_TRY(ReadNewest(arguments, StoreUse::kRun));
  proto::Manifest manifest = newest.stored.manifest;
  // A state directory that has not seen the job yet goes on as the checkpoints say.
  if (job->facts().attempt == 0) WEIR_TRY(job->AdoptInstance(manifest.instance()));
  WEIR_TRY(job->RaiseAttempt(manifest.attempt()));
  int64_t waiting = 0;
  bool known = false;
  for (proto::LaneState& lane : *manifest.mutable_lanes()) {
    if (lane.sink() != arguments.sink) continue;
    known = true;
    for (const proto::OutboxEpoch& epoch : lane.unpublished()) waiting += RowsOf(epoch);
    lane.set_set_refused_aside(arguments.dead_letter);
    if (arguments.drop) lane.clear_unpublished();
  }
  if (!known) {
    return Status(
        errors::kNothingThere,
        fmt::format("checkpoint {} knows no sink '{}'", manifest.number(), arguments.sink),
        "'weir txn list' shows the sinks that wait");
  }
  manifest.set_parent(manifest.number());
  manifest.set_parent_checksum(newest.stored.checksum);
  manifest.set_number(manifest.number() + 1);
  manifest.set_attempt(WEIR_TRY(job->BeginAttempt()));
  manifest.set_written_at_us(SystemClock().Now().us);
  if (arguments.drop) {
    (*manifest.mutable_totals()->mutable_values())[arguments.sink + ".dropped"] += waiting;
  }
  if (WEIR_TRY(newest.store->CommitManifest(manifest)) == CommitOutcome::kOther) {
    return Status(errors::kDamaged, "another process wrote a checkpoint at the same time",
                  "look again with 'weir txn list'");
  }
  if (arguments.drop) {
    fmt::print("dropped {} rows of sink {}; checkpoint {} says so\n", waiting, arguments.sink,
               manifest.number());
  } else {
    fmt::print(
        "checkpoint {} says so: the next 'weir run' publishes the {} rows that wait for sink {}, "
        "and those that are refused go to its dead letter\n",
        manifest.number(), waiting, arguments.sink);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddTxn(CLI::App& app) {
  auto arguments = std::make_shared<TxnArguments>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Sealed results that wait to be published.");
  CLI::App* resolve = app.add_subcommand("resolve", "Decide what becomes of them.");
  for (CLI::App* sub : {list, resolve}) {
    AddStoreArguments(*sub, arguments->store);
  }
  resolve->add_option("--sink", arguments->sink, "The sink they are of.")->required();
  CLI::Option_group* choice = resolve->add_option_group("choice");
  choice->add_flag("--drop", arguments->drop, "Never publish them.");
  choice->add_flag("--dead-letter", arguments->dead_letter,
                   "What the broker refuses of them goes to the sink's dead letter.");
  choice->require_option(1);
  return
      [arguments, list] { return list->parsed() ? List(*arguments) : Report(Resolve(*arguments)); };
}

}  // namespace weir
