#include "engine/ledger.h"

#include "engine/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

const std::vector<LedgerNode> kNodes = {
    {"source", {}, true, false, false, false},
    {"partial", {"source"}, false, false, false, false},
    {"window", {"partial"}, false, false, true, false},
    {"sink", {"window"}, false, true, false, false},
    {"letters", {"source"}, false, true, false, true},
};

/// 10 records, one bad; 9 rows in 2 partials; 6 rows released in 1 result, 3 held.
std::map<std::string, NodeTally> Balanced() {
  std::map<std::string, NodeTally> tallies;
  RowCounts& source = tallies["source"].counts;
  source.in = 10;
  source.passed = source.out = 9;
  source.rejected = 1;
  RowCounts& partial = tallies["partial"].counts;
  partial.in = partial.absorbed = partial.released = 9;
  partial.made = partial.out = 2;
  NodeTally& window = tallies["window"];
  window.counts.in = window.counts.absorbed = 9;
  window.counts.released = 8;
  window.counts.made = window.counts.out = 1;
  window.held_after = 3;
  RowCounts& sink = tallies["sink"].counts;
  sink.in = sink.passed = sink.out = 1;
  tallies["sink"].sealed = 1;
  RowCounts& letters = tallies["letters"].counts;
  letters.in = letters.passed = letters.out = 1;
  tallies["letters"].sealed = 1;
  return tallies;
}

const std::map<std::string, ChannelTally> kChannels = {{"c", {2, 2}}};
const std::map<std::string, int64_t> kHeldBefore = {{"window", 2}};

TEST_CASE("a ledger that adds up is ok") {
  CHECK(CheckLedger(kNodes, Balanced(), kChannels, kHeldBefore).ok());
  CHECK(UnaccountedRows(kNodes, Balanced(), kChannels, kHeldBefore) == 0);
}

TEST_CASE("each way of losing a row is found, at its node") {
  auto tallies = Balanced();
  auto channels = kChannels;
  auto held = kHeldBefore;
  std::string node;
  SECTION("a row that no outcome counts") { tallies["source"].counts.passed--, node = "source"; }
  SECTION("rows given and not taken") {
    tallies["source"].counts.out++, tallies["source"].counts.passed++,
        tallies["source"].counts.in++, node = "partial";
  }
  SECTION("weight lost on the way") { tallies["partial"].counts.released--, node = "partial"; }
  SECTION("state that forgot a row") { tallies["window"].held_after--, node = "window"; }
  SECTION("state that kept more than it had") { held["window"] = 1, node = "window"; }
  SECTION("a result that nobody made") { tallies["window"].counts.out++, node = "window"; }
  SECTION("a row that was not sealed") { tallies["sink"].sealed--, node = "sink"; }
  SECTION("a dead letter that did not arrive") { tallies["letters"] = {}, node = "letters"; }
  SECTION("an element lost in a channel") { channels["c"].received--, node = "c"; }
  const Status status = CheckLedger(kNodes, tallies, channels, held);
  REQUIRE_FALSE(status.ok());
  CHECK(status.Is(errors::kLedger));
  CHECK(status.message().find("'" + node + "'") != std::string::npos);
  CHECK(UnaccountedRows(kNodes, tallies, channels, held) > 0);
}

}  // namespace
}  // namespace weir
