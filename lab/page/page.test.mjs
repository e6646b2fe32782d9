// Tests the code that makes the page of ./kvlab lab from results.json: node
// --test
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileChart, svgOf } from "./chart_files.mjs";
import { LONGEST_TITLE, PALETTE } from "./chart_kinds.mjs";
import { check, countsAt, entryAt } from "./memo_figure.mjs";
import {
  byteSteps,
  bytesText,
  decades,
  errorText,
  powersOfTwo,
  secondsText,
} from "./quantities.mjs";
import { sectionsOf } from "./sections/all.mjs";
import { writePage } from "./write_page.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const read = (name) => fs.readFileSync(path.join(here, name), "utf8");
const results = () => JSON.parse(read("testdata/results.json"));
const SECTIONS = [
  "control_against_cache",
  "memory",
  "space_against_time",
  "memo",
  "bandwidth",
  "beyond",
  "known_models",
];

describe("quantities", () => {
  test("bytes are written with binary units", () => {
    assert.equal(bytesText(0), "0 B");
    assert.equal(bytesText(1023), "1,020 B"); // three digits
    assert.equal(bytesText(4096), "4 KiB");
    assert.equal(bytesText(4.5 * 2 ** 20), "4.5 MiB");
    assert.equal(bytesText(2 ** 45), "32 TiB");
    assert.equal(bytesText(2 ** 55), "32,800 TiB"); // no larger unit
  });
  test("seconds get the unit that leaves a number above one", () => {
    assert.equal(secondsText(2.2912), "2.29 s");
    assert.equal(secondsText(0.0123), "12.3 ms");
    assert.equal(secondsText(0.00012), "120 µs");
  });
  test("an error is a percentage, or rounding", () => {
    assert.equal(errorText(0), "0");
    assert.equal(errorText(0.603), "60.3 %");
    assert.equal(errorText(5.8e-7), "6e-7");
  });
  test("ticks of bytes are powers of two within the data", () => {
    assert.deepEqual(powersOfTwo(3, 70), [4, 8, 16, 32, 64]);
    const wide = powersOfTwo(1, 2 ** 40);
    assert.ok(wide.length <= 8);
    assert.equal(wide[wide.length - 1], 2 ** 40);
    assert.deepEqual(byteSteps(2 ** 21), [
      0,
      2 ** 19,
      2 ** 20,
      3 * 2 ** 19,
      2 ** 21,
    ]);
  });
  test("ticks of a narrow logarithmic axis are 1, 2 and 5", () => {
    assert.deepEqual(decades(1, 1000), [1, 10, 100, 1000]);
    assert.deepEqual(decades(0.004, 0.03), [0.005, 0.01, 0.02]);
  });
});

