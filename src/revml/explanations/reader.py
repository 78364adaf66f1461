"""A bundle made ready to score and explain rows at once: no frame, nothing looked up twice.

Comes in: a bundle, once; then encoded rows with the texts of their categories. Goes out: what `look` and
`explain_parts` would say of rows without a past, whose peers are the accounts that the model learned from. A `Reader`
is made when a model is loaded, and asked from many threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from revml.explanations.choosing import Chosen, Concepts, choose
from revml.explanations.coded import each
from revml.explanations.contributions import check_adds_up
from revml.explanations.facts import KnownFacts, own_features
from revml.explanations.one_pass import Scored, raw_matrix, scored_matrix
from revml.explanations.reasons import features_of, slopes
from revml.explanations.reference_peers import ReferencePeers
from revml.explanations.sentences import Teller, Told, sentences
from revml.features.catalog import feature_words
from revml.models.bundle import Bundle

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Rows as a model takes them.

    Attributes:
        matrix: (rows, features), encoded.
        texts: the values of each category as they came, None where unknown.
    """

    matrix: Floats
    texts: Mapping[str, Sequence[str | None]]

    def __len__(self) -> int:
        return len(self.matrix)


@dataclass(frozen=True)
class Read:
    """What a model says of some rows.

    Attributes:
        probability: calibrated.
        band: of each row.
        horizons: (rows, horizons) probabilities; None where the question has one horizon.
        chosen: the reasons; None where none were asked for.
        peers: (rows, features), what is usual among similar accounts.
    """

    rows: Rows
    probability: Floats
    band: npt.NDArray[np.str_]
    horizons: Floats | None
    chosen: Chosen | None
    peers: Floats | None

    def part(self, start: int, stop: int) -> Read:
        """What is said of some of the rows."""
        some = slice(start, stop)
        return Read(
            Rows(self.rows.matrix[some], {name: texts[some] for name, texts in self.rows.texts.items()}),
            self.probability[some],
            self.band[some],
            None if self.horizons is None else self.horizons[some],
            None if self.chosen is None else self.chosen.part(start, stop),
            None if self.peers is None else self.peers[some],
        )


class Reader:
    """Scores and explains rows with one bundle.

    Args:
        currency: ISO 4217 code of money features.
    """

    def __init__(self, bundle: Bundle, *, currency: str) -> None:
        self.bundle = bundle
        self._currency = currency
        self.features = features_of(bundle, own_features(bundle.ready))
        self._peers = ReferencePeers.of(bundle.reference, self.features)
        self.concepts = Concepts.of_features(self.features)
        monotone = np.array([column.monotone for column in bundle.encoding.columns], dtype=float)
        self._slope = slopes(bundle.question, self.features, monotone)
        self._category = [(j, f.name) for j, f in enumerate(self.features) if f.kind == "category"]
        self._teller = cache(lambda language: Teller(language, currency))
        self._labels = cache(lambda language: [feature_words(f, language) for f in self.features])

    def read(self, rows: Rows, *, top: int = 4, threads: int | None = None) -> Read:
        """Score rows, and find `top` reasons of each; 0 asks for the score alone.

        Args:
            threads: that walk the trees; None leaves it to the number of rows.

        Raises:
            BundleError: the explanation does not add up.
        """
        bundle = self.bundle
        if not top:
            raw = raw_matrix(bundle, rows.matrix, threads=threads)
            return self._read(rows, bundle.calibration.apply(raw), None, None)
        scored = scored_matrix(bundle, rows.matrix, threads=threads)
        check_adds_up(bundle.question, scored)
        peers = self._peers.rows(rows.matrix, rows.texts)
        return self._read(rows, scored.probability, self._choose(rows, scored, peers, top), peers)

    def _choose(self, rows: Rows, scored: Scored, peers: Floats, top: int) -> Chosen:
        value, known = rows.matrix, np.isfinite(rows.matrix)
        if self._category:
            value = value.copy()
            for j, name in self._category:
                value[:, j] = np.nan
                known[:, j] = each(rows.texts[name], lambda text: text is not None, bool)
        nothing = np.full(value.shape, np.nan)
        return choose(self.concepts, scored.parts, value, nothing, peers, known, self._slope, top)

    def _read(self, rows: Rows, probability: Floats, chosen: Chosen | None, peers: Floats | None) -> Read:
        band = self.bundle.bands.of(probability)
        return Read(rows, probability, band, self.bundle.curve_of(rows.matrix, probability), chosen, peers)

    def reasons(self, read: Read, language: str) -> list[list[dict[str, object]]]:
        """The reasons of each row, told."""
        told: list[list[dict[str, object]]] = [[] for _ in range(len(read.rows))]
        if read.chosen is None or read.peers is None:
            return told
        teller, labels = self._teller(language), self._labels(language)
        matrix, texts = read.rows.matrix, read.rows.texts
        chosen = read.chosen
        places = zip(
            chosen.row.tolist(),
            chosen.rank.tolist(),
            chosen.concept.tolist(),
            chosen.column.tolist(),
            chosen.contribution.tolist(),
            strict=True,
        )
        for row, rank, concept, column, contribution in places:
            feature = self.features[column]
            category = feature.kind == "category"
            fact = Told(
                feature,
                labels[column],
                value=np.nan if category else float(matrix[row, column]),
                past=np.nan,
                peers=float(read.peers[row, column]),
                category=texts[feature.name][row] if category else None,
            )
            told[row].append(
                {
                    "rank": rank,
                    "concept": self.concepts.called[concept],
                    "side": "raises" if contribution > 0 else "lowers",
                    "contribution": contribution,
                    "feature": feature.name,
                    "text": teller.sentence(fact),
                }
            )
        return told

    def texts(self, read: Read, language: str) -> list[str]:
        """The sentence of each reason, in the order of `Read.chosen`: the same as `reasons` has, many at a time."""
        if read.chosen is None or read.peers is None:
            return []
        matrix, nothing = read.rows.matrix, np.broadcast_to(np.nan, read.rows.matrix.shape)
        texts = {name: each(read.rows.texts[name], lambda text: text, object) for _, name in self._category}
        before = dict.fromkeys(texts, np.broadcast_to(np.array(None, dtype=object), (len(matrix),)))
        facts = KnownFacts(self.features, matrix, nothing, texts, before, read.peers, np.isfinite(matrix))
        row, column = read.chosen.row, read.chosen.column
        return sentences(facts, row, column, currency=self._currency, language=language)
