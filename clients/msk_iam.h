#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "clients/aws_endpoint.h"
#include "clients/sigv4.h"

namespace weir {

/// What Amazon MSK takes instead of a password (SASL OAUTHBEARER): a presigned request for the
/// action kafka-cluster:Connect, in base64url. It names no broker: one token for a region and a
/// principal.
struct MskToken {
  std::string text;
  /// When it ends: after 15 minutes, or with the keys. Milliseconds since 1970, as librdkafka wants
  /// it.
  int64_t end_ms = 0;
};

/// Pure. The format is that of Amazon's own signers, which write amazonaws.com in every partition:
/// https://github.com/aws/aws-msk-iam-sasl-signer-python
MskToken SignMskToken(const AwsCredentials& credentials, const std::string& region, EventTime now);

/// Pure. The region in the name of one of MSK's brokers,
/// `b-1.NAME.ID.c2.kafka.REGION.amazonaws.com` or
/// `boot-ID.c1.kafka-serverless.REGION.amazonaws.com`, of the first in a list of brokers
/// (`HOST:PORT,…`) that has one; none where they are called otherwise.
std::optional<std::string> RegionOfMskBrokers(const std::string& bootstrap_servers);

/// The region that tokens for these brokers are signed for, where no option names it: that in their
/// names, else as FindAwsRegion says, else that of the machine (which takes a second or two where
/// there is none); none where nobody says.
std::optional<std::string> FindMskRegion(const std::string& bootstrap_servers,
                                         const std::string& profile,
                                         const VariableLookup& variable);

}  // namespace weir
