#pragma once

#include "connectors/connector.h"
#include "connectors/kafka/connection.h"

namespace weir::kafka {

/// What `weir doctor` looks at of a connection, from the outside in: names, ports, files and
/// secrets, who weir is to AWS, the login, brokers and partitions, and the rights that a job needs
/// on `examination.topics`, on its group and its transactional ids. Leaves one thing behind: the
/// transactional id `weir-doctor`, which the cluster forgets after a week.
void ExamineConnection(const ConnectionPtr& connection, const Examination& examination);

}  // namespace weir::kafka
