#!/usr/bin/env python3
"""Writes the seeds in corpus/: small inputs, sound ones and hostile ones.

Files that a fuzzer found are kept beside them under other names; this script
touches only those that it makes, named seed-*.
"""

import gzip
import io
import json
import pathlib
import stat
import struct
import tarfile
import warnings
import zipfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


# ---------------------------------------------------- replies of a worker --


def text(value):
    return struct.pack("<Q", len(value)) + value


def integers(*values):
    return b"\x02" + struct.pack(f"<Q{len(values)}q", len(values), *values)


def tensor(shape, values):
    return (
        b"\x03"
        + struct.pack(f"<Q{len(shape)}Q", len(shape), *shape)
        + struct.pack(f"<Q{len(values)}f", len(values), *values)
    )


def reply(status, message, *values):
    return (
        struct.pack("<B", status)
        + text(message)
        + struct.pack("<Q", len(values))
        + b"".join(values)
    )


def stream(payload, size=None):
    size = len(payload) if size is None else size
    return struct.pack("<IHHQ", 0x6D6C766B, 1, 2, size) + payload


def replies():
    number = b"\x00" + struct.pack("<q", -1)
    real = b"\x01" + struct.pack("<d", 0.1)
    handle = b"\x04" + struct.pack("<Q", 2**64 - 1)
    nan, infinity = float("nan"), float("inf")
    everything = reply(
        0,
        b"",
        number,
        real,
        integers(1, -2, 3),
        integers(),
        tensor([2, 1, 3], [1, 2, 3, 4, 5, 6]),
        tensor([], [3]),
        tensor([0, 7], []),
        handle,
        b"\x05" + text(b"ab\0c"),
    )
    huge = 2**60
    yield "ready", stream(reply(0, b"ready"))
    yield "every-kind", stream(everything)
    yield "refusal", stream(reply(1, b"LayerCache::Append: no room"))
    yield "stub", stream(reply(2, b"module 3, task 2 is not done"))
    yield "exception", stream(reply(3, b"std::bad_alloc"))
    yield "crash-claimed", stream(reply(4, b"it crashed"))
    yield "not-finite", stream(
        reply(0, b"", tensor([3], [nan, infinity, -infinity]))
    )
    yield "tokens", stream(reply(0, b"", integers(*range(64))))
    yield "nine-axes", stream(reply(0, b"", tensor([1] * 9, [1])))
    yield "shape-overflow", stream(
        reply(0, b"", tensor([2**32, 2**32], [1]))
    )
    yield "shape-lies", stream(reply(0, b"", tensor([5], [1, 2])))
    yield "huge-list", stream(reply(0, b"", b"\x02" + struct.pack("<Q", huge)))
    yield "huge-text", stream(b"\0" + struct.pack("<QQ", huge, 0))
    yield "huge-count", stream(b"\0" + text(b"") + struct.pack("<Q", huge))
    yield "huge-size", stream(reply(0, b""), 2**63)
    yield "too-short", stream(everything, len(everything) + 1)
    yield "left-over", stream(everything + b"more", len(everything))
    yield "empty", b""


# ------------------------------------------------------------ submissions --


def archive(*entries, method=zipfile.ZIP_DEFLATED):
    """Entries are (name, content) or (name, content, mode)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as zipped:
        for name, content, *mode in entries:
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix
            info.external_attr = (mode[0] if mode else 0o100644) << 16
            info.compress_type = method
            zipped.writestr(info, content)
    return out.getvalue()


def tar(*entries, packed=True):
    """Entries are (name, content) or (name, content, type)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tape:
        for name, content, *kind in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type = kind[0] if kind else tarfile.REGTYPE
            info.linkname = "/etc/passwd" if kind else ""
            tape.addfile(info, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0) if packed else out.getvalue()


