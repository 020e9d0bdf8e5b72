// Keeps "3 min ago" true: the text of every <time data-ago> is updated each second.

/** @type {[seconds: number, unit: string][]} */
const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** @param {number} seconds from now; negative in the past */
function relativeText(seconds) {
    const distance = Math.abs(seconds);
    const [size, unit] = STEPS.find(([size]) => distance >= size) ?? [0, ""];
    if (!size) return "now";
    const count = `${Math.floor(distance / size)} ${unit}`;
    return seconds > 0 ? `in ${count}` : `${count} ago`;
}

function updateAll() {
    if (document.hidden) return;
    for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[data-ago]"))) {
        const text = relativeText((Date.parse(time.dateTime) - Date.now()) / 1000);
        if (time.textContent !== text) time.textContent = text;
    }
}

setInterval(updateAll, 1000);
document.addEventListener("visibilitychange", updateAll);
