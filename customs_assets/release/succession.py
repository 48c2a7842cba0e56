"""What a release says of the releases before it: which months were published when, what was drawn anew, what labels are known.

What belongs here are sentences for card, page and status. They change only when another month is published: the release that was
published last says the same before and after.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass

from customs_assets.benchmark.split import span
from customs_assets.lake.frozen import Frozen
from customs_assets.months import first_day
from customs_assets.published import PublishedMonth, redraw_number
from customs_assets.settings import Settings

# What a change of the source does to a published month. Card, page and status say the same.
COUNTS_LATER = "it counts from the next release of later months on"


@dataclass(frozen=True)
class Succession:
    """The place of a release among the releases of its source.

    Attributes:
        months: its months, in order.
        as_of: the day by which the declarations and labels of its new months were known.
        earlier: the months of releases before it.
        redraws: why published months were drawn anew, oldest first, with the reason that is asked for now.
    """

    months: tuple[str, ...]
    as_of: str
    earlier: tuple[PublishedMonth, ...] = ()
    redraws: tuple[str, ...] = ()

    @classmethod
    def of(cls, months: Sequence[str], settings: Settings, frozen: Frozen | None = None) -> Succession:
        """The place of a release of some months.

        Args:
            months: its months.
            settings: the settings that it is made with.
            frozen: the published months.
        """
        ordered = tuple(sorted(months))
        if frozen is None:
            return cls(ordered, as_of(ordered, settings))
        earlier = tuple(frozen.months[month] for month in frozen.earlier(ordered))
        new = [frozen.months[month] for month in ordered if month in frozen and frozen.months[month] not in earlier]
        known = max((entry.as_of for entry in new), default="")
        reasons = [redraw.reason for redraw in frozen.redraws]
        if redraw_number(settings) > len(reasons):
            reasons.append(settings.redraw)
        is_published = len(earlier) + len(new) == len(ordered)
        return cls(ordered, known if is_published else as_of(ordered, settings), earlier, tuple(reasons))

    def in_words(self) -> list[str]:
        """Sentences for whoever gets the release."""
        new = [month for month in self.months if month not in {entry.month for entry in self.earlier}]
        said = [
            f"Declarations of {span(new)} are as they were known on {self.as_of}. Labels are what inspections had found by that "
            "day; what they find later changes no published month."
        ]
        if self.earlier:
            said.append(
                f"These months were published before, and are byte for byte what was published: {self._dates()}."
            )
            said.append(
                f"If a source month was amended after it was published, {COUNTS_LATER}: in these, not in the month itself. "
                "Tokens stand for the same artificial trader in all releases."
            )
        if self.redraws:
            reasons = "; ".join(self.redraws)
            said.append(
                f"Published months were drawn anew, {len(self.redraws)} in all ({reasons}). Whoever has two draws can compare "
                "them, so an attack has to count all draws together; the attacks of the evidence count this one alone."
            )
        return said

    def _dates(self) -> str:
        by_release: dict[tuple[int, str, str], list[str]] = {}
        for entry in self.earlier:
            by_release.setdefault((entry.publication, entry.published_on, entry.as_of), []).append(entry.month)
        return "; ".join(
            f"{span(of)} on {published_on}, as known on {known}" for (_, published_on, known), of in by_release.items()
        )


def as_of(months: Sequence[str], settings: Settings) -> str:
    """The day by which declarations and labels were known: the setting, or the last day of the last month."""
    if settings.as_of is not None:
        return settings.as_of.isoformat()
    last = first_day(max(months))
    return last.replace(day=calendar.monthrange(last.year, last.month)[1]).isoformat()


def sentence_of_changes(months: Sequence[str]) -> str:
    """What is said of published months whose source has changed since; empty where there is none."""
    if not months:
        return ""
    which = ", ".join(months)
    return (
        f"The source of published months has changed since ({which}). No published month is made again: {COUNTS_LATER}."
    )
