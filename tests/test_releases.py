"""What a release shows is protected, hangs together, and is the same in a batch and in a notebook alone."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tables import register as register_of
from zorgpad.disclosure import choose_policy
from zorgpad.errors import DisclosureError, ReportError
from zorgpad.indicators import nulmeting
from zorgpad.publish import exhibit_name, is_stamped
from zorgpad.register import write_register
from zorgpad.releases import (
    EXHIBITS,
    RELEASE_VARIABLE,
    Gallery,
    attack_release,
    draw_exhibit,
    gallery,
    make_release,
    open_release,
)
from zorgpad.releases.store import read_release, write_release

HELMOND = "GM0794"
DAY = "2024-01-01"
COUNTS = ("n_children", "n_ended", "n_low", "n_high", "n_stays", "n_open", "n_transitions", "n_rows", "n_of")


def test_every_count_of_a_release_is_a_multiple_of_five(release):
    """Whatever frame it stands in."""
    seen = 0
    for name, frame in release.frames.items():
        for column in set(COUNTS) & set(frame.columns) if name != "account" else ():
            assert (frame[column].astype(int) % 5 == 0).all(), (name, column)
            seen += len(frame)
    assert seen > 4000


def test_protected_counts_stay_within_a_step_of_the_truth(release, sample, region):
    """492 children in verblijf in 2022 (published: S1 168, S2 351) become 490 or 495; none is 5 or more off."""
    truth = nulmeting(sample, region, years=[2022, 2023])
    both = release["nulmeting"].merge(truth, on=["area_kind", "area", "year", "indicator"], suffixes=("", "_true"))
    assert len(both) == len(truth) == 192
    assert (both["n_children"] - both["n_children_true"]).abs().max() < 5
    whole = both[(both["area_kind"] == "regio") & (both["indicator"] == "verblijf") & (both["year"] == 2022)]
    assert whole["n_children_true"].item() == 492
    assert whole["n_children"].item() in (490, 495)


def test_what_nobody_shares_adds_up(release):
    """On one day a child is in one gemeente: gemeenten add up to subregions and to the region, in every month."""
    wide = release["stand"].pivot_table(
        index=["stock_date", "zorgvorm"], columns="area_kind", values="n_children", aggfunc="sum"
    )
    assert (wide["gemeente"] == wide["regio"]).all()
    assert (wide["subregio"] == wide["regio"]).all()


def test_flows_are_conserved_in_the_process_map(release):
    """No more comes into a form of care, or goes on from it and is still there, than there were stays."""
    nodes, edges = release["vormen"], release["overgangen"]
    stays = nodes.set_index("state")["n_stays"]
    out, into = (
        edges.groupby(end)["n_transitions"].sum().reindex(stays.index, fill_value=0)
        for end in ("from_state", "to_state")
    )
    assert (stays >= out + nodes.set_index("state")["n_open"]).all()
    assert (stays >= into).all()
    assert out.sum() == into.sum() > 1000


def test_curves_have_steps_on_the_grid_only_and_end_where_few_are_left(release):
    """Multiples of 90 days, at least 10 at risk, and a loss that the account tells."""
    curves = pd.concat([release["einde"], release["verblijf"]])
    assert (curves["time_days"] % 90 == 0).all()
    assert curves["n_at_risk"].min() >= 10
    account = release.account
    assert account.loc[account["frame"] == "verblijf", "loss"].item() <= 0.10
    assert account["max_deviation"].max() < 5


def test_exhibits_show_no_number_that_is_not_in_the_release(release):
    """Every count in the table of the nulmeting ends in 0 or 5."""
    page = draw_exhibit(release, "nulmeting_tabel", gemeente=HELMOND)
    cells = [cell.replace(".", "") for cell in re.findall(r'<td class="zp-n">([\d.]+)</td>', page)]
    assert len(cells) >= 20
    assert {cell[-1] for cell in cells} <= {"0", "5"}


def test_every_exhibit_can_be_drawn_after_a_round_trip(release, region, tmp_path):
    """Also in the gemeente with fewest children, where a larger area takes its place."""
    write_release(release, tmp_path / "release")
    again = read_release(tmp_path / "release", region, release.policy)
    for name in EXHIBITS:
        assert draw_exhibit(again, name, gemeente="GM0743") == draw_exhibit(release, name, gemeente="GM0743")


WITHHELD = (
    "nulmeting_tabel",
    "nulmeting",
    "nulmeting_kort",
    "stand",
    "kwaliteit",
    "kwaliteit_kort",
    "overlap_tabel",
    "stromen_tabel",
)


def test_counts_that_a_policy_withholds_leave_the_page_readable(release):
    """As under cbs: every count under 10 is missing, and what shows it says so, or has a dash."""
    told = {}
    for name, frame in release.frames.items():
        counts = [column for column in frame.columns if column.startswith("n_") and name != "account"]
        few = frame[counts].apply(lambda column: column.astype("Float64").mask(lambda n: n < 10))
        whole = [column for column in counts if pd.api.types.is_integer_dtype(frame[column])]
        told[name] = frame.assign(**few).astype(dict.fromkeys(whole, "Int64"))
    withheld = replace(release, frames=told, policy=choose_policy("cbs"))
    names = [name for name in (*WITHHELD, "steun_tabel", "segmenten") if name in EXHIBITS]
    pages = {name: draw_exhibit(withheld, name, gemeente="GM0743") for name in names}
    assert len(pages) >= 6
    assert not [name for name, page in pages.items() if "nan" in page.lower().split("base64")[0] or "<NA>" in page]
    assert "te weinig om te tonen" in pages["kwaliteit"]
    assert "n = – keer komen of gaan" in pages["stromen_tabel"]  # the sum of those that are shown would be too few
    fewer = told["nulmeting"].assign(n_children=told["nulmeting"]["n_children"].mask(lambda n: n < 100))
    withheld = replace(withheld, frames=told | {"nulmeting": fewer})
    assert "niets te zeggen" in draw_exhibit(withheld, "benchmark_tabel", gemeente="GM0743")


def test_a_release_is_the_same_each_time_and_says_when_it_was_changed(release, report, region, tmp_path):
    """A batch, in a process of its own, and this one make the same digest; a changed file is refused."""
    manifest = json.loads((report / "GM0794-helmond" / "manifest.json").read_text())
    assert manifest["inputs"]["release"] == write_release(release, tmp_path / "a")
    release["nulmeting"].assign(n_children=1).to_parquet(tmp_path / "a" / "nulmeting.parquet")
    with pytest.raises(DisclosureError, match=r"nulmeting\.parquet"):
        read_release(tmp_path / "a", region, release.policy)


def test_no_count_of_a_release_can_be_worked_out(release, region):
    """All areas, flows, curves, years and the last three months together: nothing under 4 wide, nothing exact."""
    cells = release.history.cells()
    is_kept = ~cells["cell"].str.contains("|stand|", regex=False) | (cells["cell"] >= "2023-10-01|stand")
    found = attack_release(cells[is_kept & (cells["cell"] != "")].drop(columns="truth").reset_index(drop=True), region)
    assert found.n_cells > 4000
    assert found.n_relations > 8000
    assert (found.n_exact, found.n_narrow) == (0, 0)


def test_intern_shows_the_raw_numbers(sample, region):
    """Nothing is rounded, and the captions say that the page is not to be shared."""
    raw = make_release(sample, region, peildatum=DAY, policy=choose_policy("intern"), key=None)
    own = raw["nulmeting"].query("area_kind == 'regio' and year == 2022 and indicator == 'verblijf'")
    assert own["n_children"].item() == 492
    assert "Niet delen" in draw_exhibit(raw, "nulmeting_tabel", gemeente=HELMOND)
    assert raw["vormen"].set_index("state").loc["pleegzorg", "n_stays"] % 5 or len(raw["verblijf"]) > 100


def tiny(*, is_synthetic, folder):
    """A register of one child."""
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    records.meta.update(source="Proef", is_synthetic=is_synthetic)
    return write_register(records, folder / "register")


def displayed(monkeypatch):
    """What is shown from here on."""
    outputs = []

    def display(data, *, raw, metadata):
        assert raw
        outputs.append({"output_type": "display_data", "data": data, "metadata": metadata})

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def page_of(folder, policy="werkgroep"):
    """The page of Helmond."""
    return open_release(str(folder), region="een10voordejeugd", gemeente="Helmond", peildatum=DAY, policy=policy)


def test_a_batch_gets_the_name_of_an_exhibit_and_nothing_else(release, tmp_path, monkeypatch):
    """The notebook's output does not hold a number; the name is stamped."""
    write_release(release, tmp_path / "release")
    monkeypatch.setenv(RELEASE_VARIABLE, str(tmp_path / "release"))
    shown = displayed(monkeypatch)
    page_of(tmp_path).show("nulmeting")
    assert is_stamped(shown[0])
    assert exhibit_name(shown[0]) == "nulmeting"
    assert not re.search(r"\d", shown[0]["data"]["text/html"])


