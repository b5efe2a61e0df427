#include "daemon/rpc/exchange_server.h"

#include <grpcpp/alarm.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "daemon/rpc/byte_buffer.h"
#include "daemon/rpc/connection.h"
#include "daemon/rpc/errors.h"
#include "proto/exchange.grpc.pb.h"

namespace weir {
namespace {

constexpr size_t kMostNameBytes = 1024;
constexpr size_t kMostWaiting = 10000;
/// That a task has not taken: far more than its senders ever take part in.
constexpr int64_t kMostBarriers = 4096;

class IncomingStream;
using StreamPtr = std::shared_ptr<IncomingStream>;

struct ExpectedChannel {
  SchemaPtr schema;
  Mailbox* mailbox = nullptr;
  size_t index = 0;
  bool opened = false;  ///< By a sender; no other may, whatever became of it.
  StreamPtr stream;     ///< While it is open.
};

/// What the streams ask of the server.
class Registry {
 public:
  explicit Registry(ExchangeServer::Options options) : options_(std::move(options)) {}

  const ExchangeServer::Options& options() const { return options_; }
  Status Expect(const ChannelId& id, ExpectedChannel channel);
  void Forget(const std::string& job, AttemptId attempt);

  /// Gives the stream its channel, lets it wait for it, or says why not.
  Status Admit(const StreamPtr& stream, const ChannelId& id, uint64_t fingerprint);
  void GiveUpWaiting(const StreamPtr& stream);
  void Remove(const StreamPtr& stream);
  void TellBroken(const ChannelId& id, const Status& status) const {
    if (options_.on_broken) options_.on_broken(id, status);
  }
  void Count(size_t bytes) {
    elements_++;
    bytes_ += bytes;
  }
  void CountOpen(bool opened) { opened ? ++open_ : --open_; }
  ExchangeCounts counts() const { return {open_, elements_, bytes_}; }

 private:
  struct Job {
    AttemptId newest;
    AttemptId over;  ///< The newest that was forgotten: nobody waits for it.
    std::map<AttemptId, std::map<std::string, ExpectedChannel>> attempts;
  };
  struct Waiting {
    StreamPtr stream;
    uint64_t fingerprint = 0;
  };
  Status AdmitLocked(const StreamPtr& stream, const ChannelId& id, uint64_t fingerprint,
                     bool& newer);
  static Status Bind(ExpectedChannel& channel, const StreamPtr& stream, const ChannelId& id,
                     uint64_t fingerprint);

  const ExchangeServer::Options options_;
  std::mutex mutex_;  // Taken before that of a stream.
  std::map<std::string, Job> jobs_;
  std::map<ChannelId, Waiting> waiting_;
  std::atomic<uint64_t> open_{0};
  std::atomic<uint64_t> elements_{0};
  std::atomic<uint64_t> bytes_{0};
};

Status OldAttempt(const std::string& job, AttemptId asked, AttemptId newest) {
  return Status(errors::kOldAttempt,
                fmt::format("attempt {} of job '{}' is over: attempt {} has begun",
                            asked.ToString(), job, newest.ToString()),
                "nothing is to be done: its tasks end, and the newer ones go on");
}

Status AttemptForgotten() {
  return Status(errors::kChannelClosed, "the receiving worker has ended the attempt",
                "what ended it is told there");
}

/// One call: a channel from its first message to its end. Its reactions come one after the other,
/// but for OnWriteDone, which may come beside OnReadDone; Taken comes from the task's thread.
class IncomingStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                             public std::enable_shared_from_this<IncomingStream> {
 public:
  IncomingStream(std::shared_ptr<Registry> registry, grpc::CallbackServerContext& context)
      : registry_(std::move(registry)),
        context_(context),
        credit_bytes_(static_cast<int64_t>(registry_->options().channel_bytes)) {
    registry_->CountOpen(true);
  }
  ~IncomingStream() override { registry_->CountOpen(false); }

