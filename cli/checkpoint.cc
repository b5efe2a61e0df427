#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "batch/time_text.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "state/checkpoint_store.h"

namespace weir {
namespace {

struct CheckpointArguments {
  StoreArguments store;
  uint64_t number = 0;
  bool quick = false;
};

int List(const CheckpointArguments& arguments) {
  const auto store = OpenStoreOf(arguments.store, StoreUse::kLook);
  if (!store.ok()) return Report(store.status());
  const auto numbers = (*store)->ListManifests();
  if (!numbers.ok()) return Report(numbers.status());
  fmt::print("{:>10}  {:<24}  {:>7}  {:>5}  {:>12}  {:>11}  {}\n", "checkpoint", "written",
             "attempt", "files", "bytes", "unpublished", "");
  int code = kExitDone;
  for (uint64_t number : *numbers) {
    const auto stored = (*store)->ReadManifest(number);
    if (!stored.ok()) {
      fmt::print("{:>10}  {}\n", number, stored.status().ToString());
      code = kExitFailed;
      continue;
    }
    const proto::Manifest& manifest = stored->manifest;
    uint64_t bytes = 0;
    size_t files = 0;
    for (const proto::StoredFile* file : StoredFilesOf(manifest)) {
      bytes += file->size();
      files++;
    }
    int64_t unpublished = 0;
    for (const proto::LaneState& lane : manifest.lanes()) {
      for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
        for (const proto::OutboxPart& part : epoch.parts()) unpublished += part.rows();
      }
    }
    fmt::print("{:>10}  {:<24}  {:>7}  {:>5}  {:>12}  {:>11}  {}\n", number,
               FormatIso8601(EventTime{manifest.written_at_us()}), manifest.attempt(), files, bytes,
               unpublished,
               manifest.ended()       ? "the job's end"
               : manifest.savepoint() ? "savepoint"
                                      : "");
  }
  return code;
}

int Verify(const CheckpointArguments& arguments) {
  const auto store = OpenStoreOf(arguments.store, StoreUse::kLook);
  if (!store.ok()) return Report(store.status());
  const auto report = VerifyCheckpoints(
      **store, arguments.number > 0 ? std::optional(arguments.number) : std::nullopt,
      !arguments.quick);
  if (!report.ok()) return Report(report.status());
  fmt::print("{}", report->text);
  if (report->ok) return kExitDone;
  return Report(Status(errors::kDamaged, "a checkpoint is damaged; see the lines above",
                       "the newest one without a fault can be used with 'weir run --rewind'"));
}

}  // namespace

std::function<int()> AddCheckpoint(CLI::App& app) {
  auto arguments = std::make_shared<CheckpointArguments>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "The checkpoints that are kept.");
  CLI::App* verify = app.add_subcommand("verify", "Check every file of the checkpoints.");
  for (CLI::App* sub : {list, verify}) {
    AddStoreArguments(*sub, arguments->store);
  }
  verify->add_option("--checkpoint", arguments->number, "Only this one.");
  verify->add_flag("--quick", arguments->quick, "Sizes only, no checksums of files.");
  return [arguments, list] { return list->parsed() ? List(*arguments) : Verify(*arguments); };
}

}  // namespace weir