def submissions():
    warnings.simplefilter("ignore")  # of duplicate names
    attention = "modules/01_attention/attention.cc"
    sound = archive(
        (attention, b"int one;\n"),
        ("modules/02_transformer/layers.cc", b"int two;\r\n"),
        ("notes.txt", b"hello"),
    )
    yield "sound", sound
    yield "stored", archive(
        (attention, b"int one;\n"), method=zipfile.ZIP_STORED
    )
    yield "nested", archive(("me/handout/01_attention/attention.cc", b"1"))
    yield "windows", archive(("handout\\02_transformer\\gpt2.cc", b"2"))
    yield "twice", archive((attention, b"1"), (attention, b"2"))
    yield "leads-out", archive(
        ("../" + attention, b"1"), ("/etc/passwd", b"2"), ("a/../../b", b"3")
    )
    yield "link", archive((attention, b"/etc/passwd", stat.S_IFLNK | 0o777))
    yield "device", archive((attention, b"", stat.S_IFCHR | 0o666))
    yield "bomb", archive((attention, bytes(2_000_000)))
    yield "folder", archive(("modules/", b""), (attention + "/", b""))
    yield "odd-names", archive(("\x1b[31mred\n.txt", b""), ("\u4e2d.cc", b""))
    yield "many", archive(*[(f"{n}.txt", b"") for n in range(60)])
    yield "cut", sound[:-30]
    yield "encrypted", sound.replace(
        b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0"
    )
    yield "size-lies", sound.replace(
        struct.pack("<I", 9), struct.pack("<I", 2**32 - 2)
    )
    yield "flat", archive(
        ("attention.cc", b"1"),
        ("layers (1).cc", b"2"),
        ("02_Transformer/GPT2.CC", b"3"),
    )
    yield "zip-in-zip", archive(("submission.zip", sound))
    yield "tar-in-zip", archive(
        ("a.tar.gz", tar(("attention.cc", b"1"))),
        ("b.tar", tar(("layers.cc", b"2"), packed=False)),
    )
    yield "zip-in-tar", tar(("submission.zip", sound), packed=False)
    yield "tar", tar(
        (attention, b"int one;\n"), ("notes.txt", bytes(1000)), packed=False
    )
    yield "tar-gz", tar((attention, b"int one;\n"), ("gpt2.cc", b"2"))
    yield "tar-link", tar(
        (attention, b"", tarfile.SYMTYPE),
        ("gpt2.cc", b"", tarfile.LNKTYPE),
        packed=False,
    )
    yield "tar-gz-cut", tar((attention, bytes(5000)))[:-20]
    yield "empty-archive", archive()
    yield "no-archive", b"this is no archive\n"


# ------------------------------------------------------------ checkpoints --

CONFIG = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 4,
    "n_inner": 4,
    "n_positions": 2,
    "vocab_size": 3,
}
SHAPES = {
    "wte.weight": [3, 4],
    "wpe.weight": [2, 4],
    "h.0.ln_1.weight": [4],
    "h.0.ln_1.bias": [4],
    "h.0.attn.c_attn.weight": [4, 12],
    "h.0.attn.c_attn.bias": [12],
    "h.0.attn.c_proj.weight": [4, 4],
    "h.0.attn.c_proj.bias": [4],
    "h.0.ln_2.weight": [4],
    "h.0.ln_2.bias": [4],
    "h.0.mlp.c_fc.weight": [4, 4],
    "h.0.mlp.c_fc.bias": [4],
    "h.0.mlp.c_proj.weight": [4, 4],
    "h.0.mlp.c_proj.bias": [4],
    "ln_f.weight": [4],
    "ln_f.bias": [4],
}


def tensors(dtype="F16", prefix="", shapes=None):
    """Header and number of bytes of a file with these tensors."""
    header, end = {}, 0
    for name, shape in (shapes or SHAPES).items():
        begin = end
        size = 4 if dtype == "F32" else 2
        for axis in shape:
            size *= axis
        end += size
        header[prefix + name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [begin, end],
        }
    return header, end


def checkpoint(
    config, header, data_bytes, padding=b"", length=None, config_end=b""
):
    config = json.dumps(config).encode() + config_end
    header = json.dumps(header).encode() + padding
    data = bytes(n % 251 for n in range(data_bytes))
    return (
        struct.pack("<I", len(config))
        + config
        + struct.pack("<Q", len(header) if length is None else length)
        + header
        + data
    )


