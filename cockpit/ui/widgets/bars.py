"""The rows that are always there: header, alert line, key bar, frames; and the placard of a tiny terminal."""

from __future__ import annotations

from cockpit.ui.format import clock, short_symbol
from cockpit.ui.layout import KEYS, TOO_SMALL
from cockpit.ui.lines import BLANK, Cell, Line, cut, fit, spread, width_of
from cockpit.ui.store import SILENCE_S, marked_position, selected_signal
from cockpit.ui.widgets.look import Look, header_of, signed_style
from cockpit.views import texts
from cockpit.views.model import HeaderView
from cockpit.views.numbers import age
from cockpit.views.texts import RESUMABLE

ENVIRONMENT_STYLE = {
    "SIM": "env_sim",
    "PAPER": "env_paper",
    "DEMO": "env_demo",
    "TESTNET": "env_testnet",
    "LIVE": "env_live",
    "REPLAY": "env_replay",
}


def environment_style(environment: str) -> str:
    """Style of an environment's word; an unknown one looks like LIVE."""
    return ENVIRONMENT_STYLE.get(environment, "env_live")


def header(look: Look, width: int, _height: int) -> list[Line]:
    """Environment with account, source, symbol, day, clock. The rightmost fields give way first, the first never."""
    view = header_of(look)
    waited = look.store.silence(look.now)
    time = ((f" {clock(view.now_ms + round(look.store.age_of('header', look.now) * 1000))} ", "header"),)
    if waited > SILENCE_S:
        time = ((f" {texts.NO_NEWS.format(age=age(waited))} ", "armed"),)
    account = f" *{view.account}" if view.account else ""
    word: Line = ((f" {view.environment}{account} ", environment_style(view.environment)),)
    room = width - width_of(word) - width_of(time)
    fields = _fields(look, view)
    kept = set()
    for place in sorted(range(len(fields)), key=lambda index: fields[index][0]):
        size = width_of(fields[place][1]) + 2
        if size <= room:
            room -= size
            kept.add(place)
    row: list[Cell] = list(word)
    for place, (_, field) in enumerate(fields):
        if place in kept:
            row += [(" ", "header"), *field, (" ", "header")]
    return [spread(tuple(row), time, width, "header")]


def _fields(look: Look, view: HeaderView) -> list[tuple[int, Line]]:
    """(rank, cells) in reading order; the lowest ranks stay longest."""
    state = look.state
    axis = state.axes.get(state.symbol)
    rows = f" x{axis.group}" if axis is not None and not look.is_wide else ""
    source = f"{view.source} {view.speed}".strip()
    md_style = "header_warn" if (view.md_ms or 0) > look.config.late_ms else "header"
    late = f" {texts.LATE}" if md_style == "header_warn" else ""
    fields: list[tuple[int, Line]] = [
        (1, ((source + (f" {texts.ENDED}" if view.is_ended else ""), "header_warn" if view.is_ended else "header"),)),
        (2, ((f"{state.symbol}{rows}", "header"),)),
        (3, ((_entries(view), "header" if view.entries == "ENABLED" else "header_bad"),)),
        (4, ((view.approval.upper(), "header_bad" if view.approval == "auto" else "header"),)),
        (6, ((f"{texts.DAY} {view.day_r}/{view.day_limit_r}", "header"),)),
        (5, ((f"{texts.MD} {_ms(view.md_ms)}{late}", md_style),)),
        (7, ((f"{texts.ORD} {_ms(view.order_ms)}", "header"),)),
        (8, ((f"{texts.POS} {view.positions_open}/{view.positions_max}", "header"),)),
        (9, ((f"{texts.STREAMS} {view.streams_up}/{view.streams_wanted}", _streams_style(view)),)),
        (10, ((view.preset, "header"),)),
        (12, ((_recorder(view), "header"),)),
    ]
    if look.keys.is_observer:
        fields.insert(0, (0, ((texts.OBSERVER, "header_warn"),)))
    elif not look.store.is_controller:
        fields.insert(0, (0, ((texts.VIEWER, "header_warn"),)))
    if view.tasks_bad:
        fields.insert(1, (3, ((" ".join(view.tasks_bad), "header_bad"),)))
    if state.is_muted:
        fields.append((11, ((texts.MUTED, "header"),)))
    return [(rank, field) for rank, field in fields if width_of(field)]


def _entries(view: HeaderView) -> str:
    return f"{texts.ENTRIES} {view.entries}" if view.entries != "ENABLED" else view.entries


def _streams_style(view: HeaderView) -> str:
    return "header" if view.streams_up >= view.streams_wanted else "header_bad"


def _recorder(view: HeaderView) -> str:
    if not view.recorder or view.recorder.startswith("rec"):
        return view.recorder
    return texts.RECORDER.format(state=view.recorder)


def _ms(value: int | None) -> str:
    return texts.NO_VALUE if value is None else f"{value}ms"


