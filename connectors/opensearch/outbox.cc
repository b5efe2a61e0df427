#include "connectors/opensearch/outbox.h"

#include "connectors/opensearch/errors.h"

namespace weir::opensearch {
namespace {

/// Takes a change from the beginning of `rest`.
bool Take(std::string_view& rest, Change& change) {
  if (rest.empty() || (rest[0] != 0 && rest[0] != 1)) return false;
  const bool has_document = rest[0] == 1;
  rest.remove_prefix(1);
  change.document.reset();
  return TakeBytes(rest, change.id) &&
         (!has_document || TakeBytes(rest, change.document.emplace()));
}

}  // namespace

void AppendChange(std::string& out, const Change& change) {
  out.push_back(change.document ? 1 : 0);
  AppendBytes(out, change.id);
  if (change.document) AppendBytes(out, *change.document);
}

ChangeReader::ChangeReader(const SealedPart& sealed)
    : sealed_(sealed, kOutboxMagic, errors::kDamagedDocuments) {}

bool ChangeReader::Next(Change& change) {
  return sealed_.Next([&change](std::string_view& rest) { return Take(rest, change); });
}

}  // namespace weir::opensearch
