// SPDX-License-Identifier: Apache-2.0
#include "injector/record/yardsticks.h"

namespace blackstart {

const std::vector<Yardstick>& yardsticks() {
  using namespace std::chrono_literals;
  static const std::vector<Yardstick> kYardsticks{{10min, "Korean law: report an outage"},
                                                  {20min, "Kakao's own goal"},
                                                  {4h, "asked for in public, 2022"},
                                                  {5h, "Naver, most services, 2022"},
                                                  {127h + 33min, "Kakao, everything, 2022"}};
  return kYardsticks;
}

}  // namespace blackstart
