#include "cli/letters.h"

#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/errors.h"
#include "connectors/errors.h"
#include "formats/json.h"

namespace weir {
namespace {

constexpr size_t kLettersAtOnce = 1000;

}  // namespace

Result<LetterBox> FindLetters(const JobPlan& plan, const std::string& node) {
  std::map<std::string, LetterBox> boxes;
  for (const NodePlan& one : plan.nodes) {
    if (one.on_error.action != ErrorPolicy::Action::kDeadLetter) continue;
    const NodePlan& sink = plan.nodes[static_cast<size_t>(one.on_error.dead_letter)];
    LetterBox& box = boxes[sink.user_name];
    if (box.sink == nullptr) box.sink = &sink;
    box.nodes.insert(one.user_name);
  }
  if (boxes.empty()) {
    return Status(errors::kNoLetters, fmt::format("job '{}' has no dead letters", plan.name),
                  "give it some: on_error: { dead_letter: … }");
  }
  std::vector<std::string> known;
  for (auto& [name, box] : boxes) {
    if (name == node || (node.empty() && boxes.size() == 1)) return box;
    known.push_back(name);
    if (!box.nodes.contains(node)) continue;
    box.only = node;
    return box;
  }
  return Status(
      errors::kNoLetters,
      node.empty() ? fmt::format("job '{}' has several dead letters", plan.name)
                   : fmt::format("no dead letters of '{}' in job '{}'", node, plan.name),
      fmt::format("name one of {}, or a node whose letters go there", fmt::join(known, ", ")));
}

Result<std::unique_ptr<LetterReader>> LetterReader::Open(const LetterBox& box,
                                                         const ConnectorContext& context) {
  auto made = std::make_unique<LetterReader>();
  made->source_ = box.sink->sink->Readback();
  if (!made->source_) {
    return Status(
        errors::kNoLetters,
        fmt::format("what dead letter '{}' has written can't be read again", box.sink->user_name),
        "letters in Kafka can be, and in files that are not partitioned");
  }
  auto finder = WEIR_TRY(made->source_->MakeFinder(context));
  Result<std::vector<Split>> found = finder->Find({});
  if (found.ok()) {
    made->splits_ = std::move(found).value();
  } else if (!found.status().Is(errors::kNoFiles)) {  // There simply are none yet.
    return std::move(found).status();
  }
  std::vector<int> columns(made->source_->visible());
  std::iota(columns.begin(), columns.end(), 0);
  made->reader_ = WEIR_TRY(made->source_->MakeReader(context, columns, /*origins=*/true));
  return made;
}

Status LetterReader::Start() {
  for (const Split& split : splits_) {
    WEIR_TRY(reader_->Add(split));
    unfinished_.insert(split.id);
  }
  return Status::Ok();
}

Result<std::optional<std::vector<PlacedLetter>>> LetterReader::Next() {
  PollRequest request;
  request.max_rows = kLettersAtOnce;
  while (!unfinished_.empty()) {
    const Polled polled = WEIR_TRY(reader_->Poll(request));
    if (polled.split.empty()) continue;
    if (polled.activity == SplitActivity::kFinished) unfinished_.erase(polled.split);
    foreign_ += static_cast<int64_t>(polled.rejected.size());
    if (polled.records == 0) continue;
    std::vector<PlacedLetter> letters;
    const size_t rows = polled.batch ? polled.batch->rows() : 0;
    std::unique_ptr<Encoder> encoder;
    if (rows > 0) encoder = MakeJsonEncoder(*polled.batch->schema(), JsonOptions{});
    for (size_t row = 0; row < rows; row++) {
      PlacedLetter& placed = letters.emplace_back();
      placed.letter = ReadDeadLetter(*polled.batch, row);
      placed.place = fmt::format("{}/{}", polled.split, (*polled.batch->origins())[row].offset);
      WEIR_TRY(encoder->Encode(*polled.batch, row, placed.json));
    }
    return std::optional(std::move(letters));
  }
  return std::optional<std::vector<PlacedLetter>>();
}

}  // namespace weir
