// Tests the code that makes the page of ./kvlab trace from trace.json: node
// --test
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { numbersText, placeOf, sentence } from "./trace_figure.mjs";
import { pageOf } from "./write_trace.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const trace = () =>
  JSON.parse(fs.readFileSync(path.join(here, "testdata/trace.json"), "utf8"));

describe("the table", () => {
  test("the place of the finding is in the tensor that it names", () => {
    const { finding, table } = trace();
    const at = placeOf(finding, table);
    assert.equal(table.tensors[at.tensor].name, "keys");
    assert.equal(at.layer, finding.layer);
    assert.equal(at.head, finding.head);
    const cell = table.tensors[at.tensor].cells[at.layer][at.head][at.position];
    assert.equal(cell.state, "unwritten");
  });

  test("a finding about the keys that are seen is in the output", () => {
    const { finding, table } = trace();
    const seen = { ...finding, kind: "scores", tensor: "scores of attention" };
    assert.equal(placeOf(seen, table).tensor, table.tensors.length - 1);
  });

  test("an entry is described with both sides", () => {
    const { finding, table } = trace();
    const said = sentence(table, placeOf(finding, table));
    assert.match(said, /keys of layer 0, position 0, head/);
    assert.match(said, /was never written. Yours \[NaN, .*right \[-?\d/);
  });

  test("NaN is a word, and other numbers have four digits", () => {
    assert.equal(numbersText([null, 1.23456]), "[NaN, 1.235, …]");
  });
});

describe("the page", () => {
  test("stands alone and has the finding in words", () => {
    const page = pageOf(trace());
    assert.doesNotMatch(page, /(src|href)=/);
    assert.match(page, /was never written/);
  });

  test("a prompt cannot end a script or begin a tag", () => {
    const evil = trace();
    evil.prompt = "</script><b>";
    evil.finding.usually = "</script><b>";
    assert.doesNotMatch(pageOf(evil), /<\/script><b>/);
  });

  test("without a difference it lists what agreed", () => {
    const { finding, table, ...rest } = trace();
    const page = pageOf(rest);
    assert.doesNotMatch(page, /The first difference/);
    assert.match(page, /rows of numbers/);
  });
});
