// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

// The promises of the safety list that this test would break with: "S1", or "S1,S3".
inline void proves(const char* promises) {
  ::testing::Test::RecordProperty("promise", promises);
}
