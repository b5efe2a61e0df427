#include "engine/mailbox.h"

#include <thread>

#include "tests/catch.h"

namespace weir {
namespace {

BatchPtr Rows64() {
  static const auto schema =
      std::make_shared<const Schema>(std::vector<Field>{{"n", TypeKind::kInt64}});
  BatchBuilder builder(schema);
  for (int64_t i = 0; i < 64; i++) builder.column(0).Append(i);
  return builder.Finish();
}

TEST_CASE("elements of a channel come in order, and channels take turns") {
  Mailbox mailbox(2, 1 << 20);
  REQUIRE(mailbox.Push(0, Watermark{{1}, false}));
  REQUIRE(mailbox.Push(0, Watermark{{2}, false}));
  REQUIRE(mailbox.Push(1, Watermark{{9}, false}));
  std::vector<std::pair<size_t, int64_t>> got;
  while (auto delivery = mailbox.Pop(Duration::Millis(0))) {
    got.emplace_back(delivery->channel, std::get<Watermark>(delivery->element).time.us);
  }
  CHECK(got == std::vector<std::pair<size_t, int64_t>>{{0, 1}, {1, 9}, {0, 2}});
}

TEST_CASE("a blocked channel keeps its elements") {
  Mailbox mailbox(2, 1 << 20);
  REQUIRE(mailbox.Push(0, Watermark{{1}, false}));
  REQUIRE(mailbox.Push(1, Watermark{{2}, false}));
  mailbox.Block(0);
  auto delivery = mailbox.Pop(Duration::Millis(0));
  REQUIRE(delivery);
  CHECK(delivery->channel == 1);
  CHECK_FALSE(mailbox.Pop(Duration::Millis(0)));
  mailbox.UnblockAll();
  delivery = mailbox.Pop(Duration::Millis(0));
  REQUIRE(delivery);
  CHECK(delivery->channel == 0);
}

TEST_CASE("a full channel makes its sender wait, barriers never wait") {
  const BatchPtr rows = Rows64();
  Mailbox mailbox(1, rows->MemoryBytes());
  REQUIRE(mailbox.Push(0, Rows{rows}));
  REQUIRE(mailbox.Push(0, Barrier{{Epoch{1}, 1}, false}));
  std::atomic<bool> pushed{false};
  std::thread sender([&] {
    mailbox.Push(0, Rows{rows});
    pushed = true;
  });
  // The sender can only get through once the first batch is taken.
  auto first = mailbox.Pop(Duration::Seconds(10));
  REQUIRE(first);
  CHECK(std::holds_alternative<Rows>(first->element));
  sender.join();
  CHECK(pushed);
  auto second = mailbox.Pop(Duration::Seconds(10));
  REQUIRE(second);
  CHECK(std::holds_alternative<Barrier>(second->element));
}

TEST_CASE("closing ends a waiting sender, and its element is gone") {
  const BatchPtr rows = Rows64();
  Mailbox mailbox(1, 1);
  REQUIRE(mailbox.Push(0, Rows{rows}));  // One batch always fits.
  bool accepted = true;
  std::thread sender([&] { accepted = mailbox.Push(0, Rows{rows}); });
  mailbox.Close();
  sender.join();
  CHECK_FALSE(accepted);
  CHECK_FALSE(mailbox.Pop(Duration::Seconds(10)));
}

TEST_CASE("what is offered never waits, and its sender hears when it is taken") {
  const BatchPtr rows = Rows64();
  Mailbox mailbox(2, 1);
  int taken = 0;
  for (int i = 0; i < 3; i++) REQUIRE(mailbox.Offer(0, Rows{rows}, [&] { taken++; }));
  mailbox.Block(0);
  CHECK_FALSE(mailbox.Pop(Duration::Millis(0)));
  CHECK(taken == 0);
  mailbox.UnblockAll();
  REQUIRE(mailbox.Pop(Duration::Millis(0)));
  CHECK(taken == 1);
  REQUIRE(mailbox.Push(1, Rows{rows}));  // Another channel has its own bound.
  mailbox.Close();
  CHECK_FALSE(mailbox.Offer(0, Rows{rows}, [&] { taken++; }));
  CHECK_FALSE(mailbox.Pop(Duration::Millis(0)));
  CHECK(taken == 1);
}

}  // namespace
}  // namespace weir
