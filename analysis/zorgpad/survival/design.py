"""From a formula to a matrix of covariates, with every reason for which it cannot be fitted said before fitting."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic import ModelSpec, model_matrix
from formulaic.errors import FormulaicError

from zorgpad.errors import DataError
from zorgpad.survival.risksets import RiskSets
from zorgpad.survival.stays import BoolArray, FloatArray, IntArray, refuse_rows

_STRATA = re.compile(r"\+?\s*\bstrata\(([^()]*)\)")
# A column that the others explain up to this share of its variation adds nothing.
_COLLINEAR = 1e-9


@dataclass(frozen=True)
class Design:
    """Covariates as numbers: ``matrix`` is centred and scaled, ``terms`` gives the columns of each term."""

    names: list[str]
    terms: dict[str, list[int]]
    matrix: FloatArray
    mean: FloatArray
    scale: FloatArray
    spec: ModelSpec

    def rows_of(self, profiles: pd.DataFrame) -> FloatArray:
        """Other rows in the same columns, unscaled and uncentred.

        Raises
        ------
        DataError
            When columns or values are missing, or a category was not in the cohort.
        """
        return _matrix(self.spec, profiles, "profiles")[:, 1:]


@dataclass(frozen=True)
class Strata:
    """The stratum of each row, and its label."""

    code: IntArray
    labels: list[str]


def read_formula(formula: str) -> tuple[str, list[str]]:
    """The formula without its ``strata(...)``, and the columns named in these.

    Raises
    ------
    DataError
        When the formula is empty or has a left-hand side.
    """
    if "~" in formula:
        left, formula = formula.split("~", 1)
        if left.strip():
            raise DataError(
                "The formula has a left-hand side.\n"
                "Leave it out: the time at risk comes from entry_days and exit_days, the event from outcome=."
            )
    names = [name.strip() for inside in _STRATA.findall(formula) for name in inside.split(",") if name.strip()]
    rest = _STRATA.sub("", formula).strip().removeprefix("+").strip()
    if not rest or rest in ("0", "1", "-1"):
        raise DataError(
            "The formula has no covariates.\nName at least one column, for example formula='age_years + C(sex)'."
        )
    return rest, names


def read_strata(cohort: pd.DataFrame, names: list[str]) -> Strata:
    """The strata of the columns ``names`` together; one stratum without them."""
    if not names:
        return Strata(np.zeros(len(cohort), dtype=np.int64), ["all"])
    unknown = [name for name in names if name not in cohort]
    if unknown:
        raise DataError(f"The cohort has no {', '.join(unknown)} to stratify by.\nCheck strata(...) in the formula.")
    missing = {f"no {name}": cohort[name].isna().to_numpy() for name in names}
    refuse_rows(missing, "cohort", "Every stay belongs to a stratum.")
    grouped = cohort[names].groupby(names, sort=True, observed=True)
    code = grouped.ngroup().to_numpy(dtype=np.int64)
    heads = cohort[names].iloc[np.unique(code, return_index=True)[1]]
    return Strata(code, stratum_labels(heads))


def stratum_labels(rows: pd.DataFrame) -> list[str]:
    """How the stratum of each row is written."""
    return [", ".join(f"{name}={value}" for name, value in row.items()) for row in rows.to_dict("records")]


def read_design(cohort: pd.DataFrame, formula: str) -> Design:
    """The covariates of a formula, as the columns of an intercept's contrasts."""
    spec = _spec(f"1 + {formula}", cohort)
    matrix = _matrix(spec, cohort, "cohort")
    names = list(spec.column_names)
    if names[0] != "Intercept" or len(names) == 1:
        raise DataError("The formula takes the intercept away.\nA Cox model has none of its own: leave out 0 and -1.")
    matrix = matrix[:, 1:]
    terms = {
        str(term): [place - 1 for place in places] for term, places in spec.term_indices.items() if list(places) != [0]
    }
    mean, scale = matrix.mean(axis=0), matrix.std(axis=0)
    _refuse_constant(names[1:], scale <= 1e-12 * np.abs(matrix).max(axis=0).clip(min=1e-300))
    return Design(names[1:], terms, np.asfortranarray((matrix - mean) / scale), mean, scale, spec)


