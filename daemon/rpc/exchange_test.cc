// The exchange over real sockets on loopback. Nothing sleeps: what is waited for is told by a
// callback, by the mailbox, or by the end of a call.

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "batch/errors.h"
#include "daemon/rpc/byte_buffer.h"
#include "daemon/rpc/connection.h"
#include "daemon/rpc/errors.h"
#include "daemon/rpc/exchange_client.h"
#include "daemon/rpc/exchange_server.h"
#include "proto/exchange.pb.h"
#include "tests/catch.h"

namespace weir {
namespace {

constexpr Duration kLong = Duration::Seconds(30);
constexpr AttemptId kAttempt{3, 7};

SchemaPtr Texts() {
  static const auto schema = std::make_shared<const Schema>(
      std::vector<Field>{{"n", TypeKind::kInt64}, {"s", TypeKind::kString}});
  return schema;
}

BatchPtr MakeBatch(int64_t first, size_t rows, size_t text_bytes = 5) {
  BatchBuilder builder(Texts());
  for (size_t i = 0; i < rows; i++) {
    builder.column(0).Append(first + static_cast<int64_t>(i));
    builder.column(1).AppendText(std::string(text_bytes, 'x'));
  }
  return builder.Finish();
}

constexpr Barrier kLast{{Epoch{1}, 1}, true};

ChannelId Channel(std::string name = "clicks -> window 0-1", AttemptId attempt = kAttempt) {
  return {"shop", attempt, std::move(name)};
}

/// What a side was told of broken channels and newer attempts.
class Events {
 public:
  void Broken(const ChannelId& id, const Status& status) {
    std::lock_guard lock(mutex_);
    broken_.emplace_back(id, status);
    changed_.notify_all();
  }
  void Newer(AttemptId attempt) {
    std::lock_guard lock(mutex_);
    newer_.push_back(attempt);
    changed_.notify_all();
  }
  /// The first channel that broke; fails the test where none does.
  Status WaitBroken() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kLong.ToChrono(), [&] { return !broken_.empty(); }));
    return broken_.front().second;
  }
  AttemptId WaitNewer() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kLong.ToChrono(), [&] { return !newer_.empty(); }));
    return newer_.front();
  }
  size_t broken() {
    std::lock_guard lock(mutex_);
    return broken_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<ChannelId, Status>> broken_;
  std::vector<AttemptId> newer_;
};

struct Receiver {
  explicit Receiver(size_t channel_bytes = 4 << 20, Duration patience = Duration::Seconds(10),
                    const Transport& transport = Transport::Plain())
      : exchange({channel_bytes, patience,
                  [this](const ChannelId& id, const Status& status) { events.Broken(id, status); },
                  [this](const std::string&, AttemptId attempt) { events.Newer(attempt); }}) {
    const std::array<RpcService*, 1> services = {&exchange};
    Result<std::unique_ptr<RpcServer>> started =
        RpcServer::Start("127.0.0.1:0", transport, services);
    if (!started.ok()) FAIL(started.status().ToString());
    server = std::move(*started);
  }
  Events events;
  ExchangeServer exchange;
  std::unique_ptr<RpcServer> server;
};

struct Sender {
  explicit Sender(const Transport& transport = Transport::Plain(),
                  Duration patience = Duration::Seconds(15))
      : client(transport, {patience, [this](const ChannelId& id, const Status& status) {
                             events.Broken(id, status);
                           }}) {}
  Events events;
  ExchangeClient client;
};