// WCAG 2.1, 1.4.11: 3:1 for what a picture needs to be understood.
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe("colours", () => {
  const papers = [...read("page.css").matchAll(/--paper: (#\w{6})/g)];
  test("there is a day and a night", () => assert.equal(papers.length, 2));
  for (const [name, color] of Object.entries(PALETTE)) {
    for (const [, paper] of papers) {
      test(`${name} stands out from ${paper}`, () => {
        assert.ok(
          contrast(color, paper) >= 3,
          contrast(color, paper).toFixed(2),
        );
      });
    }
  }
});

describe("the memo figure", () => {
  test("without a memo every token so far is computed at each step", () => {
    const row = [0, 1, 2, 3, 4].map((position) => entryAt(position, 3, false));
    assert.deepEqual(row, [
      "computed",
      "computed",
      "computed",
      "empty",
      "empty",
    ]);
  });
  test("with a memo only the newest is", () => {
    const row = [0, 1, 2, 3, 4].map((position) => entryAt(position, 3, true));
    assert.deepEqual(row, ["found", "found", "computed", "empty", "empty"]);
  });
  test("counts add up over the steps", () => {
    const { steps } = results().memo;
    const layers = results().memo.num_layers;
    assert.deepEqual(countsAt(steps, 0, true).total, { computed: 0, found: 0 });
    assert.deepEqual(countsAt(steps, 4, false), {
      now: { computed: 4 * layers, found: 0 },
      total: { computed: 10 * layers, found: 0 },
    });
    assert.deepEqual(countsAt(steps, 4, true), {
      now: { computed: layers, found: 3 * layers },
      total: { computed: 4 * layers, found: 6 * layers },
    });
  });
  test("refuses counts that are not what it would draw", () => {
    const { num_layers: numLayers, steps } = results().memo;
    check({ numLayers, steps });
    steps[5].hits += 1;
    assert.throws(() => check({ numLayers, steps }), /step 6/);
  });
});

describe("sections", () => {
  test("all of them stand in the order of the run", () => {
    assert.deepEqual(
      sectionsOf(results()).map((section) => section.id),
      [
        "control",
        "memory",
        "space",
        "memo",
        "bandwidth",
        "beyond",
        "known-models",
      ],
    );
  });
  for (const missing of SECTIONS) {
    test(`a run that was stopped before ${missing} still makes a page`, () => {
      const partial = results();
      for (const name of SECTIONS.slice(SECTIONS.indexOf(missing))) {
        delete partial[name];
      }
      assert.equal(sectionsOf(partial).length, SECTIONS.indexOf(missing));
    });
  }
  test("a section that was stopped at its start has no chart without points", () => {
    const partial = results();
    partial.control_against_cache = {
      prompt_len: 8,
      lengths: [],
      steps: [],
      fits: [],
    };
    partial.memory.growth = [];
    partial.space_against_time.runs = [];
    partial.bandwidth.models = [];
    partial.bandwidth.batches = [];
    for (const section of sectionsOf(partial)) {
      for (const chart of section.charts) {
        assert.notEqual(chart.values.length, 0, chart.id);
      }
    }
  });
  test("a way that claims to be exact and is not is refused", () => {
    const wrong = results();
    wrong.space_against_time.runs[1].relative_error = 0.01;
    assert.throws(() => sectionsOf(wrong), /should be exact/);
  });
});

describe("shares of the roofline", () => {
  const NOT_MEASURABLE = /not measurable now/;
  const withModels = (speeds) => {
    const made = results();
    made.bandwidth.models = speeds.map(([tokens, roofline], i) => ({
      name: `model ${i}`,
      weights_bytes: 1000 * 2 ** i,
      tokens_per_s: tokens,
      roofline_tokens_per_s: roofline,
    }));
    return sectionsOf(made).find((section) => section.id === "bandwidth");
  };
  const points = (section, what) =>
    section.charts
      .find((chart) => chart.id === "speed-by-model-size")
      .values.filter((value) => value.what === what).length;

  test("are from the smallest to the largest", () => {
    const section = withModels([
      [70, 100],
      [50, 100],
      [100, 100],
    ]);
    assert.match(section.answer, /reaches 50 % to 100 % of/);
    assert.doesNotMatch(section.answer, NOT_MEASURABLE);
  });
  test("a roof that is not measurable has words and no point", () => {
    const section = withModels([
      [70, 100],
      [50, null],
    ]);
    assert.match(section.answer, /70 % to 70 %.*1 of 2 models: not measurable/);
    assert.equal(points(section, "roofline"), 1);
    assert.equal(points(section, "measured"), 2);
  });
  test("without any roof there is no percentage", () => {
    const section = withModels([[70, null]]);
    assert.match(section.answer, NOT_MEASURABLE);
    assert.doesNotMatch(section.answer, /%/);
  });
  test("whatever the readings: at most 100 %, or the words", () => {
    const readings = [null, 1e-9, 0.5, 1, 1.87, 76, 99.99, 100, 187, 1e9];
    for (const tokens of readings.slice(1)) {
      for (const roofline of readings) {
        const { answer } = withModels([[tokens, roofline]]);
        const percents = [...answer.matchAll(/(\d+) %/g)].map((m) => m[1]);
        assert.ok(
          percents.every((percent) => percent <= 100),
          answer,
        );
        assert.ok(percents.length > 0 || NOT_MEASURABLE.test(answer), answer);
      }
    }
  });
});

describe("what is beyond the plain cache", () => {
  const beyond = () =>
    sectionsOf(results()).find((section) => section.id === "beyond");
  const changed = (change) => {
    const made = results();
    change(made.beyond.policies);
    return sectionsOf(made).find((section) => section.id === "beyond").answer;
  };
  test("the full cache is the origin of the chart", () => {
    const [full] = beyond().charts[0].values;
    assert.equal(full.policy, "full");
    assert.equal(full.times_smaller, 1);
    assert.equal(full.increase, 0);
  });
  test("the answer counts what pays only where the interval leaves out 0", () => {
    const of = (mean, doubt) => (policies) => {
      for (const entry of policies) {
        if (entry.over_window) {
          entry.over_window = { mean, plus_or_minus: doubt };
        }
      }
    };
    const all = (answer) => answer.match(/sinks lower the loss at (\d)/)[1];
    assert.equal(all(changed(of(-0.2, 0.1))), "3");
    assert.equal(all(changed(of(-0.1, 0.2))), "0");
    assert.match(
      changed(of(0.2, 0.1)),
      /sinks lower the loss at 0 of 3 budgets and raise it at 3/,
    );
  });
  test("a cache that claims to be exact and is not is refused", () => {
    const wrong = (policies) => {
      policies[1].relative_error = 0.01;
    };
    assert.throws(() => changed(wrong), /beyond: paged should be exact/);
  });
  test("only the caches that were measured are named", () => {
    const keepsAll = (policies) => {
      policies.splice(4);
    };
    assert.doesNotMatch(changed(keepsAll), /forget|undefined|NaN/);
  });
  test("a change too small to print is not printed as 0", () => {
    const of = (mean, doubt) => (policies) => {
      const int8 = policies.find((entry) => entry.policy === "int8");
      int8.increase = { mean, plus_or_minus: doubt };
    };
    assert.match(changed(of(-0.0001, 0.0002)), /by less than 0\.001, and/);
    assert.match(changed(of(-0.0001, 0.004)), /by −0\.000 ± 0\.004, and/);
  });
  test("tasks of module 5 that are not done leave what is done", () => {
    const made = results();
    made.beyond.policies.splice(1, 3); // pages, inputs, eight bits
    delete made.beyond.pages;
    made.beyond.not_implemented = ["paged", "recompute", "int8"];
    const partial = sectionsOf(made).find((section) => section.id === "beyond");
    assert.match(partial.note, /lacks them: paged, recompute, int8\.$/);
    assert.match(partial.answer, /^Of the caches that are 4× smaller/);
    assert.equal(partial.charts.length, 2);
  });
  test("nothing beside the full cache is no section", () => {
    const made = results();
    made.beyond.policies.splice(1);
    assert.ok(sectionsOf(made).every((section) => section.id !== "beyond"));
  });
});

describe("charts", () => {
  const charts = sectionsOf(results()).flatMap((section) => section.charts);
  test("have names of their own", () => {
    const ids = charts.map((chart) => chart.id);
    assert.equal(new Set(ids).size, ids.length);
  });
  for (const chart of charts) {
    test(`${chart.id} can be read without the text`, async () => {
      assert.match(chart.see, /\.$/);
      for (const value of chart.values) {
        for (const { field } of chart.columns) {
          assert.notEqual(value[field], undefined, field);
        }
      }
      const spec = compileChart(chart);
      const titles = spec.axes.flatMap((axis) => axis.title ?? []);
      assert.ok(titles.length > 0, "an axis without a title");
      for (const title of titles) {
        assert.ok(
          title.length <= LONGEST_TITLE,
          `too long for a phone: ${title}`,
        );
      }
      const svg = await svgOf(spec);
      for (const title of titles) {
        assert.ok(svg.includes(title), `${title} is not in the picture`);
      }
      assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    });
  }
  test("what Vega-Lite warns about is an error", () => {
    const broken = structuredClone(charts[0]);
    broken.spec.layer[0].encoding.nowhere = { field: "x", type: "nominal" };
    assert.throws(() => compileChart(broken), new RegExp(broken.id));
  });
});

describe("the page", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kvlab-page-"));
  const hostile = "</script><script>window.taken = 1</script><b>";
  test("holds every chart, and words of a model's name stay words", async (context) => {
    context.after(() => fs.rmSync(folder, { recursive: true }));
    const measured = results();
    measured.model.name = hostile;
    measured.complete = false;
    fs.writeFileSync(
      path.join(folder, "results.json"),
      JSON.stringify(measured),
    );
    const count = await writePage(folder);
    const html = fs.readFileSync(path.join(folder, "index.html"), "utf8");
    assert.equal(html.match(/class="chart"/g).length, count);
    assert.ok(!html.includes(hostile));
    assert.ok(!html.includes("<script>window.taken"));
    assert.match(html, /stopped before its end/);
    assert.match(html, /vega\n\nCopyright \(c\) /);
    const ids = (suffix, place) =>
      fs
        .readdirSync(path.join(folder, place))
        .filter((name) => name.endsWith(suffix)).length;
    assert.equal(ids(".svg", "plots"), count);
    assert.equal(ids(".png", "plots"), count);
    assert.equal(ids(".csv", "csv"), count);
    const csv = fs.readFileSync(
      path.join(folder, "csv", "total-time.csv"),
      "utf8",
    );
    assert.match(csv.split("\n")[0], /^new_tokens,caching,seconds,/);
  });
});