def _spec(formula: str, cohort: pd.DataFrame) -> ModelSpec:
    """The formula understood on the cohort's columns."""
    try:
        return model_matrix(formula, cohort, na_action="ignore", output="numpy", context={}).model_spec
    except (FormulaicError, SyntaxError, NameError, TypeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"The formula '{formula.removeprefix('1 + ')}' cannot be used on this cohort ({reason}).\n"
            f"Name columns of the cohort with +, and wrap categories in C(...)."
        ) from None


def _matrix(spec: ModelSpec, rows: pd.DataFrame, table: str) -> FloatArray:
    """The numbers of the columns; rows without one are refused."""
    needed = sorted(set(map(str, spec.required_variables)))
    absent = [name for name in needed if name not in rows]
    if absent:
        raise DataError(f"The {table} lacks {', '.join(absent)}.\nThe formula needs: {', '.join(needed)}.")
    refuse_rows(
        {f"no {name}": rows[name].isna().to_numpy() for name in needed},
        table,
        "A regression needs every covariate of every row.",
    )
    _refuse_new_categories(spec, rows, table)
    matrix = np.asarray(spec.get_model_matrix(rows, context={}), dtype=float)
    refuse_rows({"covariate not finite": ~np.isfinite(matrix).all(axis=1)}, table, "Covariates are finite numbers.")
    return matrix


def _refuse_new_categories(spec: ModelSpec, rows: pd.DataFrame, table: str) -> None:
    """A category that the model never saw has no coefficient; it would silently count as the reference."""
    for factor, (kind, state) in spec.encoder_state.items():
        known = state.get("categories") if isinstance(state, dict) else None
        name = re.sub(r"^C\((\w+).*\)$", r"\1", str(factor))
        if known is None or name not in rows or "CATEGORICAL" not in str(kind).upper():
            continue
        n = int((~rows[name].isin(list(known))).sum())
        if n:
            raise DataError(
                f"{n} row{'s' * (n > 1)} of the {table} have a value of {name} that the model has not seen.\n"
                f"It knows: {', '.join(map(str, known))}."
            )


def _refuse_constant(names: list[str], is_constant: BoolArray) -> None:
    constant = [name for name, flat in zip(names, is_constant, strict=True) if flat]
    if constant:
        raise DataError(
            f"{', '.join(constant)} has the same value in every row: its effect cannot be estimated.\n"
            f"Leave it out of the formula."
        )


def refuse_collinear(design: Design, sets: RiskSets, information: FloatArray) -> None:
    """Refuse columns that do not vary among those at risk on any day of an event, or that the others explain.

    Raises
    ------
    DataError
    """
    _refuse_flat(design, np.diag(information) <= _COLLINEAR * float(sets.weight[sets.event_row].sum()))
    scale = 1 / np.sqrt(np.diag(information))
    left = information * scale[:, None] * scale[None, :]
    explained = []
    for place in range(len(design.names)):
        if left[place, place] < _COLLINEAR:
            explained.append(design.names[place])
            continue
        left = left - np.outer(left[:, place], left[place]) / left[place, place]
    if explained:
        raise DataError(
            f"{', '.join(explained)} follows from the other covariates: effects cannot be told apart.\n"
            f"Leave out one of the columns that say the same."
        )


def _refuse_flat(design: Design, is_flat: BoolArray) -> None:
    flat = [name for name, is_it in zip(design.names, is_flat, strict=True) if is_it]
    if flat:
        raise DataError(
            f"{', '.join(flat)} does not differ between those at risk on any day of an event.\n"
            f"Leave it out of the formula, or of strata(...)."
        )
