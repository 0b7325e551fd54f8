"""Pages of prices: the list with a trial call, the form, one price with the affected calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import NotFound
from tracer.pricing import list_prices
from tracer.pricing.price_book import PriceBook
from tracer.pricing.rates import Rates
from tracer.records import SpanRecord, cost_total
from tracer.store.counters.read import MappingCount, list_mapping_counts
from tracer.store.database.session import transaction
from tracer.store.projects import prices
from tracer.store.projects.prices import PriceRow
from tracer.times import parse_time, to_micros
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.prices.price_form import MORE_TIER, MORE_TYPE, PriceForm

_MAX_LISTED = 25
_MAX_UNPRICED = 100
_MAX_TOKENS = 10**12
_EXAMPLE = {"input": 10_000, "output": 1_000}


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The price that applies to a call."""

    own: PriceRow | None
    listed: list_prices.ListPrice | None
    rates: Rates | None
    cost: dict[str, Decimal]
    total: Decimal | None

    @property
    def label(self) -> str:
        """The name of the price, for a sentence."""
        if self.own:
            return f"this project's price {self.own.model}"
        if self.listed:
            return f"list price {self.listed.provider} / {self.listed.model}"
        return "unpriced"


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A model whose tokens had no price, and the price that would apply now."""

    count: MappingCount
    match: Match


@dataclass(slots=True)
class Trial:
    """A call to be priced for trial: the texts of the fields, and their errors."""

    model: str
    provider: str
    time_text: str
    parameters: str
    usage: dict[str, int]
    errors: dict[str, str]
    time: datetime

    @classmethod
    def read(cls) -> Trial:
        """Return the call in the query string."""
        args = request.args
        errors: dict[str, str] = {}
        time = datetime.now(UTC)
        if text := args.get("at", ""):
            parsed = parse_time(text)
            if parsed is None:
                errors["at"] = "expected a time such as 2026-01-31T00:00"
            else:
                time = parsed
        return cls(
            model=args.get("model", "").strip(),
            provider=args.get("provider", "").strip(),
            time_text=args.get("at", ""),
            parameters=args.get("parameters", "").strip(),
            usage={
                name: min(max(args.get(name, example, type=int), 0), _MAX_TOKENS)
                for name, example in _EXAMPLE.items()
            },
            errors=errors,
            time=time,
        )

    def record(self) -> SpanRecord:
        """Return the call as a span."""
        pairs = (pair.partition("=") for pair in self.parameters.split(","))
        return SpanRecord(
            trace_id="",
            span_id="",
            start_time=to_micros(self.time),
            model=self.model,
            provider=self.provider or None,
            usage=self.usage,
            model_parameters={name.strip(): value.strip() for name, _, value in pairs},
        )


@bp.get("/project/<project_id>/prices")
def price_list(project_id: str) -> str:
    """Show the project's prices, the result of a trial, and the models without a price."""
    rows = prices.list_prices(project_id)
    book, trial = prices.price_book(rows), Trial.read()
    now = datetime.now(UTC)
    unpriced = [
        Unpriced(count, _match(book, rows, _call(count.value, None, now)))
        for count in _unpriced(project_id)
    ]
    is_valid = trial.model and not trial.errors
    return render(
        "prices/prices.html",
        rows=rows,
        trial=trial,
        match=_match(book, rows, trial.record()) if is_valid else None,
        listed=list_prices.search_list(trial.model, to_micros(trial.time), _MAX_LISTED)
        if is_valid
        else [],
        max_listed=_MAX_LISTED,
        unpriced=unpriced,
        models=prices.recent_models(project_id),
        list_name=list_prices.LIST_NAME,
        entries=list_prices.list_size(),
    )


@bp.get("/project/<project_id>/prices/new")
def price_form(project_id: str) -> str:
    """Show the form of a new price: empty, for ``model``, or a copy of the price ``like``."""
    if like := request.args.get("like"):
        return _form(PriceForm.of(_price(project_id, like).draft()))
    return _form(
        PriceForm(model=request.args.get("model", ""), provider=request.args.get("provider", ""))
    )


@bp.post("/project/<project_id>/prices/new")
def create_price(project_id: str) -> AnyResponse | tuple[str, int] | str:
    """Create the price in the form; ``more`` adds a row or column to the form instead."""
    form = PriceForm.parse(request.form)
    if request.form.get("more") in (MORE_TIER, MORE_TYPE):
        return _form(form)
    draft = form.draft()
    if draft is None:
        return _form(form), 422
    with transaction():
        row = prices.create_price(project_id, draft)
    return redirect(_list_url(project_id, row.price_id), 303)


@bp.get("/project/<project_id>/prices/<id:price_id>")
def price(project_id: str, price_id: str) -> str:
    """Show one price, and the calls that are affected if it is retired or restored."""
    row = _price(project_id, price_id)
    rows = prices.list_prices(project_id)
    others = [other for other in rows if other.price_id != price_id and not other.retired_at]
    without = PriceBook(other.value() for other in others)
    with_it = PriceBook(price.value() for price in [*others, row])
    names = prices.recent_models(project_id)
    names += [count.value for count in _unpriced(project_id)]
    names += [row.model] if "*" not in row.model else []
    now = max(datetime.now(UTC), row.start_time or datetime.now(UTC))
    calls = [_call(name, row.provider, now) for name in dict.fromkeys(filter(None, names))]
    affected = [
        (call.model, _match(without, rows, call))
        for call in calls
        if (match := with_it.find(call.model, None, call.provider, call.start_time))
        and match.price_id == price_id
    ]
    return render("prices/price.html", row=row, affected=affected)


@bp.post("/project/<project_id>/prices/<id:price_id>")
def change_price(project_id: str, price_id: str) -> AnyResponse:
    """Retire the price, or restore it."""
    action = request.form.get("action")
    if action not in ("retire", "restore"):
        abort(400, "action: expected retire or restore.")
    _price(project_id, price_id)
    with transaction():
        prices.retire_price(project_id, price_id, retired=action == "retire")
    return redirect(_list_url(project_id, price_id), 303)


def _unpriced(project_id: str) -> list[MappingCount]:
    """Return the models whose calls have no price, those with the most spans first."""
    unpriced = [count for count in list_mapping_counts(project_id) if count.measure == "unpriced"]
    return unpriced[:_MAX_UNPRICED]


def _price(project_id: str, price_id: str) -> PriceRow:
    row = prices.get_price(project_id, price_id)
    if row is None:
        raise NotFound.of("price", price_id)
    return row


def _list_url(project_id: str, price_id: str) -> str:
    return url_for("ui.price_list", project_id=project_id, _anchor=f"price-{price_id}")


def _form(form: PriceForm) -> str:
    return render("prices/price_form.html", form=form)


def _call(model: str, provider: str | None, time: datetime) -> SpanRecord:
    return SpanRecord(
        trace_id="",
        span_id="",
        start_time=to_micros(time),
        model=model,
        provider=provider,
        usage=_EXAMPLE,
    )


def _match(book: PriceBook, rows: list[PriceRow], call: SpanRecord) -> Match:
    own = book.find(call.model, None, call.provider, call.start_time)
    row = next((row for row in rows if own and row.price_id == own.price_id), None)
    listed = None
    if row is None:
        listed = list_prices.list_entry(call.model, call.provider, call.start_time)
    rates = row.rates if row else listed.rates if listed else None
    priced = book.price(call)
    cost = priced.cost if priced else {}
    return Match(own=row, listed=listed, rates=rates, cost=cost, total=cost_total(cost))
