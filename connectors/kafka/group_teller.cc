#include "connectors/kafka/group_teller.h"

#include <fmt/format.h>

#include "connectors/kafka/position.h"

namespace weir::kafka {
namespace {

constexpr Duration kAnswer = Duration::Seconds(5);

}  // namespace

Status GroupTeller::Tell(const std::vector<Split>& splits) {
  if (splits.empty()) return Status::Ok();  // The library takes no empty list.
  std::vector<GroupOffset> offsets;
  for (const Split& split : splits) {
    const SplitName name = WEIR_TRY(ParseSplitId(split.id));
    const Position position = WEIR_TRY(DecodePosition(split.position, split.id));
    offsets.push_back({{name.topic, name.partition}, 0, position.offset, {}});
  }
  if (!client_) client_ = WEIR_TRY(GroupClient(connection_, group_));
  client_->Serve(/*timeout_ms=*/0);
  pending_ = CommitGroupOffsets(*client_, group_, offsets, kAnswer);
  return Status::Ok();
}

std::optional<Status> GroupTeller::Poll(Duration wait) {
  if (!pending_) return Status::Ok();
  auto answer = pending_->Poll(wait);
  if (!answer) return std::nullopt;
  pending_.reset();
  const std::string what = fmt::format("committing positions to group '{}'", group_);
  Status outcome = answer->ok() ? Status::Ok() : answer->status();
  for (size_t i = 0; answer->ok() && i < (*answer)->size() && outcome.ok(); i++) {
    const GroupOffset& one = (**answer)[i];
    if (one.error != 0) outcome = client_->Failure(one.error, "", what);
  }
  // The handle may go on asking a coordinator that has moved: the next time takes a new one.
  if (!outcome.ok()) client_.reset();
  return outcome;
}

}  // namespace weir::kafka