/// A sender that keeps to no rule.
class RawSender {
 public:
  explicit RawSender(const Receiver& receiver)
      : connection_(Connect(receiver.server->address(), Transport::Plain(), PeerRole::kWorker)) {
    context_.set_deadline(std::chrono::system_clock::now() + kLong.ToChrono());
    stream_.reset(
        grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
            connection_.get(),
            grpc::internal::RpcMethod("/weir.proto.Exchange/Open",
                                      grpc::internal::RpcMethod::BIDI_STREAMING),
            &context_));
  }
  void Send(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    stream_->Write(grpc::ByteBuffer(&slice, 1));
  }
  void Send(ElementFrame frame) {
    const std::vector<grpc::Slice> slices = ToSlices(std::move(frame));
    stream_->Write(grpc::ByteBuffer(slices.data(), slices.size()));
  }
  void Open(const ChannelId& id, uint32_t version = kExchangeVersion) {
    proto::OpenChannel open;
    open.set_version(version);
    open.set_job(id.job);
    open.set_term(id.attempt.term);
    open.set_number(id.attempt.number);
    open.set_channel(id.channel);
    open.set_schema_fingerprint(Fingerprint(*Texts()));
    Send(open.SerializeAsString());
  }
  /// Waits for the next answer; false where the call is over.
  bool Read(proto::ChannelReply& reply) {
    grpc::ByteBuffer bytes;
    return stream_->Read(&bytes) && FromBuffer(bytes, reply);
  }
  void OpenAndWait(const ChannelId& id) {
    Open(id);
    proto::ChannelReply reply;
    REQUIRE(Read(reply));
    REQUIRE(reply.has_accepted());
  }
  /// How the receiver ends it.
  Status End() {
    proto::ChannelReply reply;
    while (Read(reply)) {
    }
    return FromGrpc(stream_->Finish(), "the receiver");
  }

 private:
  grpc::ClientContext context_;
  std::shared_ptr<grpc::Channel> connection_;
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream_;
};

/// Threads of their own; Catch2 takes assertions from one thread only, so they say if all went
/// well.
class Pushing {
 public:
  explicit Pushing(std::function<bool()> push)
      : thread_([this, push = std::move(push)] { ok_ = push(); }) {}
  ~Pushing() {
    if (thread_.joinable()) thread_.join();
  }
  bool Join() {
    thread_.join();
    return ok_;
  }

 private:
  bool ok_ = false;
  std::thread thread_;
};

Element Pop(Mailbox& mailbox) {
  std::optional<Mailbox::Delivery> delivery = mailbox.Pop(kLong);
  REQUIRE(delivery);
  return std::move(delivery->element);
}

TEST_CASE("a channel between two workers keeps its elements' order") {
  Receiver receiver;
  Mailbox mailbox(2, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 1).ok());
  Sender sender;
  Pushing pushing([&] {
    const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
    for (int64_t i = 0; i < 1000; i++) {
      if (i % 3 == 0) channel->Push(Rows{MakeBatch(i, static_cast<size_t>(1 + i % 200))});
      if (i % 3 == 1) channel->Push(Watermark{{i}, i % 2 == 0});
      if (i % 3 == 2) channel->Push(Barrier{{Epoch{static_cast<uint64_t>(i)}, 2}, false});
    }
    return channel->Push(kLast);
  });
  for (int64_t i = 0; i < 1000; i++) {
    const Element element = Pop(mailbox);
    if (i % 3 == 0) {
      const BatchPtr batch = std::get<Rows>(element).batch;
      REQUIRE(batch->rows() == static_cast<size_t>(1 + i % 200));
      REQUIRE(batch->column(0).values<int64_t>()[0] == i);
      REQUIRE(batch->column(1).text(batch->rows() - 1) == "xxxxx");
    } else if (i % 3 == 1) {
      REQUIRE(std::get<Watermark>(element) == Watermark{{i}, i % 2 == 0});
    } else {
      REQUIRE(std::get<Barrier>(element) == Barrier{{Epoch{static_cast<uint64_t>(i)}, 2}, false});
    }
  }
  CHECK(std::get<Barrier>(Pop(mailbox)) == kLast);
  CHECK(pushing.Join());
  receiver.server->Shutdown(kLong);  // Waits for the call's own end.
  CHECK(receiver.events.broken() == 0);
  CHECK(sender.events.broken() == 0);
}