  void Start() {
    self_ = shared_from_this();
    StartRead(&in_);
  }

  /// The channel is there: elements may come. False where the call is over already.
  bool Accept(const ExpectedChannel& channel) {
    alarm_.Cancel();
    std::unique_lock lock(mutex_);
    if (finish_) return false;
    schema_ = channel.schema;
    mailbox_ = channel.mailbox;
    index_ = channel.index;
    accept_ = true;
    Carry(NextDeed(), lock);
    return true;
  }

  /// Waits for Accept.
  void Wait() {
    const auto deadline =
        std::chrono::system_clock::now() + registry_->options().patience.ToChrono();
    alarm_.Set(deadline, [weak = weak_from_this()](bool rang) {
      const StreamPtr stream = weak.lock();
      if (rang && stream) stream->registry_->GiveUpWaiting(stream);
    });
  }

  /// Ends the call with what the sender is to be told. Nothing touches the mailbox afterwards.
  void End(const Status& reason) {
    std::unique_lock lock(mutex_);
    if (finish_) return;
    finish_ = ToGrpc(reason);
    mailbox_ = nullptr;
    Carry(NextDeed(), lock);
  }

  const ChannelId& id() const { return id_; }

  void OnReadDone(bool ok) override {
    if (!ok) {
      InputEnded();
      return;
    }
    const Status outcome = opened_ ? TakeFrames() : Open();
    in_.Clear();
    if (!outcome.ok()) {
      Fail(outcome);
      return;
    }
    StartRead(&in_);
  }

  void OnWriteDone(bool) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    Carry(NextDeed(), lock);
  }

  void OnDone() override {
    alarm_.Cancel();
    const StreamPtr self = std::move(self_);
    registry_->Remove(self);
  }

 private:
  enum class Deed { kNothing, kWrite, kFinish };

  Status Open() {
    proto::OpenChannel open;
    if (!FromBuffer(in_, open) || open.job().size() > kMostNameBytes ||
        open.channel().size() > kMostNameBytes) {
      return OutOfStep("its first message does not open a channel");
    }
    if (open.version() != kExchangeVersion) {
      return Status(errors::kWorkersDiffer,
                    fmt::format("the sending worker speaks version {} of the exchange, this one {}",
                                open.version(), kExchangeVersion),
                    "run one version of weir on all workers");
    }
    opened_ = true;
    id_ = {open.job(), {open.term(), open.number()}, open.channel()};
    return registry_->Admit(shared_from_this(), id_, open.schema_fingerprint());
  }

  Status TakeFrames() {
    (void)WEIR_FAILPOINT("exchange.frame_received");
    std::vector<grpc::Slice> slices;
    const std::vector<FrameBytes::Piece> pieces = ToPieces(in_, slices);
    FrameBytes message(pieces);
    if (message.left() == 0) return OutOfStep("a message has no frame");
    while (message.left() > 0) {
      SchemaPtr schema;
      {
        std::lock_guard lock(mutex_);
        if (!mailbox_ && !finish_) return OutOfStep("a frame came before the channel was accepted");
        schema = schema_;
      }
      if (!schema) return AttemptForgotten();
      WEIR_TRY(Deliver(WEIR_TRY(DecodeElement(message, schema))));
    }
    return Status::Ok();
  }

