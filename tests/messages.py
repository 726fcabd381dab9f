"""iJw messages as short as a test needs them."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from registers import SECRET
from zorgpad.pseudonym import pseudonymise
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sources import read_ijw

BSN, SIBLING = "123456782", "111222333"
CODES = {"JW301": "436", "JW305": "438", "JW307": "440", "JW315": "446", "JW317": "486", "JW323": "490"}


def elements(**texts: str | None) -> str:
    """Elements with a text each, in order; none for a missing text."""
    return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items() if text is not None)


def toewijzing(number: str = "1", *, product: str | None = "43A09", time: str = "10:00:00", **texts: str) -> str:
    """A ToegewezenProduct of 1 February to 31 March 2021, decided on 1 January, unless ``texts`` say otherwise."""
    said = {"Toewijzingsdatum": "2021-01-01", "Ingangsdatum": "2021-02-01", "Einddatum": "2021-03-31"} | texts
    product = f"<Product>{elements(Categorie=product[:2], Code=product[2:] and product)}</Product>" if product else ""
    before = {"Toewijzingsdatum": said.pop("Toewijzingsdatum"), "Toewijzingstijd": time}
    facts = elements(ToewijzingNummer=number) + product + elements(**before, **said)
    return elements(ToegewezenProduct=facts)


def start(number: str | None = "1", *, date: str = "2021-02-03", status: str = "1") -> str:
    """A StartProduct."""
    return (
        f"<StartProduct>{elements(ToewijzingNummer=number, Begindatum=date, StatusAanlevering=status)}</StartProduct>"
    )


def stop(number: str = "1", *, date: str = "2021-03-20", reason: str = "31", status: str = "1") -> str:
    """A StopProduct of care that began on 3 February 2021."""
    said = elements(ToewijzingNummer=number, Begindatum="2021-02-03", RedenBeeindiging=reason, Einddatum=date)
    return f"<StopProduct>{said}{elements(StatusAanlevering=status)}</StopProduct>"


def message(
    kind: str,
    *products: str,
    bsn: str = BSN,
    born: str = "<Datum>2012-06-01</Datum>",
    sex: str = "2",
    date: str = "2021-01-02",
    gemeente: str = "0794",
    code: str | None = None,
    version: str = "3.2",
    namespace: str | None = None,
) -> str:
    """A message; without ``namespace`` that of its kind and version."""
    major, minor = version.split(".")
    route = (gemeente, "41414141") if kind == "JW301" else ("41414141", gemeente)
    namespace = namespace or f"http://www.istandaarden.nl/ijw/{major}_{minor}/{kind.lower()}/schema"
    header = elements(
        BerichtCode=code or CODES[kind],
        BerichtVersie=major,
        BerichtSubversie=minor,
        Afzender=route[0],
        Ontvanger=route[1],
        BerichtIdentificatie=elements(Identificatie="1", Dagtekening=date),
    )
    wrap = {"JW305": "StartProducten", "JW307": "StopProducten"}.get(kind, "ToegewezenProducten")
    child = elements(Bsn=bsn, Geboortedatum=born, Geslacht=sex, **{wrap: "".join(products)})
    return f'<Bericht xmlns="{namespace}"><Header>{header}</Header><Client>{child}</Client></Bericht>'


def verzoek(reference: str, *, referrer: str = "04") -> str:
    """An AangevraagdProduct with its verwijzer."""
    return elements(
        AangevraagdProduct=elements(ReferentieAanbieder=reference, Verwijzer=elements(Type=referrer, Naam="Fictief"))
    )


def change(reference: str, *, bsn: str = BSN, date: str = "2021-01-02", gemeente: str = "0794") -> str:
    """A JW317: no birth date, no sex, one Verzoek."""
    asked = elements(ReferentieAanbieder=reference, RedenVerzoek="1")
    whole = message("JW317", bsn=bsn, date=date, gemeente=gemeente)
    before, _, after = whole.partition("<Geboortedatum>")
    return f"{before}{elements(Verzoek=asked)}{after.partition('</ToegewezenProducten>')[2]}"


def prestatie(
    number: str = "1",
    *,
    month: str = "2021-02",
    last: str = "28",
    amount: str = "41370",
    sign: str = "D",
    days: str = "10",
) -> str:
    """A line of a declaration: ten days in February 2021, unless said otherwise."""
    return elements(
        Prestatie=elements(
            ProductReferentie=elements(ReferentieNummer="1"),
            ToewijzingNummer=number,
            ProductCategorie="43",
            ProductCode="43A09",
            ProductPeriode=elements(Begindatum=f"{month}-01", Einddatum=f"{month}-{last}"),
            GeleverdVolume=days,
            Eenheid="14",
            IngediendBedrag=elements(Bedrag=amount, DebetCredit=sign),
        )
    )


def declaration(
    *lines: str, number: str = "D1", date: str = "2021-03-05", version: str = "3.2", **others: tuple[str, ...]
) -> str:
    """A JW323 of BSN with ``lines``; ``others`` are more children, as ``b123456782=(line, …)``."""
    clients = {f"b{BSN}": lines, **others}
    children = "".join(
        elements(Client=elements(Bsn=name[1:], Prestaties="".join(own))) for name, own in clients.items() if own
    )
    head = message("JW323", date=date, version=version).partition("<Client>")[0]
    facts = elements(
        DeclaratieNummer=number,
        DeclaratiePeriode=elements(Begindatum="2021-02-01", Einddatum="2021-02-28"),
        DeclaratieDagtekening=date,
        Clienten=children,
    )
    return f"{head}{elements(Declaratie=facts)}</Bericht>"


def put(folder: Path, *messages: str | bytes) -> Path:
    """``folder`` with the messages, named in their order."""
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(messages):
        (folder / f"bericht-{number:03d}.xml").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def read(source: Path, region: Region) -> Register:
    """The register of the messages, with the key of the tests."""
    return read_ijw(source, region, key=io.BytesIO(SECRET))


def child(bsn: str) -> str:
    """The pseudonym of a BSN."""
    return str(pseudonymise(pd.Series([bsn]), SECRET)[0])


def lost(register: Register) -> dict[str, int]:
    """Rows left out by reason, where there are any."""
    account = register.attrition
    left_out = zip(account["reason"], account["rows_before"] - account["rows_after"], strict=True)
    return {reason: int(n) for reason, n in left_out if n}


GOOD = message("JW301", toewijzing())
