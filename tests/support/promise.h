// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

namespace blackstart {

// Says in the test's record which safety promises it proves: "S1", or several as "S1,S3".
inline void proves(const char* promise) {
  ::testing::Test::RecordProperty("promise", promise);
}

}  // namespace blackstart