def alert(look: Look, width: int, _height: int) -> list[Line]:
    """The armed bar, else the last word to the operator, else why entries are off."""
    state = look.state
    if look.flatten_until is not None:
        count = len(look.store.positions.rows)
        text = texts.ARMED_FLATTEN if width >= 80 else texts.ARMED_FLATTEN_SHORT
        words = text.format(
            scope=texts.ARMED_SCOPE.format(count=count),
            key=look.keys.shown("flatten.all"),
            left=max(0.0, look.flatten_until - look.now),
        )
        return [((fit(f" {words}", width), "armed"),)]
    if state.armed is not None:
        words = texts.ARMED.format(
            words=state.armed.words, go=look.keys.shown("confirm.go"), left=max(0.0, state.armed.until - look.now)
        )
        return [((fit(f" {words}", width), "armed"),)]
    if state.overlay in {"command", "auto"}:
        prompt = texts.COMMAND_PROMPT if state.overlay == "command" else texts.AUTO_PROMPT.format(word=texts.AUTO_WORD)
        return [((fit(f" {prompt}{state.typed}_", width), "input"),)]
    if state.note is not None:
        return [((cut(f" {state.note.text}", width), state.note.style),)]
    view = header_of(look)
    why = "; ".join(view.blocks) or view.closed
    if why:
        style = "armed" if view.entries == "HALTED" else "alert_warn"
        return [((cut(f" {texts.ENTRIES} {view.entries}: {why}", width), style),)]
    return too_small(look, width, 1) if look.plan.name == "tiny" and look.plan.slot(TOO_SMALL) is None else [BLANK]


def too_small(look: Look, width: int, _height: int) -> list[Line]:
    """Why there is no ladder, in one sentence."""
    keys = look.plan.slot(KEYS)
    size = "" if keys is None else f"{keys.width}x{keys.y + 1}"
    sentences = [words.format(size=size, key=look.keys.shown("flatten.all")) for words in texts.TOO_SMALL]
    shown = next((words for words in sentences if len(words) < width), sentences[-1])
    return [((cut(f" {shown}", width), "alert_warn"),)]


def keys(look: Look, width: int, _height: int) -> list[Line]:
    """Keys that act now; those that would do nothing are dim. The bar drops from the right."""
    row: list[Cell] = []
    right = _legend(look, "help", texts.KEY_HELP, acts=True)
    room = width - width_of(tuple(right)) - 1
    for action, words, acts in _acting(look):
        cells = _legend(look, action, words, acts=acts)
        size = width_of(tuple(cells))
        if size > room:
            break
        room -= size
        row += cells
    return [spread(tuple(row), (*right, (" ", "text")), width)]


def _acting(look: Look) -> list[tuple[str, str, bool]]:
    """(action, words, whether it would do something now), most important first."""
    is_paused = header_of(look).entries in RESUMABLE
    view_keys = [
        *([("pane.next", texts.KEY_PAGE, True)] if look.plan.pages else []),
        ("ladder.centre", texts.KEY_CENTRE, True),
        ("ladder.coarser", texts.KEY_GROUP, True),
        ("symbol.next", texts.KEY_SYMBOL, len(look.state.symbols) > 1),
        ("gates", texts.KEY_GATES, True),
        ("command", texts.KEY_COMMAND, True),
        ("app.detach", texts.KEY_DETACH, True),
    ]
    if look.state.overlay == "gone":
        return [("app.detach", texts.KEY_DETACH, True)]
    if look.keys.is_observer:
        return view_keys
    if not look.may_command:
        return [("flatten.all", texts.KEY_FLATTEN, True), view_keys[-1], *view_keys[:-1]]
    if look.state.armed is not None:
        return [("confirm.go", texts.KEY_GO, True), ("flatten.all", texts.KEY_FLATTEN, True)]
    has_signal = selected_signal(look.state, look.store) is not None
    has_position = marked_position(look.state, look.store) is not None
    has_orders = any(order.symbol == look.state.symbol for order in look.store.orders.rows)
    return [
        ("flatten.all", texts.KEY_FLATTEN, True),
        ("signal.approve", texts.KEY_APPROVE, has_signal),
        ("signal.reject", texts.KEY_REJECT, has_signal),
        ("position.close", texts.KEY_CLOSE, has_position),
        ("position.half", texts.KEY_HALF, has_position),
        ("stop.breakeven", texts.KEY_BREAKEVEN, has_position),
        ("orders.cancel_symbol", texts.KEY_CANCEL, has_orders),
        ("entries.pause", texts.KEY_RESUME if is_paused else texts.KEY_PAUSE, True),
        *view_keys,
    ]


def _legend(look: Look, action: str, words: str, *, acts: bool) -> list[Cell]:
    key = look.keys.shown(action)
    if action == "flatten.all":
        key = f"{key} {key}"
    if action == "ladder.coarser":
        key = f"{key}{look.keys.shown('ladder.finer')}"
    return [(f" {key}", "key" if acts else "faint"), (f" {words} ", "dim" if acts else "faint")]


def frame(look: Look, _width: int, height: int) -> list[Line]:
    """A column between panes. LIVE has a heavy one, REPLAY a dashed one."""
    environment = header_of(look).environment
    if look.glyphs.is_ascii:
        sign = {"LIVE": "#", "REPLAY": ":"}.get(environment, "|")
    else:
        sign = {"LIVE": "┃", "REPLAY": "┆"}.get(environment, "│")
    style = "bad" if environment == "LIVE" else "frame"
    return [((sign, style),)] * height


def placard(look: Look, width: int, height: int) -> list[Line]:
    """A terminal too small for panes: one line that says where one is and how to flatten."""
    if look.flatten_until is not None or look.state.note is not None:
        return [alert(look, width, 1)[0], *[BLANK] * (height - 1)]
    rows = look.store.positions.rows
    words = texts.PLACARD.format(
        environment=header_of(look).environment,
        state=look.store.flatten.state if look.store.flatten.state != "off" else "",
        positions=" ".join(f"{short_symbol(row.symbol)} {row.pnl_r}" for row in rows) or "0",
        key=look.keys.shown("flatten.all"),
    )
    style = signed_style(rows[0].pnl_r) if rows else "text"
    return [((cut(" ".join(words.split()), width), style),), *[BLANK] * (height - 1)]