TEST_CASE("a task that takes nothing bounds what is sent to it") {
  constexpr size_t kCredit = 100000;
  Receiver receiver(kCredit);
  Mailbox mailbox(1, kCredit);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  Sender sender;
  const BatchPtr batch = MakeBatch(0, 300);
  const size_t weight = EncodeRows(batch, {0, 300}, 1).bytes;
  const auto fit = static_cast<int64_t>(kCredit / weight);
  REQUIRE(fit > 10);
  constexpr int64_t kBatches = 300;
  std::mutex mutex;
  std::condition_variable changed;
  int64_t pushed = 0;
  Pushing pushing([&] {
    const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
    for (int64_t i = 0; i < kBatches; i++) {
      if (!channel->Push(Rows{batch})) return false;
      std::lock_guard lock(mutex);
      pushed++;
      changed.notify_all();
    }
    return channel->Push(kLast);
  });
  {
    std::unique_lock lock(mutex);
    CHECK(changed.wait_for(lock, kLong.ToChrono(), [&] { return pushed == fit; }));
  }
  for (int64_t popped = 0; popped < kBatches; popped++) {
    {
      std::lock_guard lock(mutex);
      CHECK(pushed - popped <= fit);
    }
    Pop(mailbox);
  }
  CHECK(std::get<Barrier>(Pop(mailbox)) == kLast);
  CHECK(pushing.Join());
}

TEST_CASE("an element longer than the credit travels, by itself") {
  Receiver receiver(10000);
  Mailbox mailbox(1, 10000);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  Sender sender;
  Pushing pushing([&] {
    const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
    for (int64_t i = 0; i < 5; i++) {
      if (!channel->Push(Rows{MakeBatch(i, 1, 3 << 20)})) return false;
    }
    return channel->Push(kLast);
  });
  for (int64_t i = 0; i < 5; i++) {
    const Element element = Pop(mailbox);
    CHECK(std::get<Rows>(element).batch->column(1).text(0).size() == 3 << 20);
  }
  CHECK(std::get<Barrier>(Pop(mailbox)) == kLast);
  CHECK(pushing.Join());
}

TEST_CASE("a batch longer than a frame arrives in parts") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  Sender sender;
  Pushing pushing([&] {
    const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
    return channel->Push(Rows{MakeBatch(0, 500000)}) && channel->Push(kLast);
  });
  int64_t next = 0;
  while (true) {
    const Element element = Pop(mailbox);
    if (std::holds_alternative<Barrier>(element)) break;
    for (int64_t value : std::get<Rows>(element).batch->column(0).values<int64_t>()) {
      REQUIRE(value == next++);
    }
  }
  CHECK(next == 500000);
  CHECK(pushing.Join());
}

TEST_CASE("a row that is too long for any frame is told by its sender") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  Sender sender;
  const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
  CHECK_FALSE(channel->Push(Rows{MakeBatch(0, 1, kMostFrameBytes)}));
  CHECK(sender.events.WaitBroken().Is(errors::kRowTooLong));
  CHECK(receiver.events.WaitBroken().Is(errors::kChannelBroken));
}

TEST_CASE("a sender may be there before its receiver, for a while") {
  Receiver receiver(4 << 20, Duration::Millis(200));
  Mailbox mailbox(1, 4 << 20);
  Sender sender;
  SECTION("the channel is expected in time") {
    Receiver patient;
    const auto channel = sender.client.Open(patient.server->address(), Channel(), *Texts());
    // Of the same job, so that the attempt is known when the stream comes or soon after.
    REQUIRE(patient.exchange.Expect(Channel("other 0-1"), Texts(), mailbox, 0).ok());
    Pushing pushing([&] { return channel->Push(Rows{MakeBatch(0, 10)}); });
    REQUIRE(patient.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
    CHECK(std::get<Rows>(Pop(mailbox)).batch->rows() == 10);
    CHECK(pushing.Join());
  }
  SECTION("it never is") {
    const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
    CHECK_FALSE(channel->Push(Rows{MakeBatch(0, 10)}));
    CHECK(sender.events.WaitBroken().Is(errors::kChannelUnknown));
    CHECK(receiver.events.broken() == 0);
  }
}

TEST_CASE("a channel that its sender leaves before the last barrier is broken") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  Sender sender;
  const bool after_barrier = GENERATE(false, true);
  {
    const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
    if (after_barrier) CHECK(channel->Push(kLast));
    CHECK(channel->Push(Rows{MakeBatch(0, 10)}));
  }
  const Status broken = receiver.events.WaitBroken();
  CHECK(broken.Is(errors::kChannelBroken));
  CHECK(broken.message().find("before the last barrier") != std::string::npos);
  CHECK(sender.events.WaitBroken().Is(errors::kChannelBroken));
}

