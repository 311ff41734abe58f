"""The list is read once, late, from wherever the package is, and searched for each model once."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from hilt_autolog.pricing import cost, price_list
from hilt_autolog.pricing.cost import cost_usd

PACKAGE = Path(cost.__file__).parent
NOW = 1_795_176_000.0
TEN = {"prompt": 10, "completion": 10, "total": 20}


def test_the_caches_are_bounded():
    for number in range(3000):
        cost_usd("cohere", f"no-such-model-{number}", TEN, at=NOW)
        cost_usd("cohere", "command-a", TEN, at=NOW + 900 * number)
    assert price_list.find.cache_info().currsize <= 1024
    assert cost._tariff.cache_info().currsize <= 1024


def test_a_model_is_looked_up_once():
    cost_usd("mistral", "mistral-small-latest", TEN, at=NOW)
    before = price_list.find.cache_info().misses
    for second in range(3000):
        cost_usd("mistral", "mistral-small-latest", TEN, at=NOW + second)
    assert price_list.find.cache_info().misses == before


def test_the_list_names_its_origin():
    assert cost.snapshot() == "genai-prices 0.2.3"


def test_importing_reads_and_compiles_nothing():
    code = """
import sys, re
opened, compiled = [], []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
compile = re._compiler.compile
re._compiler.compile = lambda *args: compiled.append(args) or compile(*args)
from hilt_autolog.pricing.cost import cost_usd
assert not compiled and "orjson" not in sys.modules and not [f for f in opened if f.endswith("prices.json")]
cost_usd("openai", "gpt-4o", {"prompt": 1}, at=0)
assert [f for f in opened if f.endswith("prices.json")]
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_list_is_found_in_a_zip_file(tmp_path):
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("hilt_autolog/__init__.py", "")
        for name in ("__init__.py", "cost.py", "price_list.py", "prices.json"):
            packed.write(PACKAGE / name, f"hilt_autolog/pricing/{name}")
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from hilt_autolog.pricing import cost
assert cost.__file__.startswith(sys.argv[1])
print(cost.cost_usd("openai", "gpt-4o", {"prompt": 1000}, at=0))
"""
    command = [sys.executable, "-W", "error", "-c", code, str(archive)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "0.0025\n"


def test_hours_of_the_day_may_span_midnight():
    ten_at_night, two = 22 * 3600, 2 * 3600
    moments = [two - 1, two, ten_at_night - 1, ten_at_night, price_list.DAY + 1]
    assert [price_list._applies([ten_at_night, two], at) for at in moments] == [
        True,
        False,
        False,
        True,
        True,
    ]
