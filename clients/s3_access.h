#pragma once

#include <memory>
#include <string>

#include "clients/s3.h"
#include "config/s3_settings.h"

namespace weir {

/// How S3 is spoken to by these settings; what they leave out is as the environment says.
S3Options S3OptionsOf(const S3Settings& settings, const std::string& bucket);

/// A client as settings have it, with the keys that it borrows.
struct S3Access {
  /// Keys are looked for now; nothing is sent to the bucket.
  static Result<std::shared_ptr<S3Access>> Open(const S3Settings& settings,
                                                const std::string& bucket);

  const std::unique_ptr<AwsCredentialProvider> keys;
  const std::unique_ptr<S3Client> client;
};

}  // namespace weir
