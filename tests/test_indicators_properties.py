"""What must hold for any register: totals are sums, and the stock of a month is that of the one before, in and out."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registers import registers, with_maatwerk
from test_cohorts import paths_of
from zorgpad.errors import DataError
from zorgpad.indicators import (
    INDICATORS,
    JEUGDHULP,
    S1,
    S2,
    S2_GEZIN,
    S2_WONEN,
    VERBLIJF,
    compare_definitions,
    count_nulmeting,
    decompose_change,
    etmalen,
    flow_members,
    maatwerk,
    nulmeting_members,
    product_factsheet,
    product_members,
    realisation,
    segment_overlap,
    stock,
    stock_and_flow,
)
from zorgpad.spells import build_spells

YEARS = [str(year) for year in (2019, 2022)]
HALVES = [f"{year}-H{half}" for year in YEARS for half in (1, 2)]
CELL = ["area_kind", "area", "period"]
FORMS = ("ambulant", "pleegzorg", "gezinshuis", "behandelverblijf", "crisis")
INS, OUTS = ("first", "again", "from_care", "moved_in"), ("to_care", "out", "moved_out")
few = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def lives(draw: st.DrawFn) -> str:
    """Some children with spells of care in and around the window, as a drawn table."""
    lines = ["client | zorgvorm | start | end | provider | gemeente"]
    for number in range(draw(st.integers(1, 5))):
        for _ in range(draw(st.integers(1, 4))):
            start = pd.Timestamp("2020-06-01") + pd.Timedelta(days=draw(st.integers(0, 1200)))
            end = min(start + pd.Timedelta(days=draw(st.integers(1, 500))), pd.Timestamp("2024-01-01"))
            form, payer = draw(st.sampled_from(FORMS)), draw(st.sampled_from(("GM0794", "GM0743")))
            provider = draw(st.sampled_from("12"))
            lines.append(f"k{number} | {form} | {start:%Y-%m-%d} | {end:%Y-%m-%d} | {provider} | {payer}")
    return "\n".join(lines)


def drawn_paths(text, region):
    """Paths of a drawn table."""
    return paths_of(text, region)


@few
@given(text=lives())
def test_the_stock_of_a_month_follows_from_the_one_before(region, text):
    """stock(t+1) = stock(t) + in − out, per area, form and month; the region is the sum of its gemeenten."""
    paths = drawn_paths(text, region)
    members = flow_members(paths, region, from_date="2021-06-01", until_date="2022-06-01")
    if members.empty:
        with pytest.raises(DataError):
            stock_and_flow(members, region)
        return
    periods = [f"{month:%Y-%m}" for month in pd.date_range("2021-06-01", "2022-05-01", freq="MS")]
    table = stock_and_flow(members, region).set_index(["area_kind", "area", "zorgvorm", "period"])
    keys = ["area_kind", "area", "zorgvorm"]
    told = table.reset_index()
    for before, after in pairwise(sorted(told["period"].unique())):
        ends = told[told["period"] == before].set_index(keys)["stock_after"]
        begins = told[told["period"] == after].set_index(keys)["stock"]
        assert (ends == begins.reindex(ends.index, fill_value=0)).all()
    assert set(told["period"]) <= set(periods)
    sums = table.groupby(["area_kind", "zorgvorm", "period"])[["stock", "stock_after"]].sum()
    pd.testing.assert_frame_equal(sums.loc["regio"], sums.loc["gemeente"])
    assert table.loc["regio", ["moved_in", "moved_out"]].to_numpy().sum() == 0
    for form in table.index.get_level_values("zorgvorm").unique():
        own = told[(told["area_kind"] == "regio") & (told["zorgvorm"] == form)]
        change = decompose_change(members, area=region.label, zorgvorm=form, seed=1, n_draws=20)
        parts = change.set_index("component")["net"]
        assert parts.drop("verandering").sum() == parts["verandering"]
        assert parts["verandering"] == own[list(INS)].to_numpy().sum() - own[list(OUTS)].to_numpy().sum()


@few
@given(text=lives())
def test_stock_by_form_is_at_least_who_is_in_that_state(region, text):
    """A child counts under every form that runs; whose state it is counts there too. Areas add up."""
    paths = drawn_paths(text, region)
    counts = stock(paths, region, dates=["2022-06-30"])
    now = paths[(paths["start_date"] <= "2022-06-30") & (paths["end_date"] > "2022-06-30")]
    whole = counts[counts["area_kind"] == "regio"].set_index("zorgvorm")["n_children"]
    in_state = now[now["state"].isin(FORMS)].groupby("state")["client_id"].nunique()
    assert (whole.reindex(in_state.index) >= in_state).all()
    by_kind = counts.groupby("area_kind")["n_children"].sum()
    assert by_kind["regio"] == by_kind["gemeente"] == by_kind["subregio"]


@few
@given(register=registers())
def test_the_nulmeting_adds_up(region, register):
    """Segments within residence within care; a year is the union of its halves; patterns explain the overlaps."""
    known = with_maatwerk(region)
    members = nulmeting_members(register, known, periods=[*YEARS, *HALVES])
    counts = count_nulmeting(members, known, periods=[*YEARS, *HALVES])
    wide = counts.pivot_table(index=CELL, columns="indicator", values="n_children", aggfunc="sum")[list(INDICATORS)]
    assert (wide[JEUGDHULP] >= wide[VERBLIJF]).all()
    assert (wide[VERBLIJF] >= wide[[S1, S2]].max(axis=1)).all()
    assert (wide[VERBLIJF] <= wide[S1] + wide[S2]).all()
    assert (wide[S2] <= wide[S2_GEZIN] + wide[S2_WONEN]).all()
    overlap = segment_overlap(members)
    sums = overlap.groupby(CELL)["n_children"].sum().reindex(wide.index, fill_value=0)
    assert (sums == wide[VERBLIJF]).all()
    weighted = overlap.assign(n=overlap["n_segments"] * overlap["n_children"]).groupby(CELL)["n"].sum()
    assert (weighted.reindex(wide.index, fill_value=0) == wide[[S1, S2_GEZIN, S2_WONEN]].sum(axis=1)).all()
    per_child = members.drop_duplicates(["client_id", "area_kind", "area", "period", "indicator"])
    assert len(per_child) == len(members)
    keys = ["client_id", "area_kind", "area", "indicator"]
    for year in YEARS:
        whole = set(map(tuple, members.loc[members["period"] == year, keys].to_numpy()))
        halves = set(map(tuple, members.loc[members["period"].isin([f"{year}-H1", f"{year}-H2"]), keys].to_numpy()))
        assert whole == halves
    regional = wide.xs("regio", level="area_kind").groupby("period").sum()
    summed = wide.xs("gemeente", level="area_kind").groupby("period")
    assert (regional <= summed.sum()).all(axis=None)
    assert (regional >= summed.max()).all(axis=None)


@few
@given(register=registers())
def test_both_definitions_differ_by_the_children_that_they_name(region, register):
    """Counted by both = published − only published = corrected − only corrected."""
    known = with_maatwerk(region)
    spells, _ = build_spells(register, known, peildatum="2024-01-01")
    table = compare_definitions(register, spells, region=known, periods=["2022", "2023-H1"])
    both = table["n_published"] - table["n_only_published"]
    assert (both == table["n_corrected"] - table["n_only_corrected"]).all()
    assert (both >= 0).all()


@few
@given(register=registers())
def test_products_and_arrangements_add_up(region, register):
    """Contracted and not cover all children of a product; all products are the sum; maatwerk is part of all."""
    known = with_maatwerk(region)
    sheet = product_factsheet(register, known, stock_date="2022-06-30")
    assert (sheet["n_contracted"] + sheet["n_not_contracted"] >= sheet["n_children"]).all()
    assert (sheet[["n_contracted", "n_not_contracted"]].max(axis=1) <= sheet["n_children"]).all()
    members = product_members(register, known, stock_date="2022-06-30")
    kinds = members[members["indicator"] != "clienten"].drop(columns="indicator").drop_duplicates()
    assert len(kinds) == (members["indicator"] == "clienten").sum()
    table = maatwerk(register, known, years=[2021, 2022])
    assert (table["n_arrangements"] <= table["n_all"]).all()
    assert (table["n_children"] <= table["n_arrangements"]).all()
    parts = table[table["product_code"] != "alle producten"].groupby(CELL)["n_arrangements"].sum()
    whole = table[table["product_code"] == "alle producten"].set_index(CELL)["n_arrangements"]
    assert (whole == parts.reindex(whole.index, fill_value=0)).all()
    by_kind = whole.groupby("area_kind").sum().reindex(["regio", "gemeente"], fill_value=0)
    assert by_kind["regio"] <= by_kind["gemeente"]


@few
@given(register=registers())
def test_etmalen_and_amounts_add_up(region, register):
    """Families and others are all residence, as are the products; gemeenten are the region; months are the whole."""
    known = with_maatwerk(region)
    try:
        table = etmalen(register, known, years=[2021, 2022, 2023], peildatum="2024-06-01", seed=1, n_draws=5)
    except DataError as error:
        assert "unit 14" in str(error) or "declared" in str(error) or "declaration" in str(error)
        return
    sums = table.pivot_table(index=["area_kind", "area", "year"], columns="group", values="n_etmalen", aggfunc="sum")
    np.testing.assert_allclose(sums["totaal"], sums[["gezinsvorm", "geen gezinsvorm"]].sum(axis=1))
    np.testing.assert_allclose(
        sums["totaal"], sums.drop(columns=["totaal", "gezinsvorm", "geen gezinsvorm"]).sum(axis=1)
    )
    by_kind = sums["totaal"].groupby("area_kind").sum()
    np.testing.assert_allclose(by_kind["regio"], by_kind["gemeente"])
    months = pd.date_range("2021-01-01", "2023-12-01", freq="MS")
    found = realisation(register, known, months=months, peildatum="2024-06-01")
    named = register.allocations.dropna(subset=["product_code"])
    about = register.declarations.merge(named, on=["client_id", "gemeente", "allocation_id"])
    inside = about["period_start"].between("2021-01-01", "2023-12-31") & ~(about["declared_at"] >= "2024-06-01")
    assert found["declared_cents"].sum() == pytest.approx(about.loc[inside, "amount_cents"].sum())
