"""Names of companies, made from syllables, so that no real company or person is meant."""

from __future__ import annotations

import numpy as np

FIRST = (
    "Ari", "Bel", "Cor", "Dal", "Eri", "Fen", "Gal", "Hel", "Iri", "Jav", "Kal", "Lum", "Mar", "Nor", "Ori",
    "Pel", "Qua", "Ral", "Sev", "Tam", "Ulm", "Vel", "Wex", "Xan", "Yor", "Zel", "Bra", "Dro", "Fri", "Gre",
    "Kro", "Ple", "Sta", "Tri", "Vla", "Blo", "Čer", "Říp", "Šum", "Žel", "Mod", "Tep", "Ost", "Lab", "Nav",
    "Pod", "Hor", "Dub", "Jas", "Lip", "Kam", "Sil", "Ves", "Bor",
)  # fmt: skip
SECOND = (
    "vex", "ton", "mira", "dex", "lon", "ka", "tis", "nova", "rix", "dan", "sia", "mont", "vera", "lis", "gard",
    "stav", "kov", "tek", "via", "nex", "sol", "bon", "ra", "don", "fa", "mex", "lund", "berg", "cor", "nia",
    "pex", "rad", "stra", "vin", "zor", "lta", "rna", "sta", "nika",
)  # fmt: skip
TRADES = {
    "cs": (
        "Strojírny",
        "Logistika",
        "Systémy",
        "Technika",
        "Služby",
        "Obchod",
        "Výroba",
        "Data",
        "Potraviny",
        "Stavby",
    ),
    "en": ("Systems", "Logistics", "Works", "Foods", "Group", "Services", "Trade", "Labs", "Industries", "Health"),
}
LEGAL = {
    "CZ": ("s.r.o.", "a.s."),
    "SK": ("s.r.o.", "a.s."),
    "DE": ("GmbH", "AG"),
    "AT": ("GmbH", "AG"),
    "PL": ("sp. z o.o.", "S.A."),
    "GB": ("Ltd", "plc"),
    "US": ("Inc.", "LLC"),
    "FR": ("SAS", "SA"),
    "NL": ("B.V.", "N.V."),
    "SE": ("AB", "AB"),
}
REGIONS = {
    "CZ": ("Praha", "Jihomoravský", "Moravskoslezský", "Plzeňský", "Středočeský"),
    "SK": ("Bratislavský", "Košický", "Žilinský"),
    "DE": ("Bayern", "Sachsen", "Hessen", "Nordrhein-Westfalen"),
    "AT": ("Wien", "Oberösterreich"),
    "PL": ("Mazowieckie", "Śląskie", "Dolnośląskie"),
    "GB": ("London", "North West", "Scotland"),
    "US": ("California", "Texas", "New York", "Ohio"),
    "FR": ("Île-de-France", "Grand Est"),
    "NL": ("Noord-Holland", "Zuid-Holland"),
    "SE": ("Stockholm", "Skåne"),
}
COUNTRIES = (
    ("CZ", 0.38), ("DE", 0.17), ("SK", 0.09), ("PL", 0.09), ("AT", 0.06), ("GB", 0.07), ("US", 0.06), ("FR", 0.03),
    ("NL", 0.03), ("SE", 0.02),
)  # fmt: skip


def company_names(rng: np.random.Generator, countries: np.ndarray) -> list[str]:
    """One name an account, each of them once, with the legal form of its country."""
    made: set[str] = set()
    names: list[str] = []
    picks = rng.integers(0, 2**31, size=(len(countries), 4)).tolist()
    for country, (a, b, c, d) in zip(countries, picks, strict=True):
        trades = TRADES["cs" if country in ("CZ", "SK") else "en"]
        stem, trade, legal = FIRST[a % len(FIRST)] + SECOND[b % len(SECOND)], trades[c % len(trades)], LEGAL[country]
        form = legal[int(d % 5 == 0)]
        name = f"{stem} {trade} {form}" if c % 3 else f"{stem} {form}"
        step = 0
        while name in made:
            step += 1
            name = f"{stem}{SECOND[(b + step) % len(SECOND)]} {trades[(c + step // len(SECOND)) % len(trades)]} {form}"
            if step > len(SECOND) * len(trades):
                name = f"{stem} {trade} {len(names)} {form}"
        made.add(name)
        names.append(name)
    return names
