"""Words and tables of the factsheet: children, contracts, referrers, money and waiting per product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from zorgpad.indicators import published_weeks
from zorgpad.labels import (
    MONTHS,
    STATE_LABELS,
    enumerate_words,
    format_date,
    format_euros,
    format_interval,
    format_number,
    format_percent,
    format_rounded,
)
from zorgpad.region import ANY_CODE, Region
from zorgpad.tables.basis import ALLOCATED, DECLARED

UNKNOWN = "Onbekend"
# Days after which a wait is told; the first and last of a grid of two weeks.
WAITS = {14: "na 2 weken", 28: "na 4 weken", 56: "na 8 weken"}


def product_names(region: Region) -> dict[str, str]:
    """The label of each product code, and of each category for care without a code."""
    table = region.products
    named = dict(zip(table["product_code"], table["label"], strict=True))
    whole = table[table["product_code"] == ANY_CODE]
    return named | dict(zip(whole["product_category"], whole["label"], strict=True))


def products_in_order(codes: pd.Series, region: Region) -> list[str]:
    """The codes in the order of the region's products; those it does not name at the end."""
    order = list(dict.fromkeys(region.products["product_code"]))
    place = {code: at for at, code in enumerate(order)}
    return sorted(dict.fromkeys(codes), key=lambda code: (place.get(code, len(place)), code))


def factsheet_table(products: pd.DataFrame, region: Region, *, base: int) -> pd.DataFrame:
    """Per product: children, at providers with and without a contract, and the amount that a month is allocated."""
    names = product_names(region)
    rows = products.set_index("product_code").loc[products_in_order(products["product_code"], region)]
    table = {
        "product": [f"{names.get(code, code)} ({code})" for code in rows.index],
        "kinderen": rows["n_children"].astype("Int64").to_numpy(),
        "met contract": rows["n_contracted"].astype("Int64").to_numpy(),
        "zonder contract": rows["n_not_contracted"].astype("Int64").to_numpy(),
        "aanbieders zonder contract": [format_rounded(n, base=base) for n in rows["n_other_providers"]],
        "toegewezen per maand": [format_euros(amount) for amount in rows["month_euros"]],
        "per kind per maand": [_about(amount) for amount in rows["euros_per_child"]],
    }
    return pd.DataFrame(table).set_index("product")


