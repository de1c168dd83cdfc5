"""THE catalogue: every text that the screen shows, the engine's lines of the log among them.

What a rule says of itself (a gate, a refusal) stands with the rule: no decision knows this page.
"""

from __future__ import annotations

# Actions, for the help page.
DO_APPROVE = "approve: send the ticket"
DO_REJECT = "reject the signal"
DO_SNOOZE = "keep the signal 30 s longer"
DO_CLOSE = "close the position, then {go}"
DO_HALF = "close half of it, then {go}"
DO_BREAKEVEN = "stop to breakeven"
DO_CANCEL = "cancel entries, not stops"
DO_PAUSE = "pause; resume: then {go}"
DO_GO = "confirm what is armed"
DO_FLATTEN = "twice: close everything"
DO_NEXT = "next signal or position"
DO_PREVIOUS = "previous one"
DO_SYMBOL_NEXT = "next symbol"
DO_SYMBOL_PREVIOUS = "previous symbol"
DO_PAGE = "next page of the panel"
DO_CENTRE = "centre the ladder, follow"
DO_COARSER = "coarser rows"
DO_FINER = "finer rows"
DO_UP = "scroll the ladder up"
DO_DOWN = "scroll it down"
DO_COLUMN = "traded, cumulative or off"
DO_UNIT = "unit: R, ticks, %, money"
DO_WALLS = "page of walls"
DO_LAYOUT = "one ladder or four"
DO_THEME = "next theme"
DO_MUTE = "bell on or off"
DO_COMMAND = "command line"
DO_GATES = "entry gates: why not"
DO_HELP = "this page"
DO_DETACH = "leave; the engine goes on"

# Key bar and pane legends.
KEY_APPROVE = "ok"
KEY_REJECT = "no"
KEY_SNOOZE = "+30s"
KEY_CLOSE = "close"
KEY_HALF = "half"
KEY_BREAKEVEN = "BE"
KEY_CANCEL = "cancel"
KEY_PAUSE = "pause"
KEY_RESUME = "resume"
KEY_GO = "go"
KEY_FLATTEN = "FLATTEN"
KEY_PAGE = "page"
KEY_ALL = "all"
KEY_CENTRE = "centre"
KEY_GROUP = "group"
KEY_COMMAND = "cmd"
KEY_GATES = "gates"
KEY_HELP = "help"
KEY_DETACH = "leave"
KEY_SIGNAL = "signal"
KEY_SYMBOL = "symbol"

# Key map faults.
KEYS_WRONG = "[keys] {problems}"
KEYS_UNKNOWN = "there is no action {id!r}{hint}"
KEYS_CONFLICT = "{key!r} stands for both {first} and {second}"
KEYS_FORBIDDEN = "{key!r} cannot be used ({id}): terminals or multiplexers take it"
KEYS_NOT_FOR_MONEY = "{key!r} cannot be used for {id}: broken escape sequences contain it"
KEYS_ONE_FLATTEN = "flatten.all needs exactly one key"

# Header.
OBSERVER = "OBSERVER"
VIEWER = "VIEWER"
LATE = "LATE"
ENDED = "ENDED"
HELD = "HELD"
MUTED = "muted"
MD = "md"
ORD = "ord"
DAY = "day"
POS = "pos"
STREAMS = "ws"
ENTRIES = "entries"
NO_VALUE = "n/a"
NO_DATA = "no data"

# Ladder.
LADDER_SCALP = "  tape  eat     size            price  mark"
STALE = "STALE {age}"
BOOK_INVALID = "INVALID {reason}"
BOOK_NO_DATA = "NO DATA"
RULE = "{spread} ({bps}bp) mid {mid}"
WAITING_BOOK = "waiting for the book of {symbol}"
COL_OWN = "own"
COL_CUM = "cum"
COL_DEPTH = "depth"
COL_BID = "bid"
COL_SOLD = "sells"
COL_PRICE = "price"
COL_BOUGHT = "buys"
COL_ASK = "ask"
COL_PULL = "p/s"
COL_TAPE = "tape"
COL_EATEN = "eat"
COL_SIZE = "size"
COL_MARK = "mark"

