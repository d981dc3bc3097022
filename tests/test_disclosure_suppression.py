"""Hidden counts stay hidden: planted small cells are attacked by linear programmes, with and without protection."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from analysis.disclosure import attack, rules, suppression
from analysis.disclosure.attack import Knowledge, Ratio
from analysis.disclosure.tables import Counts

LAB = rules.load("lab")
WIDTH = float(LAB.largest_hidden - 1)
SEED, TABLES, TWICE = 20260101, 200, 5


def table(counts: list | np.ndarray, sensitive: bool = False) -> Counts:
    values = np.asarray(counts, dtype=np.int64)
    names = tuple((f"d{axis}", tuple(f"{axis}-{k}" for k in range(size))) for axis, size in enumerate(values.shape))
    return Counts(names, values, sensitive)


def small_cells(chosen: Counts) -> list:
    return [cell for cell, count in chosen.cells().items() if LAB.small(count)]


def recovered(known: Knowledge, cells: list) -> dict:
    return attack.recovered(attack.bounds(known, cells), WIDTH)


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_lone_hidden_count_is_recovered_by_subtraction_and_a_protected_one_is_not() -> None:
    chosen = table([[4, 30, 50], [40, 60, 70], [80, 90, 20]])
    cell = chosen.cell((0, 0))
    alone = suppression.only_primary(chosen, LAB)
    assert attack.bounds(alone.knowledge, [cell])[cell] == pytest.approx((4, 4))
    safe = suppression.protect(chosen, LAB)
    assert attack.bounds(safe.knowledge, [cell])[cell] == pytest.approx((1, 9))
    assert safe.short == ()


def test_the_cheapest_pattern_is_found() -> None:
    """One small count in a table needs three more cells, the corners of a rectangle, or the margins: least are 30s."""
    chosen = table([[4, 30, 500], [40, 35, 700], [800, 900, 200]])
    safe = suppression.protect(chosen, LAB)
    hidden = {cell for cell, state in safe.states.items() if state != "shown"}
    assert hidden == {chosen.cell(places) for places in itertools.product((0, 1), (0, 1))}


@pytest.mark.parametrize("counts", [[[50, 14], [18, 8]], [[11, 9], [12, 3]]])
def test_no_cheaper_choice_of_all_is_safe(counts: list) -> None:
    """Every set of cells, tried one by one, against the same attack."""
    chosen = table(counts)
    cells, small = chosen.cells(), small_cells(chosen)
    totals, losses = {total for total, _ in chosen.sums()}, suppression._losses([chosen])
    opened = {c: suppression._as_hidden(c in small and c not in totals, c in totals, False, LAB) for c in cells}

    def reach(hidden: set) -> dict:
        shown = {cell: opened[cell] if cell in hidden else (count, count) for cell, count in cells.items()}
        return attack.bounds(Knowledge(shown, chosen.sums()), small)

    most = reach(set(cells))
    others = [cell for cell in cells if cell not in small]
    cheapest = math.inf
    for number in range(len(others) + 1):
        for more in itertools.combinations(others, number):
            hidden = {*small, *more}
            loss = sum(losses[cell] for cell in hidden)
            if loss < cheapest - 1e-9:
                far = reach(hidden)
                wide = {c: (most[c][0], min(most[c][1], most[c][0] + WIDTH)) for c in small}
                if all(far[c][0] <= wide[c][0] + 1e-6 and far[c][1] >= wide[c][1] - 1e-6 for c in small):
                    cheapest = loss
    states = suppression.protect(chosen, LAB).states
    assert sum(losses[cell] for cell in cells if states[cell] != "shown") == pytest.approx(cheapest, rel=0.01)


def test_what_is_printed() -> None:
    safe = suppression.protect(table([[4, 30, 500], [40, 35, 700], [800, 900, 200]]), LAB)
    assert safe.rows() == [
        ["fewer than 10", "not shown", "500", "534"],
        ["not shown", "not shown", "700", "775"],
        ["800", "900", "200", "1,900"],
        ["844", "965", "1,400", "3,209"],
    ]


def test_a_list_with_its_total() -> None:
    """Two counts must be hidden in a list: the small one and the cheapest other that leaves its whole range open."""
    safe = suppression.protect(table([3, 25, 400, 900]), LAB)
    assert safe.rows() == [["fewer than 10"], ["not shown"], ["400"], ["900"], ["1,328"]]
    words = suppression.shown(["moved", "died", "refused", "analysed"], [3, 25, 400, 900], LAB)
    assert words == ["fewer than 10", "not shown", "400", "900", "1,328"]
    tight = suppression.protect(table([3, 11, 25, 900]), LAB)
    cell = tight.tables[0].cell((0,))
    assert attack.bounds(tight.knowledge, [cell])[cell] == pytest.approx((1, 9))


def test_nothing_is_hidden_without_need_and_zeros_are_shown_unless_they_tell() -> None:
    safe = suppression.protect(table([[10, 0, 12], [0, 20, 30]]), LAB)
    assert set(safe.states.values()) == {"shown"}
    telling = suppression.protect(table([[10, 0, 12], [15, 20, 30]], sensitive=True), LAB)
    cell = telling.tables[0].cell((0, 1))
    assert telling.text(cell) == "fewer than 10"
    low, high = attack.bounds(telling.knowledge, [cell])[cell]
    assert low == pytest.approx(0) and high >= 8


def test_small_totals_do_not_give_their_parts_away() -> None:
    """Eight ones add up to eight: were the sum labelled "fewer than 10", each would be known to be 1 or 2."""
    chosen = table([[1] * 8, [50] * 8, [70] * 8])
    safe = suppression.protect(chosen, LAB)
    assert not recovered(safe.knowledge, small_cells(chosen))


def test_tables_that_share_a_margin_are_protected_together() -> None:
    whole = np.array([[[30, 3], [40, 50]], [[60, 70], [80, 90]], [[25, 35], [45, 55]]])
    by_region = Counts((("region", ("n", "s", "w")), ("sex", ("f", "m"))), whole.sum(axis=2))
    by_age = Counts((("region", ("n", "s", "w")), ("age", ("young", "old"))), whole.sum(axis=1))
    small = Counts((("region", ("n", "s", "w")), ("area", ("a", "b"))), np.array([[4, 119], [100, 200], [80, 80]]))
    linked = suppression.protect_linked([by_region, by_age, small], LAB)
    cell = small.cell((0, 0))
    assert attack.bounds(linked.knowledge, [cell])[cell] == pytest.approx((1, 9))
    assert not recovered(linked.knowledge, [c for t in linked.tables for c in small_cells(t)])
    shared = by_region.cell((0, None))
    assert shared == by_age.cell((0, None)) == small.cell((0, None)) == (("region", "n"),)
    with pytest.raises(ValueError, match=r"give (123|160) and (123|160)"):
        suppression.protect_linked([by_region, table_like(by_region, 37)], LAB)


def table_like(chosen: Counts, more: int) -> Counts:
    counts = chosen.counts.copy()
    counts[0, 0] += more
    return Counts((chosen.dimensions[0], ("other", ("p", "q"))), counts)


def test_rounded_shares_are_used_by_the_attacker() -> None:
    """8 % of 40, printed without decimals, lies between 7.5 and 8.5 %: 3 to 3.4 people, so 3."""
    known = Knowledge({"part": (0.0, 9.0), "all": (40.0, 40.0)}, ratios=[Ratio("part", "all", 0.075, 0.085)])
    low, high = attack.bounds(known, ["part"])["part"]
    assert (math.ceil(low), math.floor(high)) == (3, 3)
    assert attack.printed_share("12.5") == pytest.approx((0.1245, 0.1255))
    assert attack.printed_share("8") == pytest.approx((0.075, 0.085))


def test_rounding_to_a_base_leaves_an_interval() -> None:
    chosen = table([[3, 30], [40, 52]])
    loose = suppression.rounded(chosen, 5, LAB)
    assert loose.rows() == [["5", "30", "35"], ["40", "50", "90"], ["45", "80", "125"]]
    low, high = attack.bounds(loose.knowledge, [chosen.cell((0, 0))])[chosen.cell((0, 0))]
    assert low <= 3 <= high and high - low >= 4
    strict = suppression.protect(chosen, rules.load("opensafely"))
    assert strict.rows()[0][0] == "fewer than 8"
    assert {int(t.replace(",", "")) % 5 for row in strict.rows() for t in row if t[0].isdigit()} == {0}
    assert not attack.recovered(attack.bounds(strict.knowledge, [chosen.cell((0, 0))]), 6.0)


def test_a_contradiction_is_said() -> None:
    known = Knowledge({"a": (1, 1), "b": (2, 2), "t": (9, 9)}, [("t", ["a", "b"])])
    with pytest.raises(ValueError, match="contradict"):
        attack.bounds(known, ["a"])


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        Counts((("a", ("x", "y")),), np.array([1.5, 2.0]))
    with pytest.raises(ValueError, match="shape"):
        Counts((("a", ("x", "y")),), np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="twice"):
        Counts((("a", ("x", "x")),), np.array([1, 2]))


# --- the attack on 200 tables ----------------------------------------------------------------------------------------


def planted(rng: np.random.Generator) -> Counts:
    """A table of 3x3 to 8x6, sometimes three-way, with small cells and sometimes zeros at random places."""
    if rng.random() < 0.1:
        shape: tuple[int, ...] = (3, 3, int(rng.integers(3, 5)))
    else:
        shape = (int(rng.integers(3, 9)), int(rng.integers(3, 7)))
    counts = rng.integers(10, 300, size=shape)
    flat = counts.reshape(-1)
    if rng.random() < 0.3:
        flat[rng.choice(flat.size, size=max(1, flat.size // 8), replace=False)] = 0
    many = int(rng.integers(1, max(2, flat.size // 6) + 1))
    flat[rng.choice(flat.size, size=many, replace=False)] = rng.integers(1, 10, size=many)
    return table(counts)


def changed(before: Counts, rng: np.random.Generator, grows: bool) -> Counts:
    """The same table later: a few people in another category, or many more of some."""
    counts = before.counts.copy()
    flat = counts.reshape(-1)
    here, there = rng.choice(np.flatnonzero(flat >= 25), size=2, replace=False)
    if grows:
        flat[[here, there]] += rng.integers(20, 60, size=2)
        flat[rng.choice(np.flatnonzero(LAB.smallest_count > flat))] += int(rng.integers(0, 3))
    else:
        moved = int(rng.integers(1, 10))
        flat[here] -= moved
        flat[there] += moved
    return Counts(before.dimensions, counts)


def small_changes(before: Counts, after: Counts) -> list[tuple[dict, int]]:
    """Every cell whose change is small: an attacker must not be able to tell that it is.

    Where a count is small before and after, the change cannot be large, and that is all that is known.
    """
    old, new = before.cells(), after.cells()
    moved = {cell: new[cell] - old[cell] for cell in new}
    return [
        ({(2, cell): 1.0, (1, cell): -1.0}, 1 if change > 0 else -1)
        for cell, change in moved.items()
        if LAB.small(abs(change)) and max(old[cell], new[cell]) >= LAB.smallest_count
    ]


def told(known: Knowledge, changes: list[tuple[dict, int]]) -> int:
    """How many of the small changes an attacker can tell to be small."""
    far = attack.reach(known, changes) if changes else []
    return sum(abs(value) < LAB.smallest_count - attack.TOLERANCE for value in far)


def test_200_tables_with_planted_small_cells() -> None:
    """None recovered from cells, sums and both versions; almost all without secondary suppression."""
    cells = bare = protected = changes = changes_bare = changes_protected = 0
    for number in range(TABLES):
        rng = np.random.default_rng([SEED, number])
        first = planted(rng)
        safe, naive = suppression.protect(first, LAB), suppression.only_primary(first, LAB)
        known, open_known = safe.knowledge.renamed(1), naive.knowledge.renamed(1)
        targets = [(1, cell) for cell in small_cells(first)]
        if number % TWICE == 0:
            grows = number % (2 * TWICE) == 0
            second = changed(first, rng, grows)
            ordered = [((1, cell), (2, cell)) for cell in first.cells()] if grows else []
            again = suppression.protect(second, LAB, earlier=safe, grows=grows)
            known = known.joined(again.knowledge.renamed(2), ordered)
            open_known = open_known.joined(suppression.only_primary(second, LAB).knowledge.renamed(2), ordered)
            targets += [(2, cell) for cell in small_cells(second)]
            moved = small_changes(first, second)
            changes += len(moved)
            changes_protected += told(known, moved)
            changes_bare += told(open_known, moved)
        cells += len(targets)
        protected += len(recovered(known, targets))
        bare += len(recovered(open_known, targets))
    print(f"{cells} small counts: {protected} recovered, {bare} without secondary suppression; ", end="")
    print(f"{changes} small changes between versions: {changes_protected} told, {changes_bare} without")
    assert cells > 500 and changes > 80
    assert protected == 0, f"{protected} of {cells} recovered"
    assert bare > 0.9 * cells, f"only {bare} of {cells} recovered without protection: the attack is weak"
    assert changes_protected == 0 and changes_bare > 0.9 * changes