def test_a_notebook_with_other_parameters_than_its_batch_is_refused(release, tmp_path, monkeypatch):
    """The batch protected under werkgroep; intern is asked."""
    write_release(release, tmp_path / "release")
    monkeypatch.setenv(RELEASE_VARIABLE, str(tmp_path / "release"))
    with pytest.raises(DisclosureError, match="another policy"):
        page_of(tmp_path, policy="intern")


def test_alone_a_notebook_draws_for_itself_but_of_real_children_only_intern(tmp_path, monkeypatch):
    """One real child: refused under werkgroep, shown under intern; a frame without anybody says so."""
    folder = tiny(is_synthetic=False, folder=tmp_path)
    shown = displayed(monkeypatch)
    with pytest.raises(DisclosureError, match="zorgpad report --key"):
        page_of(folder).show("nulmeting_tabel")
    page_of(folder, policy="intern").show("nulmeting_tabel")
    assert "<caption>Kinderen met jeugdhulp" in shown[0]["data"]["text/html"]
    with pytest.raises(ReportError, match="There is no exhibit 'nulmetin'"):
        page_of(folder).show("nulmetin")


def test_real_children_are_not_rounded_without_a_key(tmp_path, region):
    """A key that everybody can know protects nobody."""
    folder = tiny(is_synthetic=False, folder=tmp_path)
    records = page_of(folder, policy="intern").source.register
    with pytest.raises(DisclosureError, match="--key"):
        make_release(records, region, peildatum=DAY, policy=choose_policy("werkgroep"), key=None)
    kept = make_release(records, region, peildatum=DAY, policy=choose_policy("werkgroep"), key=b"k" * 32)
    assert np.isin(kept["nulmeting"]["n_children"], [0, 5]).all()
    assert "niets te zeggen" in draw_exhibit(kept, "breakdowns", gemeente=HELMOND)


def test_an_exhibit_of_the_region_is_drawn_once_for_all_gemeenten(monkeypatch):
    """The process map of 342 gemeenten is one picture; what is of a gemeente is drawn for each."""
    drawn = []
    monkeypatch.setattr(gallery, "_EXHIBITS", {})
    monkeypatch.setattr(gallery, "EXHIBITS", gallery._EXHIBITS)
    monkeypatch.setattr(gallery, "_REGIONAL", set())

    @gallery.exhibit_of_region
    def map_of_all(release):
        drawn.append("region")
        return release

    @gallery.exhibit
    def own(release, gemeente):
        drawn.append(gemeente)
        return f"{release} {gemeente}"

    pictures = Gallery("kaart")
    shown = [pictures.draw(name, gemeente=code) for code in ("A", "B") for name in ("map_of_all", "own")]
    assert shown == ["kaart", "kaart A", "kaart", "kaart B"]
    assert drawn == ["region", "A", "B"]
