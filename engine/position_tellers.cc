#include "engine/position_tellers.h"

#include <algorithm>

#include "base/log.h"

namespace weir {

void PositionTellers::Add(std::string source, std::unique_ptr<PositionTeller> teller) {
  One& one = all_.emplace_back();
  one.source = std::move(source);
  one.teller = std::move(teller);
}

void PositionTellers::Tell(const proto::Manifest& manifest) {
  for (const proto::SourceState& source : manifest.sources()) {
    for (One& one : all_) {
      if (one.source != source.source()) continue;
      std::vector<Split>& splits = one.next.emplace();
      for (const proto::SplitState& split : source.splits()) {
        splits.push_back({split.id(), split.position(), split.stop(), split.ordinal()});
      }
    }
  }
  Look();
}

void PositionTellers::Look() {
  for (One& one : all_) Look(one, Duration());
}

void PositionTellers::Look(One& one, Duration wait) {
  if (one.under_way) {
    const std::optional<Status> outcome = one.teller->Poll(wait);
    if (!outcome) return;
    one.under_way = false;
    Ended(one, *outcome);
  }
  if (!one.next) return;
  const std::vector<Split> splits = std::move(*one.next);
  one.next.reset();
  Status begun = one.teller->Tell(splits);
  one.under_way = begun.ok();
  if (!begun.ok()) Ended(one, begun);
}

void PositionTellers::Ended(One& one, const Status& outcome) {
  if (outcome.ok()) {
    if (one.failures.OnSuccess()) {
      log::Info("positions of a source are told again", {{"source", one.source}});
    }
  } else if (one.failures.OnFailure(clock_.Monotonic())) {
    log::Warn("positions of a source are not told; the job goes on",
              {{"source", one.source}, {"reason", outcome.ToString()}});
  }
}

void PositionTellers::Finish(Duration patience) {
  const Duration begin = clock_.Monotonic();
  for (One& one : all_) {
    while (one.under_way || one.next) {
      const Duration left{patience.us - (clock_.Monotonic().us - begin.us)};
      if (left.us <= 0) return;
      Look(one, left);
    }
  }
}

}  // namespace weir