/// A sender that waits for room, and what its Push says in the end.
class BlockedPush {
 public:
  BlockedPush(Sender& sender, Receiver& receiver, Mailbox& mailbox)
      : channel_(sender.client.Open(receiver.server->address(), Channel(), *Texts())) {
    REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
    // As much as there is room for; so the next one waits.
    REQUIRE(channel_->Push(Rows{MakeBatch(0, 1, 12000)}));
    thread_.emplace([this] { return channel_->Push(Rows{MakeBatch(0, 1, 12000)}); });
  }
  bool Outcome() { return thread_->Join(); }

 private:
  std::unique_ptr<ChannelSender> channel_;
  std::optional<Pushing> thread_;
};

TEST_CASE("a sender that waits for room is woken by whatever ends the channel") {
  Mailbox mailbox(1, 10000);
  Receiver receiver(10000);
  Sender sender;
  BlockedPush push(sender, receiver, mailbox);
  SECTION("the receiver forgets the attempt") {
    receiver.exchange.Forget("shop", kAttempt);
    CHECK_FALSE(push.Outcome());
    CHECK(sender.events.WaitBroken().Is(errors::kChannelClosed));
    CHECK(receiver.events.broken() == 0);
  }
  SECTION("the sender cancels the attempt") {
    sender.client.Cancel("shop", kAttempt);
    CHECK_FALSE(push.Outcome());
    CHECK(receiver.events.WaitBroken().Is(errors::kChannelBroken));
    CHECK(sender.events.broken() == 0);
  }
  SECTION("the receiver goes away") {
    receiver.server->Shutdown(Duration{});
    CHECK_FALSE(push.Outcome());
    CHECK(sender.events.WaitBroken().Is(errors::kChannelBroken));
    CHECK(receiver.events.WaitBroken().Is(errors::kChannelBroken));
  }
  SECTION("another attempt is not touched by either") {
    sender.client.Cancel("shop", {3, 8});
    receiver.exchange.Forget("shop", {3, 6});
    receiver.exchange.Forget("other", kAttempt);
    Pop(mailbox);
    Pop(mailbox);
    CHECK(push.Outcome());
  }
}

TEST_CASE("a channel that has ended well is not broken by the end of its attempt") {
  Receiver receiver;
  for (uint64_t attempt = 1; attempt <= 20; attempt++) {
    Mailbox mailbox(1, 4 << 20);
    const ChannelId id = Channel("a 0-1", {1, attempt});
    REQUIRE(receiver.exchange.Expect(id, Texts(), mailbox, 0).ok());
    Sender sender;
    sender.client.Open(receiver.server->address(), id, *Texts())->Push(kLast);
    CHECK(std::get<Barrier>(Pop(mailbox)) == kLast);
    if (attempt % 2 == 0) sender.client.Cancel(id.job, id.attempt);
  }
  receiver.server->Shutdown(kLong);
  CHECK(receiver.events.broken() == 0);
}

TEST_CASE("a closed mailbox ends its channels") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  Sender sender;
  const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
  mailbox.Close();
  while (channel->Push(Rows{MakeBatch(0, 100)})) {
  }
  CHECK(sender.events.WaitBroken().Is(errors::kChannelClosed));
  CHECK(receiver.events.broken() == 0);
}

