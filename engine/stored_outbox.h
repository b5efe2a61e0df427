#pragma once

#include "connectors/connector.h"
#include "state/checkpoint_store.h"

namespace weir {

/// Puts a sealed part into the store: few bytes into the manifest itself, many into a file.
Result<proto::OutboxPart> StoreOutbox(CheckpointStore& store, const SealedPart& part);

/// What StoreOutbox was given, to be read from where it lies.
Result<SealedPart> OpenOutbox(const CheckpointStore& store, const proto::OutboxPart& stored);

}  // namespace weir
