"""One typed settings object, read from ``CUSTOMS_*`` variables.

What belongs here is what a person may set. Facts of the form or the law stand in ``declaration.py``; where a partition
lives stands in ``lake.py``. Nothing else in the package reads the environment for its own settings.
"""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from customs_assets.declaration import FORM, IDENTITIES, NAMES, spelled
from customs_assets.forms import FormError, open_form
from customs_assets.forms.reading import DEFAULT

_JSON_EXAMPLES = {
    "postgresql_columns": '{"net_mass": "weight_kg"}',
    "business_numbers": '{"importer_id": "importer_business_number"}',
    "release_despite": '{"membership": "the office accepts it for this pilot, decision 12/2026"}',
}


# Which law there is: that of files, the simulated administration's, or the codes of the Harmonized System alone.
LawOrigin = Literal["given", "simulated", "nomenclature"]

# What a month's rows are drafted by (``generator/synthesizer.py`` says what each is).
SynthesizerName = Literal[
    "ctgan",
    "ctgan_plain",
    "sdv_ctgan",
    "sdv_tvae",
    "sdv_copulagan",
    "sdv_gaussian_copula",
    "tgan",
    "diffusion",
    "trees",
    "independent",
]

# The languages of the evidence page.
Language = Literal["en", "fr", "es", "ko"]


def is_simulated(address: str) -> bool:
    """Whether an address is one of the simulated source."""
    return address.partition("?")[0] == "simulated"


