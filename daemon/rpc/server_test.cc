#include "daemon/rpc/server.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include <fmt/format.h>

#include "daemon/rpc/byte_buffer.h"
#include "daemon/rpc/connection.h"
#include "daemon/rpc/errors.h"
#include "daemon/rpc/exchange_client.h"
#include "daemon/rpc/exchange_server.h"
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

/// A CA and certificates for 127.0.0.1 made by it, gone with the test.
class Certificates {
 public:
  Certificates()
      : folder_(
            fmt::format("{}/weir-tls.XXXXXX", std::filesystem::temp_directory_path().string())) {
    REQUIRE(mkdtemp(folder_.data()) != nullptr);
    for (const char* ca : {"ca", "other"}) {
      Run(
          fmt::format("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                      "-subj /CN={0} -keyout {1}/{0}.key -out {1}/{0}.pem",
                      ca, folder_));
      Issue(ca, "127.0.0.1");
    }
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }

  void Issue(const std::string& ca, const std::string& ip) {
    const std::string name = fmt::format("{}/{}-{}", folder_, ca, ip);
    Run(
        fmt::format("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=worker "
                    "-addext subjectAltName=IP:{1} -keyout {0}.key -out {0}.csr",
                    name, ip));
    Run(
        fmt::format("x509 -req -in {0}.csr -CA {1}/{2}.pem -CAkey {1}/{2}.key -CAcreateserial "
                    "-copy_extensions copyall -days 2 -out {0}.pem",
                    name, folder_, ca));
  }
  TlsFiles Files(const std::string& ca, const std::string& ip = "127.0.0.1") const {
    const std::string name = fmt::format("{}/{}-{}", folder_, ca, ip);
    return {fmt::format("{}/{}.pem", folder_, ca), name + ".pem", name + ".key"};
  }
  const std::string& folder() const { return folder_; }

 private:
  static void Run(const std::string& arguments) {
    REQUIRE(std::system(("openssl " + arguments + " >/dev/null 2>&1").c_str()) == 0);
  }
  std::string folder_;
};

Transport Tls(const TlsFiles& files) {
  Result<Transport> transport = Transport::MutualTls(files);
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
  const Transport ours = Tls(certificates.Files("ca"));
  CHECK(ours.secure());
  const Status through = TryChannel(ours, ours);
  CHECK(through.ToString() == "ok");
  CHECK(TryChannel(ours, Transport::Plain()).Is(errors::kChannelBroken));
  CHECK(TryChannel(Transport::Plain(), ours).Is(errors::kChannelBroken));
  const Transport theirs = Tls(certificates.Files("other"));
  CHECK(TryChannel(ours, theirs).Is(errors::kChannelBroken));
  // A certificate of our CA, for another host: it may dial, but not be dialled.
  certificates.Issue("ca", "10.9.8.7");
  const Transport elsewhere = Tls(certificates.Files("ca", "10.9.8.7"));
  CHECK(TryChannel(ours, elsewhere).ToString() == "ok");
  CHECK(TryChannel(elsewhere, ours).Is(errors::kChannelBroken));
}

TEST_CASE("TLS files that are not in order are told at the start") {
  const Certificates certificates;
  const TlsFiles good = certificates.Files("ca");
  const auto refused = [](const TlsFiles& files) {
    const Result<Transport> transport = Transport::MutualTls(files);
    REQUIRE_FALSE(transport.ok());
    CHECK(transport.status().Is(errors::kBadTlsFiles));
    return transport.status().message();
  };
  CHECK(refused({good.ca + "x", good.certificate, good.key}).find("cannot read") == 0);
  CHECK(refused({good.key, good.certificate, good.key}).find("there is no certificate in") == 0);
  CHECK(refused({good.ca, good.certificate, good.ca}).find("there is no plain private key") == 0);
  CHECK(refused({good.ca, good.certificate, certificates.Files("other").key})
            .find("the key is not that of the certificate") == 0);
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
