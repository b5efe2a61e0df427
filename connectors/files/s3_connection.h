#pragma once

#include <memory>
#include <optional>
#include <string>

#include "clients/s3_access.h"
#include "config/s3_settings.h"
#include "connectors/connector.h"

namespace weir {

/// `connections: { NAME: { s3: {…} } }`: a bucket.
struct S3Connection : S3Settings {
  std::string bucket;
  static const Spec<S3Connection>& Describe();

  Result<std::shared_ptr<S3Access>> Open() const { return S3Access::Open(*this, bucket); }
};

/// The connection that a node names; none, and the fault told, where there is none or it has
/// faults.
std::optional<S3Connection> ReadS3Connection(const NodeContext& node, const std::string& name,
                                             Diagnostics& diagnostics);

}  // namespace weir
