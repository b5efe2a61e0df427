#include "tests/simulation/network.h"

#include <algorithm>

namespace weir::simulation {

void Network::Send(const Process& from, Process& to, Stream& stream, std::function<void()> arrive) {
  if (IsCut(from.name, to.name)) return;
  Random& random = world_.random;
  int64_t delay_us = random.Between(50, 2 * kMs);
  int copies = 1;
  bool overtakes = false;
  if (!world_.quiet && trouble > 0 && random.Chance(trouble)) {
    switch (random.Below(4)) {
      case 0:
        world_.Fault("message lost");
        return;
      case 1:
        world_.Fault("message doubled");
        copies = 2;
        break;
      case 2:
        world_.Fault("message reordered");
        overtakes = true;
        delay_us = random.Between(50, 800 * kMs);
        break;
      default:
        world_.Fault("message delayed");
        delay_us = random.Between(100 * kMs, 4 * kSecond);
        break;
    }
  }
  for (int i = 0; i < copies; i++) {
    int64_t at_us = world_.now_us() + delay_us + i * kMs;
    if (!overtakes) {
      at_us = std::max(at_us, stream.last_us);
      stream.last_us = at_us;
    }
    const uint64_t life = to.life;
    world_.scheduler.After(at_us - world_.now_us(), [this, &from, &to, life, arrive] {
      if (to.life != life || IsCut(from.name, to.name)) return;
      world_.In(to, 0, arrive);
    });
  }
}

}  // namespace weir::simulation