TEST_CASE("an attempt that is over is refused at once, with both numbers") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel("a 0-1", {4, 2}), Texts(), mailbox, 0).ok());
  Sender sender;
  const auto channel =
      sender.client.Open(receiver.server->address(), Channel("a 0-1", {3, 9}), *Texts());
  const Status refused = sender.events.WaitBroken();
  CHECK(refused.Is(errors::kOldAttempt));
  CHECK(refused.message() == "attempt 3.9 of job 'shop' is over: attempt 4.2 has begun");
  CHECK_FALSE(channel->Push(Rows{MakeBatch(0, 1)}));
  CHECK(receiver.exchange.Expect(Channel("a 0-1", {4, 1}), Texts(), mailbox, 0)
            .Is(errors::kOldAttempt));
  // Also once it is forgotten, and where only a sender has shown the newer one.
  receiver.exchange.Forget("shop", {4, 2});
  const auto newer =
      sender.client.Open(receiver.server->address(), Channel("a 0-1", {4, 3}), *Texts());
  CHECK(receiver.events.WaitNewer() == AttemptId{4, 3});
  CHECK(receiver.exchange.Expect(Channel("b 0-1", {4, 2}), Texts(), mailbox, 0)
            .Is(errors::kOldAttempt));
  CHECK(receiver.exchange.Expect(Channel("b 0-1", {4, 3}), Texts(), mailbox, 0).ok());
}

TEST_CASE("an attempt that was forgotten is not waited for") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  receiver.exchange.Forget("shop", kAttempt);
  Sender sender;
  const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
  CHECK_FALSE(channel->Push(Rows{MakeBatch(0, 1)}));
  CHECK(sender.events.WaitBroken().Is(errors::kChannelClosed));
  CHECK(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).Is(errors::kChannelClosed));
  CHECK(receiver.exchange.Expect(Channel("a 0-1", {3, 8}), Texts(), mailbox, 0).ok());
}

TEST_CASE("a sender that waits is refused once a newer attempt begins") {
  Receiver receiver;
  Mailbox mailbox(2, 4 << 20);
  Sender sender;
  REQUIRE(receiver.exchange.Expect(Channel("a 0-1", {4, 1}), Texts(), mailbox, 0).ok());
  const auto channel =
      sender.client.Open(receiver.server->address(), Channel("b 0-1", {4, 2}), *Texts());
  CHECK(receiver.events.WaitNewer() == AttemptId{4, 2});
  REQUIRE(receiver.exchange.Expect(Channel("b 0-1", {4, 3}), Texts(), mailbox, 1).ok());
  CHECK(sender.events.WaitBroken().Is(errors::kOldAttempt));
}

TEST_CASE("workers that planned differently do not exchange rows") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  const auto other =
      std::make_shared<const Schema>(std::vector<Field>{{"n", TypeKind::kTimestamp}});
  REQUIRE(receiver.exchange.Expect(Channel(), other, mailbox, 0).ok());
  Sender sender;
  const auto channel = sender.client.Open(receiver.server->address(), Channel(), *Texts());
  CHECK(sender.events.WaitBroken().Is(errors::kWorkersDiffer));
  RawSender raw(receiver);
  raw.Open(Channel(), 2);
  CHECK(raw.End().Is(errors::kWorkersDiffer));
}

TEST_CASE("nobody listens") {
  std::string address;
  {
    const Receiver receiver;
    address = receiver.server->address();
  }
  Sender sender;
  const auto channel = sender.client.Open(address, Channel(), *Texts());
  CHECK_FALSE(channel->Push(Rows{MakeBatch(0, 1)}));
  const Status broken = sender.events.WaitBroken();
  CHECK(broken.Is(errors::kChannelBroken));
  CHECK(broken.message().find(address) != std::string::npos);
}

