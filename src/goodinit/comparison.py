"""What a comparison measured: tables, verdicts and pictures, of trials in memory or on disk."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from goodinit.errors import bad_argument
from goodinit.evidence import examples, rates, units
from goodinit.evidence.causes import Run
from goodinit.evidence.middles import median_trials, middles, ranked
from goodinit.evidence.pairs import MARGIN, Evidence, weigh
from goodinit.evidence.runs import runs_by_initializer
from goodinit.evidence.splits import counting, scope
from goodinit.evidence.verdict import Verdict, judge, warn
from goodinit.figures.writing import check_formats, files
from goodinit.measuring.ends import Ends, ends
from goodinit.measuring.tables import (
    Part,
    Placed,
    TrainedNetworks,
    choose,
    cost_curves,
    in_order,
    place,
    trials_of,
)
from goodinit.pages.page import REPORT, check_page, filled, write_page
from goodinit.store import folder as store
from goodinit.store.written import write_file
from goodinit.study.grid import Study
from goodinit.study.trials import AnyStudy
from goodinit.summary import as_latex, as_markdown, as_text
from goodinit.theory.beside import beside, disagreements, predictions, remarks
from goodinit.theory.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a comparison measured.

    Attributes
    ----------
    study : Study
        What was run; where it was interrupted, the part of it that was finished.
    trials : DataFrame
        A row per trial: ``initializer, learning_rate, seed, initial_cost, train_cost, test_cost,
        train_accuracy, test_accuracy, diverged``, and ``split`` where there are several. For a
        number to predict, accuracy is R².
    curves : DataFrame
        A row per trial and recorded iteration: ``initializer, learning_rate, seed, iteration,
        train_cost, test_cost, train_accuracy, test_accuracy``. Where learning rates were chosen on
        a validation part, this and ``trials`` also have ``validation_cost, validation_accuracy``.
    signals : DataFrame
        A row per trial, layer and moment ("start", "end"): ``initializer, learning_rate, seed,
        moment, layer`` (counted from 1, the output last) and ``signals.LAYER_SIGNALS``; at the
        start also theory's ``preactivation_rms_theory, preactivation_rms_low,
        preactivation_rms_high`` and ``gradient_rms_...``, the ends of its 90 % bands.
    sharpness : DataFrame
        A row per trial and about ten iterations: ``initializer, learning_rate, seed, iteration,
        sharpness``, the largest eigenvalue of the cost's Hessian, and ``stability``, the learning
        rate × what bends along the optimizer's steps over its limit (2 for gradient descent on all
        examples, where that is the sharpness): above 1 it is unstable. NaN where it isn't known, as
        in Adam's first steps but for the very first.
    networks : mapping of Trial to Parameters
        The trained networks that were kept: those of data with two features, whose boundaries can
        be drawn, and others on request.
    parts : sequence of Part
        What was measured, as it came; the tables are made of it when they are asked for.
    interrupted : bool
        Whether seeds that were asked for are missing.
    notes : tuple of str
        What there is to say of the folder in which the study is kept.
    by : str, optional
        What ranks: "train_cost", "test_cost", "test_accuracy" or "speed"; else the test accuracy
        (R² where a number is to be predicted), or without a test part the training cost.
    margin : float
        Within which two are called equivalent: of accuracy, or a part of the cost of chance.
    command : str, optional
        The command that made it, for its page; where none did, the page has one that would.
    """

    study: AnyStudy
    parts: Sequence[Part]
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    by: str | None = None
    margin: float = MARGIN
    command: str | None = None

    @cached_property
    def _placed(self) -> list[Placed]:
        return place(self.study, self.parts)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row per trial."""
        return in_order(self._placed, "trials")

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row per trial and recorded iteration."""
        return in_order(self._placed, "curves")

    @cached_property
    def _signals(self) -> pd.DataFrame:
        """A row per trial, layer and moment, as it was measured."""
        return in_order(self._placed, "signals")

    @cached_property
    def signals(self) -> pd.DataFrame:
        """A row per trial, layer and moment, with theory beside what was measured at the start."""
        return beside(self._signals, self.predictions) if self.predictions else self._signals

    @cached_property
    def predictions(self) -> dict[str, Prediction]:
        """What theory predicts of each initializer; none of a module of the user's own."""
        return predictions(self.study) if isinstance(self.study, Study) else {}

    @cached_property
    def sharpness(self) -> pd.DataFrame:
        """A row per trial and moment at which sharpness was measured."""
        return in_order(self._placed, "sharpness")

    @cached_property
    def networks(self) -> TrainedNetworks:
        """The trained networks that were kept."""
        return TrainedNetworks(self.study, self._placed)

    def __repr__(self) -> str:
        return as_text(self.study, self.summary(), self.verdicts, self.evidence.lead)

    @cached_property
    def chance(self) -> float:
        """The cost of chance, of the best answer that doesn't look at the example."""
        return self.study.chance

    @cached_property
    def evidence(self) -> Evidence:
        """How sure the differences are; see ``goodinit.evidence.pairs.weigh``."""
        return weigh(
            self._ends.trials,
            cost_curves(self.study, self._placed),
            self.chance,
            by=self.by,
            margin=self.margin,
            measure=self._measure,
            counting=counting(self.study),
        )

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The finding for each initializer, best first, with its cause and the numbers."""
        return tuple(judge(self._runs, self.evidence))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What concerns the study as a whole."""
        found = warn(self._runs, self.evidence, self.study.learning_rates)
        return (
            *self.notes,
            *rates.choice(self.study, self.trials, self.evidence.lead),
            *self._of_examples,
            *self._ends.warnings(self.evidence.rates),
            *found,
            *scope(self.study, tested=bool(self.trials["test_accuracy"].notna().any())),
        )

    @cached_property
    def _examples(self) -> examples.Examples | None:
        return examples.look_at(self.study.dataset) if isinstance(self.study, Study) else None

    @property
    def _of_examples(self) -> tuple[str, ...]:
        if self._examples is None:
            return ()
        return examples.warnings(self._examples, len(self._of_network.dataset.X_train))

    @cached_property
    def theory(self) -> tuple[str, ...]:
        """What theory has to say of depth, and where what was measured disagrees with it."""
        if not self.predictions:
            return ()
        first = self.signals["learning_rate"] == self.study.learning_rates[0]
        first &= self.signals["seed"] % self.study.splits == 0  # of whose data theory speaks
        return (*remarks(self.predictions), *disagreements(self.signals[first]))

    @cached_property
    def _runs(self) -> dict[str, Sequence[Run]]:
        return runs_by_initializer(
            self._ends.trials,
            self._signals,
            self.sharpness,
            self.evidence.rates,
            chance=self.chance,
            input_rms=self.study.input_rms,
            examples=self._examples,
            pace=self._ends.pace,
            iterations=self.study.training.iterations,
        )

    @cached_property
    def _ends(self) -> Ends:
        return ends(self.study, self._placed, self.trials, self.chance)

    def summary(self) -> pd.DataFrame:
        """Return a row per initializer at its own best learning rate, the best first.

        The best learning rate is the one that is best in what ranks, on the validation part
        (``evidence.rates.chosen_by``); ``trials`` has the others.

        Rows are in the order of the verdicts: the recommended first, then those that no
        other beats in what ranks, then the beaten, then those that fail.

        Returns
        -------
        DataFrame
            ``train_accuracy, test_accuracy`` are means over the seeds (of R², medians),
            ``initial_cost, train_cost`` medians; ``..._low`` and ``..._high`` bound the 90 % of
            seeds between the 5th and the 95th percentile. A diverged trial counts with an infinite
            cost, and what it doesn't answer is wrong. ``fails`` counts the seeds whose network
            learned nothing. ``label`` and ``reason`` are the verdict. ``train_error, test_error``:
            of a standardised number, in its own units.
        """
        return self._summary.copy()

    @cached_property
    def _summary(self) -> pd.DataFrame:
        return ranked(self._middles, self.verdicts, self.evidence)

    @cached_property
    def _middles(self) -> pd.DataFrame:
        return middles(self._ends.trials, self.study)

    def to_latex(self) -> str:
        """Return the summary as a LaTeX table, for ``booktabs``."""
        return as_latex(self.study, self.summary())

    def to_markdown(self) -> str:
        """Return the summary as a Markdown table."""
        return as_markdown(self.study, self.summary())

    @property
    def errors(self) -> tuple[str, ...]:
        """What the costs of a standardised number to predict are in its own units."""
        return units.sentences(self.summary(), self.study)

    def plot_data(self) -> "Figure":
        """Draw the data: sample images for an image set, points for any other."""
        from goodinit.figures import results as figures

        data = self._of_network.dataset
        if data.image_shape and data.classes:
            return figures.plot_images(data)
        return figures.plot_data(data)

    def plot_costs(self) -> "Figure":
        """Draw the training cost against the iteration, with its spread over the seeds."""
        from goodinit.figures import results as figures

        curves = cost_curves(self.study, self._placed)
        return figures.plot_costs(curves, self._names, self._title, self.chance)

    def plot_signals(self) -> "Figure":
        """Draw activation and gradient scale, distinct and dead units by layer, at the start."""
        from goodinit.figures import evidence as evidence_figures

        chosen = self.signals[
            self.signals["learning_rate"] == self.signals["initializer"].map(self.evidence.rates)
        ]
        return evidence_figures.plot_signals(chosen, self._names, self._title)

    def plot_learning_rates(self) -> "Figure":
        """Draw the median training cost of every initializer at every learning rate."""
        from goodinit.figures import evidence as evidence_figures

        return evidence_figures.plot_learning_rates(
            self._middles, self._names, self._title, self.evidence.rates
        )

    def plot_accuracy(self, learning_rate: float | None = None) -> "Figure":
        """Draw the accuracy of every seed, at one learning rate (where not given, the first)."""
        from goodinit.figures import seeds as figures

        rates = self.study.learning_rates
        rate = rates[0] if learning_rate is None else learning_rate
        if rate not in rates:
            raise bad_argument("learning_rate", rate, f"one of {', '.join(map(str, rates))}")
        chosen = self.trials[self.trials["learning_rate"] == rate]
        return figures.plot_accuracy(
            chosen, self._names, f"{self._title}, learning rate {rate:g}", self._measure
        )

    def plot_boundaries(self) -> "Figure":
        """Draw the decision boundary of each initializer's median seed, with the data on it."""
        from goodinit.figures import results as figures
        from goodinit.figures.looks import styles

        study, look = self._of_network, styles(self._names)
        every = median_trials(self.trials, study)
        drawn = [(row, trial) for row, trial in every if trial in self.networks]
        rates = len(self.study.learning_rates)
        several, whole = rates > 1, len(drawn) == rates * len(self._names)
        panels = [(figures.panel_title(row, several), self.networks[trial]) for row, trial in drawn]
        title = f"{self._title}\ndecision boundary of the seed with the median training cost"
        return figures.plot_boundaries(
            *(study.dataset, study.network, panels, title),
            colours=[look[trial.initializer].colour for _, trial in drawn],
            columns=rates if several and whole else None,
        )

    def plots(self, figure_size: str = "screen") -> "Iterator[tuple[str, Figure]]":
        """Yield a name and a picture for each that this study has, of a size as in ``export``."""
        from goodinit.figures.sizes import drawn, read_size

        size = read_size(figure_size)
        yield from ((name, drawn(draw, size)) for name, draw in self._drawings().items())

    def _drawings(self) -> "dict[str, Callable[[], Figure]]":
        """Return by name what draws each picture that this study has."""
        rates = self.study.learning_rates
        several = len(rates) > 1
        drawable = self.study.has_boundaries and self.study.task != "regression"
        return {
            **({"data": self.plot_data} if isinstance(self.study, Study) else {}),
            "costs": self.plot_costs,
            "signals": self.plot_signals,
            **({"learning_rates": self.plot_learning_rates} if several else {}),
            **{
                f"accuracy-{rate}" if several else "accuracy": partial(self.plot_accuracy, rate)
                for rate in rates
            },
            **({"boundaries": self.plot_boundaries} if drawable and self.networks else {}),
        }

    def save(self, folder: str | Path) -> None:
        """Keep the study in a folder, to be read by ``goodinit.load`` and gone on with.

        Trials that the folder holds already are left as they are.

        Raises
        ------
        ArgumentError
            Where the folder cannot be written, or holds anything else or another study.
        """
        keeps = len(self.networks) > 0
        with store.opened(folder, self.study, keep_networks=keeps) as kept:
            held = {trial for part in kept.parts for trial in trials_of(part)}
            for part, _ in self._placed:
                new = [trial not in held for trial in trials_of(part)]
                if any(new):
                    kept.write(choose(part, np.array(new)))

    def report(self, path: str | Path) -> None:
        """Write the study as one HTML page that opens anywhere and loads nothing.

        Parameters
        ----------
        path : str or Path
            Of the file; only a page that goodinit wrote is replaced. See ``docs/report.md``.

        Raises
        ------
        ArgumentError
            Where anything else is there.
        OSError
            Where it cannot be written.
        """
        check_page("path", path)
        write_page("path", path, self._page())

    def _page(self) -> bytes:
        from goodinit.pages.study import study_data

        measures = ("train_cost", "test_cost")
        curves = {name: cost_curves(self.study, self._placed, name) for name in measures}
        return filled(study_data(self, self._middles, curves))

    def exports(self, formats: Sequence[str] = ("png",)) -> list[str]:
        """Return the names of the files that ``export`` writes."""
        pictures = [f"{name}.{kind}" for name in self._drawings() for kind in formats]
        return ["summary.csv", REPORT, *pictures]

    def export(
        self,
        folder: str | Path,
        formats: Sequence[str] = ("png",),
        figure_size: str = "screen",
    ) -> None:
        """Write every picture, the summary (CSV) and the report (HTML), each file whole or not.

        Only files that goodinit wrote are replaced; see ``docs/studies.md``.

        Parameters
        ----------
        folder : str or Path
        formats : sequence of str
            png, svg, pdf; none for no pictures.
        figure_size : str
            ``"screen"``; for a paper ``"column"`` or ``"page"``, 3.25 and 6.75 inches wide, or
            inches as ``"3.5x2.6"``: with letters of 7 to 8 points and without a title, which the
            caption says.

        Raises
        ------
        ArgumentError
            For a format or size that isn't known; before anything is drawn, where the folder holds
            anything but what goodinit wrote, or the pictures of another study.
        OSError
            Where the folder cannot be written.
        """
        check_formats(formats)
        home = store.check_export(folder, self.study, self.exports(formats))
        write = partial(write_file, "out", home)
        pictures = files(self._drawings(), formats, figure_size)
        write("summary.csv", self.summary().to_csv(index=False).encode())
        write(REPORT, self._page())
        for name, content in pictures:
            write(name, content)

    @property
    def _names(self) -> list[str]:
        return [scheme.name for scheme in self.study.schemes]

    @property
    def _measure(self) -> str:
        return "R²" if self.study.task == "regression" else "accuracy"

    @property
    def _title(self) -> str:
        return self.study.title

    @property
    def _of_network(self) -> Study:
        """The study of one of our own networks, whose data are at hand."""
        if not isinstance(self.study, Study):
            raise bad_argument("study", self.study.title, "a study of a network of goodinit's own")
        return self.study
