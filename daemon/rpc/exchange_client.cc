#include "daemon/rpc/exchange_client.h"

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "daemon/rpc/byte_buffer.h"
#include "daemon/rpc/connection.h"
#include "daemon/rpc/errors.h"
#include "proto/exchange.pb.h"

namespace weir {
namespace {

constexpr const char* kMethod = "/weir.proto.Exchange/Open";
/// Frames that wait are sent together up to so many bytes: each message has its cost.
constexpr size_t kMessageBytes = 256 << 10;
/// How long the end of the process waits for receivers to answer that a channel has ended.
constexpr std::chrono::seconds kLastAnswer{1};

class OutgoingStream;

/// What the streams share.
struct Shared {
  Shared(Transport transport_in, ExchangeClient::Options options_in)
      : transport(std::move(transport_in)), options(std::move(options_in)) {}

  /// The connection of an attempt to a worker, made where there is none. Under the mutex.
  std::shared_ptr<grpc::Channel> Connection(const ChannelId& id, const std::string& address);
  /// Connections that no stream uses any more. Under the mutex; to be dropped outside of it.
  std::vector<std::shared_ptr<grpc::Channel>> TakeIdle();
  void Remove(const OutgoingStream* stream);

  const Transport transport;
  const ExchangeClient::Options options;
  std::mutex mutex;  // Never taken with a stream's own.
  std::condition_variable let_go;
  /// Owned here, and not by streams alone, which end on gRPC's threads: dropping the last one waits
  /// for those threads to end.
  std::map<std::pair<ChannelId, std::string>, std::shared_ptr<grpc::Channel>> connections;
  std::map<const OutgoingStream*, std::shared_ptr<OutgoingStream>> streams;
  size_t alive = 0;  ///< Streams that gRPC has not let go of.
  std::atomic<uint64_t> elements{0};
  std::atomic<uint64_t> bytes{0};
};

/// One call: a channel from its opening to its end. Pushed to by one thread; gRPC's reactions come
/// from others.
class OutgoingStream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                             public std::enable_shared_from_this<OutgoingStream> {
 public:
  OutgoingStream(Shared& client, std::shared_ptr<grpc::Channel> connection, std::string address,
                 ChannelId id)
      : client_(client),
        connection_(std::move(connection)),
        address_(std::move(address)),
        id_(std::move(id)) {}

  const ChannelId& id() const { return id_; }

  void Start(uint64_t fingerprint) {
    proto::OpenChannel open;
    open.set_version(kExchangeVersion);
    open.set_job(id_.job);
    open.set_term(id_.attempt.term);
    open.set_number(id_.attempt.number);
    open.set_channel(id_.channel);
    open.set_schema_fingerprint(fingerprint);
    out_ = ToBuffer(open);
    alarm_.Set(std::chrono::system_clock::now() + client_.options.patience.ToChrono(),
               [weak = weak_from_this()](bool rang) {
                 const auto stream = weak.lock();
                 if (rang && stream) stream->OnPatienceOver();
               });
    grpc::GenericStub(connection_).PrepareBidiStreamingCall(&context_, kMethod, {}, this);
    AddHold();  // Push writes from outside of the reactions.
    StartRead(&in_);
    StartWrite(&out_);
    StartCall();
  }

  bool Push(Element element, Duration& waited) {
    if (const Rows* rows = std::get_if<Rows>(&element)) {
      for (const RowRange& range : CutForFrames(*rows->batch, kUsualFrameBytes)) {
        ElementFrame frame = EncodeRows(rows->batch, range, next_number_);
        if (frame.bytes > kMostFrameBytes) {
          Break(RowTooLong(frame.bytes));
          return false;
        }
        if (!Send(std::move(frame), &waited)) return false;
      }
      return true;
    }
    if (const Watermark* watermark = std::get_if<Watermark>(&element)) {
      return Send(EncodeWatermark(*watermark, next_number_), &waited);
    }
    return Send(EncodeBarrier(std::get<Barrier>(element), next_number_), nullptr);
  }

  /// Nothing more is pushed.
  void CloseWhenSent() {
    std::unique_lock lock(mutex_);
    closing_ = true;
    Carry(NextDeed(), lock);
  }

  /// Ends the call. One that has nothing more to send ends by itself, with the receiver's answer to
  /// that: it is left to do so unless `at_once`.
  void Cancel(bool at_once) {
    {
      std::lock_guard lock(mutex_);
      cancelled_ = true;
      if (!at_once && accepted_ && closing_ && pending_.empty()) return;
      ended_ = true;
    }
    room_.notify_all();
    context_.TryCancel();
  }

  void OnReadDone(bool ok) override {
    std::unique_lock lock(mutex_);
    if (!ok) {
      ended_ = true;
      room_.notify_all();
      Carry(NextDeed(), lock);
      return;
    }
    const bool understood = TakeReply();
    in_.Clear();
    Carry(NextDeed(), lock);
    room_.notify_all();
    if (!understood) {
      Break(Status(errors::kChannelOutOfStep,
                   fmt::format("{} answers on {} with what is no answer", address_, Place()),
                   "the job restarts from its last checkpoint; if this comes again, report it"));
    }
    StartRead(&in_);
  }

  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnWritesDoneDone(bool ok) override { WriteDone(ok); }

