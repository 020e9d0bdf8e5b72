// The timeline by keyboard: the first run of each row is a stop of the Tab key, arrows lead to the others.
// What is pointed at or focused is said beneath the picture.

const picture = document.querySelector("[data-timeline]");
const said = document.querySelector("[data-timeline-said]");
const rows = [...(picture?.querySelectorAll(".row") ?? [])].map((row) => [...row.querySelectorAll("a")]);

function tell(event) {
    const title = event.target.closest("a, g")?.querySelector(":scope > title");
    if (title) said.textContent = title.textContent;
}

function middle(bar) {
    const box = bar.getBoundingClientRect();
    return box.left + box.width / 2;
}

function nearest(row, bar) {
    const here = middle(bar);
    return row.reduce((best, other) => (Math.abs(middle(other) - here) < Math.abs(middle(best) - here) ? other : best));
}

function beside(bar, key) {
    const filled = rows.filter((row) => row.length);
    const at = filled.findIndex((row) => row.includes(bar));
    const row = filled[at];
    const place = row.indexOf(bar);
    if (key === "ArrowRight") return row[place + 1];
    if (key === "ArrowLeft") return row[place - 1];
    if (key === "Home") return row[0];
    if (key === "End") return row.at(-1);
    const other = filled[at + { ArrowDown: 1, ArrowUp: -1 }[key]];
    return other && nearest(other, bar);
}

picture?.addEventListener("keydown", (event) => {
    const bar = event.target.closest(".row a");
    if (!bar || !["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const next = beside(bar, event.key);
    if (!next) return;
    for (const other of rows.find((row) => row.includes(next))) other.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
});
picture?.addEventListener("pointerover", tell);
picture?.addEventListener("focusin", tell);
