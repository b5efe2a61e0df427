#pragma once

#include <functional>
#include <string>
#include <vector>

#include "connectors/connector.h"

namespace weir::kafka {

/// Offers a sealed outbox to the broker without making anything of it visible: ok where it takes
/// every record, kRecordRefused where it will never take some.
using Offer = std::function<Status(const std::string& sealed)>;

/// Takes the records that `topic` will never take out of `epochs`, and gives them in their order.
/// Those above `record_bytes` are refused by the rule that holds in Writer; others are found by
/// halving what is refused as a whole. Parts and epochs that are empty then are left out. After an
/// error `epochs` is as it was.
Result<std::vector<RejectedRecord>> TakeRefused(std::vector<SealedEpoch>& epochs,
                                                const std::string& topic, int64_t record_bytes,
                                                const Offer& offer);

}  // namespace weir::kafka
