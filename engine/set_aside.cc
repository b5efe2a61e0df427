#include "engine/set_aside.h"

#include <fmt/format.h>

#include "connectors/dead_letter.h"
#include "engine/stored_outbox.h"

namespace weir {

Status WriteLetters(const JobPlan& plan, const std::string& sink, const NodePlan& letters,
                    const std::vector<RejectedRecord>& refused, const Clock& clock,
                    SinkWriter& writer) {
  std::vector<Rejection> too_much;
  const JobLabel job{plan.name, plan.Version()};
  WEIR_TRY(writer.Write(*DeadLettersOfRecords(job, sink, refused, clock.Now()), too_much));
  if (too_much.empty()) return Status::Ok();
  return Status(*too_much.front().code,
                fmt::format("the dead letter '{}' does not take a record that sink '{}' "
                            "refused: {}",
                            letters.user_name, sink, too_much.front().reason),
                "raise the limits of the dead letter's topic, and run the job again");
}

Result<SetAside> SetRecordsAside(const JobPlan& plan, const NodePlan& sink,
                                 const std::vector<RejectedRecord>& refused,
                                 const ConnectorContext& context, Epoch epoch, uint32_t lane) {
  SetAside aside;
  aside.records = static_cast<int64_t>(refused.size());
  switch (sink.on_error.action) {
    case ErrorPolicy::Action::kFail: {
      const RejectedRecord& first = refused.front();
      return Status(*first.code,
                    fmt::format("sink '{}': '{}' does not take {}: {}", sink.user_name, first.topic,
                                first.key.value_or("a record"), first.reason),
                    "mend the data or what it is written to, or say 'on_error: skip' or a "
                    "dead_letter, and run the job again: all else is kept");
    }
    case ErrorPolicy::Action::kSkip:
      return aside;
    case ErrorPolicy::Action::kDeadLetter:
      break;
  }
  const NodePlan& letters = plan.nodes[static_cast<size_t>(sink.on_error.dead_letter)];
  const auto writer = WEIR_TRY(letters.sink->MakeWriter(context, lane));
  WEIR_TRY(WriteLetters(plan, sink.user_name, letters, refused, *context.clock, *writer));
  const SealedPart part = WEIR_TRY(writer->Seal(epoch, /*last=*/true));
  if (part.empty()) return aside;  // They have left already.
  aside.dead_letter = letters.user_name;
  aside.letters = WEIR_TRY(StoreOutbox(*context.store, part));
  return aside;
}

}  // namespace weir
