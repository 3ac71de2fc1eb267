// SPDX-License-Identifier: Apache-2.0
// https probes against nginx, each server with a certificate that is wrong in its own way.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/probing.h"
#include "tests/support/tcp_server.h"

namespace blackstart {
namespace {

using contract::Sample;
using std::chrono::milliseconds;
using namespace test;
namespace fs = std::filesystem;

constexpr const char* kMakeCertificates = R"sh(
exec 2>openssl.log
set -e
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
ca() { key "$1"; openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.pem"; }
signed() {  # name, names in it, days
  key "$1"
  printf 'subjectAltName=%s\n' "$2" >"$1.ext"
  openssl req -new -key "$1.key" -subj "/CN=$1" |
    openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem"
}
ca ca
ca stranger
signed good IP:127.0.0.1,DNS:localhost 30
signed expired IP:127.0.0.1 -1
signed elsewhere DNS:elsewhere.lab 30
key alone
openssl req -x509 -new -key alone.key -subj /CN=alone -addext subjectAltName=IP:127.0.0.1 -days 30 -out alone.pem
)sh";

class Tls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (access("/usr/sbin/nginx", X_OK) != 0 || access("/usr/bin/openssl", X_OK) != 0)
      GTEST_SKIP() << "nginx or openssl is not installed (Debian: nginx-light openssl)";
    char name[] = "/tmp/blackstart-tls-XXXXXX";
    folder_ = mkdtemp(name);
    std::ofstream(folder_ / "certificates.sh") << kMakeCertificates;
    ASSERT_EQ(std::system(("cd " + folder_.string() + " && sh certificates.sh").c_str()), 0);
    std::ofstream config(folder_ / "nginx.conf");
    config << "pid nginx.pid; error_log stderr crit; worker_processes 1;\n"
              "events {worker_connections 64;}\nhttp {access_log off; client_body_temp_path t1;"
              " proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n";
    for (const char* server : {"good", "expired", "elsewhere", "alone"}) {
      close(loopback_socket(SOCK_STREAM, &ports_[server]));
      config << "server {listen 127.0.0.1:" << ports_[server] << " ssl; ssl_certificate " << server
             << ".pem; ssl_certificate_key " << server << ".key; return 200 'hello';}\n";
    }
    config << "}\n";
    config.close();
    pid_ = fork();
    if (pid_ == 0) {
      execl("/usr/sbin/nginx", "nginx", "-p", folder_.c_str(), "-c", "nginx.conf", "-e", "stderr", "-g",
            "daemon off; master_process off;", static_cast<char*>(nullptr));
      _exit(127);
    }
    ASSERT_GT(pid_, 0);
    for (int i = 0; i < 100; ++i) {
      if (first_sample(tcp(once(), "127.0.0.1", ports_["alone"])).outcome() == Sample::SUCCESS) return;
      std::this_thread::sleep_for(milliseconds(20));
    }
    FAIL() << "nginx does not answer";
  }
  static void TearDownTestSuite() {
    if (pid_ > 0) {
      kill(pid_, SIGTERM);
      waitpid(pid_, nullptr, 0);
    }
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  static Sample ask(const std::string& server, const std::string& ca, bool insecure = false,
                    const std::string& host = "127.0.0.1") {
    Probe probe = http(once(), "https://" + host + ":" + std::to_string(ports_[server]) + "/", 200, "hello");
    if (!ca.empty()) probe.mutable_http()->set_ca(folder_ / ca);
    probe.mutable_http()->set_insecure(insecure);
    return first_sample(probe);
  }

  static inline fs::path folder_;
  static inline std::map<std::string, uint16_t> ports_;
  static inline pid_t pid_ = 0;
};

TEST_F(Tls, ACertificateOfTheGivenCaIsBelievedAndNoOther) {
  EXPECT_SUCCESS(ask("good", "ca.pem"));
  EXPECT_SUCCESS(ask("good", "ca.pem", false, "localhost"));
  EXPECT_EQ(ask("good", "stranger.pem").reason(), "tls unknown issuer");
  EXPECT_EQ(ask("good", "").reason(), "tls unknown issuer");
}

TEST_F(Tls, EveryWrongCertificateHasItsReason) {
  EXPECT_EQ(ask("expired", "ca.pem").reason(), "tls expired");
  EXPECT_EQ(ask("elsewhere", "ca.pem").reason(), "tls wrong host");
  EXPECT_EQ(ask("alone", "ca.pem").reason(), "tls self-signed");
  EXPECT_SUCCESS(ask("alone", "alone.pem"));
}

TEST_F(Tls, InsecureLooksAtNoCertificate) {
  for (const char* server : {"good", "expired", "elsewhere", "alone"}) EXPECT_SUCCESS(ask(server, "", true));
}

// What is wrong here says nothing about the other side.
TEST_F(Tls, ACaFileThatIsNotThereIsAMissedAttempt) {
  const Sample sample = ask("good", "nowhere.pem");
  EXPECT_EQ(sample.outcome(), Sample::MISSED);
  EXPECT_THAT(sample.reason(), testing::StartsWith("missed for want of a CA file"));
}

TEST(TlsProbe, RefusesWhatMakesNoSense) {
  const auto refused = [](const std::string& url, const std::string& ca, bool insecure) {
    Probe probe = http(once(), url);
    probe.mutable_http()->set_ca(ca);
    probe.mutable_http()->set_insecure(insecure);
    return !prober()->start({probe});
  };
  EXPECT_TRUE(refused("http://127.0.0.1/", "/ca.pem", false));
  EXPECT_TRUE(refused("http://127.0.0.1/", "", true));
  EXPECT_TRUE(refused("https://127.0.0.1/", "ca.pem", false));
  EXPECT_TRUE(refused("https://127.0.0.1/", "/ca.pem", true));
}

}  // namespace
}  // namespace blackstart