# Panes.
SIGNALS = "SIGNALS"
SIGNALS_NONE = "no signals in the queue"
SIGNALS_ENDED = "last ended"
GATES = "{sign}{passed}/{total}"
GATE_NAMES = {"book": "book sequence"}
"""Entry gates whose own name says too little beside the others: no update is missing, however old the book is."""
NEEDED = "needs {threshold}"
EXIT_NAMES = {"take-profit": "TP by move"}
"""Exit rules whose figure is not the profit that stands above it: a price move in stop distances, before fees."""
NET = "net {profit}"
RECORDER = "rec {state}"
TICKET_REFUSED = "NO ORDER {reason}"
TICKET_CUT = "CUT {reason}"
TICKET_LINE = "{side} {qty} @{entry}"
TICKET_STOP = "SL {stop}"
TICKET_TARGET = "TP {target}"
TICKET_RISK = "1R {money} {percent} {reward}"
TICKET_COST = "fee {fees} slip {slippage}"
TICKET_NOTIONAL = "ntl {notional}"
SENDING = "SENT"
POSITIONS = "POSITION"
POSITIONS_MANY = "POSITIONS {count}"
POSITIONS_NONE = "flat"
POSITIONS_CLOSED = "last closed"
LONG = "LONG"
SHORT = "SHORT"
PNL = "{ticks}  {money}"
ENTRY = "@{price}"
FEES = "fee {fees}"
HELD_FOR = "{age}"
STOP = "SL {stop}"
STOP_ACK = "ack {ms}ms"
STOP_ACK_BARE = "ack"
STOP_SENT = "sent, no ack"
STOP_MOVING = "moving"
STOP_MISSING = "MISSING"
STOP_MISSING_FOREIGN = "MISSING :protect"
"""The stop of a position that is none of ours: what gives it one."""
BREAKEVEN = "BE {price}"
AT_BREAKEVEN = "at BE"
LIQUIDATION = "liq {price}"
FOREIGN = "FOREIGN"
CLOSING = "CLOSING"
UNKNOWN = "UNKNOWN"
EXITS = "exits"
WALLS = "WALLS"
WALLS_NONE = "no walls tracked"
HEAT = "HEAT {symbol} {minutes} min"
WALL_MAP = "WALL MAP distance x symbol"
FLOW = "FLOW"
FLOW_TPM = "tpm"
FLOW_DELTA = "delta 1m"
FLOW_ACTIVITY = "activity"
FLOW_IMBALANCE = "imb"
FLOW_MICRO = "micro"
FLOW_DELTA_10 = "delta 10s"
FLOW_DELTA_300 = "delta 5m"
FLOW_RATIO = "buy/sell"
FLOW_TPS = "tps"
RISK = "RISK"
RISK_DAY = "day {day} of {limit}"
RISK_TODAY = "today {trades} trades W{wins} L{losses}"
RISK_STREAK = "streak {streak:+d}"
RISK_EXPOSURE = "expo {percent:.1f}% of {limit:g}%"
RISK_EQUITY = "equity {equity} free {available}"
RISK_QUALITY = "PF {factor} exp {expectancy}"
ORDERS = "ORDERS"
ORDERS_NONE = "no open orders"
LINKS = "LINKS"
TASKS = "TASKS"
TAPE = "TAPE"
TAPE_HEAD = "TAPE 100ms"
LOG = "LOG"
WATCH = "SYMBOLS"
FLATTEN = "FLATTEN"
FLATTEN_FLAT = "FLAT"
FLATTEN_RUNNING = "RUNNING"
FLATTEN_DUST = "DUST: close by hand"
FLATTEN_NOTHING = "no position to close"
ACTIVITY = "act"
DELTA = "DELTA 60s {value}"
TPM = "TPM {value}"
TPM_TITLE = "TPM {tpm} act {activity}"
WARMING = "warming"
DROPPING = "dropping"
PAGES = ("TRADE", "WALLS", "ORDERS", "TAPE", "LOG")
EDGE_WALLS = "{count} walls"
EDGE_WALL = "{side} {price} {size} {usd} {fate}"
EDGE_STOP = "SL {price}"
EDGE_ENTRY = "entry {price}"
EDGE_TARGET = "TP {price}"
EDGE_ORDER = "order {price}"