TEST_CASE("a second sender of a channel is refused") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  const bool waits = GENERATE(false, true);
  if (!waits) REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  RawSender one(receiver);
  if (waits) {
    // Known, and nothing for this channel: whoever comes second is refused.
    REQUIRE(receiver.exchange.Expect(Channel("x 0-0"), Texts(), mailbox, 0).ok());
    RawSender other(receiver);
    std::array<RawSender*, 2> both = {&one, &other};
    for (RawSender* each : both) each->Open(Channel());
    std::array<std::thread, 2> ends;
    std::mutex mutex;
    std::vector<Status> refused;
    for (size_t i = 0; i < 2; i++) {
      ends[i] = std::thread([&, i] {
        Status status = both[i]->End();
        std::lock_guard lock(mutex);
        refused.push_back(std::move(status));
        receiver.exchange.Forget("shop", kAttempt);
      });
    }
    for (std::thread& end : ends) end.join();
    CHECK(refused[0].Is(errors::kChannelTwice));
    CHECK(refused[1].Is(errors::kChannelClosed));
    return;
  }
  one.OpenAndWait(Channel());
  RawSender other(receiver);
  other.Open(Channel());
  CHECK(other.End().Is(errors::kChannelTwice));
  // The first is not hurt.
  one.Send(EncodeRows(MakeBatch(5, 1), {0, 1}, 1));
  CHECK(std::get<Rows>(Pop(mailbox)).batch->column(0).values<int64_t>()[0] == 5);
}

TEST_CASE("whatever a sender says that it should not breaks its channel, and nothing else") {
  Receiver receiver(10000);
  Mailbox mailbox(2, 10000);
  REQUIRE(receiver.exchange.Expect(Channel(), Texts(), mailbox, 0).ok());
  REQUIRE(receiver.exchange.Expect(Channel("good 0-1"), Texts(), mailbox, 1).ok());
  RawSender good(receiver);
  good.OpenAndWait(Channel("good 0-1"));
  RawSender bad(receiver);
  bad.OpenAndWait(Channel());
  const RowRange all{0, 10};
  const ErrorCode* expected = &errors::kChannelOutOfStep;
  std::string says;
  SECTION("a gap") {
    bad.Send(EncodeRows(MakeBatch(0, 10), all, 1));
    bad.Send(EncodeRows(MakeBatch(0, 10), all, 3));
    says = "frame 3 came where 2 was due";
  }
  SECTION("a repeat") {
    bad.Send(EncodeRows(MakeBatch(0, 10), all, 1));
    bad.Send(EncodeRows(MakeBatch(0, 10), all, 1));
    says = "frame 1 came where 2 was due";
  }
  SECTION("a start from zero") {
    bad.Send(EncodeWatermark({}, 0));
    says = "frame 0 came where 1 was due";
  }
  SECTION("more than its credit") {
    for (uint64_t i = 1; i < 100; i++) bad.Send(EncodeRows(MakeBatch(0, 10, 100), all, i));
    says = "overran its credit";
  }
  SECTION("more watermarks than its credit") {
    for (uint64_t i = 1; i < 200; i++) bad.Send(EncodeWatermark({}, i));
    says = "overran its credit";
  }
  SECTION("barriers without end") {
    for (uint64_t i = 1; i < 5000; i++) bad.Send(EncodeBarrier({}, i));
    says = "overran its credit";
  }
  SECTION("an empty message") {
    bad.Send("");
    says = "has no frame";
  }
  SECTION("garbage") {
    bad.Send(std::string(1000, '\x55'));
    expected = &errors::kBadFrame;
  }
  SECTION("a frame that was cut short") {
    bad.Send(EncodeRows(MakeBatch(0, 10), all, 1).header);
    expected = &errors::kBadFrame;
  }
  SECTION("a message that is too long") {
    bad.Send(std::string(kMostMessageBytes + 1, 'x'));
    expected = &errors::kChannelBroken;
  }
  const Status end = bad.End();
  CHECK(end.Is(*expected));
  CHECK(end.message().find(says) != std::string::npos);
  CHECK(receiver.events.WaitBroken().Is(*expected));
  good.Send(EncodeRows(MakeBatch(7, 1), {0, 1}, 1));
  while (true) {
    const auto delivery = mailbox.Pop(kLong);
    REQUIRE(delivery);
    if (delivery->channel == 1) break;
  }
}

