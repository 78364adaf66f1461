"""What customers write into surveys, by theme and mood, in English and Czech; `{thing}` is something the company sells.

Themes follow the latent state, loosely: people who are hurt by support may well write about the price.
"""

from __future__ import annotations

THEMES = ("praise", "fine", "usage", "support", "price", "budget", "rival", "change", "growth")

COMMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "praise": (
            "Works exactly as we hoped, the team likes it.",
            "Great service, quick answers, keep it up.",
            "We could not do our monthly closing without it.",
            "Your people know their trade. Very happy with {thing}.",
            "Reliable, and it saves us a lot of time.",
        ),
        "fine": (
            "Does the job.",
            "No complaints so far.",
            "Good overall, some small things could be better.",
            "It is OK. {thing} could be easier to handle.",
        ),
        "usage": (
            "Only two of us still use it, the others went back to spreadsheets.",
            "We never really got the team to work with {thing}.",
            "Too complicated for new colleagues, training would help.",
            "We use less of it than we thought we would.",
        ),
        "support": (
            "Waiting days for an answer is not acceptable.",
            "The same problem with {thing} for the third time this quarter.",
            "Support is friendly but nothing gets solved.",
            "The outage cost us a whole working day.",
        ),
        "price": (
            "The increase was hard to explain to our management.",
            "Good, but getting expensive for what we use.",
            "We were surprised by the new price of {thing}.",
        ),
        "budget": (
            "We have to cut costs this year and look at everything.",
            "Purchasing is frozen until further notice.",
            "Our budget was halved, we will have to see.",
        ),
        "rival": (
            "We are comparing a few offers on the market right now.",
            "Others offer the same with better terms.",
            "A competing product showed us some nice features.",
        ),
        "change": (
            "The colleague who brought you in has left us.",
            "There is a new head of department, priorities are changing.",
            "After the reorganisation nobody feels responsible for {thing}.",
        ),
        "growth": (
            "We are opening a new site and would like to use {thing} there as well.",
            "More colleagues ask for access, please send an offer.",
            "We are growing fast and need more capacity.",
        ),
    },
    "cs": {
        "praise": (
            "Funguje přesně tak, jak jsme doufali, kolegové jsou spokojení.",
            "Skvělý servis a rychlé odpovědi, jen tak dál.",
            "Bez vás bychom měsíční uzávěrku nezvládli.",
            "Vaši lidé svému řemeslu rozumějí. S {thing} jsme moc spokojení.",
            "Spolehlivé a šetří nám spoustu času.",
        ),
        "fine": (
            "Plní účel.",
            "Zatím bez výhrad.",
            "Celkově dobré, pár drobností by šlo zlepšit.",
            "Ujde to. Práce s {thing} by mohla být jednodušší.",
        ),
        "usage": (
            "Používáme to už jen dva, ostatní se vrátili k tabulkám.",
            "Tým jsme pro {thing} nikdy pořádně nezískali.",
            "Pro nové kolegy je to moc složité, pomohlo by školení.",
            "Využíváme toho méně, než jsme čekali.",
        ),
        "support": (
            "Čekat na odpověď několik dní je nepřijatelné.",
            "Stejný problém s {thing} potřetí za čtvrtletí.",
            "Podpora je milá, ale nic se nevyřeší.",
            "Kvůli výpadku jsme přišli o celý pracovní den.",
        ),
        "price": (
            "Zdražení se vedení vysvětlovalo těžko.",
            "Dobré, ale na to, kolik toho využijeme, už drahé.",
            "Nová cena za {thing} nás překvapila.",
        ),
        "budget": (
            "Letos musíme šetřit a procházíme všechny výdaje.",
            "Nákupy máme až do odvolání zastavené.",
            "Rozpočet nám zkrátili na polovinu, uvidíme.",
        ),
        "rival": (
            "Právě porovnáváme několik nabídek na trhu.",
            "Jinde nabízejí totéž za lepších podmínek.",
            "Konkurence nám ukázala pár zajímavých funkcí.",
        ),
        "change": (
            "Kolegyně, která vás k nám přivedla, odešla.",
            "Máme nové vedení oddělení a priority se mění.",
            "Po reorganizaci se za {thing} nikdo necítí odpovědný.",
        ),
        "growth": (
            "Otevíráme novou pobočku a {thing} bychom chtěli i tam.",
            "O přístup žádají další kolegové, pošlete prosím nabídku.",
            "Rychle rosteme a potřebujeme větší kapacitu.",
        ),
    },
}
