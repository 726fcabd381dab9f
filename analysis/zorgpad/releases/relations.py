"""What a reader knows of how the counts of a release hang together, whatever they are.

One list for two uses: counts are rounded so that they keep to it, and the attacker uses it, with a few more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from zorgpad.disclosure import Names, Relation
from zorgpad.indicators import residence_forms
from zorgpad.region import Region
from zorgpad.releases.frames_nulmeting import AGE_GROUPS
from zorgpad.schemas import OUTSIDE_CARE

EVER = "ooit"  # the period of a count over all years
ENDED = "ended"  # the outcome of all stays that ended, in curves of parts of a region
_KINDS = ("gemeente", "subregio", "regio")
_CHANGED = "2022-01-01"  # the woonplaatsbeginsel: what is recorded from this day on is also what is corrected
_STAND_MONTHS = 24  # of which frame stapeling counts every child
# Curves of stays in pleegzorg are made twice, with other exits; who came into view and who went out is the same.
_SAME = ("entered", "censored")
_NEVER_OUT = ("entered", "breakdown_certain")  # no exits beside the others


class Relations:
    """Relations between counts by their names, for one region and peildatum.

    Called with a name and the names that there are, it gives the relations of that count with those that are made
    before it or with it: a sum of counts that is at most another sum, or equal to it.

    Parameters
    ----------
    region : Region
    peildatum : str, optional
        Without it relations of counts on a day that depends on it are left out.
    """

    def __init__(self, region: Region, peildatum: str | None = None) -> None:
        table = region.gemeenten
        self._inside: dict[str, list[str]] = {}
        for row in table.itertuples(index=False):
            self._inside.setdefault(f"subregio|{row.subregion}", []).append(f"gemeente|{row.gm_code}")
        self._whole = f"regio|{region.label}"
        self._inside[self._whole] = [f"subregio|{name}" for name in dict.fromkeys(table["subregion"])]
        self._day = None if peildatum is None else pd.Timestamp(peildatum)
        self._homes = set(residence_forms(region))
        self._families = region.gezinsvormen
        self._rules = {
            "stand": self._stand,
            "nulmeting": self._nulmeting,
            "breakdowns": self._breakdowns,
            "graph": self._graph,
            "woonplaats": self._woonplaats,
            "gezinsvormen": self._gezinsvormen,
            "jaarwisseling": self._jaarwisseling,
            "verandering": self._verandering,
            "stromen": self._stromen,
            "maatwerk": self._maatwerk,
            "stapeling": self._stapeling,
            "producten": self._producten,
            "aanbieders": self._aanbieders,
            "rond_pleegzorg": self._rond_pleegzorg,
            "achttien": self._achttien,
            "na_breakdown": self._na_breakdown,
            "gezinshuis_kansen": self._gezinshuis,
            "steun": self._steun,
            "doelen": self._doelen,
        }

    def __call__(self, name: str, names: Names) -> Iterator[Relation]:
        """The relations of a count of which all counts are there."""
        parts = name.split("|")
        is_dated = parts[0][:4].isdigit() and len(parts) > 1
        block, own = (parts[0], parts[1:]) if is_dated else ("", parts)
        rule = self._rules.get(own[0])
        if rule is not None:
            found = rule(name, block, own[1:], names)
        elif len(own[-1]) == 3 and own[-1].isdigit():
            found = self._curve(name, own, names)
        else:
            return
        for smaller, larger, is_sum in found:
            if smaller and larger and all(one in names for one in (*smaller, *larger)):
                yield smaller, larger, is_sum

    def known(self, name: str, names: Names) -> Iterator[Relation]:
        """The same, and what a reader knows besides: sums of many counts, by which none is rounded."""
        yield from self(name, names)
        parts = name.split("|")
        if parts[1:2] == ["woonplaats"] and parts[-1] == "n_recorded":  # who has residence is in one of its forms
            forms = names.starting(f"{parts[0]}|stand|{parts[2]}|{parts[3]}|")
            if forms:
                yield [name], forms, False
        if parts[:2] == ["pleegzorg", "entered"] and len(parts) == 3:  # its stays, ended in other words
            ends = self._ends("pleegzorg", parts[2], names), self._ends(self._whole, parts[2], names)
            if all(ends):
                yield *ends, True

    def _areas(self, name: str, area: str, names: Names, *, is_sum: bool) -> Iterator[Relation]:
        """Gemeenten lie in subregions, and subregions in the region; ``is_sum``: nobody is in two of them."""
        members = self._inside.get(area, ())
        cells = [name.replace(f"{area}|", f"{member}|", 1) for member in members]
        yield [name], cells if cells != [name] else [], is_sum
        yield from (([cell], [name], False) for cell in cells if cell in names)

    def _in_residence(self, day: str, area: str) -> list[list[str]]:
        """Who had residence in the half year, and in the year, of a day: two counts of the nulmeting."""
        year = day[:4]
        return [[f"{year}|nulmeting|{area}|{period}|published|verblijf"] for period in (_half_year(day), year)]

    def _stand(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        area = "|".join(own[:2])
        yield from self._areas(name, area, names, is_sum=True)
        yield from (([name], around, False) for around in self._in_residence(block, area))

    def _nulmeting(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        kind, area, period, definition, indicator = own
        place = f"{kind}|{area}"
        stem = f"{block}|nulmeting|{place}|{period}|{definition}"
        yield from self._areas(name, place, names, is_sum=False)
        if indicator != "jeugdhulp":
            yield [name], [f"{stem}|jeugdhulp"], False
        if indicator in ("verblijf", "S2"):  # where ages are counted, each child has one
            yield [name], [f"{stem}|leeftijd {indicator} {age}" for age in AGE_GROUPS], True
        if indicator.startswith("S2-"):
            yield [name], [f"{stem}|S2"], False
        if period == block:  # a year is its two halves
            halves = [f"{block}|nulmeting|{place}|{block}-{half}|{definition}|{indicator}" for half in ("H1", "H2")]
            yield [name], halves, False
            yield from (([half], [name], False) for half in halves)
        patterns = names.starting(f"{stem}|patroon ")
        yield [name], [one for one in patterns if _has(one.split("|patroon ")[1], indicator)], True

    def _breakdowns(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        kind, area, year, what = own
        place = f"{kind}|{area}"
        yield from self._areas(name, place, names, is_sum=True)
        if kind == "aanbieder":
            yield [name], [f"breakdowns|{self._whole}|{year}|{what}"], False
        around = {"certain": "high", "high": "ended"}.get(what)
        yield [name], [f"breakdowns|{place}|{year}|{around}"], False
        if what == "stays":
            ended = self._years(place, "ended", names)
            yield [name], [f"breakdowns|{place}|{EVER}|censored", *ended], True

    @staticmethod
    def _years(place: str, what: str, names: Names) -> list[str]:
        """The counts of stays that ended in each year."""
        return [one for one in names.starting(f"breakdowns|{place}|") if one.endswith(f"|{what}")]

    def _all_years(self, place: str, kind: str, names: Names) -> list[str]:
        """The counts of stays that hold all who came into view, left in one way or went out of view."""
        if kind in _SAME:
            return [f"breakdowns|{place}|{EVER}|{'stays' if kind == 'entered' else kind}"]
        return self._years(place, {"breakdown": "high", "breakdown_certain": "certain"}.get(kind, "ended"), names)

    def _curve(self, name: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        """Cumulative counts only grow, and who went has come."""
        *group, kind, step = own
        stem = "|".join(group)
        later = f"{stem}|{kind}|{int(step) + 1:03d}"
        yield [name], [later], False
        if kind == "entered":
            yield self._out(stem, step, names), [name], False
        if kind == "breakdown_certain":
            yield [name], [f"{stem}|breakdown|{step}"], False
        if group[0] in _KINDS:
            yield from self._areas(name, stem, names, is_sum=True)
            if group[0] == "subregio" and kind == ENDED:
                parts = [f"{area}|{ENDED}|{step}" for area in self._inside[self._whole]]
                yield self._ends(self._whole, step, names), parts, True
            if later not in names:
                yield [name], self._all_years(stem, kind, names), False
        elif group == ["pleegzorg"] and kind in (*_SAME, *OUTSIDE_CARE):
            yield [name], [f"{self._whole}|{kind}|{step}"], True
        elif group[1:] == ["alle"]:
            ages = {one.split("|")[1] for one in names.starting(f"{group[0]}|") if one.count("|") == len(own) - 1}
            yield [name], [f"{group[0]}|{age}|{kind}|{step}" for age in sorted(ages - {"alle"})], True

    @staticmethod
    def _out(group: str, step: str, names: Names) -> list[str]:
        """The counts of those who ended in each way or went out of view, at one step of the curves of a group."""
        here = [one for one in names.starting(f"{group}|") if one.endswith(f"|{step}")]
        return [one for one in here if one.count("|") == group.count("|") + 2 and one.split("|")[-2] not in _NEVER_OUT]

    def _ends(self, group: str, step: str, names: Names) -> list[str]:
        """The same without those who went out of view."""
        return [one for one in self._out(group, step, names) if one.split("|")[-2] != "censored"]

    def _graph(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        """What begins in a state or comes into it are its stays; so are what goes on, is still there, or ended."""
        del block
        if own[0] == "edge":
            yield [self._at_end(f"{own[1]}|{own[2]}", names)], [name], False
        if own[0] != "stays":
            return
        state = own[1]
        edges = [one.split("|") for one in names.starting("graph|edge|")]
        into = ["|".join(one) for one in edges if one[3] == state]
        out = ["|".join(one) for one in edges if one[2] == state]
        yield [name], [f"graph|begin|{state}", *into], True
        yield [name], [f"graph|open|{state}", f"graph|end|{state}", *out], True
        yield [self._at_end(f"{state}|entered", names)], [name], False
        if state == "pleegzorg":
            yield [f"breakdowns|{self._whole}|{EVER}|stays"], [name], False

    @staticmethod
    def _at_end(stem: str, names: Names) -> str:
        """The last step of a curve; nothing that is there when there is none."""
        return max((one for one in names.starting(f"{stem}|") if one[len(stem) + 1 :].isdigit()), default="")

    def _woonplaats(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        kind, area, what = own
        place = f"{kind}|{area}"
        yield from self._areas(name, place, names, is_sum=True)
        if what == "n_corrected":
            if block >= _CHANGED:
                yield [name], [f"{block}|woonplaats|{place}|n_recorded"], True
            return
        yield from (([name], around, False) for around in self._in_residence(block, place))
        if kind == "regio":
            yield [name], names.starting(f"{_half_year(block)}|gezinsvormen|"), False

    def _gezinsvormen(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del own, names
        yield [name], [f"{block[:4]}|nulmeting|{self._whole}|{block}|published|verblijf"], False

    def _jaarwisseling(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        if own[0] != "totaal":
            return
        stem = f"{block}|jaarwisseling|"
        yield _sum(name, stem, names)
        eve = f"{int(block) - 1}-12-31"
        yield from (([name], around, False) for around in self._in_residence(eve, self._whole))
        yield [name], [f"{eve}|woonplaats|{self._whole}|n_recorded"], True

    def _verandering(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        what, cell = own
        if what != "verblijf":
            return
        parts = [one for one in names.starting("verandering|segment ") if one.endswith(f"|{cell}")]
        is_crossing = cell.startswith("doorstroom")  # from one segment to another
        yield [name], parts, not is_crossing
        until = None if self._day is None else self._day.replace(day=1)
        if until is None or until.month not in (1, 7):
            return
        since = until - pd.DateOffset(years=2)
        if cell == "begin" and since.month == 1:
            yield [name], [f"{since.year}|jaarwisseling|totaal"], True
        flows = {"instroom in": ("n_first", "n_again"), "uitstroom uit": ("n_out",)}.get(cell, ())
        days = pd.date_range(since, until, freq="6MS", inclusive="left")
        found = [one for day in days for one in names.starting(f"{_half_year(f'{day:%Y-%m-%d}')}|stromen|")]
        told = [one.split("|")[-2:] for one in found]
        of = [one for one, (form, flow) in zip(found, told, strict=True) if form in self._homes and flow in flows]
        yield [name], of, True

    def _stromen(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        form, flow = own
        if flow != "n_first":
            return
        kind = "gezinsvorm" if form in self._families else "andere vorm"
        yield [name], [f"{block}|gezinsvormen|{kind}"], False
        so_far = [one for one in names.ending(f"|stromen|{form}|{flow}") if one <= name]
        yield so_far, [f"graph|begin|{form}"], False

    def _maatwerk(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        place = "|".join(own[:2])
        yield from self._areas(name, place, names, is_sum=False)
        if own[0] == "regio" and own[2] == "alle":
            yield _sum(name, f"{block}|maatwerk|{place}|", names)

    def _stapeling(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        one, other = own
        if one != other:
            yield from (([name], [f"stapeling|{form}|{form}"], False) for form in own)
            return
        days = sorted(names.ending(f"|stand|{self._whole}|{one}"))
        yield from (([day], [name], False) for day in days[-_STAND_MONTHS:])

    def _producten(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        kind, code, what = own
        if kind != "product":
            return
        stem = f"producten|product|{code}"
        if what != "clienten":
            yield [name], [f"{stem}|clienten"], False
            return
        yield [name], names.starting(f"{stem}|g") + names.starting(f"{stem}|n"), False
        yield [name], names.starting(f"producten|verwijzer|{code}|"), True
        if self._day is not None:
            year = (self._day - pd.Timedelta(days=1)).year
            yield [name], [f"{year}|nulmeting|{self._whole}|{year}|published|jeugdhulp"], False

    @staticmethod
    def _aanbieders(name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        """Every provider without a contract has a child."""
        del block, names
        yield [name], [f"producten|product|{own[0]}|niet gecontracteerd"], False

    def _rond_pleegzorg(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        side, days, state = own
        if state != "totaal":
            return
        yield _sum(name, f"rond_pleegzorg|{side}|{days}|", names)
        yield [name], ["graph|stays|pleegzorg"], False
        wider = [one for one in names.starting(f"rond_pleegzorg|{side}|") if one.endswith("|totaal")]
        yield from (([name], [one], False) for one in wider if int(one.split("|")[2]) < int(days))

    def _achttien(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        state, days, where = own
        if where == "totaal":
            yield _sum(name, f"achttien|{state}|{days}|", names)
            if days == "365":
                yield [name], [f"achttien|{state}|90|totaal"], False

    def _na_breakdown(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        state, certainty, following = own
        if following != "totaal":
            return
        yield _sum(name, f"na_breakdown|{state}|{certainty}|", names)
        if state == "pleegzorg":
            sure, both = (self._years(self._whole, what, names) for what in ("certain", "high"))
            yield ([name], sure, True) if certainty == "certain" else ([name, *sure], both, True)

    def _gezinshuis(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block, names
        what, stem = own[0], "gezinshuis_kansen"
        yield [name], ["graph|stays|gezinshuis"], False
        broken = [f"na_breakdown|gezinshuis|{certainty}|totaal" for certainty in ("certain", "probable")]
        if what == "zeker":
            yield [name], [f"{stem}|alle"], False
            yield [name], broken[:1], False
        if what == "alle":
            yield [name], [f"{stem}|geëindigd"], False
            yield [name], broken, False

    def _steun(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        del block
        days, what = own
        if what.endswith("_supported"):
            yield [name], [f"steun|{days}|{what.removesuffix('_supported')}"], False
            return
        shorter = [one for one in names.starting("steun|") if one.endswith(f"|{what}")]
        yield from (([name], [one], False) for one in shorter if int(one.split("|")[1]) < int(days))
        if what == "n_cases":
            broken = [one for one in names.starting("na_breakdown|pleegzorg|") if one.endswith("|totaal")]
            yield [name], broken, False

    def _doelen(self, name: str, block: str, own: Sequence[str], names: Names) -> Iterator[Relation]:
        """Targets count again what stands elsewhere: who was in gesloten, and breakdowns of two forms together."""
        del block
        year, kind = own
        if kind == "gesloten":
            months = names.ending(f"|stand|{self._whole}|{kind}")
            yield from (([day], [name], False) for day in months if day.startswith(year))
            yield [name], [f"{year}|nulmeting|{self._whole}|{year}|published|verblijf"], False
        of_pleegzorg = {"breakdown": "high", "einde": "ended"}.get(kind)
        yield [f"breakdowns|{self._whole}|{year}|{of_pleegzorg}"], [name], False
        if kind == "breakdown":
            yield [name], [f"doelen|{year}|einde"], False


def _sum(total: str, stem: str, names: Names) -> Relation:
    """``total`` is the sum of the other counts that begin with ``stem``."""
    return [total], [one for one in names.starting(stem) if one != total], True


def _half_year(day: str) -> str:
    """The half year of a day, ``2023-H1``."""
    return f"{day[:4]}-H{1 + (day[5:7] > '06')}"


def _has(pattern: str, indicator: str) -> bool:
    """Whether who has these segments counts under an indicator of residence."""
    segments = pattern.split(" + ")
    return indicator in segments or (indicator == "S2" and any(one.startswith("S2-") for one in segments))