# Alert line.
TOGETHER = "ignored {key}: keys came together, press again"
LOCKED = "ignored {key}: the link broke a key sequence, press again"
FLATTEN_REARMED = "more than two {key} came together: armed again, press {key} once"
FLATTEN_DISARMED = "flatten disarmed; entries stay OFF until resumed"
FLATTEN_ALREADY = "flatten is running; it was not sent again"
FLATTEN_SENT = "FLATTEN ALL sent"
FLATTEN_OBSERVER = "{key} twice here does nothing: observer. Use cockpit flatten"
ARMED_FLATTEN = "!! FLATTEN ALL armed: entries OFF{scope}. {key} again {left:.1f}s !!"
ARMED_FLATTEN_SHORT = "!! FLATTEN: {key} again {left:.1f}s"
ARMED_SCOPE = ", positions to close: {count}"
ARMED = "{words}   {go} = go   {left:.0f}s"
OBSERVER_REFUSED = "observer: money keys do not exist here"
NO_SIGNAL = "no signal selected"
NO_POSITION = "no position to act on"
NOTHING_ARMED = "nothing is armed"
ARM_ENDED = "confirmation timed out"
ARM_DROPPED = "disarmed"
CARD_TOO_NEW = "the card has been on screen {ms} ms: look at it, press again"
CARD_NOT_LIVE = "the signal is {state}"
CARD_SENT = "already sent: {words}"
CARD_EXPIRED = "the signal's time is over"
GO_TOO_SOON = "look first: {go} acts after {ms} ms"
SEND_FAILED = 'engine went away; whether "{words}" arrived is UNKNOWN'
CLOSED = "CLOSED {side} {qty} {symbol} by {reason}: {money} USDT {r}"
CLOSED_SHORT = "CLOSED {symbol} by {reason}: {money} {r}"
CLOSED_MORE = "  (and {count} more)"
SENT = "sent: {words}"
DONE = "accepted: {words}"
REFUSED = "REFUSED {words}: {reason}"
REFUSED_SHORT = "REFUSED {verb}: {reason}"
"""Where the line has no room for all: why comes before what."""
NOT_CONTROLLER = "another screen took control: {controller}"
CONTROL_OF = {
    "stop": "the engine is being stopped by {who}",
    "flatten": "cockpit flatten by {who}: everything is being closed",
}
"""By the first word of what a command of the shell calls itself."""
NOT_IN_CONTROL = "{who} is in control: only {flatten} {flatten} acts here; {key}, then attach, takes it back"
NOW_CONTROLLER = "this screen is in control"
THEME_IS = "theme {name}"
UNIT_IS = "unit {name}"
GROUP_IS = "rows x{group} = {step}"
COLUMN_IS = "column {name}"
PAGE_IS = "page {name} of {pages}"
NO_PAGES = "no pages at this size: 80x24 or more has them"
TOO_SMALL = (
    "{size} is too small for a ladder, which needs 80x24; positions and {key} {key} FLATTEN work here",
    "{size}: no ladder below 80x24; {key} {key} FLATTEN works",
    "{size}: no ladder below 80x24",
)
"""The longest that fits is shown."""
MUTE_ON = "bell off"
MUTE_OFF = "bell on"
LAYOUT_IS = "layout {name}"
NO_SUCH_COMMAND = "no command {name!r}; try :help"
NO_SUCH_SYMBOL = "no symbol {name!r} in this engine"
NO_SUCH_THEME = "no theme {name!r}; there are {names}"
CLOSE_PERCENT = ":close takes a percentage from 1 to 100"
ENTER_TOGETHER = "keys came together, press Enter again"
AUTO_NOT_TYPED = "approval unchanged: the word was not {word}"
TERMINAL_BEHIND = "slow terminal: frames skipped"
NO_NEWS = "NO NEWS FROM THE ENGINE {age}"

