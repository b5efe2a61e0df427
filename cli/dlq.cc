#include <deque>
#include <functional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "batch/time_text.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "cli/letters.h"
#include "config/values.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct DlqArguments {
  JobArguments job;
  std::string node;
  size_t limit = 20;
  std::string code;
  std::string since;
  std::string output = "text";
  std::string to;
  bool dry_run = false;
};

ConnectorContext ContextOf(const JobPlan& plan) {
  ConnectorContext context;
  context.job = plan.name;
  context.clock = &SystemClock();
  return context;
}

/// `1h` (before now), or a time.
Result<EventTime> SinceOf(const std::string& text) {
  if (text.empty()) return EventTime::Min();
  if (const Result<Duration> span = ParseDuration(text); span.ok()) {
    return EventTime{SystemClock().Now().us - span->us};
  }
  if (const auto time = ParseTime(text)) return *time;
  return Status(errors::kBadFlag, fmt::format("--since {} is no time", text),
                "write 90m, or 2026-01-02T03:04:05Z");
}

void Print(const PlacedLetter& placed) {
  const DeadLetter& letter = placed.letter;
  std::string from = "a row";
  if (letter.record) {
    from = letter.record->topic;
    if (letter.record->partition) from += fmt::format("/{}", *letter.record->partition);
    if (letter.record->offset) from += fmt::format("/{}", *letter.record->offset);
  }
  fmt::print("{}  {}  {}  {}  version {}\n    {}\n    at {}\n",
             letter.at ? FormatIso8601(*letter.at) : "-", letter.node, letter.code, from,
             letter.job.version.empty() ? "-" : letter.job.version, letter.reason, placed.place);
}

Status Show(const DlqArguments& arguments) {
  const EventTime since = WEIR_TRY(SinceOf(arguments.since));
  const JobPlan plan = WEIR_TRY(LoadJob(arguments.job));
  const LetterBox box = WEIR_TRY(FindLetters(plan, arguments.node));
  auto reader = WEIR_TRY(LetterReader::Open(box, ContextOf(plan)));
  WEIR_TRY(reader->Start());
  std::deque<PlacedLetter> newest;
  int64_t matching = 0;
  while (auto letters = WEIR_TRY(reader->Next())) {
    for (PlacedLetter& placed : *letters) {
      const DeadLetter& letter = placed.letter;
      if (!box.only.empty() && letter.node != box.only) continue;
      if (!arguments.code.empty() && letter.code != arguments.code) continue;
      if (letter.at.value_or(EventTime::Max()) < since) continue;
      matching++;
      newest.push_back(std::move(placed));
      if (newest.size() > arguments.limit) newest.pop_front();
    }
  }
  if (arguments.output == "json") {
    Json answer = {{"job", plan.name},
                   {"dead_letter", box.sink->user_name},
                   {"matching", matching},
                   {"foreign", reader->foreign()},
                   {"letters", Json::array()}};
    for (const PlacedLetter& placed : newest) {
      Json one = Json::parse(placed.json, nullptr, /*allow_exceptions=*/false);
      one["at_place"] = placed.place;
      answer["letters"].push_back(std::move(one));
    }
    fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
    return Status::Ok();
  }
  for (const PlacedLetter& placed : newest) Print(placed);
  fmt::print("{} of {} dead letters of '{}'\n", newest.size(), matching, box.sink->user_name);
  return Status::Ok();
}

/// What became of the letters that a redrive has read.
struct Tally {
  int64_t sent = 0;
  int64_t rows = 0;    ///< They are of rows, and hold no record.
  int64_t others = 0;  ///< Of other jobs or nodes that write to the same place.
};

/// Where the records of each node were, as the job says now.
std::map<std::string, std::string> ClustersOf(const JobPlan& plan) {
  std::map<std::string, std::string> clusters;
  for (const NodePlan& node : plan.nodes) {
    if (node.source) clusters[node.user_name] = node.source->cluster();
    if (node.sink) clusters[node.user_name] = node.sink->cluster();
  }
  return clusters;
}

class Redrive {
 public:
  Redrive(const DlqArguments& arguments, const JobPlan& plan, const LetterBox& box)
      : job_(plan.name),
        box_(box),
        to_(arguments.to == "original" ? "" : arguments.to),
        clusters_(ClustersOf(plan)) {}

  /// The records that are to be sent again.
  Result<std::vector<RejectedRecord>> Take(std::vector<PlacedLetter>& letters) {
    std::vector<RejectedRecord> records;
    for (PlacedLetter& placed : letters) {
      DeadLetter& letter = placed.letter;
      if (letter.job.name != job_ || !box_.nodes.contains(letter.node)) {
        tally_.others++;
        continue;
      }
      if (!letter.record) {
        tally_.rows++;
        continue;
      }
      RejectedRecord& record = records.emplace_back(std::move(*letter.record));
      if (!to_.empty()) {
        record.topic = to_;
        record.partition.reset();
      } else if (clusters_.at(letter.node) != box_.sink->sink->cluster()) {
        return Status(errors::kCantRedrive,
                      fmt::format("the records of '{}' are not from the cluster that its dead "
                                  "letters are in",
                                  letter.node),
                      "send them to a topic beside the dead letters: --to TOPIC");
      }
      record.headers.emplace_back("weir-redriven", placed.place);
      tally_.sent++;
    }
    return records;
  }
  const Tally& tally() const { return tally_; }