def checkpoints():
    header, size = tensors()
    yield "f16", checkpoint(CONFIG, header, size)
    yield "f32", checkpoint(CONFIG, *tensors("F32"))
    yield "bf16-prefix", checkpoint(CONFIG, *tensors("BF16", "transformer."))
    yield "not-aligned", checkpoint(CONFIG, header, size, padding=b" ")
    own_head = tensors(shapes=SHAPES | {"lm_head.weight": [3, 4]})
    yield "own-head", checkpoint(
        CONFIG | {"tie_word_embeddings": False}, *own_head
    )
    yield "metadata", checkpoint(
        CONFIG, {"__metadata__": {"format": "pt"}} | header, size
    )
    yield "nul-padding", checkpoint(CONFIG, header, size, padding=b"\0" * 7)
    yield "nul-and-more", checkpoint(
        CONFIG, header, size, padding=b'\0{"wte.weight": 1}'
    )
    yield "config-nul-and-more", checkpoint(
        CONFIG, header, size, config_end=b'\0{"n_layer": 2}'
    )
    only_head = {
        "lm_head.weight" if name == "wte.weight" else name: shape
        for name, shape in SHAPES.items()
    }
    head, head_size = tensors(shapes=only_head)
    yield "only-head", checkpoint(
        CONFIG,
        {"__metadata__": {"wte.weight": "lm_head.weight"}} | head,
        head_size,
    )
    yield "alias-of-itself", checkpoint(
        CONFIG,
        {"__metadata__": {"wte.weight": "wte.weight", "ln_f.bias": "format"}}
        | head,
        head_size,
    )
    yield "two-heads", checkpoint(CONFIG, *own_head)
    yield "lfs-pointer", struct.pack("<I", 0) + LFS_POINTER
    yield "integers", checkpoint(CONFIG, *tensors("I16"))
    yield "huge-shape", checkpoint(
        CONFIG,
        {
            "wte.weight": {
                "dtype": "F32",
                "shape": [2**32, 2**32],
                "data_offsets": [0, 0],
            }
        },
        0,
    )
    yield "outside", checkpoint(
        CONFIG,
        {
            "wte.weight": {
                "dtype": "U8",
                "shape": [2**40],
                "data_offsets": [0, 2**40],
            }
        },
        8,
    )
    yield "overlap", checkpoint(
        CONFIG,
        {
            "a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]},
            "b": {"dtype": "U8", "shape": [8], "data_offsets": [4, 12]},
        },
        12,
    )
    yield "hole", checkpoint(
        CONFIG, {"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, 8
    )
    yield "long-header", checkpoint(CONFIG, header, size, length=2**63)
    yield "many-layers", checkpoint(
        CONFIG | {"n_layer": 2**31 - 1}, header, size
    )
    yield "no-heads", checkpoint(CONFIG | {"n_head": 0}, header, size)
    yield "empty", b""


# ------------------------------------------------- tokenizers and indices --

LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:" + b"0" * 64 + b"\nsize 548105171\n"
)


def tokenizers():
    vocab = {letter: i for i, letter in enumerate("abtheĠ")}
    vocab |= {"ab": 6, "th": 7, "the": 8}

    def tokenizer(merges, added=(), model=None, **parts):
        model = {"type": "BPE", "vocab": vocab, "merges": merges} | (
            model or {}
        )
        return json.dumps(
            {
                "added_tokens": [{"id": i, "content": c} for i, c in added],
                "normalizer": None,
                "pre_tokenizer": {"type": "ByteLevel"},
                "decoder": {"type": "ByteLevel"},
                "model": model,
            }
            | parts
        ).encode()

    pairs = [["a", "b"], ["t", "h"], ["th", "e"]]
    strings = [" ".join(pair) for pair in pairs]
    yield "pairs", tokenizer(pairs)
    yield "strings", tokenizer(strings)
    yield "added", tokenizer(strings, [(9, "<|endoftext|>"), (6, "ab")])
    yield "added-with-a-hole", tokenizer(strings, [(11, "<pad>")])
    yield "added-taken", tokenizer(strings, [(3, "<pad>")])
    yield "added-negative", tokenizer(strings, [(-1, "<pad>")])
    yield "huge-id", tokenizer(strings, [(2**64 - 1, "<pad>")])
    yield "unknown-merge", tokenizer(["b a"])
    yield "three-merged", tokenizer([["a", "b", "t"]])
    yield "numbers-merged", tokenizer([[1, 2], 3])
    yield "unigram", tokenizer([], model={"type": "Unigram", "vocab": []})
    yield "normalizer", tokenizer(strings, normalizer={"type": "NFC"})
    yield "sequence", tokenizer(
        strings,
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [{"type": "ByteLevel"}],
        },
    )
    yield "nul-and-more", tokenizer(strings) + b"\0{}"
    yield "deep", b'{"model":' + b"[" * 4000
    yield "lfs-pointer", LFS_POINTER
    yield "empty", b""


def shard_indices():
    def index(**files):
        return json.dumps({"weight_map": files}).encode()

    yield "sound", index(a="one.safetensors", b="one.safetensors")
    yield "not-in-its-shard", index(c="one.safetensors")
    yield "missing-shard", index(a="one.safetensors", b="two.safetensors")
    yield "climbs", index(a="../one.safetensors")
    yield "absolute", index(a="/etc/passwd")
    yield "folder", index(a=".")
    yield "nul-in-a-name", index(a="one.safetensors\0../x")
    yield "itself", index(a="model.safetensors.index.json")
    yield "number", index(a=1)
    yield "none", index()
    yield "nul-and-more", index(a="one.safetensors") + b"\0{}"
    yield "lfs-pointer", LFS_POINTER
    yield "empty", b""


# ----------------------------------------------------------- answer sheets --