# What a command does, in words; also what the engine's journal keeps as "seen".
SAY_APPROVE = "approve {signal}: {side} {qty} {symbol} @{entry} SL {stop} 1R {risk}"
SAY_REJECT = "reject {signal}"
SAY_SNOOZE = "keep {signal} 30 s"
SAY_CLOSE = "close {percent}% of {side} {qty} {symbol} [{environment}]"
SAY_BREAKEVEN = "stop of {side} {qty} {symbol} to breakeven {price}"
SAY_CANCEL = "cancel entry orders of {symbol}"
SAY_PAUSE = "pause entries"
SAY_RESUME = "resume entries [{environment}]"
SAY_ARM = "flatten armed, entries off"
SAY_PROTECT = "stop for the foreign position {side} {qty} {symbol}"
SAY_FLATTEN = "flatten all: {count} positions [{environment}]"
SAY_APPROVAL = "approval {approval}"
SAY_QUIT_PROTECTED = "stop the engine, positions keep their stops"
SAY_QUIT_FLATTEN = "flatten everything, then stop the engine"
SEEN_POSITION = "{side} {qty} {symbol} entry {entry} mark {mark} {r} {money} SL {stop} {state}"

# Dialogs.
LEAVE_TITLE = "LEAVE"
LEAVE_LINES = (
    "{detach}         leave the screen; the engine goes on,",
    "          positions keep their exchange stops",
    "l then {go}  stop the engine, leave positions protected",
    "f then {go}  flatten everything, then stop the engine",
    "any other key stays",
)
LEAVE_OBSERVER = ("{detach}  leave the screen; the engine goes on", "any other key stays")
HELP_TITLE = "KEYS"
GATES_TITLE = "ENTRY GATES"
GATES_ACCOUNT = "account, connections, machine"
GATES_SYMBOL = "{symbol}"
HELP_FOOT = "any key closes"
HELP_CUT = "any key closes; {count} more at 80x24"
HELP_COMMANDS = (
    ":close N  :cancel  :protect  :pause  :resume  :manual  :observe  :auto",
    ":symbol S  :theme T  :gates  :detach  :quit",
)
HELP_LEGEND = "walls: w, three times one W  9%C eaten  9%P pulled  R refilled  ? young"
COMMAND_PROMPT = ":"
AUTO_PROMPT = "automatic approval: type {word} and Enter: "
AUTO_WORD = "AUTO"
GONE_TITLE = "ENGINE GONE"
GONE_NO_REASON = "the link to the engine ended"
GONE_FLAT = "No position was open when it was last heard."
GONE_OPEN = "OPEN when it was last heard (acknowledged: it is at the exchange):"
GONE_WAYS = (
    "Close everything without the engine:  cockpit flatten{folder}",
    "Start or find the engine again:       cockpit run{folder}",
)
GONE_STAYS = "{key} leaves this screen; these positions stand in the shell then"
GONE_LEAVES = "this screen leaves by itself in {left} s; {key} leaves now"
GONE_FLATTEN = "no engine to flatten with: {key} leaves, then type the box's cockpit flatten"
LEFT_TITLE = "the engine is gone; OPEN when it was last heard:"
LEFT_FLATTEN = "close everything:    cockpit flatten{folder}"
LEFT_POSITION = "  {side} {qty} {symbol} @{entry}  {stop}"
LEFT_STOP = {
    "ack": "SL {stop} acknowledged",
    "sent": "SL {stop} sent, NOT acknowledged",
    "moving": "SL asked to move to {stop}, NOT acknowledged",
}
LEFT_NO_STOP = "NO STOP acknowledged"
PLACARD = "{environment} {state} pos {positions} {key}{key} FLATTEN"
CRASHED = "the screen failed ({error}); the engine goes on. cockpit attach{folder} brings the screen back"