  Status Deliver(ReceivedElement received) {
    // Barriers weigh nothing: one that had to wait would tie a knot between tasks.
    const Barrier* barrier = std::get_if<Barrier>(&received.element);
    const bool last = barrier && barrier->last;
    const int64_t weight = barrier ? 0 : static_cast<int64_t>(WeightOf(received.bytes));
    std::lock_guard lock(mutex_);
    if (!mailbox_) return AttemptForgotten();
    if (received.number != next_number_) {
      return OutOfStep(
          fmt::format("frame {} came where {} was due", received.number, next_number_));
    }
    if (barrier ? barriers_ >= kMostBarriers
                : credit_bytes_ - used_ < CreditNeeded(weight, credit_bytes_)) {
      return OutOfStep("the sender overran its credit");
    }
    next_number_++;
    registry_->Count(received.bytes);
    used_ += weight;
    barriers_ += barrier ? 1 : 0;
    last_ = last;
    if (!mailbox_->Offer(index_, std::move(received.element),
                         [self = shared_from_this(), weight] { self->Taken(weight); })) {
      mailbox_ = nullptr;
      return AttemptForgotten();
    }
    return Status::Ok();
  }

  /// The task has taken an element: its weight is given back, not each for itself.
  void Taken(int64_t weight) {
    (void)WEIR_FAILPOINT("exchange.credit");
    std::unique_lock lock(mutex_);
    taken_ += weight;
    if (weight == 0) barriers_--;
    Carry(NextDeed(), lock);
  }

  /// The sender will say no more.
  void InputEnded() {
    const bool broken = context_.IsCancelled();
    std::unique_lock lock(mutex_);
    if (finish_) return;
    if (!broken && last_) {
      finish_ = grpc::Status::OK;
      mailbox_ = nullptr;
      Carry(NextDeed(), lock);
      return;
    }
    lock.unlock();
    Fail(Status(errors::kChannelBroken,
                fmt::format("channel '{}' of job '{}' broke: {}", id_.channel, id_.job,
                            broken ? "the connection to the sending worker is gone"
                                   : "its sender ended it before the last barrier"),
                "the job restarts from its last checkpoint"));
  }

  /// Ends the call, and with it the attempt where the channel was one of its own.
  void Fail(const Status& status) {
    bool tell = false;
    {
      std::lock_guard lock(mutex_);
      tell = mailbox_ != nullptr && !finish_;
    }
    End(status);
    if (tell) registry_->TellBroken(id_, status);
  }

  Status OutOfStep(std::string_view what) const {
    return Status(errors::kChannelOutOfStep,
                  fmt::format("channel '{}' of job '{}': {}", id_.channel, id_.job, what),
                  "the job restarts from its last checkpoint; if this comes again, report it");
  }

  /// What is to be asked of gRPC now. One write at a time; the end waits for it.
  Deed NextDeed() {
    if (writing_ || finished_) return Deed::kNothing;
    if (finish_) {
      finished_ = true;
      return Deed::kFinish;
    }
    proto::ChannelReply reply;
    if (accept_) {
      accept_ = false;
      reply.mutable_accepted()->set_credit_bytes(static_cast<uint64_t>(credit_bytes_));
    } else if (taken_ > 0 && taken_ >= credit_bytes_ / 4) {
      reply.mutable_granted()->set_bytes(static_cast<uint64_t>(taken_));
      used_ -= taken_;
      taken_ = 0;
    } else {
      return Deed::kNothing;
    }
    out_ = ToBuffer(reply);
    writing_ = true;
    return Deed::kWrite;
  }

  void Carry(Deed deed, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    if (deed == Deed::kWrite) StartWrite(&out_);
    if (deed == Deed::kFinish) Finish(*finish_);
  }

  const std::shared_ptr<Registry> registry_;  // Shared: an alarm may ring when the server is gone.
  grpc::CallbackServerContext& context_;
  const int64_t credit_bytes_;
  grpc::Alarm alarm_;
  grpc::ByteBuffer in_;
  bool opened_ = false;
  ChannelId id_;    // Set once, by the first message.
  StreamPtr self_;  // While gRPC knows of it.