TEST_CASE("what does not open a channel is refused") {
  Receiver receiver;
  Mailbox mailbox(1, 4 << 20);
  REQUIRE(receiver.exchange.Expect(Channel("x 0-0"), Texts(), mailbox, 0).ok());
  RawSender raw(receiver);
  SECTION("garbage") { raw.Send(std::string(100, '\xff')); }
  SECTION("a name without end") { raw.Open(Channel(std::string(5000, 'x'))); }
  SECTION("a long message") { raw.Send(std::string(1 << 20, 'x')); }
  SECTION("frames before it is accepted") {
    raw.Open(Channel());
    raw.Send(EncodeWatermark({}, 1));
  }
  CHECK(raw.End().Is(errors::kChannelOutOfStep));
  CHECK(receiver.events.broken() == 0);
}

TEST_CASE("a hundred channels at once") {
  constexpr size_t kChannels = 100;
  constexpr int64_t kBatches = 40;
  Receiver receiver(100000);
  Mailbox mailbox(kChannels, 100000);
  Sender sender;
  std::vector<std::thread> senders;
  for (size_t c = 0; c < kChannels; c++) {
    const ChannelId id = Channel("all " + std::to_string(c) + "-0");
    if (c % 2 == 0) REQUIRE(receiver.exchange.Expect(id, Texts(), mailbox, c).ok());
    senders.emplace_back([&, id] {
      const auto channel = sender.client.Open(receiver.server->address(), id, *Texts());
      for (int64_t i = 0; i < kBatches; i++) {
        if (!channel->Push(Rows{MakeBatch(i, 200)})) return;
      }
      channel->Push(kLast);
    });
    if (c % 2 == 1) REQUIRE(receiver.exchange.Expect(id, Texts(), mailbox, c).ok());
  }
  std::vector<int64_t> next(kChannels, 0);
  for (size_t ended = 0; ended < kChannels;) {
    const auto delivery = mailbox.Pop(kLong);
    REQUIRE(delivery);
    if (const Rows* rows = std::get_if<Rows>(&delivery->element)) {
      REQUIRE(rows->batch->column(0).values<int64_t>()[0] == next[delivery->channel]++);
    } else {
      REQUIRE(next[delivery->channel] == kBatches);
      ended++;
    }
  }
  for (std::thread& thread : senders) thread.join();
  receiver.server->Shutdown(kLong);
  CHECK(receiver.events.broken() == 0);
  CHECK(sender.events.broken() == 0);
}

TEST_CASE("attempts come and go while rows flow") {
  Receiver receiver(50000);
  Sender sender;
  for (uint64_t attempt = 1; attempt <= 30; attempt++) {
    Mailbox mailbox(3, 50000);
    std::vector<std::thread> senders;
    for (size_t c = 0; c < 3; c++) {
      const ChannelId id = Channel("c " + std::to_string(c) + "-0", {1, attempt});
      REQUIRE(receiver.exchange.Expect(id, Texts(), mailbox, c).ok());
      senders.emplace_back([&, id] {
        const auto channel = sender.client.Open(receiver.server->address(), id, *Texts());
        while (channel->Push(Rows{MakeBatch(0, 50)})) {
        }
      });
    }
    for (int i = 0; i < 20; i++) Pop(mailbox);
    if (attempt % 2 == 0) sender.client.Cancel("shop", {1, attempt});
    receiver.exchange.Forget("shop", {1, attempt});
    for (std::thread& thread : senders) thread.join();
  }
}

}  // namespace
}  // namespace weir
