// SPDX-License-Identifier: Apache-2.0
// Names the safety promises a test proves, in its result.
#pragma once

#include <gtest/gtest.h>

namespace blackstart::test {

// "S1", or "S1,S3"; once a test.
inline void proves(const char* promise) {
  ::testing::Test::RecordProperty("promise", promise);
}

}  // namespace blackstart::test