  std::mutex mutex_;
  SchemaPtr schema_;
  Mailbox* mailbox_ = nullptr;  // While the channel is open.
  size_t index_ = 0;
  uint64_t next_number_ = 1;
  int64_t used_ = 0;      // Of the credit, as far as the sender knows it.
  int64_t taken_ = 0;     // Of that, what the task has taken and the sender has not been told of.
  int64_t barriers_ = 0;  // That the task has not taken.
  bool last_ = false;     // The newest element is a last barrier.
  bool accept_ = false;
  bool writing_ = false;
  grpc::ByteBuffer out_;
  std::optional<grpc::Status> finish_;
  bool finished_ = false;
};

Status Registry::Bind(ExpectedChannel& channel, const StreamPtr& stream, const ChannelId& id,
                      uint64_t fingerprint) {
  if (channel.opened) {
    return Status(errors::kChannelTwice,
                  fmt::format("channel '{}' of job '{}' has a sender already", id.channel, id.job),
                  "the job restarts from its last checkpoint; if this comes again, report it");
  }
  if (fingerprint != Fingerprint(*channel.schema)) {
    return Status(
        errors::kWorkersDiffer,
        fmt::format("channel '{}' of job '{}' has other columns at its sender than here: {}",
                    id.channel, id.job, channel.schema->ToString()),
        "run one version of weir on all workers");
  }
  // One that broke while it waited told its sender so; here it never opened.
  channel.opened = stream->Accept(channel);
  if (channel.opened) channel.stream = stream;
  return Status::Ok();
}

Status Registry::Expect(const ChannelId& id, ExpectedChannel channel) {
  std::vector<std::pair<StreamPtr, Status>> refused;
  {
    std::lock_guard lock(mutex_);
    Job& job = jobs_[id.job];
    if (id.attempt < job.newest) return OldAttempt(id.job, id.attempt, job.newest);
    if (id.attempt <= job.over) return AttemptForgotten();
    job.newest = id.attempt;
    const auto [expected, added] = job.attempts[id.attempt].emplace(id.channel, std::move(channel));
    WEIR_CHECK(added, "a channel is expected twice");
    if (const auto it = waiting_.find(id); it != waiting_.end()) {
      const Waiting waiting = std::move(it->second);
      waiting_.erase(it);
      Status bound = Bind(expected->second, waiting.stream, id, waiting.fingerprint);
      if (!bound.ok()) refused.emplace_back(waiting.stream, std::move(bound));
    }
    // Those that wait for an older attempt wait in vain.
    auto it = waiting_.lower_bound(ChannelId{id.job, {}, {}});
    while (it != waiting_.end() && it->first.job == id.job && it->first.attempt < id.attempt) {
      refused.emplace_back(it->second.stream, OldAttempt(id.job, it->first.attempt, id.attempt));
      it = waiting_.erase(it);
    }
  }
  for (const auto& [stream, why] : refused) stream->End(why);
  return Status::Ok();
}

void Registry::Forget(const std::string& job, AttemptId attempt) {
  std::vector<StreamPtr> streams;
  {
    std::lock_guard lock(mutex_);
    Job& known = jobs_[job];
    known.over = std::max(known.over, attempt);
    if (const auto found = known.attempts.find(attempt); found != known.attempts.end()) {
      for (auto& [name, channel] : found->second) {
        if (channel.stream) streams.push_back(std::move(channel.stream));
      }
      known.attempts.erase(found);
    }
    auto it = waiting_.lower_bound(ChannelId{job, attempt, {}});
    while (it != waiting_.end() && it->first.job == job && it->first.attempt == attempt) {
      streams.push_back(std::move(it->second.stream));
      it = waiting_.erase(it);
    }
  }
  for (const StreamPtr& stream : streams) stream->End(AttemptForgotten());
}

Status Registry::Admit(const StreamPtr& stream, const ChannelId& id, uint64_t fingerprint) {
  bool newer = false;
  Status outcome;
  {
    std::lock_guard lock(mutex_);
    outcome = AdmitLocked(stream, id, fingerprint, newer);
  }
  if (newer && options_.on_newer) options_.on_newer(id.job, id.attempt);
  return outcome;
}

Status Registry::AdmitLocked(const StreamPtr& stream, const ChannelId& id, uint64_t fingerprint,
                             bool& newer) {
  if (const auto job = jobs_.find(id.job); job != jobs_.end()) {
    if (id.attempt < job->second.newest && !WEIR_MUTANT("exchange_old_attempt_accepted")) {
      return OldAttempt(id.job, id.attempt, job->second.newest);
    }
    newer = id.attempt > job->second.newest;
    job->second.newest = id.attempt;
    if (const auto attempt = job->second.attempts.find(id.attempt);
        attempt != job->second.attempts.end()) {
      if (const auto channel = attempt->second.find(id.channel); channel != attempt->second.end()) {
        return Bind(channel->second, stream, id, fingerprint);
      }
    }
    if (id.attempt <= job->second.over) return AttemptForgotten();
  }
  if (waiting_.contains(id)) {
    return Status(errors::kChannelTwice,
                  fmt::format("channel '{}' of job '{}' has a sender already", id.channel, id.job),
                  "the job restarts from its last checkpoint; if this comes again, report it");
  }
  if (waiting_.size() >= kMostWaiting) {
    return Status(errors::kChannelUnknown, "too many senders wait for their attempts here",
                  "the job restarts from its last checkpoint");
  }
  waiting_.emplace(id, Waiting{stream, fingerprint});
  stream->Wait();
  return Status::Ok();
}

void Registry::GiveUpWaiting(const StreamPtr& stream) {
  {
    std::lock_guard lock(mutex_);
    const auto it = waiting_.find(stream->id());
    if (it == waiting_.end() || it->second.stream != stream) return;
    waiting_.erase(it);
  }
  stream->End(Status(
      errors::kChannelUnknown,
      fmt::format("the receiving worker has no channel '{}' of attempt {} of job '{}', and got "
                  "none within {} s",
                  stream->id().channel, stream->id().attempt.ToString(), stream->id().job,
                  options_.patience.us / 1000000),
      "the job restarts from its last checkpoint"));
}

void Registry::Remove(const StreamPtr& stream) {
  std::lock_guard lock(mutex_);
  if (const auto it = waiting_.find(stream->id());
      it != waiting_.end() && it->second.stream == stream) {
    waiting_.erase(it);
  }
  const auto job = jobs_.find(stream->id().job);
  if (job == jobs_.end()) return;
  const auto attempt = job->second.attempts.find(stream->id().attempt);
  if (attempt == job->second.attempts.end()) return;
  const auto channel = attempt->second.find(stream->id().channel);
  if (channel != attempt->second.end() && channel->second.stream == stream) {
    channel->second.stream = nullptr;
  }
}

}  // namespace

struct ExchangeServer::Impl final
    : public proto::Exchange::WithRawCallbackMethod_Open<proto::Exchange::Service> {
  explicit Impl(Options options) : registry(std::make_shared<Registry>(std::move(options))) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
      grpc::CallbackServerContext* context) override {
    const auto stream = std::make_shared<IncomingStream>(registry, *context);
    stream->Start();
    return stream.get();
  }

  const std::shared_ptr<Registry> registry;
};

ExchangeServer::ExchangeServer(Options options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ExchangeServer::~ExchangeServer() = default;

Status ExchangeServer::Expect(const ChannelId& id, SchemaPtr schema, Mailbox& mailbox,
                              size_t index) {
  ExpectedChannel channel;
  channel.schema = std::move(schema);
  channel.mailbox = &mailbox;
  channel.index = index;
  return impl_->registry->Expect(id, std::move(channel));
}

void ExchangeServer::Forget(const std::string& job, AttemptId attempt) {
  impl_->registry->Forget(job, attempt);
}

ExchangeCounts ExchangeServer::counts() const { return impl_->registry->counts(); }

grpc::Service& ExchangeServer::service() { return *impl_; }

}  // namespace weir
