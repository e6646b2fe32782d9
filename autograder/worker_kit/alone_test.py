"""The functions of each task, by the markers of the answers."""

import unittest

from autograder.worker_kit import alone

_SOURCE = """
int LayerCache::Values() {
  // TODO(3.4): as Keys().
  // BEGIN SOLUTION LayerCache::Values
}
// BEGIN SOLUTION-ONLY
int helper;
// END SOLUTION-ONLY
void KvCacheHandle::Disable() {
  // TODO(3.7): give the model back
  // BEGIN SOLUTION KvCacheHandle::Disable
}
void GenerateCached() {
  // TODO(3.8): generate
  // BEGIN SOLUTION GenerateCached
}
"""

_RUBRIC = """
[[tasks]]
id = "3.8"

[[tasks]]
id = "3.10"
measures = ["3.7", "3.8"]
"""


class AloneTest(unittest.TestCase):
    def test_a_region_belongs_to_the_task_above_it(self):
        self.assertEqual(
            alone.functions_of_tasks(_SOURCE, "cache.cc"),
            {
                "3.4": {"LayerCache::Values"},
                "3.7": {"KvCacheHandle::Disable"},
                "3.8": {"GenerateCached"},
            },
        )

    def test_a_task_without_a_function_has_those_that_it_measures(self):
        measured = alone.measures(_RUBRIC)
        self.assertEqual(measured, {"3.10": ["3.7", "3.8"]})
        functions = alone.with_measured(
            alone.functions_of_tasks(_SOURCE, "cache.cc"), measured
        )
        self.assertEqual(
            functions["3.10"], {"KvCacheHandle::Disable", "GenerateCached"}
        )

    def test_a_task_that_measures_another_module_is_left_to_it(self):
        functions = {"1.1": {"SoftmaxRows"}}
        self.assertEqual(
            alone.with_measured(functions, alone.measures(_RUBRIC)), functions
        )

    def test_a_function_has_all_symbols_of_its_name_and_no_others(self):
        defined = {
            "_A": "kvlab::LayerCache::Keys() const",
            "_B": "kvlab::GrowingCache::Keys() const",
            "_C": "kvlab::Block(xt::view const&, int)",
            "_D": "kvlab::MakeBlock(int)",
        }
        self.assertEqual(
            alone.symbols_of({"LayerCache::Keys"}, defined), ["_A"]
        )
        self.assertEqual(alone.symbols_of({"Block"}, defined), ["_C"])

    def test_a_function_without_a_symbol_is_an_error(self):
        with self.assertRaises(SystemExit):
            alone.symbols_of({"Forgotten"}, {"_A": "kvlab::Block(int)"})


if __name__ == "__main__":
    unittest.main()
