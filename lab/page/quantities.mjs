// How the page writes bytes, seconds and counts: in text, and on the axes of
// its charts.

const KIBI = 1024;
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

// Three significant digits, no exponent: "1,234", "12.3", "0.0123".
export function numberText(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

export function countText(value) {
  return value.toLocaleString("en");
}

export function bytesText(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= KIBI && unit + 1 < BYTE_UNITS.length) {
    value /= KIBI;
    unit += 1;
  }
  return `${numberText(value)} ${BYTE_UNITS[unit]}`;
}

export function secondsText(seconds) {
  if (seconds >= 1) return `${numberText(seconds)} s`;
  if (seconds >= 1e-3) return `${numberText(seconds * 1e3)} ms`;
  return `${numberText(seconds * 1e6)} µs`;
}

export function timesText(ratio) {
  return `${numberText(ratio)}×`;
}

export function flopText(flop) {
  if (flop >= 1e9) return `${numberText(flop / 1e9)} GFLOP`;
  return `${numberText(flop / 1e6)} MFLOP`;
}

// An error of at most this is the rounding of float32.
export const ROUNDING = 1e-5;

export function errorText(error) {
  if (error === 0) return "0";
  if (error >= 0.001) return `${numberText(error * 100)} %`;
  return error.toExponential(0);
}

// A chain of conditions in Vega's expression language: the first [limit, unit]
// that the value reaches.
function scaledLabel(steps, zero) {
  return steps.reduceRight(
    (rest, [limit, unit]) =>
      `datum.value >= ${limit} ? ` +
      `format(datum.value / ${limit}, ',.3~g') + ' ${unit}' : ${rest}`,
    `datum.value == 0 ? '${zero}' : format(datum.value, '~g')`,
  );
}

// The labels of an axis's ticks, as a Vega expression.
export const TICK_LABELS = {
  bytes: scaledLabel(
    BYTE_UNITS.map((unit, i) => [KIBI ** i, unit]).reverse(),
    "0 B",
  ),
  bandwidth: scaledLabel(
    [
      [1e9, "GB/s"],
      [1e6, "MB/s"],
    ],
    "0",
  ),
  seconds: scaledLabel(
    [
      [1, "s"],
      [1e-3, "ms"],
      [1e-6, "µs"],
    ],
    "0 s",
  ),
  count: "format(datum.value, ',~f')",
  macs: scaledLabel(
    [
      [1e9, "G"],
      [1e6, "M"],
      [1e3, "k"],
    ],
    "0",
  ),
  loss: "format(datum.value, '~f')",
  times: "format(datum.value, ',~f') + '×'",
  error:
    "datum.value == 0 ? '0' : datum.value >= 0.01 ? " +
    "format(datum.value * 100, '~g') + ' %' : format(datum.value, '.0e')",
};

// Powers of two between `low` and `high`, at most `most` of them.
export function powersOfTwo(low, high, most = 8) {
  const first = Math.ceil(Math.log2(low));
  const last = Math.floor(Math.log2(high));
  const stride = Math.max(1, Math.ceil((last - first + 1) / most));
  const powers = [];
  for (let p = last; p >= first; p -= stride) powers.unshift(2 ** p);
  return powers;
}

// Ticks of a logarithmic axis: powers of ten within, or 1, 2 and 5 of each if
// those would be too few.
export function decades(low, high) {
  const ticks = (steps) => {
    const found = [];
    for (let p = Math.floor(Math.log10(low)); 10 ** p <= high; p += 1) {
      for (const step of steps) {
        const at = Number(`${step}e${p}`);
        if (at >= low && at <= high) found.push(at);
      }
    }
    return found;
  };
  const few = ticks([1]);
  return few.length > 2 ? few : ticks([1, 2, 5]);
}

// Ticks of a linear axis of bytes: four or so, at a power of two each.
export function byteSteps(high) {
  const step = 2 ** Math.floor(Math.log2(high / 3));
  const ticks = [];
  for (let at = 0; at <= high; at += step) ticks.push(at);
  return ticks;
}