def answer_sheets():
    def sheet(answers, student=b'"Ann.Lee@example.org"'):
        return (
            b'// mine\n{"student": '
            + student
            + b', "answers": {'
            + answers
            + b"}}"
        )

    yield "both", sheet(b'"colour": "b", /* no */ "sum": 15')
    yield "not-answered", sheet(b'"colour": "", "sum": ""')
    yield "unfit", sheet(b'"colour": 3, "sum": "a"')
    yield "long-letter", sheet(b'"colour": "bb"')
    yield "not-finite", sheet(b'"sum": NaN')
    yield "largest", sheet(b'"sum": 18446744073709551615')
    yield "too-large", sheet(b'"sum": 1e400')
    yield "list", sheet(b'"sum": [1, {"a": null}]')
    yield "deep", sheet(b'"sum": ' + b"[" * 4000)
    yield "deep-whole", sheet(b'"sum": ' + b"[" * 4000 + b"]" * 4000)
    yield "twice", sheet(b'"sum": 1, "sum": 2')
    yield "no-student", b'{"answers": {"sum": 1}}'
    yield "student-a-table", sheet(b'"sum": 1', b"{}")
    yield "not-utf-8", sheet(b'"colour": "\xff\xfe"')
    yield "nul-and-more", sheet(b'"sum": 1') + b'\0{"student": "other"}'
    yield "escapes", sheet(b'"c\\u006flour": "\\ud83d\\ude00"')
    yield "half-a-pair", sheet(b'"colour": "\\ud83d"')
    lines = (
        '{\n"student": "ann",\n"answers": {\n"colour": a,\n"sum": 1,152\n}}\n'
    )
    yield "lines", lines.encode()
    yield "trailing-comma", sheet(b'"colour": "b", "sum": "1 152 apples",')
    yield "utf-16", lines.encode("utf-16")
    yield "utf-16-no-mark", lines.encode("utf-16-be")
    yield "utf-16-cut", lines.encode("utf-16")[:-1]
    yield "utf-16-half-a-pair", b"\xff\xfe{\0\x00\xd8"
    yield "smart-quotes", lines.replace('"', "\u201c").encode()
    yield "nul", sheet(b'"sum": 1') + b"\0{}"
    yield "open-comment", b"/* {"
    yield "empty", b""


# ------------------------------------------- what platforms export --


def platform_files():
    yield "canvas", (
        b"cStudent,ID,SIS User ID,SIS Login ID,Section,KV (9)\r\n"
        b"    Points Possible,,,,,100\r\n"
        b'"Lee, Ann",4711,,ann,"A ""1""",\r\n"Ray, Bob",815,bob,ann,A,7'
    )
    yield "moodle", (
        b"c\xef\xbb\xbfIdentifier;Full name;Email address;Grade\n"
        b"Participant 1;Ann;A@example.org;\nParticipant 2;Bob;;3,5\n"
    )
    yield "roster", (
        b"cid,name,email,section,platform_id,due,free_days,reason\n"
        b"ann,,a@x,,1,2027-01-15T23:59:00+01:00,,ill\nAnn,,,,2,,3,jury\n"
        b"m\xc3\xbcller,,,,,,,\nmu\xcc\x88ller,,,,,,,\n"
    )
    yield "tabs", b'ca\tb\rc\td\r\n\n"x\ty"\t""\n'
    yield "open-quote", b'ca,b\n1,"2\n'
    yield "after-quote", b'ca,b\n"1"x,2\n'
    yield "nul", b"ca,b\n1,\0\n"
    yield "not-utf-8", b"ca,b\n1,\xff\n"
    yield "utf-16", "ca,b\n1,2\n".encode("utf-16")
    yield "gradescope", (
        b"g---\nsubmission_1:\n  :submitters:\n  - :name: Ann\n"
        b"    :sid: '1'\n    :email: a@x\n"
        b"  :created_at: 2027-01-15 22:59:00.123456789 Z\n"
    )
    yield "aliases", b"ga: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    yield "itself", b"ga: &a\n  :submitters: [*a]\n"
    yield "deep", b"g" + b"[" * 4000
    yield "ruby", b"gs: !ruby/object:Kernel\n  :submitters: []\n"
    yield "no-table", b"g- 1\n"
    yield "names", (
        b"nleeann_LATE_4711_90210_submission-1.zip\nx_1_2_a-99999999999.zip\n"
        b"Ann Lee_4711_assignsubmission_file_/submission.zip\n"
        b"A_1_assignsubmission_onlinetext_x.html\nann.tar.gz\n.zip\n___\n"
    )


# --------------------------------------------------------------------------


def main():
    for target, seeds in {
        "reply": replies,
        "submission": submissions,
        "checkpoint": checkpoints,
        "tokenizer": tokenizers,
        "shard_index": shard_indices,
        "answer_sheet": answer_sheets,
        "platform_files": platform_files,
    }.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        for name, content in seeds():
            (folder / f"seed-{name}").write_bytes(content)


if __name__ == "__main__":
    main()