  void OnDone(const grpc::Status& status) override {
    alarm_.Cancel();
    std::optional<Status> broken;
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      pending_.clear();
      if (!cancelled_) {
        if (broken_) {
          broken = std::move(broken_);
        } else if (!status.ok()) {
          broken = FromGrpc(status, address_);
        } else if (!writes_done_) {
          broken = Status(errors::kChannelClosed, fmt::format("{} ended {}", address_, Place()),
                          "what ended it is told there");
        }
      }
    }
    room_.notify_all();
    if (broken && client_.options.on_broken) client_.options.on_broken(id_, *broken);
    client_.Remove(this);  // Where the sender is gone too, this is.
  }

 private:
  struct Pending {
    std::vector<grpc::Slice> slices;
    size_t bytes = 0;
  };
  enum class Deed { kNothing, kWrite, kWritesDone, kLetGo };

  /// What weighs nothing waits for no room: `waited` is null then.
  bool Send(ElementFrame frame, Duration* waited) {
    const int64_t weight = waited ? static_cast<int64_t>(WeightOf(frame.bytes)) : 0;
    Pending pending;
    pending.bytes = frame.bytes;
    pending.slices = ToSlices(std::move(frame));
    std::unique_lock lock(mutex_);
    const auto has_room = [&] {
      return ended_ || (accepted_ && credit_ >= CreditNeeded(weight, credit_bytes_));
    };
    if (waited && !has_room()) {
      const Duration before = SystemClock().Monotonic();
      room_.wait(lock, has_room);
      waited->us += SystemClock().Monotonic().us - before.us;
    }
    if (ended_) return false;
    credit_ -= weight;
    next_number_++;
    client_.elements++;
    client_.bytes += pending.bytes;
    pending_.push_back(std::move(pending));
    Carry(NextDeed(), lock);
    return true;
  }

  /// What the receiver says. False where it cannot be.
  bool TakeReply() {
    proto::ChannelReply reply;
    if (!FromBuffer(in_, reply)) return false;
    if (reply.has_accepted() && !accepted_) {
      credit_bytes_ = static_cast<int64_t>(
          std::min<uint64_t>(reply.accepted().credit_bytes(), kMostMessageBytes));
      credit_ = credit_bytes_;
      accepted_ = credit_bytes_ > 0;
      return accepted_;
    }
    if (!reply.has_granted() || !accepted_) return false;
    const uint64_t granted = reply.granted().bytes();
    if (granted > static_cast<uint64_t>(credit_bytes_ - credit_)) return false;
    credit_ += static_cast<int64_t>(granted);
    return true;
  }

  void WriteDone(bool ok) {
    grpc::ByteBuffer sent;  // Lets go of its batches outside of the lock.
    std::unique_lock lock(mutex_);
    sent.Swap(&out_);
    writing_ = false;
    if (!ok) ended_ = true;
    Carry(NextDeed(), lock);
    if (!ok) room_.notify_all();
  }

  /// What is to be asked of gRPC now. One write at a time.
  Deed NextDeed() {
    if (writing_) return Deed::kNothing;
    if (ended_) {
      // From now on nothing is asked of gRPC but in its own reactions.
      const bool held = held_;
      held_ = false;
      return held ? Deed::kLetGo : Deed::kNothing;
    }
    if (!accepted_) return Deed::kNothing;
    if (!pending_.empty()) {
      Gather();
      writing_ = true;
      return Deed::kWrite;
    }
    if (closing_ && !writes_done_) {
      writes_done_ = writing_ = true;
      return Deed::kWritesDone;
    }
    return Deed::kNothing;
  }

  /// The frames that wait, as many as make a message.
  void Gather() {
    std::vector<grpc::Slice> slices;
    size_t bytes = 0;
    while (!pending_.empty() && (bytes == 0 || bytes + pending_.front().bytes <= kMessageBytes)) {
      bytes += pending_.front().bytes;
      std::move(pending_.front().slices.begin(), pending_.front().slices.end(),
                std::back_inserter(slices));
      pending_.pop_front();
    }
    (void)WEIR_FAILPOINT("exchange.frame_sent");
    grpc::ByteBuffer message(slices.data(), slices.size());
    out_.Swap(&message);
  }

  void Carry(Deed deed, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    if (deed == Deed::kWrite) StartWrite(&out_);
    if (deed == Deed::kWritesDone) StartWritesDone();
    if (deed == Deed::kLetGo) RemoveHold();
  }

  /// Ends the channel with an error of this side.
  void Break(Status status) {
    {
      std::lock_guard lock(mutex_);
      if (!broken_) broken_ = std::move(status);
      ended_ = true;
    }
    room_.notify_all();
    context_.TryCancel();
  }

  void OnPatienceOver() {
    {
      std::lock_guard lock(mutex_);
      if (accepted_ || ended_) return;
    }
    Break(Status(errors::kChannelBroken,
                 fmt::format("{} did not accept {} within {} s", address_, Place(),
                             client_.options.patience.us / 1000000),
                 "the job restarts from its last checkpoint; see that the worker runs and can be "
                 "reached"));
  }

