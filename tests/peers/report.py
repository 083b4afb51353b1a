"""Reads a load report with libraries that are not ours: Python's JSON, CSV and XML parsers, and its reader of HdrHistogram's files.

Takes the report's folder. Prints a line of JSON with what it found; ends with an error where two of the files disagree.
"""

import base64
import csv
import hashlib
import json
import math
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

KINDS = ["acknowledgement", "delivery", "end_to_end"]
HIGHEST_US = 3_600_000_000


def same(one, other, what):
    if one != other:
        sys.exit(f"{what}: {one!r} is not {other!r}")


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def check_seconds(folder, report):
    rows = rows_of(folder / "seconds.csv")
    same(len(rows), len(report["seconds"]), "rows of seconds.csv")
    for row, second in zip(rows, report["seconds"]):
        for key in ["planned", "sent", "acknowledged", "delivered", "in_flight", "pending", "schedule_lag_us"]:
            same(int(row[key]), second[key], key)
        for kind in KINDS:
            window = second["latency"][kind]
            same(int(row[f"{kind}_count"]), window["count"], f"{kind}_count")
            if window["count"]:
                same(int(row[f"{kind}_p99_us"]), window["p99_us"], f"{kind}_p99_us")


def check_audit(folder, report):
    rows = rows_of(folder / "audit.csv")
    expected = [report["total"], *report["publishers"], *report["channels"], *report["subscribers"]]
    same(len(rows), len(expected), "rows of audit.csv")
    for row, audit in zip(rows, expected):
        if None in row or None in row.values():
            sys.exit(f"audit.csv has a ragged row: {row}")
        same(row["name"].lstrip("'"), audit["name"], "name")
        if row["name"][:1] in ("=", "+", "-", "@"):
            sys.exit(f"audit.csv has a formula: {row['name']!r}")
        for key in audit.keys() - {"name"}:
            same(int(row[key]), audit[key], key)


def quantile(histogram, share):
    """The least value that this share does not exceed. The library's own rounds to the nearest, which may be one value less."""
    needed = max(1, math.ceil(histogram.get_total_count() * share - 1e-9))
    count = 0
    for item in histogram.get_recorded_iterator():
        count += item.count_at_value_iterated_to
        if count >= needed:
            return item.value_iterated_to
    return 0


def check_histograms(folder, report):
    sums = {kind: HdrHistogram(1, HIGHEST_US, 3) for kind in KINDS}
    intervals = 0
    reader = HistogramLogReader(str(folder / "latency.hlog"), HdrHistogram(1, HIGHEST_US, 3))
    while (interval := reader.get_next_interval_histogram()) is not None:
        sums[interval.get_tag()].add(interval)
        intervals += 1
    same(intervals, len(KINDS) * len(report["seconds"]), "intervals of latency.hlog")
    same(round(reader.get_start_time_sec() * 1000), report["started_ms"], "StartTime")
    for kind, histogram in sums.items():
        whole = HdrHistogram.decode(report["latency"][kind]["histogram"])
        same(whole.get_total_count(), report["latency"][kind]["count"], f"{kind} in report.json")
        same(histogram.get_total_count(), whole.get_total_count(), f"{kind} in latency.hlog")
        for share, key in [(0.5, "p50_us"), (0.9, "p90_us"), (0.99, "p99_us"), (0.999, "p99_9_us")]:
            same(quantile(histogram, share), report["latency"][kind][key], f"{kind} {key}")
        text = (folder / f"{kind}.hgrm").read_text(encoding="utf-8")
        lines = [line.split() for line in text.splitlines()[2:] if not line.startswith("#")]
        same(int(lines[-1][2]), whole.get_total_count(), f"{kind}.hgrm")
        at_half = next(float(value) for value, percentile, *_ in lines if float(percentile) >= 0.5)
        same(round(at_half * 1000), report["latency"][kind]["p50_us"], f"{kind}.hgrm at 50 %")


def check_page(path):
    """Well-formed, with one script that runs, and that one is the script which the page's policy allows."""
    text = path.read_text(encoding="utf-8")
    page = xml.fromstring(text.split("\n", 1)[1])
    scripts = [script for script in page.iter("script") if script.get("type") != "application/json"]
    same(len(scripts), 1, "scripts that run")
    digest = base64.b64encode(hashlib.sha256(scripts[0].text.encode()).digest()).decode()
    policy = next(meta.get("content") for meta in page.iter("meta") if meta.get("http-equiv"))
    same(re.findall(r"script-src '([^']+)'", policy), [f"sha256-{digest}"], "the policy's script")
    for element in page.iter():
        for name in element.keys():
            if name.startswith("on") or name == "src":
                sys.exit(f"<{element.tag}> has {name}")
    charts = [figure for figure in page.iter("figure") if figure.get("class") == "chart"]
    for chart in charts:
        for readings in chart.iter("script"):
            json.loads(readings.text)
        if not all("".join(label.itertext()) for tag in ("title", "desc") for label in chart.iter(tag)):
            sys.exit(f"{chart.get('id')} has no title or description")
    text = " ".join("".join(page.itertext()).split())
    return {"charts": len(charts), "heading": "".join(next(page.iter("h1")).itertext()), "text": text}


def main():
    path = pathlib.Path(sys.argv[1])
    if path.is_file():
        print(json.dumps(check_page(path)))
        return
    report = json.loads((path / "report.json").read_text(encoding="utf-8"))
    check_seconds(path, report)
    check_audit(path, report)
    check_histograms(path, report)
    print(json.dumps(check_page(path / "report.html")))


main()
