#include "daemon/rpc/cluster_streams.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>

#include "daemon/rpc/connection.h"
#include "proto/cluster.grpc.pb.h"

namespace weir {
namespace {

/// What both ends of a stream do alike: a queue of messages to be written, one write under way at a
/// time. `Reactor` is gRPC's for the end, already begun when this is used.
template <typename Reactor, typename In, typename Out>
class StreamEnd : public Reactor, public MessageSender<Out> {
 public:
  void Send(Out message) override {
    std::lock_guard lock(mutex_);
    if (closing_ || ended_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) this->StartWrite(&queue_.front());
  }
  void Close() override {
    std::lock_guard lock(mutex_);
    if (closing_ || ended_) return;
    closing_ = true;
    if (queue_.empty()) EndWrites();
  }
  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    queue_.pop_front();
    if (!ok) queue_.clear();
    if (!queue_.empty()) {
      this->StartWrite(&queue_.front());
    } else if (closing_) {
      EndWrites();
    }
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      OnNoMore();
      return;
    }
    handler_.on_message(std::exchange(incoming_, In{}));
    this->StartRead(&incoming_);
  }

 protected:
  /// Says to the other side that nothing more comes. Called under the mutex, perhaps again.
  virtual void EndWrites() = 0;
  /// The other side sends nothing more.
  virtual void OnNoMore() = 0;
  void Ended(Status status) {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    // Whoever holds the sender may hold what the handler refers to.
    const MessageHandler<In> handler = std::move(handler_);
    if (handler.on_end) handler.on_end(std::move(status));
  }

  std::mutex mutex_;
  std::deque<Out> queue_;  // The first one is being written.
  bool closing_ = false;
  bool ended_ = false;
  In incoming_;
  MessageHandler<In> handler_;
};

/// A server's end. Made by the service for each call.
template <typename In, typename Out>
class ServerStream final : public StreamEnd<grpc::ServerBidiReactor<In, Out>, In, Out> {
 public:
  using Accept = std::function<MessageHandler<In>(std::shared_ptr<MessageSender<Out>>)>;
  static ServerStream* Take(const Accept& accept) {
    auto stream = std::make_shared<ServerStream>();
    stream->self_ = stream;
    stream->handler_ = accept(stream);
    stream->StartRead(&stream->incoming_);
    return stream.get();
  }
  void OnDone() override {
    this->Ended(Status::Ok());
    const std::shared_ptr<ServerStream> last = std::move(self_);
  }

 private:
  void EndWrites() override {
    if (finished_) return;
    finished_ = true;
    this->Finish(grpc::Status::OK);
  }
  void OnNoMore() override {
    std::lock_guard lock(this->mutex_);
    this->closing_ = true;
    if (this->queue_.empty()) EndWrites();
  }
  bool finished_ = false;
  std::shared_ptr<ServerStream> self_;  // Until gRPC is done with it.
};

/// A client's end. gRPC must not be asked to end a connection from within its own calls: whoever
/// made the stream destroys it, and with it the connection, once gRPC is done.
template <typename Out, typename In>
class ClientStream final : public StreamEnd<grpc::ClientBidiReactor<Out, In>, In, Out> {
 public:
  using Call = std::function<void(grpc::ClientContext*, grpc::ClientBidiReactor<Out, In>* reactor)>;
  /// `peer` names the other side in errors; `stub` lives as long as the stream; `call` makes the
  /// call on it.
  static std::unique_ptr<ClientStream> Begin(std::string peer, MessageHandler<In> handler,
                                             std::shared_ptr<void> stub, const Call& call) {
    auto stream = std::make_unique<ClientStream>();
    stream->peer_ = std::move(peer);
    stream->handler_ = std::move(handler);
    stream->stub_ = std::move(stub);
    call(&stream->context_, stream.get());
    // Writes are begun from outside of gRPC's own calls: it is not done before RemoveHold.
    stream->AddHold();
    stream->StartCall();
    stream->StartRead(&stream->incoming_);
    return stream;
  }
  ~ClientStream() override {
    context_.TryCancel();
    std::unique_lock lock(this->mutex_);
    changed_.wait(lock, [this] { return done_; });
  }
  void OnDone(const grpc::Status& status) override {
    this->Ended(FromGrpc(status, peer_));
    // The last that is done with it, and under the mutex: it may be gone right after.
    std::lock_guard lock(this->mutex_);
    done_ = true;
    changed_.notify_all();
  }

 private:
  void EndWrites() override {
    if (over_) return;
    over_ = true;
    this->StartWritesDone();
  }
  void OnNoMore() override {
    {
      std::lock_guard lock(this->mutex_);
      this->closing_ = true;  // Nothing is begun from outside any more.
      over_ = true;
    }
    this->RemoveHold();
  }

  grpc::ClientContext context_;
  std::string peer_;
  std::shared_ptr<void> stub_;
  bool over_ = false;
  std::condition_variable changed_;
  bool done_ = false;
};

class SessionService final : public RpcService, public proto::Manager::CallbackService {
 public:
  explicit SessionService(AcceptSession accept) : accept_(std::move(accept)) {}
  grpc::Service& service() override { return *this; }
  grpc::ServerBidiReactor<proto::ToManager, proto::ToWorker>* Session(
      grpc::CallbackServerContext*) override {
    return ServerStream<proto::ToManager, proto::ToWorker>::Take(accept_);
  }

 private:
  const AcceptSession accept_;
};

class HostService final : public RpcService, public proto::Host::CallbackService {
 public:
  explicit HostService(AcceptHost accept) : accept_(std::move(accept)) {}
  grpc::Service& service() override { return *this; }
  grpc::ServerBidiReactor<proto::HostCommand, proto::HostEvent>* Attempt(
      grpc::CallbackServerContext*) override {
    return ServerStream<proto::HostCommand, proto::HostEvent>::Take(accept_);
  }

 private:
  const AcceptHost accept_;
};

}  // namespace

std::unique_ptr<MessageSender<proto::ToManager>> DialManager(
    const std::string& address, const Transport& transport,
    MessageHandler<proto::ToWorker> handler) {
  const std::shared_ptr<proto::Manager::Stub> stub =
      proto::Manager::NewStub(Connect(address, transport, PeerRole::kManager));
  return ClientStream<proto::ToManager, proto::ToWorker>::Begin(
      "the manager at " + address, std::move(handler), stub,
      [stub](auto* context, auto* reactor) { stub->async()->Session(context, reactor); });
}

std::unique_ptr<MessageSender<proto::HostCommand>> DialHost(
    const std::string& address, const Transport& transport,
    MessageHandler<proto::HostEvent> handler) {
  const std::shared_ptr<proto::Host::Stub> stub =
      proto::Host::NewStub(Connect(address, transport, PeerRole::kWorker));
  return ClientStream<proto::HostCommand, proto::HostEvent>::Begin(
      "the worker at " + address, std::move(handler), stub,
      [stub](auto* context, auto* reactor) { stub->async()->Attempt(context, reactor); });
}

std::unique_ptr<RpcService> MakeSessionService(AcceptSession accept) {
  return std::make_unique<SessionService>(std::move(accept));
}

std::unique_ptr<RpcService> MakeHostService(AcceptHost accept) {
  return std::make_unique<HostService>(std::move(accept));
}

}  // namespace weir
