#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/rpc/credentials.h"
#include "daemon/rpc/messages.h"
#include "daemon/rpc/server.h"
#include "proto/cluster.pb.h"

/// The two streams of messages of a cluster: a worker's session with its manager, and a lead's hold
/// of another worker's part of an attempt.
namespace weir {

/// Opens a worker's session at the manager on `address`, and returns at once. The handler may be
/// called before that. Destroying the sender breaks the stream off and waits for the handler's last
/// call: never from within a handler.
std::unique_ptr<MessageSender<proto::ToManager>> DialManager(
    const std::string& address, const Transport& transport,
    MessageHandler<proto::ToWorker> handler);

/// Opens a lead's hold of a part of an attempt at the worker on `address`, as `DialManager` does.
std::unique_ptr<MessageSender<proto::HostCommand>> DialHost(
    const std::string& address, const Transport& transport,
    MessageHandler<proto::HostEvent> handler);

/// Called for each new stream: gives what is to handle it. `sender` lives as long as somebody has
/// it.
using AcceptSession = std::function<MessageHandler<proto::ToManager>(
    std::shared_ptr<MessageSender<proto::ToWorker>> sender)>;
using AcceptHost = std::function<MessageHandler<proto::HostCommand>(
    std::shared_ptr<MessageSender<proto::HostEvent>> sender)>;

/// The manager's end of sessions.
std::unique_ptr<RpcService> MakeSessionService(AcceptSession accept);
/// A worker's end of leads' holds.
std::unique_ptr<RpcService> MakeHostService(AcceptHost accept);

}  // namespace weir