 private:
  const std::string job_;
  const LetterBox& box_;
  const std::string to_;  ///< Empty: where each came from.
  const std::map<std::string, std::string> clusters_;
  Tally tally_;
};

/// As much as one transaction is worth. How many letters it has read; 0: there are no more.
Result<size_t> TakeSome(LetterReader& reader, Redrive& redrive,
                        std::vector<RejectedRecord>& records) {
  constexpr size_t kMostRecords = 1000;
  constexpr size_t kMostBytes = 8 << 20;
  size_t read = 0;
  size_t bytes = 0;
  while (records.size() < kMostRecords && bytes < kMostBytes) {
    auto letters = WEIR_TRY(reader.Next());
    if (!letters) break;
    read += letters->size();
    for (RejectedRecord& record : WEIR_TRY(redrive.Take(*letters))) {
      bytes += record.value ? record.value->size() : 0;
      records.push_back(std::move(record));
    }
  }
  return read;
}

Status Send(const DlqArguments& arguments) {
  const JobPlan plan = WEIR_TRY(LoadJob(arguments.job));
  const LetterBox box = WEIR_TRY(FindLetters(plan, arguments.node));
  if (!box.only.empty() && box.nodes.size() > 1) {
    return Status(errors::kCantRedrive,
                  fmt::format("the dead letters of '{}' are in one place with those of others, and "
                              "how far it was redriven is known of all together",
                              box.only),
                  fmt::format("redrive '{}'", box.sink->user_name));
  }
  const ConnectorContext context = ContextOf(plan);
  auto redriver = WEIR_TRY(box.sink->sink->MakeRedriver(context));
  if (!redriver) {
    return Status(errors::kCantRedrive,
                  fmt::format("dead letters in {} can't be redriven: nothing there says which were "
                              "sent already",
                              box.sink->connector),
                  "let them go to a kafka topic; 'weir dlq show --output json' has their bytes");
  }
  auto reader = WEIR_TRY(LetterReader::Open(box, context));
  WEIR_TRY(redriver->Begin(reader->splits(), arguments.dry_run));
  WEIR_TRY(reader->Start());
  Redrive redrive(arguments, plan, box);
  bool more = true;
  while (more) {
    std::vector<RejectedRecord> records;
    const size_t read = WEIR_TRY(TakeSome(*reader, redrive, records));
    more = read > 0;
    if (more && !arguments.dry_run) WEIR_TRY(redriver->Send(records, reader->Positions()));
  }
  const Tally& tally = redrive.tally();
  if (arguments.output == "json") {
    fmt::print("{}\n", Json{{"job", plan.name},
                            {"dead_letter", box.sink->user_name},
                            {"dry_run", arguments.dry_run},
                            {"sent", tally.sent},
                            {"rows", tally.rows},
                            {"others", tally.others},
                            {"foreign", reader->foreign()}}
                           .dump(2));
    return Status::Ok();
  }
  fmt::print("{} {} records to {}\n", arguments.dry_run ? "would send" : "sent", tally.sent,
             arguments.to == "original" ? "the topics they came from" : arguments.to);
  if (tally.rows > 0) {
    fmt::print(
        "{} letters are of rows, which have no record to send: look at them with 'weir dlq "
        "show'\n",
        tally.rows);
  }
  if (const int64_t others = tally.others + reader->foreign(); others > 0) {
    fmt::print("{} records there are not of this job's nodes, and were left alone\n", others);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddDlq(CLI::App& app) {
  auto arguments = std::make_shared<DlqArguments>();
  app.require_subcommand(1);
  CLI::App* show = app.add_subcommand("show", "The newest dead letters of a job's node.");
  CLI::App* redrive =
      app.add_subcommand("redrive", "Send the records back that dead letters hold, each once.");
  for (CLI::App* sub : {show, redrive}) {
    AddJobArguments(*sub, arguments->job);
    sub->add_option("node", arguments->node,
                    "Whose letters, or the name of a dead letter; may be left out where the job "
                    "has one.")
        ->type_name("NODE");
    sub->add_option("--output", arguments->output, "text or json.")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
  }
  show->add_option("--limit", arguments->limit, "At most so many, the newest.")
      ->capture_default_str();
  show->add_option("--code", arguments->code, "Only those with this error code.")
      ->type_name("WEIR-…");
  show->add_option("--since", arguments->since, "Only those written since: 90m, or a time.")
      ->type_name("TIME");
  redrive
      ->add_option("--to", arguments->to,
                   "original: the topic and partition that each record came from; or a topic.")
      ->type_name("TOPIC")
      ->required();
  redrive->add_flag("--dry-run", arguments->dry_run, "Only count what would be sent.");
  return [arguments, show] { return Report(show->parsed() ? Show(*arguments) : Send(*arguments)); };
}

}  // namespace weir
