#include "connectors/files/s3_connection.h"

#include "config/yaml_origin.h"

namespace weir {
const Spec<S3Connection>& S3Connection::Describe() {
  static const Spec<S3Connection> spec = SpecWithS3<S3Connection>(
      "s3", "A bucket of Amazon S3, or of a service that speaks like it.",
      "s3: { bucket: my-lake, region: eu-central-1 }",
      Required(
          "bucket", &S3Connection::bucket, "Its name.",
          Condition("a bucket's name: 3 to 63 small letters, digits, '-' and '.'", IsBucketName)));
  return spec;
}

std::optional<S3Connection> ReadS3Connection(const NodeContext& node, const std::string& name,
                                             Diagnostics& diagnostics) {
  const YamlNode* at = node.options->Find("connection");
  const ConnectionSpec* found =
      node.connection(name, {"s3"}, (at != nullptr ? *at : *node.options).place());
  if (found == nullptr) return std::nullopt;
  S3Connection connection;
  if (!S3Connection::Describe().Read(found->options, diagnostics, connection) ||
      !CheckS3Settings(connection, found->options, diagnostics)) {
    return std::nullopt;
  }
  connection.folder = FolderOf(found->options);
  return connection;
}

}  // namespace weir