def available_cores() -> int:
    """The cores this process may use (at least 1)."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return max(os.cpu_count() or 1, 1)


class Settings(BaseSettings):
    """The settings of one pipeline, each read from ``CUSTOMS_<NAME>``.

    Raises:
        pydantic.ValidationError: a value is out of its range; the message names the setting.
    """

    model_config = SettingsConfigDict(env_prefix="CUSTOMS_", frozen=True, extra="ignore")

    source: str = Field(
        "simulated",
        description="`simulated`, a path, folder or glob of CSV, Parquet, Excel or XML files, or a `postgresql://` address",
    )
    form: str = Field(
        DEFAULT,
        description="form of its declarations: `korea`, `bacuda`, `asycuda`, `eu-h1`, or the path of a form of your own "
        "(TOML); from the environment alone, read once in a process",
    )
    postgresql_table: str = Field(
        "declarations",
        description="table or view of a `postgresql://` source, `schema.table` where the search path does not lead to it",
    )
    postgresql_columns: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="JSON object of attribute to column, for the columns of that table that are named otherwise",
    )
    tariff: str | None = Field(
        None,
        description="path or fsspec address of the tariff, CSV or Parquet: `hs_code`, `tax_type`, `tax_rate`",
    )
    tariff_routes: str | None = Field(
        None,
        description="the same of the routes of its tax types: `tax_type`, `country_of_origin`, `country_of_departure`; a type "
        "without a row is open to every route",
    )
    confidential: str | None = Field(
        None,
        description="path of the register of traders' requests for confidentiality, CSV or Parquet, readable by its owner alone: "
        "`hs_code`, `country_of_origin`, `importer_id`, `grade`, and `business_number` if there is one",
    )
    lake: str = Field("./lake", description="folder or fsspec address of the lake")
    seed: int = Field(2020, ge=0, description="public seed of the benchmark's detectors")
    synthesizer: SynthesizerName = Field("ctgan", description="what the rows of a month are drafted by")
    epochs: int = Field(300, ge=1, description="epochs of the model of each month")
    min_group: int = Field(5, ge=2, description="k: how many source declarations or importers stand behind a value")
    dominance_one: float = Field(
        0.75,
        gt=0,
        le=1,
        description="share of value or mass from which one importer dominates what it declares; 1 turns the rule off",
    )
    dominance_two: float = Field(
        0.85, gt=0, le=1, description="the same of the two largest importers together; 1 turns the rule off"
    )
    rows: int | None = Field(None, ge=1, description="synthetic rows for each month; as many as the month had if unset")
    price: Literal["residual", "unit_price"] = Field(
        "residual",
        description="item price = net mass x unit price x residual, or the paper's form without the residual",
    )
    labels_kept: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of the training labels that the partly labelled variant of the release keeps",
    )
    label_policy: Literal["random", "inspection"] = Field(
        "inspection",
        description="which they are: a random share, or what an inspection that follows earlier frauds would look at",
    )
    rehearsal_epochs: int | None = Field(
        None,
        ge=1,
        description="epochs for each month of the rehearsal that attacks are measured on; if unset a tenth of epochs for ctgan, "
        "else all of them",
    )
    shadows: int = Field(
        32, ge=2, multiple_of=2, description="shadow syntheses of the deep attacks; each target is in half of them"
    )
    shadow_targets: int = Field(
        100, ge=1, description="how many of the most exposed importers the deep attacks are aimed at, at most"
    )
    shadow_rows: int = Field(
        18_000,
        ge=100,
        description="declarations of a shadow, about: of a larger source a sample of the importers is taken",
    )
    shadow_epochs: int | None = Field(
        None,
        ge=1,
        description="epochs for each month of a shadow; if unset a hundredth of epochs for ctgan, else all of them",
    )
    weekly_rate: float = Field(
        0.1, gt=0, le=1, description="share of each week that is inspected in the weeks of `customs weeks`, at last"
    )
    weekly_rate_falls_over: int = Field(
        26, ge=1, description="weeks over which that share falls from all to this, where it falls"
    )
    identity_key: Path = Field(
        Path(".customs/identity.key"), description="file with the secret that makes identity tokens, outside the lake"
    )
    release_secret: Path = Field(
        Path(".customs/release.secret"),
        description="file with the secret behind every draw after anonymization, outside the lake",
    )
    published: Path = Field(
        Path(".customs/published"),
        description="folder of the register of published months, with these months as they were published; outside the lake",
    )
    redraw: str = Field(
        "",
        description="reason to draw months anew that are published; the reason stands on card and page, and attacks then have to "
        "count all draws",
    )
    as_of: date | None = Field(
        None,
        description="day (`YYYY-MM-DD`) by which declarations and the labels of inspections were known, for the card; the last "
        "day of the last month if unset",
    )
    business_numbers: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="JSON object of identity to further column of the source, for the business numbers that identify a party "
        "where a row has one",
    )

    release_despite: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="JSON object of privacy claim to reason: the claims that do not withhold the release although they go past "
        "their limit or were not measured; claims and reasons stand on card and page",
    )
    signers: int = Field(1, ge=1, description="how many signers have to sign a release before it is published")
    allowed_signers: str | None = Field(
        None,
        description="path of OpenSSH's `allowed_signers` file: who may sign a release; needed to publish, outside the lake",
    )

    cluster: str | None = Field(
        None,
        description="address of the head of a Ray cluster (`10.0.0.1:6379`): its hosts execute the runs, and `customs run` "
        "submits and watches; `launcher`: the run launcher of `dagster.yaml` starts them; this machine's own processes if unset",
    )

    language: Language = Field(
        "en", description="language of the evidence page: `en`, `fr` (French), `es` (Spanish) or `ko` (Korean)"
    )

    alerts: SecretStr = Field(
        SecretStr(""), description="addresses that alerts go to, in Apprise's form, separated by blanks or commas"
    )
    ui: str = Field("http://127.0.0.1:3000", description="address of Dagster's UI, for the links in alerts")
    automation: bool = Field(
        False, description="whether schedules and the refreshing of what stands downstream start turned on"
    )
    due_day: int = Field(5, ge=1, le=28, description="day of the next month from which a month counts as late")
    keep_runs_days: int = Field(
        365, ge=0, description="days after which the records of finished runs are deleted; 0 keeps them all"
    )
    retry_wait: float = Field(
        15.0, gt=0, description="seconds before a second try where the source or an alert's channel is out of reach"
    )

    @field_validator("source", "lake", "postgresql_table")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value.strip()

    @field_validator("form")
    @classmethod
    def _in_force(cls, value: str) -> str:
        """The schema of the process is made from the form: another one needs another process."""
        try:
            form = open_form(value.strip() or DEFAULT)
        except FormError as error:
            raise ValueError(str(error)) from None
        if form != FORM:
            raise ValueError(f"this process began with the form {FORM.name}; set CUSTOMS_FORM before it starts")
        return value.strip() or DEFAULT

    @field_validator("redraw")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split())

    @field_validator("as_of", mode="before")
    @classmethod
    def _no_day_where_blank(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("tariff", "tariff_routes", "confidential", "allowed_signers", "cluster")
    @classmethod
    def _none_where_blank(cls, value: str | None) -> str | None:
        return (value or "").strip() or None

    @field_validator("tariff_routes")
    @classmethod
    def _with_their_tariff(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("tariff", value) is None:
            raise ValueError("needs CUSTOMS_TARIFF, the tariff whose tax types the routes are of")
        return value

    @field_validator("confidential")
    @classmethod
    def _on_this_machine(cls, value: str | None) -> str | None:
        if value and "://" in value:
            raise ValueError("must be a path: only of a file on this machine can be seen that others cannot read it")
        return value

    @field_validator("postgresql_columns", "business_numbers", "release_despite", mode="before")
    @classmethod
    def _json_object(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except ValueError as error:
            example = _JSON_EXAMPLES[str(info.field_name)]
            raise ValueError(f"must be a JSON object such as {example}: {error}") from None

    @field_validator("release_despite")
    @classmethod
    def _with_reasons(cls, value: dict[str, str]) -> dict[str, str]:
        """In the order of the claims, so that the same setting is written one way."""
        if strange := sorted(key for key in value if not re.fullmatch(r"[\w ,]{1,60}", key)):
            raise ValueError(f"{strange[0]!r} is no name of a claim")
        if without := sorted(key for key, reason in value.items() if not reason.strip()):
            raise ValueError(f"needs a reason for {', '.join(without)}: it will stand on card and page")
        return {key: " ".join(value[key].split()) for key in sorted(value)}

    @field_validator("business_numbers")
    @classmethod
    def _further_columns(cls, value: dict[str, str]) -> dict[str, str]:
        """In the order of their names, so that the same setting is written one way in the lake's records."""
        if strange := sorted(set(value) - set(IDENTITIES)):
            raise ValueError(
                f"{', '.join(strange)} is no identity of a declaration; identities are {', '.join(IDENTITIES)}"
            )
        columns = {role: spelled(value[role]) for role in sorted(value)}
        for role, column in columns.items():
            if not column or column in NAMES:
                raise ValueError(
                    f"{value[role]!r} cannot hold the business numbers of {role}; name a further column of the source"
                )
        return columns

    @property
    def law(self) -> LawOrigin:
        """Which law these settings name."""
        if self.tariff is not None:
            return "given"
        return "simulated" if is_simulated(self.source) else "nomenclature"


def shadow_keys(settings: Settings) -> list[str]:
    """The names of the shadows, in order: partition keys."""
    return [f"{number:02d}" for number in range(1, settings.shadows + 1)]
