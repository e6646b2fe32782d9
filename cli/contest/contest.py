#!/usr/bin/env python3
"""./kvlab contest: scores a cache policy by the model's loss on held-out text,
under a budget of bytes that the kernel enforces.

Exit status 0; 1 if the policy breaks a rule or the modules are not finished; 2
for wrong options or files.
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

# pylint: disable=wrong-import-position
from cli.contest import building, standings

SMALLEST = 65536
LARGEST = 1 << 40
ROUNDING = 0.001  # nats: the order of additions moves losses by less


def budget(text):
    """--bytes, a whole number."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not SMALLEST <= number <= LARGEST:
        raise argparse.ArgumentTypeError(
            f"'{text[:40]}' is not a number of bytes from {SMALLEST} on; "
            "below, the allowance would decide"
        )
    return number


def parse(words):
    parser = argparse.ArgumentParser(
        prog="./kvlab contest",
        description="Scores a cache policy by the model's loss on text that "
        "it was not trained on, under a budget of bytes. Without --policy, "
        "only the caches of module 5, which set the bars.",
    )
    parser.add_argument(
        "--bytes",
        type=budget,
        metavar="N",
        help="the budget: what the policy's process may write to beyond one "
        f"that keeps nothing; from {SMALLEST} on",
    )
    parser.add_argument(
        "--policy",
        type=pathlib.Path,
        metavar="FILE.cc",
        help="your policy; begin with a copy of "
        "modules/05_beyond/policies/newest_token.cc",
    )
    parser.add_argument(
        "--table",
        type=pathlib.Path,
        metavar="FILE.csv",
        help="adds the result to this table; without --bytes, shows it",
    )
    parser.add_argument("--who", metavar="NAME", help="your name in the table")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="4 windows of 256 tokens, not 24 " "of 512: to try a policy",
    )
    parser.add_argument(
        "--text",
        type=pathlib.Path,
        metavar="FILE",
        help="a text whose last 5 %% the model was not trained on",
    )
    parser.add_argument(
        "--model", type=pathlib.Path, metavar="DIR", help="a GPT-2 checkpoint"
    )
    parser.add_argument(
        "--trust-policy",
        action="store_true",
        help="compile it without bubblewrap, where that does not work: a "
        "compiler can be made to read files",
    )
    parser.add_argument("--scorer", help=argparse.SUPPRESS)
    parser.add_argument("--answer-seconds", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.bytes is None and options.table is None:
        parser.error("--bytes N is required")
    if options.bytes is None and options.policy is not None:
        parser.error("--policy needs --bytes N")
    if options.table and options.policy and not options.who:
        parser.error("--table needs your name: --who NAME")
    if options.who and not options.table:
        parser.error("--who is for a table: --table FILE.csv")
    return options


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def with_interval(interval, sign=""):
    return f"{interval['mean']:{sign}.3f} ± {interval['plus_or_minus']:.3f}"


def rows(scores, name):
    """The lines of the comparison: name, bytes, loss, more, remark."""
    for each in scores["bars"]:
        above = each.get("policy_is_above_by")
        remark = ""
        if each["bytes"] > scores["budget_bytes"]:
            remark = "over the budget"
        elif above:
            least = max(above["plus_or_minus"], ROUNDING)
            remark = "no difference"
            if above["mean"] < -least:
                remark = "beaten"
            elif above["mean"] > least:
                remark = "better"
        yield each, each["name"], remark
    if "policy" in scores:
        yield scores["policy"], name, ""


def comparison(scores, name=""):
    """What was measured, as a table for a terminal."""
    lines = [
        f"{scores['windows']} windows of {scores['window']} tokens that the "
        f"model was not trained on, budget {scores['budget_bytes']:,} bytes",
        f"{'':24}{'bytes held':>12}  {'nats per token':>15}  "
        f"{'more than full':>16}",
    ]
    for measured, title, remark in rows(scores, name):
        loss = with_interval(measured["loss"])
        more = with_interval(measured["more_than_full"], "+")
        lines.append(
            f"{title[:24]:24}{measured['bytes']:>12,}  {loss:>15}  {more:>16}"
            + f"  {remark}".rstrip()
        )
    return "\n".join(lines)


def standing_lines(results):
    """Results of one group, best first."""
    for place, result in enumerate(results, 1):
        yield (
            f"{place:4}  {result['more_than_full']:+.3f} ± "
            f"{result['more_plus_or_minus']:.3f}  {result['who']:24}  "
            f"{result['policy']:24}  {result['when'][:10]}  "
            f"{result['policy_sha256'][:8]}"
        )


def show_table(path):
    results = standings.read(path)
    if not results:
        raise standings.TableError(f"there is no result in {path}")
    seen = []
    for result in results:
        group = standings.comparable(results, result)
        if group[0] in seen:
            continue
        seen.append(group[0])
        print(
            f"{result['model']}, {result['windows']} windows of "
            f"{result['window_tokens']} tokens of {result['text_sha256'][:8]}, "
            f"{result['budget_bytes']:,} bytes:"
        )
        print("\n".join(standing_lines(group)))


def score(options, programs):
    """Runs the scorer. Raises CalledProcessError, after its words."""
    command = [
        *(options.scorer, "--bytes", str(options.bytes)),
        *("--model", str(options.model), "--text", str(options.text)),
    ]
    if programs:
        command += ["--policy", str(programs[0]), "--nothing", str(programs[1])]
    if options.quick:
        command.append("--quick")
    if options.answer_seconds:
        command += ["--answer-seconds", options.answer_seconds]
    scorer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(scorer.stdout)


def result_of(scores, options, digest):
    """The line of the table."""
    measured = scores["policy"]
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "model": standings.file_name(options.model.resolve()),
        "text_sha256": sha256(options.text),
        "windows": scores["windows"],
        "window_tokens": scores["window"],
        "budget_bytes": scores["budget_bytes"],
        "loss": measured["loss"]["mean"],
        "loss_plus_or_minus": measured["loss"]["plus_or_minus"],
        "more_than_full": measured["more_than_full"]["mean"],
        "more_plus_or_minus": measured["more_than_full"]["plus_or_minus"],
        "held_bytes": measured["bytes"],
        "who": options.who,
        "when": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "policy": standings.file_name(options.policy),
        "policy_sha256": digest,
    }


def run(options):
    if options.bytes is None:
        show_table(options.table)
        return
    if options.who:
        options.who = standings.checked_name(options.who)
        standings.read(options.table)  # before minutes are spent
    if options.policy is None:
        print(comparison(score(options, None)))
        return
    policy = building.read_policy(options.policy)
    digest = hashlib.sha256(policy).hexdigest()
    with tempfile.TemporaryDirectory(prefix="kvlab-contest-") as folder:
        programs = building.build(
            policy, folder, confined=not options.trust_policy
        )
        scores = score(options, programs)
    print(comparison(scores, standings.file_name(options.policy)))
    print(f"sha256 of the policy: {digest}")
    if options.table:
        result = result_of(scores, options, digest)
        results = standings.add(options.table, result)
        print(f"\n{options.table}, at this budget:")
        print("\n".join(standing_lines(standings.comparable(results, result))))


def main():
    options = parse(sys.argv[1:])
    try:
        run(options)
    except (building.BuildError, standings.TableError) as error:
        print(f"kvlab contest: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        return error.returncode if error.returncode > 0 else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