  Status RowTooLong(size_t bytes) const {
    return Status(
        errors::kRowTooLong,
        fmt::format("a row for {} takes {} bytes, {} at most can be sent to another worker",
                    Place(), bytes, kMostFrameBytes),
        "make its values shorter before the exchange, or drop columns that nobody reads");
  }

  std::string Place() const {
    return fmt::format("channel '{}' of job '{}'", id_.channel, id_.job);
  }

  Shared& client_;  // Until OnDone.
  const std::shared_ptr<grpc::Channel> connection_;
  const std::string address_;
  const ChannelId id_;
  grpc::ClientContext context_;
  grpc::Alarm alarm_;
  grpc::ByteBuffer in_;
  uint64_t next_number_ = 1;  // Of the pushing thread.

  std::mutex mutex_;
  std::condition_variable room_;
  bool accepted_ = false;
  int64_t credit_bytes_ = 0;
  int64_t credit_ = 0;
  std::deque<Pending> pending_;
  grpc::ByteBuffer out_;
  bool writing_ = true;  // The opening message.
  bool held_ = true;
  bool closing_ = false;
  bool writes_done_ = false;
  bool cancelled_ = false;
  bool ended_ = false;
  std::optional<Status> broken_;
};

class OutgoingChannel final : public ChannelSender {
 public:
  explicit OutgoingChannel(std::shared_ptr<OutgoingStream> stream) : stream_(std::move(stream)) {}
  ~OutgoingChannel() override { stream_->CloseWhenSent(); }
  bool Push(Element element) override { return stream_->Push(std::move(element), waited_); }

 private:
  const std::shared_ptr<OutgoingStream> stream_;
};

std::shared_ptr<grpc::Channel> Shared::Connection(const ChannelId& id, const std::string& address) {
  auto& connection = connections[{ChannelId{id.job, id.attempt, {}}, address}];
  if (!connection) connection = Connect(address, transport, PeerRole::kWorker);
  return connection;
}

std::vector<std::shared_ptr<grpc::Channel>> Shared::TakeIdle() {
  std::vector<std::shared_ptr<grpc::Channel>> idle;
  std::erase_if(connections, [&](auto& entry) {
    if (entry.second.use_count() > 1) return false;
    idle.push_back(std::move(entry.second));
    return true;
  });
  return idle;
}

void Shared::Remove(const OutgoingStream* stream) {
  std::unique_lock lock(mutex);
  const auto it = streams.find(stream);
  std::shared_ptr<OutgoingStream> last = std::move(it->second);
  streams.erase(it);
  lock.unlock();
  last.reset();
  lock.lock();
  alive--;
  let_go.notify_all();
}

}  // namespace

struct ExchangeClient::Impl final : Shared {
  using Shared::Shared;
};

ExchangeClient::ExchangeClient(Transport transport, Options options)
    : impl_(std::make_unique<Impl>(std::move(transport), std::move(options))) {}

ExchangeClient::~ExchangeClient() {
  std::unique_lock lock(impl_->mutex);
  const auto cancel = [&](bool at_once) {
    std::vector<std::shared_ptr<OutgoingStream>> open;
    for (const auto& [key, stream] : impl_->streams) open.push_back(stream);
    lock.unlock();
    for (const auto& stream : open) stream->Cancel(at_once);
    open.clear();
    lock.lock();
  };
  const auto none_left = [&] { return impl_->alive == 0; };
  cancel(false);
  if (impl_->let_go.wait_for(lock, kLastAnswer, none_left)) return;
  cancel(true);
  impl_->let_go.wait(lock, none_left);
}

std::unique_ptr<ChannelSender> ExchangeClient::Open(const std::string& address, const ChannelId& id,
                                                    const Schema& schema) {
  std::vector<std::shared_ptr<grpc::Channel>> idle;
  std::shared_ptr<OutgoingStream> stream;
  {
    std::lock_guard lock(impl_->mutex);
    idle = impl_->TakeIdle();
    stream = std::make_shared<OutgoingStream>(*impl_, impl_->Connection(id, address), address, id);
    impl_->streams.emplace(stream.get(), stream);
    impl_->alive++;
  }
  stream->Start(Fingerprint(schema));
  return std::make_unique<OutgoingChannel>(std::move(stream));
}

ExchangeCounts ExchangeClient::counts() const {
  std::lock_guard lock(impl_->mutex);
  return {impl_->alive, impl_->elements, impl_->bytes};
}

void ExchangeClient::Cancel(const std::string& job, AttemptId attempt) {
  std::vector<std::shared_ptr<grpc::Channel>> idle;
  std::vector<std::shared_ptr<OutgoingStream>> open;
  {
    std::lock_guard lock(impl_->mutex);
    idle = impl_->TakeIdle();
    for (const auto& [key, stream] : impl_->streams) {
      if (stream->id().job == job && stream->id().attempt == attempt) open.push_back(stream);
    }
  }
  for (const auto& stream : open) stream->Cancel(/*at_once=*/false);
}

}  // namespace weir
