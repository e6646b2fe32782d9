// Tests your tests of cache_tests.h, task 3.11: your own cache must pass them,
// and the caches of broken_caches.h must not. The grader puts other broken
// caches to them, and its own correct one.
#include "modules/03_memoization/cache_tests.h"

#include <exception>
#include <optional>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "modules/03_memoization/broken_caches.h"
#include "modules/03_memoization/cache_under_test.h"

namespace kvlab {
namespace {

// The first test that rejects the maker's caches, and what it says; nothing if
// all accept them.
std::optional<std::string> Rejection(CacheMaker& maker) {
  for (const CacheTest& test : CacheTests()) {
    try {
      test.run(maker);
    } catch (const NotImplemented&) {
      throw;  // a cache that is not written yet is neither
    } catch (const std::exception& error) {
      return "'" + test.promise + "': " + error.what();
    }
  }
  return std::nullopt;
}

template <typename Broken>
void ExpectRejected() {
  MakerOf<Broken> maker;
  EXPECT_TRUE(Rejection(maker).has_value())
      << "all of your tests pass on this cache of broken_caches.h; read there "
         "what it does, and write a test of the promise that it breaks";
}

TEST(CacheTestsTest, EachNamesThePromiseThatItTests) {
  std::set<std::string> promises;
  for (const CacheTest& test : CacheTests()) {
    EXPECT_FALSE(test.promise.empty());
    EXPECT_TRUE(promises.insert(test.promise).second)
        << "two tests are named '" << test.promise << "'";
  }
  EXPECT_FALSE(promises.empty()) << "there are no tests in the list";
}

TEST(CacheTestsTest, AcceptYourCache) {
  MakerOf<> maker;
  const std::optional<std::string> rejection = Rejection(maker);
  EXPECT_FALSE(rejection.has_value())
      << "your test " << *rejection
      << "\n  why: it fails on your own cache, so one of the two is wrong; a "
         "file that rejects the grader's correct cache earns nothing"
      << "\n  fix: read the promise in kv_cache.h; if ./kvlab test 3.3, 3.4 "
         "and "
         "3.5 pass, it is the test";
}

TEST(CacheTestsTest, GiveTheSameVerdictAgain) {
  MakerOf<> correct;
  EXPECT_EQ(Rejection(correct), Rejection(correct));
  MakerOf<StoresKeysAsValues> broken;
  EXPECT_EQ(Rejection(broken), Rejection(broken));
}

TEST(CacheTestsTest, RejectACacheThatDropsWhatDoesNotFit) {
  ExpectRejected<DropsWhatDoesNotFit>();
}

TEST(CacheTestsTest, RejectACacheThatStoresKeysAsValues) {
  ExpectRejected<StoresKeysAsValues>();
}

TEST(CacheTestsTest, RejectACacheThatTruncatesTheFirstLayer) {
  ExpectRejected<TruncatesTheFirstLayer>();
}

}  // namespace
}  // namespace kvlab
