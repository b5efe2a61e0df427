#include "clients/s3_answer.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <pugixml.hpp>
#include <sstream>

#include "clients/aws_rights.h"
#include "clients/errors.h"

namespace weir {
namespace {

bool OneOf(const std::string& code, std::initializer_list<const char*> codes) {
  return std::any_of(codes.begin(), codes.end(), [&](const char* each) { return code == each; });
}

/// Loads an answer; false where its root is another element, or it is no XML.
bool Load(const HttpResponse& response, const char* root, pugi::xml_document& document) {
  return document.load_buffer(response.body.data(), response.body.size()) && document.child(root);
}

Status NotThat(const char* root, const std::string& what) {
  return Status(errors::kBadAnswer, what + ": the answer is no " + root,
                "see that the endpoint is that of an S3 service");
}

std::string TextOf(const pugi::xml_document& document) {
  std::ostringstream text;
  document.save(text, "", pugi::format_raw);
  return text.str();
}

}  // namespace

S3Fault FaultOf(const HttpResponse& response) {
  S3Fault fault{ReadAwsFault(response), {}};
  pugi::xml_document document;
  if (Load(response, "Error", document))
    fault.region = document.child("Error").child_value("Region");
  if (const std::string_view region = response.Header("x-amz-bucket-region"); !region.empty()) {
    fault.region = region;
  }
  return fault;
}

Status Refusal(const std::string& what, const std::string& bucket, int status,
               const S3Fault& fault) {
  const std::string text = FaultText(what, status, fault);
  if (fault.code == "NoSuchBucket") {
    return Status(errors::kNoBucket, text, "make the bucket '" + bucket + "', or name another one");
  }
  if (status == 301 || status == 307 || status == 308 ||
      OneOf(fault.code, {"PermanentRedirect", "AuthorizationHeaderMalformed",
                         "IllegalLocationConstraintException"})) {
    return Status(errors::kNoBucket, text,
                  fault.region.empty()
                      ? "see that region and endpoint are those of the bucket '" + bucket + "'"
                      : "the bucket '" + bucket + "' is elsewhere: set region: " + fault.region);
  }
  if (fault.code.starts_with("KMS") && !FaultMayPass(status, fault)) {
    return Status(errors::kAccessDenied, text, "see kms_key, and the keys' right to use it");
  }
  return AwsRefusal(
      what, status, fault,
      "the keys need " + ActionsOf(aws_use::kObjects) + " on the bucket '" + bucket + "'");
}

Result<S3Listing> ReadListing(const HttpResponse& response, const std::string& what) {
  pugi::xml_document document;
  if (!Load(response, "ListBucketResult", document)) return NotThat("ListBucketResult", what);
  const pugi::xml_node root = document.child("ListBucketResult");
  S3Listing listing;
  for (const pugi::xml_node entry : root.children("Contents")) {
    listing.objects.push_back(
        {entry.child_value("Key"), entry.child("Size").text().as_ullong(),
         ReadAwsTime(entry.child_value("LastModified")).value_or(EventTime{0}),
         entry.child_value("ETag")});
  }
  if (root.child("IsTruncated").text().as_bool()) {
    listing.next = root.child_value("NextContinuationToken");
    if (listing.next.empty()) return NotThat("whole ListBucketResult", what);
  }
  return listing;
}

Result<S3Uploads> ReadUploads(const HttpResponse& response, const std::string& what) {
  pugi::xml_document document;
  if (!Load(response, "ListMultipartUploadsResult", document)) {
    return NotThat("ListMultipartUploadsResult", what);
  }
  const pugi::xml_node root = document.child("ListMultipartUploadsResult");
  S3Uploads page;
  for (const pugi::xml_node entry : root.children("Upload")) {
    page.uploads.push_back({entry.child_value("Key"), entry.child_value("UploadId")});
  }
  if (root.child("IsTruncated").text().as_bool()) {
    page.next_key = root.child_value("NextKeyMarker");
    page.next_id = root.child_value("NextUploadIdMarker");
    if (page.next_key.empty()) return NotThat("whole ListMultipartUploadsResult", what);
  }
  return page;
}

Result<std::string> ReadUploadId(const HttpResponse& response, const std::string& what) {
  pugi::xml_document document;
  if (!Load(response, "InitiateMultipartUploadResult", document)) {
    return NotThat("InitiateMultipartUploadResult", what);
  }
  return std::string(document.child("InitiateMultipartUploadResult").child_value("UploadId"));
}

Status ReadDeletion(const HttpResponse& response, const std::string& what,
                    const std::string& bucket) {
  pugi::xml_document document;
  if (!Load(response, "DeleteResult", document)) return NotThat("DeleteResult", what);
  for (const pugi::xml_node error : document.child("DeleteResult").children("Error")) {
    S3Fault fault;
    fault.code = error.child_value("Code");
    fault.message = error.child_value("Message");
    if (fault.code == "NoSuchKey") continue;
    const int status = fault.code == "AccessDenied" ? 403 : response.status;
    return Refusal(what + error.child_value("Key"), bucket, status, fault);
  }
  return Status::Ok();
}

bool IsCompletion(const HttpResponse& response) {
  pugi::xml_document document;
  return Load(response, "CompleteMultipartUploadResult", document);
}

bool IsCopy(const HttpResponse& response) {
  pugi::xml_document document;
  return Load(response, "CopyObjectResult", document);
}

std::string DeletionOf(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("Delete");
  root.append_child("Quiet").text().set("true");
  for (const std::string& key : keys) {
    root.append_child("Object").append_child("Key").text().set(key.c_str());
  }
  return TextOf(document);
}

std::string CompletionOf(const std::vector<S3Part>& parts) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("CompleteMultipartUpload");
  for (const S3Part& each : parts) {
    pugi::xml_node part = root.append_child("Part");
    part.append_child("PartNumber").text().set(each.number);
    part.append_child("ETag").text().set(each.tag.c_str());
  }
  return TextOf(document);
}

}  // namespace weir