# Themes.
THEME_MISSING = "there is no theme {name!r}{hint}; there are: {names}"
DID_YOU_MEAN = " (did you mean {name}?)"
THEME_WRONG = "theme {path}: {problem}"

# What the engine's views say: states and letters.
SIGNAL_CODES = {"breakout": "BRK", "bounce": "BNC", "retest": "RTS", "momentum": "MOM"}
"""Three letters for each kind of signal."""
LETTER_LONG, LETTER_SHORT = "L", "S"
LETTER_BID, LETTER_ASK = "B", "A"
TREND_UP, TREND_DOWN, TREND_FLAT = "UP", "DOWN", "flat"

ENTRIES_ENABLED = "ENABLED"
ENTRIES_PAUSED = "PAUSED"
ENTRIES_CLOSED = "CLOSED"
STATE_LOCKED = "LOCKED: "
"""What the gate of the state says before a pause, which the header calls by its own word."""
RESUMABLE = frozenset({"PAUSED", "LOCKED", "HALTED"})
"""Words for entries that an operator's resume may change."""

# Lines of the log.
LINE_WALL_NEW = "wall {side} {price} {usd} USDT"
LINE_WALL_EATEN = "wall {side} {price} eaten {percent} % by trades"
LINE_WALL_PULLED = "wall {side} {price} pulled {percent} % (no trades)"
LINE_WALL_GONE = "wall {side} {price} gone: {reason}, traded {traded} %, pulled {pulled} %"
LINE_SIGNAL_RAISED = "signal {id} {code} {direction} at wall {price}"
LINE_SIGNAL_ENDED = "signal {id} {code} {direction} {state}{reason}"
LINE_AUTO_REFUSED = "auto approval of {id} {code} {direction} refused: {reason}"
LINE_ORDER = "order {id} {side} {status}{reason}"
LINE_ANSWERED_BY_SOCKET = "order {id}: {outcome} over the trade socket after {ms} ms"
LINE_ANSWERED_BY_DETOUR = "order {id}: {outcome} by REST after {ms} ms; the trade socket was not ready"
LINE_FILL = "fill {side} {qty} @{price} fee {fee}"
LINE_OPENED = "position {direction} {qty} @{price}"
LINE_CLOSED = "closed {direction} {qty} by {reason}: {net} USDT {r}"
LINE_STOP = "SL {price} exchange-ack{ms}"
LINE_ENTRIES_ON = "entries on"
LINE_ENTRIES_OFF = "entries off: {reasons}"
LINE_BOOK_VALID = "book valid"
LINE_BOOK_INVALID = "book INVALID: {reason}"
LINE_COMMAND_REFUSED = "{action} refused: {reason}"
LINE_COMMAND_TAKEN = "{action} by {operator}"
ACTION_WORDS = {
    "ApproveSignal": "approve",
    "RejectSignal": "reject",
    "SnoozeSignal": "snooze",
    "ClosePosition": "close",
    "MoveStopToBreakeven": "stop to breakeven",
    "CancelEntryOrders": "cancel entries",
    "PauseEntries": "pause",
    "ResumeEntries": "resume",
    "ArmFlatten": "arm flatten",
    "FlattenAll": "flatten",
    "SetApproval": "approval",
    "ProtectPosition": "protect",
    "Shutdown": "stop the engine",
}
"""What the operator's commands are called in a line."""
