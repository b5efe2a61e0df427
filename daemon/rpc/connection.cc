#include "daemon/rpc/connection.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <array>
#include <mutex>

#include <fmt/format.h>

#include "base/log.h"
#include "batch/errors.h"
#include "daemon/rpc/errors.h"

namespace weir {
namespace {

// A peer that is stopped, or cut off without a word, is noticed after the sum of these.
constexpr int kKeepaliveMs = static_cast<int>(kKeepalive.us / 1000);
constexpr int kKeepaliveAnswerMs = static_cast<int>(kKeepaliveAnswer.us / 1000);
/// So that a message is one HTTP/2 frame, and the window never waits for an answer of the peer.
constexpr int kHttp2FrameBytes = 1 << 20;
constexpr int kHttp2WindowBytes = 4 << 20;
constexpr int kMostCalls = 10000;

constexpr std::array kPeerCodes = {
    &errors::kBadFrame,         &errors::kChannelBroken, &errors::kOldAttempt,
    &errors::kChannelUnknown,   &errors::kChannelTwice,  &errors::kWorkersDiffer,
    &errors::kChannelOutOfStep, &errors::kRowTooLong,    &errors::kChannelClosed,
};

/// Limits as (name, value), for both sides.
constexpr std::array<std::pair<const char*, int>, 10> kLimits = {{
    {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, static_cast<int>(kMostMessageBytes)},
    {GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, static_cast<int>(kMostMessageBytes)},
    {GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs},
    {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveAnswerMs},
    {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
    {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
    {GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0},
    {GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kHttp2FrameBytes},
    {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kHttp2WindowBytes},
    {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepaliveMs / 4},
}};

/// What the library has to say goes into weir's own log.
void TakeOverLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function([](gpr_log_func_args* said) {
      if (said->severity == GPR_LOG_SEVERITY_ERROR) log::Warn("grpc", {{"says", said->message}});
    });
  });
}

grpc::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorKind::kRetry:
      return grpc::StatusCode::ABORTED;
    default:
      return grpc::StatusCode::FAILED_PRECONDITION;
  }
}

}  // namespace

Status CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (host.empty() || host.find('/') != std::string::npos ||
      (host.find(':') != std::string::npos && !bracketed) || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535) {
    return Status(errors::kBadPeerAddress, fmt::format("'{}' is not an address", address),
                  "an address is HOST:PORT, as in 10.0.0.5:9310 or [::1]:9310");
  }
  return Status::Ok();
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const Transport& transport,
                                       PeerRole peer) {
  TakeOverLog();
  grpc::ChannelArguments arguments;
  for (const auto& [name, value] : kLimits) arguments.SetInt(name, value);
  // Connections are of their own: a new attempt must not inherit one that is half dead, nor wait
  // because an earlier one could not be made.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // The bound of a dial; without it who hangs within TLS's greeting has 20 s.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(kPeerGoneAfter.us / 1000));
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return grpc::CreateCustomChannel(address, transport.channel(peer), arguments);
}

void SetLimits(grpc::ServerBuilder& builder) {
  TakeOverLog();
  for (const auto& [name, value] : kLimits) builder.AddChannelArgument(name, value);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostCalls);
  // Two processes on one port would each get some of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(CodeOf(status.kind()), status.message(),
                      std::string(status.code().id) + "\n" + status.cure());
}

Status FromGrpc(const grpc::Status& status, const std::string& place) {
  if (status.ok()) return Status::Ok();
  const std::string details = status.error_details();
  const size_t end = std::min(details.find('\n'), details.size());
  for (const ErrorCode* code : kPeerCodes) {
    if (code->id != details.substr(0, end)) continue;
    return Status(*code, status.error_message(),
                  end < details.size() ? details.substr(end + 1) : "");
  }
  return Status(errors::kChannelBroken,
                fmt::format("the connection to {} broke: {}", place, status.error_message()),
                "the job restarts from its last checkpoint; see that the worker runs and can be "
                "reached");
}

}  // namespace weir
