#include "daemon/rpc/server.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include <fmt/format.h>

#include "daemon/rpc/byte_buffer.h"
#include "daemon/rpc/cluster_streams.h"
#include "daemon/rpc/connection.h"
#include "daemon/rpc/errors.h"
#include "daemon/rpc/exchange_client.h"
#include "daemon/rpc/exchange_server.h"
#include "daemon/security/errors.h"
#include "daemon/security/testing.h"
#include "proto/exchange.grpc.pb.h"
#include "tests/catch.h"

namespace weir {
namespace {

constexpr Duration kLong = Duration::Seconds(30);
constexpr Barrier kLast{{Epoch{1}, 1}, true};

SchemaPtr Numbers() {
  static const auto schema =
      std::make_shared<const Schema>(std::vector<Field>{{"n", TypeKind::kInt64}});
  return schema;
}

BatchPtr OneRow() {
  BatchBuilder builder(Numbers());
  builder.column(0).Append<int64_t>(42);
  return builder.Finish();
}

TEST_CASE("addresses") {
  for (const char* good : {"10.0.0.5:9310", "host.example:1", "[::1]:65535", "localhost:0"}) {
    CHECK(CheckAddress(good).ok());
  }
  for (const char* bad : {"", "host", ":9310", "host:", "host:x", "host:65536", "host:-1", "::1:80",
                          "[::1]", "unix:/tmp/x", "http://host:80", "host:99999999999999999999"}) {
    CHECK(CheckAddress(bad).Is(errors::kBadPeerAddress));
  }
}

TEST_CASE("a port that somebody has is refused") {
  ExchangeServer first({});
  ExchangeServer second({});
  RpcService* service = &first;
  const auto one = RpcServer::Start("127.0.0.1:0", Transport::Plain(), std::span(&service, 1));
  REQUIRE(one.ok());
  service = &second;
  const auto other =
      RpcServer::Start((*one)->address(), Transport::Plain(), std::span(&service, 1));
  REQUIRE_FALSE(other.ok());
  CHECK(other.status().Is(errors::kCantServe));
  CHECK(RpcServer::Start("nonsense", Transport::Plain(), std::span(&service, 1))
            .status()
            .Is(errors::kBadPeerAddress));
}

TEST_CASE("an error keeps its code and its words on the way to a peer") {
  const Status error(errors::kOldAttempt, "it is over", "nothing is to be done");
  CHECK(FromGrpc(ToGrpc(error), "there").ToString() == error.ToString());
  CHECK(FromGrpc(ToGrpc(Status::Ok()), "there").ok());
  const Status unknown =
      FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone", "WEIR-?"), "10.0.0.5:9310");
  CHECK(unknown.Is(errors::kChannelBroken));
  CHECK(unknown.message() == "the connection to 10.0.0.5:9310 broke: gone");
}

using testing::Certificates;

std::shared_ptr<Refusals> NoOne() { return std::make_shared<Refusals>(SystemClock()); }

Transport Tls(const TlsFiles& files, const std::shared_ptr<Refusals>& refusals = NoOne(),
              PeerRole self = PeerRole::kWorker) {
  Result<Transport> transport = Transport::MutualTls(files, self, refusals);
  if (!transport.ok()) FAIL(transport.status().ToString());
  return *std::move(transport);
}

/// What becomes of a channel between two transports: ok where a row came through.
Status TryChannel(const Transport& receiving, const Transport& sending) {
  const ChannelId id{"job", {1, 1}, "a 0-0"};
  std::promise<Status> broken;
  ExchangeServer exchange({});
  RpcService* const service = &exchange;
  auto server = RpcServer::Start("127.0.0.1:0", receiving, std::span(&service, 1));
  if (!server.ok()) return server.status();
  Mailbox mailbox(1, 1 << 20);
  WEIR_TRY(exchange.Expect(id, Numbers(), mailbox, 0));
  ExchangeClient client(
      sending, {kLong, [&](const ChannelId&, const Status& status) { broken.set_value(status); }});
  {
    const auto channel = client.Open((*server)->address(), id, *Numbers());
    if (channel->Push(Rows{OneRow()})) {
      REQUIRE(mailbox.Pop(kLong));
      channel->Push(kLast);
      REQUIRE(mailbox.Pop(kLong));
    } else {
      return broken.get_future().get();
    }
  }
  (*server)->Shutdown(kLong);
  return Status::Ok();
}

TEST_CASE("workers that talk TLS know each other by their certificates") {
  Certificates certificates;
  const auto refusals = NoOne();
  const TlsFiles files = certificates.Make("ours", PeerRole::kWorker);
  const Transport ours = Tls(files, refusals);
  CHECK(ours.secure());
  const Status through = TryChannel(ours, ours);
  CHECK(through.ToString() == "ok");
  CHECK(TryChannel(ours, Transport::Plain()).Is(errors::kChannelBroken));
  CHECK(TryChannel(Transport::Plain(), ours).Is(errors::kChannelBroken));
  const Transport theirs = Tls(certificates.Make("other", PeerRole::kWorker));
  CHECK(TryChannel(ours, theirs).Is(errors::kChannelBroken));
  // A certificate of our authority, for another host: it may dial, but not be dialled.
  const Transport elsewhere = Tls(certificates.Make("ours", PeerRole::kWorker, "10.9.8.7"));
  CHECK(TryChannel(ours, elsewhere).ToString() == "ok");
  CHECK(TryChannel(elsewhere, ours).Is(errors::kChannelBroken));
}

/// Our files with the certificate and key of others: what an intruder shows who knows our CA.
TlsFiles Showing(const TlsFiles& ours, const TlsFiles& other) {
  return {ours.ca, other.certificate, other.key};
}

TEST_CASE("who dials a worker without a worker's certificate is refused and counted") {
  Certificates certificates;
  const auto refusals = NoOne();
  const TlsFiles files = certificates.Make("ours", PeerRole::kWorker);
  const Transport ours = Tls(files, refusals);
  const auto count = [&](Refusal why) { return refusals->Count(why); };

  const TlsFiles foreign = certificates.Make("other", PeerRole::kWorker);
  CHECK(TryChannel(ours, Tls(Showing(files, foreign))).Is(errors::kChannelBroken));
  CHECK(count(Refusal::kNotTrusted) >= 1);
  const TlsFiles client = certificates.Make("ours", PeerRole::kClient);
  CHECK(TryChannel(ours, Tls(client, NoOne(), PeerRole::kClient)).Is(errors::kChannelBroken));
  CHECK(count(Refusal::kWrongRole) >= 1);
  CHECK(count(Refusal::kExpired) == 0);
  // A process does not start with one that has expired, so it is put there afterwards.
  TlsFiles expiring = certificates.Make("ours", PeerRole::kWorker);
  const TlsFiles expired = certificates.Make("ours", PeerRole::kWorker, "127.0.0.1",
                                             EventTime{SystemClock().Now().us - 864'000'000'000});
  const Transport late = Tls(expiring);
  std::filesystem::rename(expired.key, expiring.key);
  std::filesystem::rename(expired.certificate, expiring.certificate);
  for (bool refused = false; !refused;) refused = !TryChannel(ours, late).ok();
  CHECK(count(Refusal::kExpired) >= 1);
}

TEST_CASE("a worker is let into no other role's place") {
  Certificates certificates;
  const auto refusals = NoOne();
  const Transport worker = Tls(certificates.Make("ours", PeerRole::kWorker), refusals);
  const Transport manager =
      Tls(certificates.Make("ours", PeerRole::kManager), NoOne(), PeerRole::kManager);
  // A manager is not to be taken for a worker, nor to dial one.
  CHECK(TryChannel(manager, worker).Is(errors::kChannelBroken));
  CHECK(refusals->Count(Refusal::kWrongRole) >= 1);
  CHECK(TryChannel(worker, manager).Is(errors::kChannelBroken));
}

TEST_CASE("a certificate that is replaced counts without a new start") {
  Certificates certificates;
  const auto refusals = NoOne();
  const TlsFiles files = certificates.Make("ours", PeerRole::kWorker);
  const Transport ours = Tls(files, refusals);
  const TlsFiles renewed = certificates.Make("ours", PeerRole::kWorker, "10.9.8.7");
  CHECK(TryChannel(ours, ours).ToString() == "ok");
  std::filesystem::rename(renewed.key, files.key);
  std::filesystem::rename(renewed.certificate, files.certificate);
  // It is for another host now: whoever dials it takes it no more.
  for (bool refused = false; !refused;) refused = !TryChannel(ours, ours).ok();
}

TEST_CASE("nobody listens off loopback in plain text") {
  ExchangeServer exchange({});
  RpcService* const service = &exchange;
  CHECK(RpcServer::Start("0.0.0.0:0", Transport::Plain(), std::span(&service, 1))
            .status()
            .Is(errors::kUnsafeListener));
  Certificates certificates;
  CHECK(RpcServer::Start("0.0.0.0:0", Tls(certificates.Make("ours", PeerRole::kWorker)),
                         std::span(&service, 1))
            .ok());
}

TEST_CASE("TLS files that are not in order are told at the start") {
  Certificates certificates;
  const TlsFiles good = certificates.Make("ours", PeerRole::kWorker);
  const auto refused = [](const TlsFiles& files) {
    const Result<Transport> transport = Transport::MutualTls(files, PeerRole::kWorker, NoOne());
    REQUIRE_FALSE(transport.ok());
    CHECK(transport.status().Is(errors::kBadTlsFiles));
    return transport.status().message();
  };
  CHECK(refused({good.ca + "x", good.certificate, good.key}).find("cannot read") == 0);
  CHECK(refused({good.key, good.certificate, good.key}).find("there is no certificate in") == 0);
  CHECK(refused({good.ca, good.certificate, good.ca}).find("there is no plain private key") == 0);
  CHECK(refused({good.ca, good.certificate, certificates.Make("other", PeerRole::kWorker).key})
            .find("the key is not that of the certificate") == 0);
  CHECK(Transport::MutualTls(good, PeerRole::kManager, NoOne())
            .status()
            .Is(errors::kWrongOwnCertificate));
}

/// A receiver that keeps to no rule: says `answer` to whoever opens a channel.
class StrangeReceiver final : public RpcService {
 public:
  explicit StrangeReceiver(grpc::ByteBuffer answer) : impl_(std::move(answer)) {}
  grpc::Service& service() override { return impl_; }

 private:
  class Call final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Call(const grpc::ByteBuffer& answer) : answer_(answer) { StartRead(&in_); }
    void OnReadDone(bool ok) override {
      if (!ok) {
        Finish(grpc::Status::OK);
        return;
      }
      if (!answered_) StartWrite(&answer_);
      answered_ = true;
      StartRead(&in_);
    }
    void OnDone() override { delete this; }

   private:
    bool answered_ = false;
    grpc::ByteBuffer in_;
    const grpc::ByteBuffer answer_;
  };
  class Impl final : public proto::Exchange::WithRawCallbackMethod_Open<proto::Exchange::Service> {
   public:
    explicit Impl(grpc::ByteBuffer answer) : answer_(std::move(answer)) {}
    grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
        grpc::CallbackServerContext*) override {
      return new Call(answer_);
    }

   private:
    const grpc::ByteBuffer answer_;
  };
  Impl impl_;
};

TEST_CASE("a sender takes no strange answers") {
  proto::ChannelReply reply;
  SECTION("garbage") {}
  SECTION("a grant before the channel is accepted") { reply.mutable_granted()->set_bytes(5); }
  SECTION("no credit") { reply.mutable_accepted()->set_credit_bytes(0); }
  const std::string garbage(100, '\xff');
  const grpc::Slice slice(garbage);
  const bool empty = reply.reply_case() == proto::ChannelReply::REPLY_NOT_SET;
  StrangeReceiver receiver(empty ? grpc::ByteBuffer(&slice, 1) : ToBuffer(reply));
  RpcService* const service = &receiver;
  const auto server = RpcServer::Start("127.0.0.1:0", Transport::Plain(), std::span(&service, 1));
  REQUIRE(server.ok());
  std::promise<Status> broken;
  ExchangeClient client(Transport::Plain(), {kLong, [&](const ChannelId&, const Status& status) {
                                               broken.set_value(status);
                                             }});
  const auto channel = client.Open((*server)->address(), {"job", {1, 1}, "a 0-0"}, *Numbers());
  CHECK_FALSE(channel->Push(Rows{OneRow()}));
  CHECK(broken.get_future().get().Is(errors::kChannelOutOfStep));
}

/// Takes connections, as the kernel of a process that hangs does, and says nothing.
class Mute {
 public:
  Mute() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const bool listens = ::bind(socket_, any, length) == 0 && ::listen(socket_, 8) == 0 &&
                         ::getsockname(socket_, any, &length) == 0;
    if (!listens) FAIL("no socket can listen on loopback");
    address_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  }
  ~Mute() { ::close(socket_); }
  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

TEST_CASE("a manager that hangs does not keep who dials it from the next one") {
  Certificates certificates;
  const bool secure = GENERATE(false, true);
  const Transport transport =
      secure ? Tls(certificates.Make("ours", PeerRole::kWorker)) : Transport::Plain();
  const Mute mute;
  std::promise<Status> ended;
  const auto session = DialManager(
      mute.address(), transport,
      {[](const proto::ToWorker&) {}, [&](Status status) { ended.set_value(std::move(status)); }});
  std::future<Status> end = ended.get_future();
  const Duration patience{3 * kPeerGoneAfter.us};
  REQUIRE(end.wait_for(patience.ToChrono()) == std::future_status::ready);
  CHECK(end.get().Is(errors::kChannelBroken));
}

TEST_CASE("a receiver that never answers is given up") {
  // A server without the service would refuse; this one reads on and says nothing.
  class Silent final : public RpcService {
   public:
    grpc::Service& service() override { return impl; }
    struct Call final : grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
      Call() { StartRead(&in); }
      void OnReadDone(bool ok) override { ok ? StartRead(&in) : Finish(grpc::Status::OK); }
      void OnDone() override { delete this; }
      grpc::ByteBuffer in;
    };
    struct Impl final : proto::Exchange::WithRawCallbackMethod_Open<proto::Exchange::Service> {
      grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
          grpc::CallbackServerContext*) override {
        return new Call();
      }
    } impl;
  } silent;
  RpcService* const service = &silent;
  const auto server = RpcServer::Start("127.0.0.1:0", Transport::Plain(), std::span(&service, 1));
  REQUIRE(server.ok());
  std::promise<Status> broken;
  ExchangeClient client(Transport::Plain(),
                        {Duration::Millis(100), [&](const ChannelId&, const Status& status) {
                           broken.set_value(status);
                         }});
  const auto channel = client.Open((*server)->address(), {"job", {1, 1}, "a 0-0"}, *Numbers());
  CHECK_FALSE(channel->Push(Rows{OneRow()}));
  const Status told = broken.get_future().get();
  CHECK(told.Is(errors::kChannelBroken));
  CHECK(told.message().find("did not accept") != std::string::npos);
}

}  // namespace
}  // namespace weir