def describe_referrers(referrers: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_referrers`: who referred, per product of residence."""
    names = product_names(region)
    wide = referrers.pivot_table(index="product_code", columns="referrer", values="share", aggfunc="first", sort=False)
    wide = wide.loc[products_in_order(referrers["product_code"], region)]
    facts = [
        f"{names.get(code, code)} {format_percent(share)}" for code, share in wide.get(UNKNOWN, pd.Series()).items()
    ]
    shown = wide.fillna(0.0).map(format_percent).rename(index=names).rename_axis("product").rename_axis(None, axis=1)
    shown.insert(0, "kinderen", [format_number(n) for n in _totals(referrers, wide.index)])
    day = format_date(pd.Timestamp(peildatum) - pd.Timedelta(days=1))
    return {
        "title": f"Wie verwees naar welk verblijf, regio {region.label}",
        "caption": f"Kinderen met een toewijzing op {day}, naar de verwijzer van hun laatste toewijzing. ‘Onbekend’: "
        "de verwijzer staat niet in de gegevens. Is dat deel groot, dan kunnen de andere delen er ver naast zitten. "
        "Producten met minder dan 10 kinderen ontbreken.",
        "alt": f"Gestapelde staven, een per product. Deel onbekend: {enumerate_words(facts) if facts else 'geen'}.",
        "numbers": shown,
    }


def describe_realisation(months: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_realisation`: allocated and declared per month, incomplete months marked."""
    shown = months.assign(
        maand=[f"{MONTHS[month.month - 1]} {month.year}" for month in months["month"]],
        toegewezen=[format_euros(amount) for amount in months["allocated_euros"]],
        gedeclareerd=[format_euros(amount) for amount in months["declared_euros"]],
        verwacht=[format_euros(amount) for amount in months["corrected_euros"].astype("Float64").round(-4)],
        binnen=[format_percent(share) for share in months["completeness"]],
    )
    table = shown[["maand", "toegewezen", "gedeclareerd", "verwacht", "binnen"]].set_index("maand")
    table.columns = pd.Index(["toegewezen", "gedeclareerd", "verwacht als alles binnen is", "deel dat binnen is"])
    late = shown.loc[~months["is_complete"].astype(bool), "maand"].tolist()
    marked = f"Nog niet compleet: {enumerate_words(late)}." if late else "Alle maanden zijn compleet."
    return {
        "title": f"Toegewezen en gedeclareerd per maand, alle verblijf, regio {region.label}",
        "caption": f"Per maand waarin de zorg was. {marked} Gearceerd: wat er naar verwachting nog komt. Is nog geen "
        "vijfde deel binnen, dan is dat niet te zeggen. Bedragen zijn zo afgerond dat één kind niet te herkennen is. "
        f"Regels: {DECLARED}; peildatum {format_date(peildatum)}.",
        "alt": f"Staafdiagram per maand. {marked}",
        "numbers": table,
    }


def realisation_table(products: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Per product of residence over the last complete months: allocated, the part declared, and that per child."""
    names = product_names(region)
    rows = products.set_index("product_code").loc[products_in_order(products["product_code"], region)]
    rows = rows[rows["share"].notna()]
    table = {
        "product": [f"{names.get(code, code)} ({code})" for code in rows.index],
        "kinderen": rows["n_children"].astype("Int64").to_numpy(),
        "maanden": rows["n_months"].tolist(),
        "toegewezen": [format_euros(amount) for amount in rows["allocated_euros"]],
        "gedeclareerd deel (verzilvering)": [format_percent(share) for share in rows["share"]],
        "gedeclareerd per kind per maand": [format_euros(amount) for amount in rows["declared_per_month"]],
    }
    return pd.DataFrame(table).set_index("product")


def tell_delay(delays: pd.DataFrame) -> str:
    """From when a month of care is complete."""
    last = int(delays["delay_months"].iloc[-1])
    facts = [f"{_later(int(row.delay_months))} {format_percent(row.share)}" for row in delays.itertuples(index=False)]
    told = f"Van alles wat over een maand wordt gedeclareerd, is binnen: {enumerate_words(facts)}."
    return f"{told} Een maand is dus **{_later(last)} compleet**."


def _later(months: int) -> str:
    """So many months after the month of care, in words."""
    if months == 0:
        return "aan het eind van de maand zelf"
    return "een maand later" if months == 1 else f"{months} maanden later"


def maatwerk_table(counts: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """Arrangements outside the contracts per year: the gemeente, the other gemeenten and the region."""
    order = list(region.gemeenten["gm_code"].sort_values(key=lambda codes: codes.map(region.gemeente_name)))
    own = counts[counts["area_kind"] == "gemeente"]
    wide = own.pivot_table(index="area", columns="year", values="n_arrangements", aggfunc="first").reindex(order)
    names = {code: region.gemeente_name(code) for code in order}
    names[gemeente] = f"{names[gemeente]} (deze gemeente)"
    whole = counts[counts["area_kind"] == "regio"].pivot_table(index="area", columns="year", values="n_arrangements")
    both = pd.concat([wide.rename(index=names), whole.rename(index=lambda name: f"regio {name}")])
    shown = both.astype("Int64").rename_axis("gebied").rename_axis(None, axis="columns")
    return shown.rename(columns=str)


def published_maatwerk(region: Region) -> str:
    """What the region itself published, as a sentence; nothing where it did not."""
    table = region.published("maatwerk")
    if table.empty:
        return ""
    told = [f"{format_number(int(row.arrangements))} in {row.year}" for row in table.itertuples(index=False)]
    return f" De regio zelf noemt {enumerate_words(told)}; haar telling hoeft niet dezelfde te zijn."


def maatwerk_products_table(counts: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Arrangements outside the contracts per product and year, largest first; products with only zeros are left out."""
    wide = counts.pivot_table(index="product_code", columns="year", values="n_arrangements", aggfunc="first").fillna(0)
    wide = wide[wide.sum(axis=1) > 0].sort_values(wide.columns[-1], ascending=False, kind="stable")
    names = product_names(region)
    shown = wide.rename(index=lambda code: f"{names.get(code, code)} ({code})").astype("Int64")
    return shown.rename_axis("product").rename_axis(None, axis="columns").rename(columns=str)


def describe_waits(curves: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_waits`: who has not yet started, per form of residence."""
    whole = curves[curves["age"] == "alle"]
    table = waits_table(whole)
    facts = [f"{name} {row.iloc[1]}" for name, row in table.iloc[:, :-1].iterrows()]
    return {
        "title": f"Hoe lang kinderen wachten op verblijf, regio {region.label}",
        "caption": "Deel van de kinderen bij wie de hulp nog niet is begonnen, vanaf de dag van de toewijzing, met het "
        "95%-interval. Verlengingen tellen niet mee. Wie nog wacht, telt mee tot de laatste dag die we zien. Wie al "
        f"eerder op zoek was, wachtte langer dan hier staat. {_published_waits(region)}Regels: {ALLOCATED}; peildatum "
        f"{format_date(peildatum)}.",
        "alt": f"Dalende lijnen, een vak per vorm. Na vier weken wacht nog: {'; '.join(facts)}.",
        "numbers": table,
    }


def _published_waits(region: Region) -> str:
    """What the region itself published of waiting, which is something else; nothing where it did not."""
    names, told = product_names(region), []
    for code, weeks in published_weeks(region).items():
        name = names.get(code, code)
        told.append(f"{name[:1].lower()}{name[1:]} {weeks.replace('-', '–')}")
    return f"De regio zelf noemt in weken, uit de beschikbaarheidswijzer: {enumerate_words(told)}. " if told else ""


def waits_table(curves: pd.DataFrame) -> pd.DataFrame:
    """Who still waits after 2, 4 and 8 weeks, per form and age, with the number of waits."""
    rows = {}
    for (form, age), own in curves.groupby(["zorgvorm", "age"], sort=False):
        label = STATE_LABELS[form] if age == "alle" else f"{STATE_LABELS[form]}, {age}"
        rows[label] = [*(_waits_on(*_at(own, day)) for day in WAITS), format_number(own["n_at_risk"].iloc[0])]
    columns = [f"wacht nog {moment}" for moment in WAITS.values()]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[*columns, "aantal keer gewacht"])
    return table.rename_axis("vorm van verblijf")


def _waits_on(share: float, low: float, high: float) -> str:
    """A share with its interval; once all have started there is none to give."""
    return "bijna niemand" if share == 0 else format_interval(share, low, high)


def _at(curve: pd.DataFrame, day: int) -> tuple[float, float, float]:
    """Probability and interval on a day of the grid; after the end of a curve that reached 0 nobody waits."""
    seen = curve[curve["time_days"] <= day]
    last = seen.iloc[-1]
    if curve["time_days"].max() < day and last["probability"] > 0:
        return (np.nan, np.nan, np.nan)
    return (float(last["probability"]), float(last["ci_low"]), float(last["ci_high"]))


def _about(amount: float) -> str:
    """Euros per child, to tens: what rounded totals allow."""
    return format_euros(amount) if pd.isna(amount) else format_euros(round(float(amount), -1))


def _totals(referrers: pd.DataFrame, codes: pd.Index) -> list[float]:
    """Children per product: its referrers add up to them."""
    sums = referrers.groupby("product_code")["n_children"].sum()
    return [float(sums[code]) for code in codes]
