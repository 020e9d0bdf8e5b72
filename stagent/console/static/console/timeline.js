// The timeline by keyboard: the first run of each row is a stop of the Tab key, arrows move to the others.
// The title of what is pointed at or focused is shown beneath the picture.

const picture = document.querySelector("[data-timeline]");
const status = document.querySelector("[data-timeline-status]");
const rows = [...(picture?.querySelectorAll(".row") ?? [])].map((row) => [.../** @type {NodeListOf<SVGAElement>} */ (row.querySelectorAll(":scope a"))]);

/** @param {Event} event */
function showTitle({ target }) {
    const title = target instanceof Element ? target.closest("a, g")?.querySelector(":scope > title") : null;
    if (title && status) status.textContent = title.textContent;
}

/** @param {Element} bar */
function middleOf(bar) {
    const box = bar.getBoundingClientRect();
    return box.left + box.width / 2;
}

/**
 * @param {SVGAElement[]} row
 * @param {SVGAElement} bar
 */
function nearestIn(row, bar) {
    const middle = middleOf(bar);
    return row.reduce((best, other) => (Math.abs(middleOf(other) - middle) < Math.abs(middleOf(best) - middle) ? other : best));
}

/**
 * Returns the bar that a key leads to.
 * @param {SVGAElement} bar
 * @param {string} key
 * @returns {SVGAElement | undefined}
 */
function targetOf(bar, key) {
    const filled = rows.filter((row) => row.length);
    const rowIndex = filled.findIndex((row) => row.includes(bar));
    const row = filled[rowIndex];
    const index = row.indexOf(bar);
    if (key === "ArrowRight") return row[index + 1];
    if (key === "ArrowLeft") return row[index - 1];
    if (key === "Home") return row[0];
    if (key === "End") return row.at(-1);
    const other = filled[rowIndex + (key === "ArrowDown" ? 1 : -1)];
    return other && nearestIn(other, bar);
}

/** @param {KeyboardEvent} event */
function keyPressed(event) {
    const bar = /** @type {SVGAElement | null} */ (event.target instanceof Element ? event.target.closest(".row a") : null);
    if (!bar || !["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const next = targetOf(bar, event.key);
    if (!next) return;
    for (const other of rows.find((row) => row.includes(next)) ?? []) other.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
}

picture?.addEventListener("keydown", (event) => keyPressed(/** @type {KeyboardEvent} */ (event)));
picture?.addEventListener("pointerover", showTitle);
picture?.addEventListener("focusin", showTitle);
